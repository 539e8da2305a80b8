"""Moderators decide in the queue: signed in, once, on their own sites, and with a way back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation.db import db
from moderation.models import Entry, Revision, Role
from tests.conftest import PAGE, csrf, decide, make_account, make_site, signed_in, undo
from tests.web.asking import JSON, TYPED, Page, dump, get, stored

Reply = Callable[..., Any]
#: What sessions hold is no part of what was decided.
SESSIONS = ("web_session",)


@pytest.fixture
def foreign(app: Flask, client: FlaskClient) -> str:
    """Hold a reply on a site that Ana has nothing to do with; return it as ID:TURN."""
    make_site(app, "harbour", "https://harbour.example")
    body = {**TYPED, "page": "https://harbour.example/"}
    client.post("/sites/harbour/replies", data=body, headers=JSON)
    return f"{stored(app)[-1]['revision']}:0"


def statuses(app: Flask) -> list[str]:
    """Return where every comment's newest text stands."""
    return [found["status"] for found in stored(app)]


def told_of(undone: dict[str, Any]) -> tuple[int, list[int]]:
    """Return how many an undo took back, and which it left."""
    return undone["undone"], undone["skipped"]


def press_in_browser(client: FlaskClient, **fields: Any) -> Any:
    """Decide as a browser does."""
    return client.post("/queue/decisions", data={**fields, "csrf_token": csrf(client)})


