"""Replies are taken, held and answered; what is not taken is refused with a reason, and leaves nothing behind."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from moderation.db import db
from moderation.models import Thread
from tests.conftest import BASE_URL, ORIGIN, PAGE, decide, make_site
from tests.web.asking import (
    JSON,
    REPLIES,
    TYPED,
    Page,
    dump,
    receipt_path,
    send_form,
    set_status,
    site_id,
    stored,
    token,
)

Reply = Callable[..., Any]


def test_a_form_is_held_and_answered_with_its_receipt(app: Flask, client: FlaskClient) -> None:
    answer = send_form(client, title="Mill Lane gets wider", key="k" * 16)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/receipts/1.")
    assert stored(app) == [
        {
            "id": 1,
            "author": "Margit",
            "email": "margit@home.example",
            "url": "https://margit.example/",
            "title": "Mill Lane gets wider",
            "parent": None,
            "site": site_id(app, "courier"),
            "page": "courier.example/news/mill-lane",
            "text": "Wider is *good* news.",
            "status": "pending",
            "turn": 0,
            "revision": 1,
            "findings": ["website"],
        }
    ]
    page = Page(client.get(answer.headers["Location"]))
    assert "Your reply is held for review" in page.words
    assert "<em>good</em>" in page.html


def test_a_program_gets_201_and_the_receipt_s_address(app: Flask, client: FlaskClient) -> None:
    for number, send in enumerate(
        (
            {"data": {**TYPED, "page": PAGE}, "headers": JSON},
            {"json": {**TYPED, "comment": "As JSON.", "page": PAGE, "url": None, "parent": None}},
        ),
        start=1,
    ):
        answer = client.post(REPLIES, **send)
        assert answer.status_code == 201
        assert answer.content_type == "application/json"
        assert set(answer.json) == {"status", "receipt", "comment"}
        assert (answer.json["status"], answer.json["comment"]) == ("held", number)
        assert answer.json["receipt"].startswith(f"{BASE_URL}/receipts/{number}.")
        assert client.get(receipt_path(answer)).status_code == 200
    assert [reply["text"] for reply in stored(app)] == ["Wider is *good* news.", "As JSON."]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 201),
        ("application/json, text/plain, */*", 201),
        ("application/problem+json;q=0.9", 201),
        ("text/html;q=0.5, application/json", 201),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200),
        ("text/html, application/json;q=0.9", 200),
        ("*/*", 200),
        ("application/json;q=0, text/plain", 200),
    ],
)
@pytest.mark.sqlite_only
def test_who_names_json_before_html_is_a_program(client: FlaskClient, accept: str, status: int) -> None:
    answer = client.post(REPLIES, data={**TYPED, "page": PAGE}, headers={"Accept": accept})
    assert (answer.status_code, answer.is_json) == (status, status == 201)


def test_multipart_is_a_form_too(app: Flask, client: FlaskClient) -> None:
    body = {**TYPED, "page": PAGE, "token": token(app)}
    assert client.post(REPLIES, data=body, content_type="multipart/form-data").status_code == 303
    assert [reply["author"] for reply in stored(app)] == ["Margit"]


def test_a_parent_may_come_back_as_the_number_it_was(reply: Reply, ana: FlaskClient, client: FlaskClient) -> None:
    first = reply().json["comment"]
    decide(ana, "approve", f"{first}:0")
    answer = client.post(REPLIES, json={**TYPED, "comment": "Below.", "page": PAGE, "parent": first})
    assert answer.status_code == 201
    assert [found["parent"] for found in stored(client.application)] == [None, first]
    for none in ("0", "", None, 0):
        answer = client.post(REPLIES, json={**TYPED, "comment": f"On top {none!r}.", "page": PAGE, "parent": none})
        assert answer.status_code == 201, answer.json
        assert stored(client.application)[-1]["parent"] is None


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("fields", "findings"),
    [
        ({}, []),
        ({"topic": "cheap watches"}, ["trap"]),
        ({"topic": "  "}, []),
    ],
)
def test_a_filled_trap_is_held_with_a_finding(
    app: Flask, client: FlaskClient, fields: dict[str, str], findings: list[str]
) -> None:
    assert send_form(client, url=None, **fields).status_code == 303
    assert [(found["status"], found["findings"]) for found in stored(app)] == [("pending", findings)]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("age", "findings"), [(0.0, ["hurried"]), (1.0, ["hurried"]), (5.0, []), (80_000, [])])
def test_a_hurried_form_is_held_with_a_finding(
    app: Flask, client: FlaskClient, age: float, findings: list[str]
) -> None:
    assert send_form(client, url=None, token=token(app, age=age)).status_code == 303
    assert [(found["status"], found["findings"]) for found in stored(app)] == [("pending", findings)]


def test_a_program_without_a_mark_is_taken_with_a_finding(app: Flask, reply: Reply) -> None:
    assert reply().status_code == 201
    assert stored(app)[0]["findings"] == ["no-token"]
    assert reply("Another.", token=token(app)).status_code == 201
    assert stored(app)[1]["findings"] == []


def _marks(app: Flask) -> dict[str, str | None]:
    good = token(app)
    stamp, _, mark = good.partition(".")
    return {
        "none": None,
        "empty": "",
        "rubbish": "rubbish",
        "another site's": token(app, site="harbour"),
        "another page's": token(app, page=f"{ORIGIN}/news/other"),
        "a day old": token(app, age=86_401),
        "from tomorrow": token(app, age=-60),
        "another time": f"{int(stamp, 16) - 1000:x}.{mark}",
        "cut": good[:-1],
        "signed": f"-{stamp}.{mark}",
        "Arabic digits": f"١٢٣.{mark}",
        "not ASCII": f"{stamp}.{mark[:-1]}ä",
        "huge": f"{'f' * 150}.{mark}",
    }


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "kind",
    [
        "none",
        "empty",
        "rubbish",
        "another site's",
        "another page's",
        "a day old",
        "from tomorrow",
        "another time",
        "cut",
        "signed",
        "Arabic digits",
        "not ASCII",
        "huge",
    ],
)
def test_a_form_without_a_good_mark_is_shown_once_more(app: Flask, client: FlaskClient, kind: str) -> None:
    answer = send_form(client, token=_marks(app)[kind], title="Mill Lane", topic="")
    page = Page(answer)
    assert answer.status_code == 200
    assert "Read it once more, then post it" in page.words
    assert "Wider is <em>good</em> news." in page.html
    assert stored(app) == []
    assert page.actions == [REPLIES, REPLIES]
    assert {name: page.fields[name] for name in TYPED} == TYPED
    assert (page.fields["page"], page.fields["title"]) == (PAGE, "Mill Lane")
    taken = client.post(page.actions[0], data=page.fields)
    assert taken.status_code == 303
    assert [(found["text"], found["author"]) for found in stored(app)] == [(TYPED["comment"], "Margit")]
    again = client.post(page.actions[0], data=page.fields)
    assert again.headers["Location"] == taken.headers["Location"]
    assert len(stored(app)) == 1


@pytest.mark.sqlite_only
def test_the_confirm_page_keeps_the_key_that_came(app: Flask, client: FlaskClient) -> None:
    page = Page(send_form(client, token=None, key="abcdefghijklmnop"))
    assert page.fields["key"] == "abcdefghijklmnop"
    changed = page.forms[1]
    assert (changed["key"], changed["comment"]) == ("abcdefghijklmnop", TYPED["comment"])


def test_a_page_with_blanks_around_it_is_that_page(app: Flask, client: FlaskClient) -> None:
    page = Page(send_form(client, token=None, page=f" {PAGE} "))
    assert "Read it once more" in page.words
    assert client.post(REPLIES, data=page.fields).status_code == 303
    wrong = Page(send_form(client, comment="", page=f" {PAGE} "))
    assert wrong.fields["token"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("origin", "as_form", "as_json"),
    [
        (None, 303, 201),
        (ORIGIN, 303, 201),
        (BASE_URL, 303, 201),
        ("null", 303, 403),
        ("https://evil.example", 403, 403),
        ("http://courier.example", 403, 403),
        ("https://www.courier.example", 403, 403),
        ("https://courier.example.evil.example", 403, 403),
        ("https://courier.example:8443", 403, 403),
        ("", 403, 403),
    ],
)
def test_only_the_site_s_own_pages_and_ours_may_send(
    app: Flask, client: FlaskClient, origin: str | None, as_form: int, as_json: int
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    assert send_form(client, headers=headers).status_code == as_form
    body = {**TYPED, "comment": "Second.", "page": PAGE}
    assert client.post(REPLIES, data=body, headers={**JSON, **headers}).status_code == as_json
    assert client.post(REPLIES, json={**body, "comment": "Third."}, headers=headers).status_code == as_json
    assert len(stored(app)) == (as_form == 303) + 2 * (as_json == 201)


def test_a_null_origin_without_a_mark_gets_the_confirm_page(app: Flask, client: FlaskClient) -> None:
    page = Page(send_form(client, token=None, headers={"Origin": "null"}))
    assert "Read it once more" in page.words
    assert client.post(page.actions[0], data=page.fields, headers={"Origin": BASE_URL}).status_code == 303


@pytest.mark.sqlite_only
def test_a_missing_content_type_is_no_way_round_the_origin(app: Flask, client: FlaskClient) -> None:
    body = b"comment=x&author=y&email=a%40b.example&page=https%3A%2F%2Fcourier.example%2F"
    answer = client.post(REPLIES, data=body, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert client.post(REPLIES, data=body).status_code == 415
    assert stored(app) == []


def test_a_closed_page_takes_nothing_more(app: Flask, client: FlaskClient, reply: Reply) -> None:
    reply()
    with app.app_context():
        db.session.execute(update(Thread).values(closed=True))
        db.session.commit()
    before = dump(app)
    answer = reply("Late.")
    assert (answer.status_code, answer.json["title"]) == (403, "Replies to this page are closed.")
    page = Page(send_form(client, comment="Late."))
    assert "Replies to this page are closed." in page.words
    assert page.fields == {"comment": "Late."}
    assert dump(app) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("https://evil.example/news/mill-lane", 403),
        ("https://courier.example.evil.example/", 403),
        ("https://courier.example:8443/", 403),
        ("javascript:alert(1)", 422),
        ("/news/mill-lane", 422),
        ("https://courier.example\\@evil.example/", 422),
        ("https://courier.example@evil.example/", 422),
        ("x", 422),
        ("https://courier.example/" + "a" * 2000, 422),
        ("", 422),
        ("   ", 422),
    ],
)
def test_a_page_elsewhere_is_refused(app: Flask, client: FlaskClient, page: str, status: int) -> None:
    before = dump(app)
    as_json = client.post(REPLIES, data={**TYPED, "page": page}, headers=JSON)
    as_form = client.post(REPLIES, data={**TYPED, "page": page})
    assert (as_json.status_code, as_form.status_code) == (status, status)
    assert as_json.content_type == "application/problem+json"
    assert ("page" in as_json.json.get("errors", {})) is (status == 422)
    assert Page(as_form).fields["comment"] == TYPED["comment"]
    assert dump(app) == before


def test_an_unknown_site_is_404(client: FlaskClient) -> None:
    answer = client.post("/sites/nowhere/replies", data={**TYPED, "page": PAGE}, headers=JSON)
    assert (answer.status_code, answer.json["status"]) == (404, 404)


def test_every_parent_that_is_not_public_here_answers_alike(app: Flask, client: FlaskClient, reply: Reply) -> None:
    make_site(app, "harbour", "https://harbour.example")
    statuses = {"rejected": None, "spam": None, "withdrawn": None, "returned": None, "held": None}
    for status in statuses:
        statuses[status] = reply(f"To be {status}.").json["comment"]
        if status != "held":
            set_status(app, statuses[status], status)
    elsewhere = reply("Elsewhere.", page=f"{ORIGIN}/news/other").json["comment"]
    body = {**TYPED, "page": "https://harbour.example/"}
    foreign = client.post("/sites/harbour/replies", data=body, headers=JSON).json["comment"]
    for id_ in (elsewhere, foreign):
        set_status(app, id_, "approved")
    before = dump(app)
    for headers in (JSON, {}):
        answers = [
            client.post(
                REPLIES,
                headers=headers,
                data={
                    **TYPED,
                    "comment": "Below.",
                    "page": PAGE,
                    "parent": str(parent),
                    "token": token(app),
                },
            )
            for parent in [*statuses.values(), elsewhere, foreign, 999_999, 10**17]
        ]
        assert {answer.status_code for answer in answers} == {404}
        # The page carries a mark and a key that are fresh each time, and what was typed.
        assert len({_without_chance(answer) for answer in answers}) == 1
    assert dump(app) == before


def _without_chance(answer: Any) -> str:
    text = answer.get_data(as_text=True)
    if answer.is_json:
        return str(text)
    page = Page(answer)
    for name in ("token", "key"):
        text = text.replace(page.fields[name], "")
    return str(text)


def test_a_title_that_is_too_long_is_left_out(app: Flask, reply: Reply) -> None:
    for number, title in enumerate(("t" * 300, "t" * 301, "  two \n lines ", "   ")):
        assert reply(f"Reply {number}.", title=title).status_code == 201
    assert [found["title"] for found in stored(app)] == ["t" * 300, None, "two lines", None]


def test_a_reply_brings_no_thread_where_it_is_refused(app: Flask, client: FlaskClient, reply: Reply) -> None:
    assert reply(parent="77").status_code == 404
    with app.app_context():
        assert db.session.scalars(select(Thread)).all() == []
