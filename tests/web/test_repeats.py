"""The same reply twice: a retry gets the first answer, a double is refused, haste has to wait."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from moderation.db import db
from moderation.models import Thread
from tests.conftest import ORIGIN, PAGE, decide, make_site
from tests.web.asking import JSON, REPLIES, TYPED, Page, change_site, dump, make_older, send_form, stored, token

Reply = Callable[..., Any]
KEY = "Abc-123_Abc-123_"


@pytest.mark.sqlite_only
@pytest.mark.parametrize("key", ["k" * 16, "k" * 64, KEY])
def test_the_same_key_gets_the_same_answer(app: Flask, reply: Reply, key: str) -> None:
    first = reply(key=key)
    before = dump(app)
    again = reply(key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert dump(app) == before
    assert len(stored(app)) == 1


def test_a_browser_s_retry_leads_to_the_same_receipt(app: Flask, client: FlaskClient) -> None:
    first = send_form(client, key=KEY)
    again = send_form(client, key=KEY, token=token(app, age=5))
    assert (first.status_code, again.status_code) == (303, 303)
    assert again.headers["Location"] == first.headers["Location"]
    assert len(stored(app)) == 1


@pytest.mark.sqlite_only
def test_a_retry_may_come_with_another_title_of_the_page(app: Flask, reply: Reply) -> None:
    first = reply(key=KEY, title="Mill Lane")
    again = reply(key=KEY, title="(1) Mill Lane", page=f"{PAGE}/?utm_source=mail#reply")
    assert (again.status_code, again.json) == (201, first.json)
    assert [found["title"] for found in stored(app)] == ["Mill Lane"]


@pytest.mark.sqlite_only
def test_of_two_nameless_writers_only_the_same_network_is_the_same(app: Flask, client: FlaskClient) -> None:
    change_site(app, required=[])
    said = {"comment": "Thanks!", "page": PAGE}

    def send(address: str) -> int:
        return client.post(REPLIES, data=said, headers=JSON, environ_overrides={"REMOTE_ADDR": address}).status_code

    assert [send("198.51.100.7"), send("203.0.113.9"), send("198.51.100.8")] == [201, 201, 409]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "change",
    [
        {"comment": "Something else."},
        {"author": "Piet"},
        {"email": "other@home.example"},
        {"url": "https://other.example/"},
        {"page": f"{ORIGIN}/news/other"},
        {"format": "plain"},
    ],
)
def test_the_same_key_with_another_reply_is_409(app: Flask, reply: Reply, change: dict[str, str]) -> None:
    reply(key=KEY)
    before = dump(app)
    answer = reply(**{"key": KEY, **change})
    assert (answer.status_code, answer.json["title"]) == (409, "This key came before, with another reply.")
    assert dump(app) == before


def test_a_key_belongs_to_one_site(app: Flask, reply: Reply, client: FlaskClient) -> None:
    make_site(app, "harbour", "https://harbour.example")
    assert reply(key=KEY).json["comment"] == 1
    body = {**TYPED, "page": "https://harbour.example/", "key": KEY}
    assert client.post("/sites/harbour/replies", data=body, headers=JSON).json["comment"] == 2
    assert len(stored(app)) == 2


def test_a_retry_is_answered_though_the_page_closed_meanwhile(app: Flask, reply: Reply) -> None:
    app.config["REPLY_PAUSE"] = 15
    first = reply(key=KEY)
    with app.app_context():
        db.session.execute(update(Thread).values(closed=True))
        db.session.commit()
    again = reply(key=KEY)
    assert (again.status_code, again.json) == (201, first.json)
    assert reply(key="another-key-of-16").status_code == 403
    assert len(stored(app)) == 1


def test_a_retry_is_answered_after_the_decision(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    first = reply(key=KEY)
    decide(ana, "reject", "1:0")
    assert reply(key=KEY).json == first.json
    assert len(stored(app)) == 1


SAME = [
    {},
    {"author": "Another name"},
    {"email": "MARGIT@home.example"},
    {"comment": "  Wider is good news.\r\n"},
    {"comment": "WIDER is   good news."},
    {"comment": "*Wider* is good news."},
    {"page": f"http://www.courier.example/news/mill-lane/?utm_source=x"},  # noqa: F541
]


@pytest.mark.parametrize("status", ["pending", "approved"])
def test_the_same_words_by_the_same_author_are_409(app: Flask, ana: FlaskClient, reply: Reply, status: str) -> None:
    reply()
    if status == "approved":
        decide(ana, "approve", "1:0")
    before = dump(app, besides=("web_session",))
    for change in SAME:
        answer = reply(**change)
        assert (answer.status_code, answer.json["title"]) == (409, "You have sent this already."), change
    assert dump(app, besides=("web_session",)) == before


def test_a_duplicate_keeps_what_was_typed(app: Flask, client: FlaskClient) -> None:
    send_form(client)
    page = Page(send_form(client))
    assert "You have sent this already." in page.words
    assert {name: page.fields[name] for name in TYPED} == TYPED
    assert len(stored(app)) == 1


@pytest.mark.sqlite_only
@pytest.mark.parametrize("action", ["reject", "spam"])
def test_the_same_words_may_come_again_when_they_were_refused(
    app: Flask, ana: FlaskClient, reply: Reply, action: str
) -> None:
    reply()
    decide(ana, action, "1:0")
    assert reply().status_code == 201
    assert [found["status"] for found in stored(app)] == ["rejected" if action == "reject" else "spam", "pending"]
    assert stored(app)[1]["findings"] == ["no-token", "alike"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "change",
    [
        {"email": "piet@home.example"},
        {"email": "piet@home.example", "author": "Piet"},
        {"page": f"{ORIGIN}/news/other"},
    ],
)
def test_the_same_words_by_another_or_elsewhere_are_held_with_a_finding(
    app: Flask, reply: Reply, change: dict[str, str]
) -> None:
    reply()
    assert reply(**change).status_code == 201
    assert stored(app)[1]["status"] == "pending"
    assert stored(app)[1]["findings"] == ["no-token", "alike"]


def test_without_an_email_address_the_name_is_the_author(app: Flask, reply: Reply) -> None:
    change_site(app, required=["author"])
    assert reply(email="").status_code == 201
    assert reply(email="", author="margit").status_code == 409
    assert reply(email="", author="Piet").status_code == 201


@pytest.fixture
def pause(app: Flask) -> int:
    app.config["REPLY_PAUSE"] = 15
    return 15


def test_a_second_reply_within_the_pause_has_to_wait(app: Flask, pause: int, reply: Reply) -> None:
    assert reply().status_code == 201
    before = dump(app)
    answer = reply("A second thought.")
    assert answer.status_code == 429
    wait = int(answer.headers["Retry-After"])
    assert 1 <= wait <= pause
    assert answer.json["title"] == f"Please wait {wait} seconds, then send it again."
    assert dump(app) == before
    make_older(app, pause)
    assert reply("A second thought.").status_code == 201


def test_retry_after_is_never_too_short(app: Flask, reply: Reply) -> None:
    app.config["REPLY_PAUSE"] = 15
    reply()
    # 1.2 to 1.5 seconds are left of the pause, however long the request takes up to 0.2 s.
    make_older(app, 13.6)
    answer = reply("A second thought.")
    assert int(answer.headers["Retry-After"]) == 2


@pytest.mark.sqlite_only
def test_the_browser_s_form_keeps_text_and_key(app: Flask, pause: int, client: FlaskClient) -> None:
    send_form(client)
    answer = send_form(client, comment="A second thought.", key=KEY)
    page = Page(answer)
    assert (answer.status_code, answer.headers["Retry-After"].isdigit()) == (429, True)
    assert (page.fields["comment"], page.fields["key"]) == ("A second thought.", KEY)
    make_older(app, pause)
    assert client.post(page.actions[0], data=page.fields).status_code == 303
    assert len(stored(app)) == 2


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("change", "address", "status"),
    [
        ({}, "192.0.2.200", 429),  # the same /24
        ({}, "198.51.100.1", 201),
        ({}, "2001:db8::1", 201),
        ({"author": "Another name"}, "192.0.2.1", 429),
        ({"email": "MARGIT@home.example"}, "192.0.2.1", 429),
        ({"email": "piet@home.example"}, "192.0.2.1", 201),
        ({"page": f"{ORIGIN}/news/other"}, "192.0.2.1", 429),
    ],
)
def test_the_pause_is_for_one_author_in_one_network(
    pause: int, client: FlaskClient, change: dict[str, str], address: str, status: int
) -> None:
    body = {**TYPED, "page": PAGE}
    first = client.post(REPLIES, data=body, headers=JSON, environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert first.status_code == 201
    body = {**body, "comment": "A second thought.", **change}
    again = client.post(REPLIES, data=body, headers=JSON, environ_overrides={"REMOTE_ADDR": address})
    assert again.status_code == status


@pytest.mark.sqlite_only
def test_no_header_makes_another_network(pause: int, reply: Reply) -> None:
    reply()
    for name in ("X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "Forwarded", "X-Client-IP"):
        assert reply(f"By {name}.", headers={name: "198.51.100.1"}).status_code == 429


def test_without_a_pause_nobody_waits(app: Flask, reply: Reply) -> None:
    app.config["REPLY_PAUSE"] = 0
    assert [reply(f"Reply {number}.").status_code for number in range(4)] == [201] * 4


@pytest.mark.sqlite_only
def test_a_refused_reply_begins_no_pause(pause: int, reply: Reply) -> None:
    assert reply("").status_code == 422
    assert reply(parent="77").status_code == 404
    assert reply().status_code == 201


def test_a_key_that_came_is_no_haste(pause: int, reply: Reply) -> None:
    reply(key=KEY)
    assert [reply(key=KEY).status_code for _ in range(3)] == [201] * 3