def test_the_queue_needs_a_sign_in(app: Flask, client: FlaskClient, reply: Reply) -> None:
    reply()
    for path in ("/queue/", "/queue/1", "/queue/99"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sign-in")
    before = dump(app)
    token = Page(client.get("/account/sign-in")).fields["csrf_token"]
    for path in ("/queue/decisions", "/queue/undo"):
        form = {"action": "approve", "revision": "1:0", "csrf_token": token}
        assert client.post(path, data=form).status_code == 403
        assert client.post(path, data=form, headers=JSON).status_code == 403
    assert dump(app, besides=SESSIONS) == {name: rows for name, rows in before.items() if name not in SESSIONS}


def test_a_decision_needs_the_session_s_token(app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply) -> None:
    reply()
    before = dump(app, besides=SESSIONS)
    stranger = csrf(piet)
    for token in (None, "", "x", stranger):
        for path in ("/queue/decisions", "/queue/undo", "/account/sign-out"):
            form = {"action": "approve", "revision": "1:0"} | ({} if token is None else {"csrf_token": token})
            answer = ana.post(path, data=form)
            assert (answer.status_code, "The page was open too long" in Page(answer).words) == (400, True)
            assert ana.post(path, json=form).status_code == 400
    assert dump(app, besides=SESSIONS) == before
    form, header = {"action": "approve", "revision": "1:0"}, {"X-CSRFToken": csrf(ana), **JSON}
    assert ana.post("/queue/decisions", data=form, headers=header).status_code == 200


@pytest.mark.parametrize(
    ("action", "status", "public"),
    [
        ("approve", "approved", 1),
        ("reject", "rejected", 0),
        ("spam", "spam", 0),
        ("return", "returned", 0),
    ],
)
def test_one_decision(app: Flask, ana: FlaskClient, reply: Reply, action: str, status: str, public: int) -> None:
    reply()
    answer = decide(ana, action, "1:0")
    assert answer.status_code == 200
    decided = [{"revision": 1, "status": status, "turn": 1}]
    batch = answer.json["batch"]
    assert answer.json == {"batch": batch, "decided": decided, "skipped": []}
    assert statuses(app) == [status]
    assert get(ana, "thread.json").json["count"] == public
    with app.app_context():
        entry = db.session.scalars(select(Entry).order_by(Entry.id.desc()).limit(1)).one()
        assert (entry.action, entry.batch, entry.via, entry.from_status, entry.to_status, entry.turn) == (
            action,
            batch,
            "queue",
            "pending",
            status,
            1,
        )


def test_a_browser_is_led_back_and_told_once(ana: FlaskClient, reply: Reply) -> None:
    reply()
    answer = press_in_browser(ana, action="approve", revision="1:0")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue/")
    assert "1 reply approved." in Page(ana.get("/queue/")).words
    assert "1 reply approved." not in Page(ana.get("/queue/")).words


def test_what_was_left_as_it_is_is_named(ana: FlaskClient, piet: FlaskClient, reply: Reply) -> None:
    for number in (1, 2):
        reply(f"Reply {number}.")
    decide(piet, "reject", "1:0")
    press_in_browser(ana, action="approve", revision=["1:0", "2:0"])
    page = Page(ana.get("/queue/"))
    told = "1 reply approved. 1 was left as it is: it had changed meanwhile. Rejected by Piet,"
    assert told in " ".join(page.words.split())
    assert "/queue/1" in [attributes.get("href") for _, attributes in page.tags]
    decide(piet, "reject", "2:1")
    press_in_browser(ana, action="approve", revision=["1:0"])
    assert "Rejected by Piet" in Page(press_in_browser(ana, action="approve", revision=["2:0"])).words


@pytest.mark.sqlite_only
def test_looking_writes_nothing(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    reply()
    press_in_browser(ana, action="spam", revision="1:0")
    before = dump(app)
    visitor = app.test_client()
    for path in ("/queue/", "/queue/?view=spam", "/queue/1", "/account/sign-in"):
        assert ana.get(path).status_code == 200
        assert visitor.get(path).status_code in {200, 303}
    assert dump(app) == before


def test_what_was_told_is_nobody_s_to_write(ana: FlaskClient, reply: Reply) -> None:
    for told in ("x", "e30.x.x", ""):
        ana.set_cookie("told", told)
        assert ana.get("/queue/").status_code == 200
    assert "approved." not in Page(ana.get("/queue/")).words


def test_many_at_once_in_one_batch(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    for number in range(1, 5):
        reply(f"Reply {number}.")
    answer = decide(ana, "approve", "4:0", "1:0", "3:0", "1:0")
    assert sorted(found["revision"] for found in answer.json["decided"]) == [1, 3, 4]
    assert statuses(app) == ["approved", "pending", "approved", "approved"]
    mixed = decide(ana, "reject", "1:1", "2:0", "3:0", "99:0", reason="1")
    assert [found["revision"] for found in mixed.json["decided"]] == [1, 2]
    assert [found["revision"] for found in mixed.json["skipped"]] == [3]
    assert statuses(app) == ["rejected", "rejected", "approved", "approved"]
    back = undo(ana, mixed.json["batch"])
    assert (back.json["undone"], back.json["skipped"]) == (2, [])
    assert statuses(app) == ["approved", "pending", "approved", "approved"]


def test_the_second_moderator_is_told_who_what_and_when(
    app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply
) -> None:
    reply()
    decide(ana, "reject", "1:0", reason="1")
    before = dump(app, besides=SESSIONS)
    answer = decide(piet, "approve", "1:0")
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    (skipped,) = answer.json["skipped"]
    assert skipped.pop("when")[:4].isdigit()
    assert skipped.pop("said").startswith("Rejected by Ana, ")
    told = {"revision": 1, "author": "Margit", "status": "rejected", "turn": 1, "newest": 1}
    assert skipped == {**told, "who": "Ana", "what": "reject"}
    page = Page(press_in_browser(piet, action="approve", revision="1:0"))
    assert "Nothing was decided" in page.words
    assert "Rejected by" in page.words
    assert "Ana" in page.words
    assert {"revision": "1:1"}.items() <= page.forms[1].items()
    assert dump(app, besides=SESSIONS) == before
    assert decide(ana, "reject", "1:0").status_code == 200  # the same press again
    assert dump(app, besides=SESSIONS) == before
    assert decide(ana, "spam", "1:1").status_code == 409  # no way from rejected


def test_an_older_text_cannot_be_approved(app: Flask, client: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    path = reply().json["receipt"].removeprefix("http://127.0.0.1:8000")
    decide(ana, "reject", "1:0")
    client.post(f"{path}/edit", data={"comment": "Wider is better."})
    answer = decide(ana, "approve", "1:1")
    assert (answer.status_code, answer.json["skipped"][0]["newest"]) == (409, 2)
    page = Page(press_in_browser(ana, action="approve", revision="1:1"))
    assert "Its author has sent a newer text since." in page.words
    assert "better." in page.words
    assert get(client, "thread.json").json["count"] == 0


def test_a_foreign_revision_answers_as_an_unknown_one(app: Flask, ana: FlaskClient, foreign: str) -> None:
    id_ = foreign.split(":")[0]
    before = dump(app, besides=SESSIONS)
    unknown = ["999", str(2**31 - 1), str(2**31), str(10**17)]
    for headers in ({}, JSON):
        shown = [ana.get(f"/queue/{number}", headers=headers) for number in (id_, *unknown)]
        token = csrf(ana)
        shown_decided = [
            ana.post(
                "/queue/decisions",
                data={"action": action, "revision": f"{number}:0", "csrf_token": token, "reason": "1"},
                headers=headers,
            )
            for number in (id_, *unknown)
            for action in ("approve", "spam")
        ]
        for answers in (shown, shown_decided):
            assert {answer.status_code for answer in answers} == {404}
            assert len({answer.data for answer in answers}) == 1
    assert dump(app, besides=SESSIONS) == before
    assert PAGE.encode() not in ana.get("/queue/").data
    assert "Nothing waits." in Page(ana.get("/queue/")).words


def test_a_bulk_with_foreign_ones_decides_one_s_own_alone(
    app: Flask, ana: FlaskClient, reply: Reply, foreign: str
) -> None:
    own = f"{reply().json['comment']}:0"
    answer = decide(ana, "approve", foreign, own, "999:0")
    assert [found["revision"] for found in answer.json["decided"]] == [int(own.split(":")[0])]
    assert answer.json["skipped"] == []
    assert statuses(app) == ["pending", "approved"]


def test_one_s_own_batches_alone_can_be_undone(app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply) -> None:
    reply()
    reply("Second.")
    batch = decide(ana, "approve", "1:0").json["batch"]
    for name in (batch, ""):
        assert undo(piet, name).status_code == 409
    assert statuses(app) == ["approved", "pending"]
    assert told_of(undo(ana).json) == (1, [])
    assert statuses(app) == ["pending", "pending"]
    again = undo(ana, batch)
    assert (again.status_code, again.json["title"]) == (409, "There is nothing to undo")
    assert undo(ana).status_code == 409


def test_an_undo_skips_what_changed_since(app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply) -> None:
    for number in range(1, 4):
        reply(f"Reply {number}.")
    batch = decide(ana, "approve", "1:0", "2:0", "3:0").json["batch"]
    decide(piet, "spam", "2:1")
    answer = undo(ana, batch)
    assert (answer.json["undone"], answer.json["skipped"]) == (2, [2])
    assert statuses(app) == ["pending", "spam", "pending"]
    page = ana.post("/queue/undo", data={"batch": batch, "csrf_token": csrf(ana)})
    assert (page.status_code, "There is nothing to undo" in Page(page).words) == (409, True)


def test_without_a_name_only_the_last_hour_is_undone(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    reply()
    batch = decide(ana, "approve", "1:0").json["batch"]
    with app.app_context():
        entry = db.session.scalars(select(Entry).where(Entry.batch == batch)).one()
        entry.at -= timedelta(hours=1)
        db.session.commit()
    assert undo(ana).status_code == 409
    assert told_of(undo(ana, batch).json) == (1, [])


@pytest.mark.sqlite_only
def test_two_hundred_go_forth_and_back(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    seen = [f"{reply(f'Reply {number}.').json['comment']}:0" for number in range(200)]
    answer = decide(ana, "approve", *seen)
    assert (answer.status_code, len(answer.json["decided"])) == (200, 200)
    assert get(ana, "thread.json").json["count"] == 200
    assert told_of(undo(ana, answer.json["batch"]).json) == (200, [])
    assert set(statuses(app)) == {"pending"}
    assert get(ana, "thread.json").json["count"] == 0


def test_a_batch_that_is_none_undoes_nothing(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    reply()
    decide(ana, "approve", "1:0")
    for batch in ("x", "\0", "?", "' OR 1=1", "b" * 5000, "\ufffe", "ä"):
        assert undo(ana, batch).status_code == 409, batch
    assert statuses(app) == ["approved"]


HOSTILE = ["", "x", "1", ":", "1:", ":0", "-1:0", "1:-1", "١:٠", "1:٠", "1.0:0", "1:0:0", " 1:0", "1:0 ", "0x1:0"]
HOSTILE += ["9" * 30 + ":0", "1:" + "9" * 30, "1\0:0", "1:0\0", "²:0", "1_0:0"]


def test_a_revision_that_does_not_read_is_refused(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    reply()
    before = dump(app, besides=SESSIONS)
    form = {"action": "approve", "csrf_token": csrf(ana)}
    for revision in HOSTILE:
        answer = ana.post("/queue/decisions", data={**form, "revision": ["1:0", revision]}, headers=JSON)
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json"), revision
        assert ana.post("/queue/decisions", data={**form, "revision": revision}).status_code == 400, revision
    assert dump(app, besides=SESSIONS) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action": "", "revision": "1:0"}, "Choose approve, reject, spam, reopen or return."),
        ({"action": "undo", "revision": "1:0"}, "Choose approve, reject, spam, reopen or return."),
        ({"action": "withdraw", "revision": "1:0"}, "Choose approve, reject, spam, reopen or return."),
        ({"action": "APPROVE", "revision": "1:0"}, "Choose approve, reject, spam, reopen or return."),
        ({"action": "reject"}, "Tick at least one reply."),
        ({"action": "reject", "revision": [f"{n}:0" for n in range(1, 1002)]}, "At most 1000 replies at once."),
        ({"action": "reject", "revision": "1:0", "reason": "0"}, "A reason is a digit from 1 to 9."),
        ({"action": "reject", "revision": "1:0", "reason": "10"}, "A reason is a digit from 1 to 9."),
        ({"action": "reject", "revision": "1:0", "reason": "x"}, "A reason is a digit from 1 to 9."),
        ({"action": "reject", "revision": "1:0", "reason": "٣"}, "A reason is a digit from 1 to 9."),
        ({"action": "reject", "revision": "1:0", "reason": "²"}, "A reason is a digit from 1 to 9."),
        ({"action": "reject", "revision": "1:0", "note": "n" * 1001}, "A note has at most 1000 characters."),
        ({"action": "reject", "revision": "1:0", "note": "a\0b"}, "A note has at most 1000 characters."),
    ],
)
def test_a_press_that_makes_no_sense_is_422(
    app: Flask, ana: FlaskClient, reply: Reply, fields: dict[str, Any], message: str
) -> None:
    reply()
    before = dump(app, besides=SESSIONS)
    page = press_in_browser(ana, **fields)
    assert (page.status_code, message in Page(page).words) == (422, True)
    as_json = ana.post("/queue/decisions", data={**fields, "csrf_token": csrf(ana)}, headers=JSON)
    assert (as_json.status_code, as_json.content_type) == (422, "application/problem+json")
    assert dump(app, besides=SESSIONS) == before


def test_reason_and_note_stand_in_the_log(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    reply()
    note = "n" * 999 + "\U0001f6a7"
    assert decide(ana, "reject", "1:0", reason="3", note=note).status_code == 200
    with app.app_context():
        entry = db.session.scalars(select(Entry).where(Entry.action == "reject")).one()
        assert (entry.note, entry.reason_id is not None) == (note, True)
    page = Page(ana.get("/queue/1"))
    assert "Advertising" in page.words
    assert note in page.words


def test_a_reason_is_looked_up_on_each_revision_s_own_site(app: Flask, client: FlaskClient, reply: Reply) -> None:
    make_site(app, "harbour", "https://harbour.example")
    both = signed_in(app, make_account(app, "Both", courier=Role.MODERATOR, harbour=Role.OWNER))
    reply()
    body = {**TYPED, "page": "https://harbour.example/"}
    client.post("/sites/harbour/replies", data=body, headers=JSON)
    decide(both, "reject", "1:0", "2:0", reason="2")
    with app.app_context():
        entries = db.session.scalars(select(Entry).where(Entry.action == "reject").order_by(Entry.id)).all()
        assert len({entry.reason_id for entry in entries}) == 2
        assert len({entry.batch for entry in entries}) == 1
        assert {entry.site_id for entry in entries} == {
            revision.site_id for revision in db.session.scalars(select(Revision))
        }


def test_only_a_rejection_keeps_its_reason(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    reply()
    decide(ana, "approve", "1:0", reason="3")
    with app.app_context():
        assert db.session.scalars(select(Entry.reason_id).where(Entry.action == "approve")).one() is None
