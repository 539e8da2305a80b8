"""The author's private page: it opens for its token alone, says what became of the reply, and a GET never acts."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from moderation.db import db
from tests.conftest import ORIGIN, PAGE, decide
from tests.web.asking import JSON, REPLIES, Page, dump, get, press, receipt_path, stored

Reply = Callable[..., Any]


@pytest.fixture
def receipt(reply: Reply) -> str:
    """Send a reply, and return its receipt's path."""
    return receipt_path(reply())


def test_a_token_is_the_number_and_22_characters(reply: Reply) -> None:
    first, second = reply(), reply("Second.")
    tokens = [receipt_path(answer).removeprefix("/receipts/") for answer in (first, second)]
    assert [bool(re.fullmatch(rf"{n}\.[A-Za-z0-9_-]{{22}}", token)) for n, token in enumerate(tokens, 1)] == [True] * 2
    assert tokens[0].split(".")[1] != tokens[1].split(".")[1]


ASKED: list[tuple[str, str, dict[str, str] | None]] = [
    ("GET", "", None),
    ("GET", "/edit", None),
    ("POST", "/edit", {"comment": "x"}),
    ("POST", "/withdraw", {"x": "x"}),
]


def _wrong(receipt: str, other: str) -> list[str]:
    id_, mark = receipt.removeprefix("/receipts/").split(".")
    other_mark = other.split(".")[1]
    return [
        f"{id_}.{mark[:-1]}",
        f"{id_}.{mark}x",
        f"{id_}.{other_mark}",
        f"{id_}.{mark.swapcase()}",
        f"{id_}.",
        f"{id_}",
        f".{mark}",
        f"0{id_}.{mark}",
        f"+{id_}.{mark}",
        f"١.{mark}",
        f"9999.{mark}",
        f"{id_}.{'A' * 22}",
        f"{id_}.{mark} ",
        f"{id_}.{mark}\n",
        f"{id_}.{mark}\0",
        "x",
        "\ufffd",
    ]


def test_a_token_that_opens_nothing_answers_alike(app: Flask, client: FlaskClient, receipt: str, reply: Reply) -> None:
    wrong = _wrong(receipt, receipt_path(reply("Second.")))
    before = dump(app)
    for headers in ({}, JSON):
        for method, below, body in ASKED:
            answers = [
                client.open(f"/receipts/{quote(token)}{below}", method=method, headers=headers, data=body)
                for token in wrong
            ]
            assert {answer.status_code for answer in answers} == {404}
            assert len({answer.data for answer in answers}) == 1
            assert {answer.headers["X-Robots-Tag"] for answer in answers} == {"noindex, nofollow, noarchive"}
    assert dump(app) == before


def test_a_number_beyond_the_database_opens_nothing(client: FlaskClient) -> None:
    for number in (2**31 - 1, 2**31, 10**17):
        assert client.get(f"/receipts/{number}.{'A' * 22}").status_code == 404


def test_links_of_an_earlier_generation_open_nothing(app: Flask, client: FlaskClient, receipt: str) -> None:
    with app.app_context():
        db.session.execute(text("UPDATE comment SET receipt_generation = 1"))
        db.session.commit()
    assert client.get(receipt).status_code == 404


