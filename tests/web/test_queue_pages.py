"""What a moderator sees in the queue: the oldest first, page by page, at a cost that does not grow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from moderation.db import db
from tests.conftest import PAGE, decide
from tests.web.asking import Page, get

Reply = Callable[..., Any]


def cards(answer: Any) -> list[str]:
    """Return the numbers of the revisions on a page, in order."""
    return [str(attributes["id"]) for tag, attributes in Page(answer).tags if tag == "article"]


def next_page(answer: Any) -> str | None:
    """Return where the link to the next page leads."""
    return next((attributes["href"] for _, attributes in Page(answer).tags if attributes.get("rel") == "next"), None)


def test_pages_follow_each_other_without_gap_or_repeat(ana: FlaskClient, reply: Reply) -> None:
    for number in range(1, 46):
        reply(f"Reply {number}.")
    shown, address = [], "/queue/"
    while address:
        answer = ana.get(address)
        shown.append(cards(answer))
        address = next_page(answer) or ""
    assert [len(page) for page in shown] == [20, 20, 5]
    assert [card for page in shown for card in page] == [f"r{number}" for number in range(1, 46)]
    assert "45 in all, oldest first" in Page(ana.get("/queue/")).words


@pytest.mark.sqlite_only
def test_what_was_decided_stands_newest_first(ana: FlaskClient, reply: Reply) -> None:
    for number in range(1, 24):
        reply(f"Reply {number}.")
    decide(ana, "reject", *(f"{number}:0" for number in range(1, 24)))
    first = ana.get("/queue/?view=rejected")
    assert cards(first) == [f"r{number}" for number in range(23, 3, -1)]
    assert cards(ana.get(str(next_page(first)))) == ["r3", "r2", "r1"]
    assert cards(ana.get("/queue/")) == []


AFTER = ["", "x", "_", "2026-11-22", "2026-11-22_1", "2026-11-22T10:00:00_1", "2026-11-22T10:00:00Z", "\0_\0"]
AFTER += ["2026-11-22T10:00:00Z_x", "2026-11-22T10:00:00Z_-1", "2026-11-22T10:00:00Z_" + "9" * 5000, "9" * 5000]
AFTER += ["2026-11-22T10:00:00Z_0", "2026-11-22T25:00:00Z_1", "' OR 1=1_1", "\ufffe_1"]
#: Readable, but not what the database or the calendar can hold.
BEYOND = ["0001-01-01T00:00:00+23:59_1", "9999-12-31T23:59:59-23:59_1", "2026-11-22T10:00:00Z_99999999999999999999"]


def test_a_place_that_does_not_read_is_the_beginning(ana: FlaskClient, reply: Reply) -> None:
    reply()
    for number, after in enumerate(AFTER):
        view = ("waiting", "approved", "x", "")[number % 4]
        answer = ana.get("/queue/", query_string={"after": after, "view": view})
        assert answer.status_code == 200, after
        assert cards(answer) == ([] if view == "approved" else ["r1"]), after


@pytest.mark.parametrize("after", BEYOND[:2])
def test_a_place_before_the_calendar_is_the_beginning(ana: FlaskClient, reply: Reply, after: str) -> None:
    reply()
    assert ana.get("/queue/", query_string={"after": after}).status_code == 200


def test_a_number_beyond_the_database_is_a_place(ana: FlaskClient, reply: Reply) -> None:
    reply()
    for number in (2**31, 10**17, 2**63 - 1):
        assert ana.get("/queue/", query_string={"after": f"2000-01-01T10:00:00Z_{number}"}).status_code == 200


def test_names_texts_and_titles_are_escaped(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    hostile = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>'{{7*7}}</textarea></title>"
    url = "https://margit.example/?'onmouseover='alert(document.domain)'x='"
    answer = reply(hostile, author=hostile, title=hostile, url=url, page=f"{PAGE}/{{{{7*7}}}}/%3Cscript%3E")
    assert answer.status_code == 201
    for path in ("/queue/", "/queue/1"):
        page = Page(ana.get(path))
        assert page.unbalanced == []
        assert "alert(1)" in page.words
        assert "49" not in page.words
        for tag, attributes in page.tags:
            assert tag != "img"
            assert tag != "script" or "src" in attributes or attributes["type"] == "application/json"
            assert not [name for name in attributes if name.startswith("on")]
    decide(ana, "approve", "1:0")
    for path in (
        "/queue/?view=approved",
        f"/sites/courier/thread?page={PAGE}/%257B%257B7*7%257D%257D/%253Cscript%253E",
    ):
        page = Page(ana.get(path))
        assert page.unbalanced == []
        assert "alert(1)" in page.words


@pytest.mark.sqlite_only
def test_a_card_carries_what_a_decision_needs(ana: FlaskClient, reply: Reply) -> None:
    reply("Public words.", author="Margit")
    decide(ana, "approve", "1:0")
    reply(
        "An answer with https://shop.example/ in it.", parent="1", author="Jonas", email="jonas@home.example", topic="x"
    )
    page = Page(ana.get("/queue/"))
    card = page.by_id["r2"]
    for words in ("Jonas", "jonas@home.example", "In reply to", "Margit", "Public words.", "shop.example"):
        assert words in card
    for words in ("Hidden field filled", "Not sent from our form", "1 link"):
        assert words in card
    assert {form["revision"] for form in page.forms if "revision" in form} == {"2:0"}


def test_a_title_is_seen_by_who_makes_it_public(client: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    reply("The first.", title="Buy \u202eprams\u202c here")
    reply("The second.", title="Mill Lane", email="tom@home.example")
    decide(ana, "approve", "2:0")
    assert get(client, "thread.json").json["title"] == "Mill Lane"
    # The older reply's title would take its place: whoever approves it reads it first.
    assert "It calls the page: Buy prams here" in Page(ana.get("/queue/")).words
    decide(ana, "approve", "1:0")
    assert get(client, "thread.json").json["title"] == "Buy prams here"
    assert "It calls the page: Mill Lane" in Page(ana.get("/queue/2")).words


def test_a_decided_card_says_who_decided_when_and_why(ana: FlaskClient, piet: FlaskClient, reply: Reply) -> None:
    reply()
    decide(piet, "reject", "1:0", reason="3", note="A shop.")
    for path in ("/queue/?view=rejected", "/queue/1"):
        card = " ".join(Page(ana.get(path)).by_id["r1"].split())
        for told in ("waited 0 min", "Rejected Piet,", "Advertising", "Note: A shop."):
            assert told in card, path
        assert "thing before" not in card


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Count the questions asked of the database."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("view", ["waiting", "approved"])
def test_a_page_costs_the_same_questions_with_5_cards_and_with_20(
    app: Flask, ana: FlaskClient, reply: Reply, view: str
) -> None:
    reply("The parent.", email="parent@home.example")
    decide(ana, "approve", "1:0")
    numbers = []
    for first, last in ((2, 6), (7, 24)):
        for number in range(first, last + 1):
            name = {"author": f"Author {number}", "email": f"a{number}@home.example"}
            reply(f"Reply {number}.", **name, parent="1", address=f"198.51.{number}.7")
        if view == "approved":
            decide(ana, "approve", *(f"{number}:0" for number in range(first, last + 1)))
        ana.get("/queue/")
        with counted(app) as asked:
            answer = ana.get(f"/queue/?view={view}")
        numbers.append((len(cards(answer)), len(asked)))
    assert [shown for shown, _ in numbers] == [5 if view == "waiting" else 6, 20]
    assert numbers[0][1] == numbers[1][1] <= 12


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "asked",
    [
        "author=Ines",
        "author=a3@home.example",
        "host=mill.example",
        "finding=links&host=mill.example&author=Ines&q=bridge&since=2020-01-01&until=2039-01-01",
        "view=mine&author=Ines",
        "view=rejected&reason=3&by=1",
    ],
)
def test_a_filtered_page_costs_few_questions_too(app: Flask, ana: FlaskClient, reply: Reply, asked: str) -> None:
    for number in range(1, 8):
        reply(f"The bridge {number}. https://mill.example/{number}", author="Ines", email=f"a{number}@home.example")
    decide(ana, "reject", "1:0", reason="3")
    with counted(app) as questions:
        answer = ana.get(f"/queue/?{asked}")
    assert len(cards(answer)) >= (0 if "mine" in asked else 1)
    assert len(questions) <= 12, "\n".join(q[:90].replace("\n", " ") for q in questions)
