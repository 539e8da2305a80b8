"""Moderators beside each other: who is here, what they have missed, notes, second opinions, and answers as the site."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import audit
from moderation.db import db
from moderation.models import Entry, Role
from tests.conftest import csrf, decide, make_account, make_site, signed_in, undo
from tests.web.asking import JSON, Page, dump, get, stored

Reply = Callable[..., Any]


def mark_of(client: FlaskClient) -> str:
    """Return where a page that is loaded now begins to follow."""
    return next(str(tag["data-mark"]) for name, tag in Page(client.get("/queue/")).tags if tag.get("name") == "queue")


def changes(client: FlaskClient, mark: str, etag: str = "") -> Any:
    headers = JSON | ({"If-None-Match": etag} if etag else {})
    return client.get("/queue/changes", query_string={"since": mark}, headers=headers)


def be_at(client: FlaskClient, revision: int | str) -> Any:
    return client.post("/queue/presence", data={"revision": str(revision), "csrf_token": csrf(client)})


def post(client: FlaskClient, path: str, **fields: str) -> Any:
    return client.post(f"/queue/{path}", data={**fields, "csrf_token": csrf(client)}, headers=JSON)


def test_a_page_follows_what_it_misses(ana: FlaskClient, piet: FlaskClient, reply: Reply) -> None:
    reply("First.")
    reply("Second.", email="tom@home.example")
    mark = mark_of(ana)
    first = changes(ana, mark)
    assert (first.json["arrived"], first.json["moved"], first.json["waiting"]) == ([], [], 2)
    etag = first.headers["ETag"]
    assert changes(ana, first.json["mark"], etag).status_code == 304
    decide(piet, "reject", "1:0", reason="1")
    reply("Third.", email="edith@home.example")
    later = changes(ana, first.json["mark"], etag)
    assert (later.status_code, later.json["arrived"], later.json["waiting"]) == (200, [3], 2)
    [moved] = later.json["moved"]
    assert moved.pop("said").startswith("Rejected by Piet, ")
    assert moved.pop("when")
    assert moved == {"revision": 1, "status": "rejected", "turn": 1, "who": "Piet", "what": "reject", "mine": False}
    assert changes(ana, later.json["mark"], later.headers["ETag"]).status_code == 304
    undo(piet)
    [back] = changes(ana, later.json["mark"]).json["moved"]
    assert (back["status"], back["turn"], back["what"]) == ("pending", 2, "undo")


@pytest.mark.sqlite_only
def test_what_came_and_went_in_between_is_no_news(ana: FlaskClient, piet: FlaskClient, reply: Reply) -> None:
    mark = mark_of(ana)
    reply("First.")
    decide(piet, "spam", "1:0")
    found = changes(ana, mark).json
    assert (found["arrived"], found["moved"]) == ([], [])


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "mark", ["", "x", "1", "1.", ".1", "9.9", "1.99999999999", "0.0_0.0", "a.b_c.d", "\0", "1.1" * 5000]
)
def test_a_mark_that_does_not_read_follows_from_now_on(ana: FlaskClient, reply: Reply, mark: str) -> None:
    reply()
    answer = changes(ana, mark)
    assert (answer.status_code, answer.json["waiting"]) == (200, 1)


@pytest.mark.sqlite_only
def test_a_page_that_missed_too_much_is_told_to_load_again(
    ana: FlaskClient, reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.review.changes.MOST_MISSED", 2)
    mark = mark_of(ana)
    for number in range(4):
        reply(f"Reply {number}.", email=f"w{number}@home.example")
    assert changes(ana, mark).json["reload"] is True
    assert changes(ana, mark_of(ana)).json["reload"] is False


def test_colleagues_are_seen_without_a_press(app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply) -> None:
    reply()
    mark = mark_of(ana)
    alone = changes(ana, mark)
    assert alone.json["here"] == []
    before = dump(app)
    assert be_at(piet, 1).status_code == 204
    assert dump(app) == before
    seen = changes(ana, mark, alone.headers["ETag"])
    assert seen.json["here"] == [{"name": "Piet", "revision": 1}]
    assert changes(piet, mark).json["here"] == []
    be_at(piet, "")
    assert changes(ana, mark).json["here"] == []


@pytest.mark.sqlite_only
def test_presence_and_changes_are_walled_off(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    reply()
    make_site(app, "harbour", "https://harbour.example")
    eve = signed_in(app, make_account(app, "Eve", harbour=Role.OWNER))
    assert be_at(eve, 1).status_code == 204
    assert changes(ana, mark_of(ana)).json["here"] == []
    be_at(ana, 1)
    mark = mark_of(ana)
    decide(ana, "approve", "1:0")
    found = changes(eve, mark).json
    assert (found["here"], found["moved"], found["waiting"]) == ([], [], 0)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("revision", ["x", "-1", "9" * 40, "١", "\0", "0"])
def test_a_presence_that_does_not_read_is_none(ana: FlaskClient, reply: Reply, revision: str) -> None:
    reply()
    assert be_at(ana, revision).status_code == 204


def test_a_note_stays_with_the_reply_and_moves_nothing(
    app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply
) -> None:
    reply()
    answer = post(ana, "notes", revision="1:0", note="He wrote to the *editor* <b>too</b>.")
    assert (answer.status_code, answer.json) == (200, {"done": "noted", "batch": None, "decided": []})
    assert [found["status"] for found in stored(app)] == ["pending"]
    assert "He wrote to the *editor* <b>too</b>." in Page(piet.get("/queue/1")).words
    assert decide(piet, "approve", "1:0").status_code == 200
    with app.app_context():
        entry = db.session.scalars(select(Entry).where(Entry.kind == "note")).one()
        assert (entry.action, entry.from_status, entry.to_status, entry.turn) == ("note", None, None, None)
        assert [proof.faults for proof in audit.verify()] == [[], []]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"revision": "1:0", "note": ""}, 422, "Please write a note."),
        ({"revision": "1:0", "note": "n" * 1001}, 422, "A note has at most 1000 characters."),
        ({"revision": "1:0", "note": "a\0b"}, 422, "A note has at most 1000 characters."),
        ({"revision": "99:0", "note": "x"}, 404, "There is nothing here"),
        ({"revision": "x", "note": "x"}, 400, "This request could not be read"),
        ({"revision": "1:0", "to": "99"}, 404, "There is nothing here"),
        ({"revision": "1:0", "to": "x"}, 404, "There is nothing here"),
    ],
)
def test_a_note_that_makes_no_sense(
    app: Flask, ana: FlaskClient, reply: Reply, fields: dict[str, str], status: int, says: str
) -> None:
    reply()
    before = dump(app, besides=("web_session",))
    answer = post(ana, "notes", **fields)
    assert (answer.status_code, answer.json["title"]) == (status, says)
    assert dump(app, besides=("web_session",)) == before


def test_a_second_opinion_is_asked_of_a_colleague_or_of_the_owners(
    app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply
) -> None:
    ines = signed_in(app, make_account(app, "Ines", courier=Role.OWNER))
    for number in (1, 2):
        reply(f"Reply {number}.", email=f"w{number}@home.example")
    with app.app_context():
        ids = {name: number for number, name in db.session.execute(db.text("SELECT id, name FROM account"))}

    def mine(client: FlaskClient) -> list[str]:
        page = Page(client.get("/queue/?view=mine"))
        return [str(tag["id"]) for name, tag in page.tags if name == "article"]

    assert post(ana, "notes", revision="1:0", to=str(ids["Piet"]), note="Your beat.").json["done"] == "handed"
    assert post(ana, "notes", revision="2:0", to="owners").json["done"] == "handed"
    assert (mine(piet), mine(ines), mine(ana)) == (["r1"], ["r2"], [])
    shown = " ".join(Page(piet.get("/queue/1")).words.split())
    assert "Handed to Piet by Ana," in shown
    assert "Your beat." in shown
    post(piet, "notes", revision="1:0", to="owners", note="Not mine.")
    assert (mine(piet), mine(ines)) == ([], ["r1", "r2"])
    decide(ines, "reject", "1:0")
    assert mine(ines) == ["r2"]
    assert post(ana, "notes", revision="1:1", to="owners").status_code == 409


def test_an_answer_as_the_site_approves_and_publishes_at_once(
    app: Flask, ana: FlaskClient, client: FlaskClient, reply: Reply
) -> None:
    reply("How steep is it?", parent="")
    answer = post(ana, "answers", revision="1:0", comment="One in *fourteen*.")
    assert (answer.status_code, answer.json["done"]) == (200, "answered")
    asked, said = get(client, "thread.json").json["comments"]
    assert (asked["id"], said["parent"], said["author"]) == (1, 1, "Courier")
    assert said["body"] == [["p", "One in ", ["em", "fourteen"], "."]]
    undone = undo(ana, answer.json["batch"])
    assert undone.json["undone"] == 2
    assert get(client, "thread.json").json["comments"] == []
    assert [found["status"] for found in stored(app)] == ["pending", "pending"]
    with app.app_context():
        assert [proof.faults for proof in audit.verify()] == [[], []]


@pytest.mark.sqlite_only
def test_an_answer_below_a_public_reply_leaves_it_as_it_is(ana: FlaskClient, client: FlaskClient, reply: Reply) -> None:
    reply("How steep is it?")
    decide(ana, "approve", "1:0")
    assert post(ana, "answers", revision="1:1", comment="One in fourteen.").status_code == 200
    assert get(client, "thread.json").json["count"] == 2


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"revision": "1:0", "comment": ""}, 422, "Please write an answer."),
        ({"revision": "1:0", "comment": "a\0b"}, 422, "Please write an answer."),
        ({"revision": "1:0", "comment": "a" * 5001}, 422, "That is longer than the site takes."),
        ({"revision": "99:0", "comment": "x"}, 404, "There is nothing here"),
        ({"revision": "2:0", "comment": "x"}, 409, "Already decided"),
    ],
)
def test_an_answer_that_cannot_be(
    app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply, fields: dict[str, str], status: int, says: str
) -> None:
    reply()
    reply("Second.", email="tom@home.example")
    decide(piet, "reject", "2:0")
    before = dump(app, besides=("web_session",))
    answer = post(ana, "answers", **fields)
    assert (answer.status_code, answer.json["title"]) == (status, says)
    assert dump(app, besides=("web_session",)) == before