def test_a_get_never_acts(app: Flask, client: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    receipts = [receipt_path(reply(f"Reply {number}.")) for number in range(4)]
    decide(ana, "approve", "1:0")
    decide(ana, "reject", "2:0", reason="2")
    press(client, f"{receipts[3]}/withdraw")
    ana.get("/queue/")
    paths = [f"{receipt}{below}" for receipt in receipts for below in ("", "/edit", "/withdraw", "/resume")]
    paths += ["/queue/", "/queue/?view=approved", "/queue/1", "/queue/3", "/queue/decisions", "/queue/undo"]
    paths += ["/queue/decisions?revision=3:0&action=approve", "/queue/undo?batch=x", "/account/sign-out"]
    before = dump(app)
    for who in (client, ana):
        for path in paths:
            for method in ("GET", "HEAD", "OPTIONS"):
                assert who.open(path, method=method).status_code < 500
    assert dump(app) == before
    assert ana.get("/queue/").status_code == 200


def test_a_receipt_is_private(client: FlaskClient, receipt: str) -> None:
    for path in (receipt, f"{receipt}/edit"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert f"frame-ancestors {ORIGIN}" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers


@pytest.mark.sqlite_only
def test_only_the_site_s_own_pages_may_read_and_change_it(app: Flask, client: FlaskClient, receipt: str) -> None:
    answer = client.get(receipt, headers={**JSON, "Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in answer.headers
    before = dump(app)
    for origin in ("https://evil.example", "http://courier.example"):
        seen = client.get(receipt, headers={**JSON, "Origin": origin})
        assert "Access-Control-Allow-Origin" not in seen.headers
        for below in ("edit", "withdraw", "resume"):
            refused = client.post(f"{receipt}/{below}", data={"comment": "x"}, headers={"Origin": origin})
            assert refused.status_code == 403
    for below in ("edit", "withdraw", "resume"):
        nowhere = client.post(f"{receipt}/{below}", data={"comment": "x"}, headers={**JSON, "Origin": "null"})
        assert nowhere.status_code == 403
    assert dump(app) == before
    assert press(client, f"{receipt}/withdraw", Origin=ORIGIN).status_code == 303


@pytest.mark.sqlite_only
def test_a_page_may_learn_that_a_receipt_is_gone(client: FlaskClient) -> None:
    answer = client.get(f"/receipts/1.{'a' * 22}", headers={**JSON, "Origin": "https://courier.example"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (404, "*")


@pytest.mark.sqlite_only
def test_a_frame_shows_also_that_a_body_is_too_long(client: FlaskClient, receipt: str) -> None:
    body = b"comment=" + b"a" * 700_000
    for path in (REPLIES, f"{receipt}/edit"):
        answer = client.post(path, data=body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 413
        assert answer.headers["Content-Security-Policy"].endswith(f"; frame-ancestors {ORIGIN}")
    stranger = client.post(f"/receipts/1.{'a' * 22}/edit", data=body, content_type="application/x-www-form-urlencoded")
    assert stranger.headers["Content-Security-Policy"].endswith("; frame-ancestors 'none'")


def test_it_says_what_became_of_the_reply(client: FlaskClient, ana: FlaskClient, receipt: str) -> None:
    held = client.get(receipt, headers=JSON).json
    assert (held.pop("since")[:2], held) == (
        "20",
        {
            "status": "held",
            "decided": None,
            "reason": None,
            "comment": "Wider is good news.",
            "public": False,
            "page": PAGE,
            "revision": "1:0",
        },
    )
    assert "Your reply is held for review" in Page(client.get(receipt)).words
    decide(ana, "approve", "1:0")
    published = client.get(receipt, headers=JSON).json
    assert (published["status"], published["public"], published["revision"]) == ("published", True, "1:1")
    assert published["decided"]
    page = Page(client.get(receipt))
    assert f"{PAGE}#comment-1" in [attributes.get("href") for _, attributes in page.tags]


def test_a_rejection_shows_its_reason(client: FlaskClient, ana: FlaskClient, receipt: str) -> None:
    decide(ana, "reject", "1:0", reason="2", note="A note for colleagues.")
    page = Page(client.get(receipt))
    assert "Your reply was not approved" in page.words
    assert "Please say it again without the remark about the other writer." in page.words
    assert "A note for colleagues" not in page.html
    assert "Ana" not in page.html
    assert client.get(receipt, headers=JSON).json["reason"] == {
        "label": "About a person, not the matter",
        "text": "Please say it again without the remark about the other writer.",
        "clause": "3",
    }


@pytest.mark.sqlite_only
def test_spam_reads_as_a_rejection_without_a_reason(client: FlaskClient, ana: FlaskClient, receipt: str) -> None:
    decide(ana, "spam", "1:0", reason="3")
    found = client.get(receipt, headers=JSON).json
    assert (found["status"], found["reason"]) == ("rejected", None)
    html = client.get(receipt).get_data(as_text=True)
    assert "spam" not in html.lower().replace("antispam", "")
    assert "offers or links" not in html


def test_an_edit_is_held_in_the_place_of_the_first(app: Flask, client: FlaskClient, receipt: str) -> None:
    form = Page(client.get(f"{receipt}/edit")).fields
    assert form == {"revision": "1:0", "comment": "Wider is good news."}
    answer = client.post(f"{receipt}/edit", data={**form, "comment": "Wider is better."})
    assert (answer.status_code, answer.headers["Location"]) == (303, receipt)
    (found,) = stored(app)
    assert (found["text"], found["status"], found["revision"]) == ("Wider is better.", "pending", 2)
    assert (found["author"], found["email"]) == ("Margit", "margit@home.example")


def test_an_edit_of_a_public_text_leaves_it_public(client: FlaskClient, ana: FlaskClient, receipt: str) -> None:
    decide(ana, "approve", "1:0")
    before = get(client, "thread.json").data
    body = {
        "comment": "Bait and switch.",
        "author": "Somebody else",
        "url": "https://evil.example/",
        "status": "approved",
    }
    answer = client.post(f"{receipt}/edit", json=body, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json["status"], answer.json["public"]) == (200, "held", True)
    assert get(client, "thread.json").data == before
    page = Page(client.get(receipt))
    assert "Your new version is held for review" in page.words
    assert "Wider is good news." in page.words
    decide(ana, "approve", "2:0")
    (comment,) = get(client, "thread.json").json["comments"]
    assert (comment["author"], comment["url"], comment["body"]) == ("Margit", None, [["p", "Bait and switch."]])


@pytest.mark.parametrize("seen", ["1:1", "2:0", "1:7"])
def test_a_stale_edit_is_409_and_keeps_the_text(app: Flask, client: FlaskClient, receipt: str, seen: str) -> None:
    before = dump(app)
    body = {"comment": "My new words.", "revision": seen}
    answer = client.post(f"{receipt}/edit", data=body)
    page = Page(answer)
    assert (answer.status_code, page.fields) == (409, {"revision": "1:0", "comment": "My new words."})
    assert "Your reply changed while you were editing" in page.words
    as_json = client.post(f"{receipt}/edit", json=body)
    assert (as_json.status_code, as_json.content_type) == (409, "application/problem+json")
    assert as_json.json["title"] == "This cannot be changed now"
    assert dump(app) == before
    assert client.post(f"{receipt}/edit", data=page.fields).status_code == 303


def test_an_edit_meets_a_decision(client: FlaskClient, ana: FlaskClient, receipt: str) -> None:
    form = Page(client.get(f"{receipt}/edit")).fields
    decide(ana, "approve", "1:0")
    answer = client.post(f"{receipt}/edit", data={**form, "comment": "My new words."})
    assert (answer.status_code, Page(answer).fields) == (409, {"revision": "1:1", "comment": "My new words."})


def test_the_same_text_is_409_and_says_so(app: Flask, client: FlaskClient, receipt: str) -> None:
    before = dump(app)
    answer = client.post(f"{receipt}/edit", data={"comment": "\r\nWider is good news. \r\n"})
    assert answer.status_code == 409
    assert "This is the text you sent already." in Page(answer).words
    assert dump(app) == before


@pytest.mark.parametrize(
    ("text_", "message"),
    [
        ("", "Please write a comment."),
        ("a\0b", "There is a character in it that cannot be stored."),
        ("a" * 5001, "That is 1 character too long; 5000 are possible."),
    ],
)
def test_an_edit_is_checked_like_a_reply(
    app: Flask, client: FlaskClient, receipt: str, text_: str, message: str
) -> None:
    before = dump(app)
    answer = client.post(f"{receipt}/edit", data={"comment": text_})
    assert answer.status_code == 422
    assert Page(answer).by_id["error"] == message
    assert Page(answer).fields["comment"] == text_
    as_json = client.post(f"{receipt}/edit", json={"comment": text_})
    assert (as_json.status_code, as_json.json["errors"]) == (422, {"comment": [message]})
    assert dump(app) == before


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"comment": 5}', "application/json", 422),
        (b'{"comment": {"a": []}}', "application/json", 422),
        (b"[1]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"comment": "\\ud800"}', "application/json", 422),
        (b"{}", "application/json", 422),
        (b"x", "text/plain", 415),
    ],
)
def test_a_broken_edit_is_4xx(
    app: Flask, client: FlaskClient, receipt: str, body: bytes, content_type: str, status: int
) -> None:
    before = dump(app)
    answer = client.post(f"{receipt}/edit", data=body, content_type=content_type, headers=JSON)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert dump(app) == before


@pytest.mark.sqlite_only
def test_a_revision_that_does_not_read_breaks_nothing(client: FlaskClient, receipt: str) -> None:
    for revision in ("x", "1", ":", "1:", "-1:0", "١:٠", "9" * 40, "9" * 30 + ":0", "1:0:0"):
        answer = client.post(f"{receipt}/edit", data={"comment": f"As of {revision}.", "revision": revision})
        assert answer.status_code in {303, 409}


@pytest.mark.sqlite_only
def test_a_second_edit_has_to_wait_a_moment(app: Flask, client: FlaskClient, receipt: str) -> None:
    app.config["REPLY_PAUSE"] = 3600
    assert client.post(f"{receipt}/edit", data={"comment": "Without the slip."}).status_code == 303
    answer = client.post(f"{receipt}/edit", data={"comment": "Once more."})
    page = Page(answer)
    wait = int(answer.headers["Retry-After"])
    assert (answer.status_code, 3500 < wait <= 3600, page.fields["comment"]) == (429, True, "Once more.")
    assert f"Please wait {wait} seconds, then send it again." in page.words
    assert client.post(f"{receipt}/edit", data={"comment": "Once more."}, headers=JSON).status_code == 429
    assert [found["text"] for found in stored(app)] == ["Without the slip."]


@pytest.mark.sqlite_only
def test_a_reply_is_not_edited_for_ever(app: Flask, client: FlaskClient, receipt: str) -> None:
    with app.app_context():
        db.session.execute(text("UPDATE revision SET number = 100"))
        db.session.commit()
    answer = client.post(f"{receipt}/edit", data={"comment": "Text 101."})
    assert (answer.status_code, Page(answer).fields["comment"]) == (409, "Text 101.")


def test_spam_and_rejected_look_the_same_to_their_author(client: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    pages = []
    # Each is edited in its turn, so that the second reply's text is the third.
    for number, action in ((1, "reject"), (3, "spam")):
        path = receipt_path(reply("The same words.", author="Tom", email=f"tom{number}@home.example"))
        decide(ana, action, f"{number}:0")
        shown = client.get(path).text.replace(path, "/receipts/…")
        chance = r"\d\d:\d\d|\d+ min|T[0-9:+]+Z?|tom\d@|/receipts/[^/\"]+"
        pages.append((re.sub(chance, "…", shown), client.get(f"{path}/edit").status_code))
        assert client.post(f"{path}/edit", data={"comment": "Milder words."}).status_code == 303
    assert pages[0] == pages[1]


def test_withdraw_and_resume(app: Flask, client: FlaskClient, ana: FlaskClient, receipt: str) -> None:
    decide(ana, "approve", "1:0")
    assert get(client, "thread.json").json["count"] == 1
    answer = press(client, f"{receipt}/withdraw")
    assert (answer.status_code, answer.headers["Location"]) == (303, receipt)
    assert get(client, "thread.json").json["count"] == 0
    assert "You withdrew this reply" in Page(client.get(receipt)).words
    before = dump(app)
    again = press(client, f"{receipt}/withdraw")
    assert (again.status_code, "Nothing was changed." in Page(again).words) == (409, True)
    edit = client.post(f"{receipt}/edit", data={"comment": "New words."})
    assert (edit.status_code, Page(edit).fields["comment"]) == (409, "New words.")
    assert client.get(f"{receipt}/edit").status_code == 404
    assert dump(app) == before
    assert press(client, f"{receipt}/resume").status_code == 303
    assert stored(app)[0]["status"] == "pending"
    assert press(client, f"{receipt}/resume").status_code == 409
    assert get(client, "thread.json").json["count"] == 0


def test_programs_get_the_receipt_s_state(client: FlaskClient, receipt: str) -> None:
    withdrawn = press(client, f"{receipt}/withdraw", **JSON)
    assert (withdrawn.status_code, withdrawn.json["status"]) == (200, "withdrawn")
    again = press(client, f"{receipt}/withdraw", **JSON)
    assert (again.status_code, again.json["status"]) == (409, "withdrawn")
    resumed = press(client, f"{receipt}/resume", **JSON)
    assert (resumed.status_code, resumed.json["status"], resumed.json["public"]) == (200, "held", False)


@pytest.mark.sqlite_only
def test_names_and_texts_are_escaped(client: FlaskClient, reply: Reply) -> None:
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    path = receipt_path(reply(hostile, author=hostile, title=hostile, page=f"{PAGE}?a='><script>"[:-9]))
    for below in ("", "/edit"):
        page = Page(client.get(path + below))
        assert page.unbalanced == []
        # The page's own script, and nothing else that runs or loads.
        loads = [dict(attributes).get("src") for tag, attributes in page.tags if tag in {"script", "img"}]
        assert [str(src).partition("?")[0] for src in loads] == ["/static/thread.js"]
        assert not [attributes for _, attributes in page.tags if "onerror" in attributes]
