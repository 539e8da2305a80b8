"""What goes together is decided together: groups, everything of a list, and what was decided alike before."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from moderation.db import db
from moderation.models import Entry, Kind
from tests.conftest import ORIGIN, csrf, decide, undo
from tests.web.asking import JSON, Page, stored

Reply = Callable[..., Any]
SPAM = "Great article! I was searching for exactly this. More tips at https://deals{n}.example/{n} today"


def grouped(client: FlaskClient) -> dict[str, list[str]]:
    """Return the cards on the queue's first page, each with all that a press on it carries."""
    page = Page(client.get("/queue/"))
    cards = [str(tag["id"])[1:] for name, tag in page.tags if name == "article"]
    return {
        card: [str(tag["value"]) for name, tag in page.tags if name == "input" and tag.get("form") == f"act-{card}"]
        for card in cards
    }


def spam(reply: Reply, number: int, **changes: str) -> None:
    """Send a text made after one pattern, from a network and a page of its own."""
    fields = {"author": f"Writer {number}", "email": f"w{number}@home.example", "page": f"{ORIGIN}/p{number % 2}"}
    reply(SPAM.format(n=number), address=f"198.51.{number}.7", **(fields | changes))


def test_texts_after_one_pattern_are_one_card(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    reply("Something of one's own.", address="203.0.113.7")
    for number in (2, 3, 4):
        spam(reply, number)
    assert grouped(ana) == {"1": [], "2": ["3:0", "4:0"]}
    assert "3 alike on 2 pages" in Page(ana.get("/queue/")).by_id["r2"]
    answer = decide(ana, "spam", "2:0", "4:0")
    assert len(answer.json["decided"]) == 2
    assert [found["status"] for found in stored(app)] == ["pending", "spam", "pending", "spam"]
    with app.app_context():
        decisions = select(func.count()).select_from(Entry).where(Entry.kind == Kind.DECISION)
        assert db.session.scalars(decisions).one() == 2


@pytest.mark.sqlite_only
def test_a_reason_decides_the_whole_group_without_scripts(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    for number in (1, 2, 3):
        spam(reply, number)
    # What a browser sends when a reason's button of the card's form is pressed.
    fields = {"revision": ["1:0", "2:0", "3:0"], "reason": "3", "csrf_token": csrf(ana)}
    assert ana.post("/queue/decisions", data=fields).status_code == 303
    assert [found["status"] for found in stored(app)] == ["rejected"] * 3


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("texts", "together"),
    [
        (["Thank you!", "Thank you!"], True),
        (["Thank you 1!", "Thank you 2!"], False),
        (["A b c d 17", "d c b a, 18!"], True),
        (["Look at https://a.example/ here now please", "Look at https://b.example/x here now please"], True),
        (["Wider is good news for prams", "Wider is bad news for prams"], False),
    ],
)
def test_what_is_alike(ana: FlaskClient, reply: Reply, texts: list[str], together: bool) -> None:
    for number, text in enumerate(texts):
        reply(text, author=f"Writer {number}", email=f"w{number}@home.example", address=f"198.51.{number}.7")
    assert len(grouped(ana)) == (1 if together else 2)


@pytest.mark.sqlite_only
def test_three_that_lead_to_one_host_are_a_group(ana: FlaskClient, reply: Reply) -> None:
    for number, words in enumerate(("My shop is open", "Who wants to buy a pram", "Cheap and good, come and see")):
        name = {"author": f"Writer {number}", "email": f"w{number}@home.example"}
        reply(f"{words} https://shop.example/{number}", **name, address=f"198.51.{number}.7")
    assert list(grouped(ana)) == ["1"]
    assert "3 that lead to the same host on 1 page" in Page(ana.get("/queue/")).by_id["r1"]


@pytest.mark.sqlite_only
def test_many_names_from_one_network_at_once_are_a_group(ana: FlaskClient, reply: Reply) -> None:
    for number, words in enumerate(
        ("One says this.", "Another that.", "A third one something.", "The fourth nothing.")
    ):
        reply(words, author=f"Writer {number}", email=f"w{number}@home.example", address=f"198.51.100.{number}")
    assert grouped(ana) == {"1": ["2:0", "3:0", "4:0"]}
    assert "4 from the same network" in Page(ana.get("/queue/")).by_id["r1"]


@pytest.mark.sqlite_only
def test_one_who_writes_often_is_no_group(ana: FlaskClient, reply: Reply) -> None:
    for words in ("One says this.", "Then that.", "Then something.", "Then nothing."):
        reply(words, address="198.51.100.7")
    assert len(grouped(ana)) == 4


def test_what_was_decided_alike_before_is_told_with_its_reason(
    ana: FlaskClient, piet: FlaskClient, reply: Reply
) -> None:
    for number in range(1, 6):
        spam(reply, number)
    decide(ana, "reject", "1:0", "2:0", reason="3")
    decide(piet, "reject", "3:0", reason="1")
    decide(piet, "approve", "4:0")
    card = " ".join(Page(ana.get("/queue/")).by_id["r5"].split())
    assert "4 alike before" in card
    assert "1 approved, 3 rejected (Advertising)" in card
    shown = " ".join(Page(ana.get("/queue/5")).words.split())
    for told in ("Rejected (Advertising), Ana,", "Rejected (Off the topic), Piet,", "Approved, Piet,"):
        assert told in shown


def test_everything_of_a_list_is_what_was_there_when_it_was_loaded(
    app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply
) -> None:
    for number in range(1, 26):
        reply(f"Reply {number}.", author="Tom" if number % 5 else "Edith", address=f"198.51.{number}.7")
    page = ana.get("/queue/?author=Tom")
    [upto] = [str(tag["value"]) for _, tag in Page(page).tags if tag.get("name") == "everything"] or ["25"]
    reply("Late.", author="Tom", address="198.51.99.7")
    decide(piet, "spam", "1:0")
    fields = {"action": "approve", "everything": upto, "list": "author=Tom", "csrf_token": csrf(ana)}
    answer = ana.post("/queue/decisions", data=fields, headers=JSON)
    assert len(answer.json["decided"]) == 19
    statuses = {found["text"]: found["status"] for found in stored(app)}
    assert [text for text, status in statuses.items() if status == "pending"] == [
        *(f"Reply {number}." for number in range(5, 26, 5)),
        "Late.",
    ]
    assert statuses["Reply 1."] == "spam"
    assert undo(ana, answer.json["batch"]).json["undone"] == 19


@pytest.mark.sqlite_only
@pytest.mark.parametrize("everything", ["x", "-1", "9" * 40, "\0", "1:1"])
def test_everything_up_to_nothing_is_refused(app: Flask, ana: FlaskClient, reply: Reply, everything: str) -> None:
    reply()
    fields = {"action": "approve", "everything": everything, "csrf_token": csrf(ana)}
    assert ana.post("/queue/decisions", data=fields, headers=JSON).status_code in {400, 404}
    assert [found["status"] for found in stored(app)] == ["pending"]


@pytest.mark.sqlite_only
def test_a_thousand_in_one_press_and_back(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    for number in range(40):
        reply(f"Reply {number}.", email=f"w{number}@home.example")
    choices = [f"{number}:0" for number in range(1, 1001)]
    answer = decide(ana, "approve", *choices)
    assert len(answer.json["decided"]) == 40
    assert undo(ana).json["undone"] == 40
