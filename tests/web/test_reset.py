"""Links with which a new password is chosen: made by command, good once, for an hour, and silent about the rest."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from moderation.db import clock, db
from moderation.models import Account, ResetLink
from tests.conftest import PASSWORD, token_in
from tests.test_cli import ask, refused
from tests.web.asking import Page, dump
from tests.web.signing import ANA, SECOND, SIGN_IN, entries, post, set_up_app, sign_in

NEW = "a lantern over the towpath"


def link(app: Flask) -> str:
    """Have a link made, and return its path."""
    said = ask(app, "account", "reset", ANA)
    assert said.exit_code == 0
    return said.stdout.strip().removeprefix("http://127.0.0.1:8000")


def test_a_link_sets_the_password_once_and_ends_every_session(
    app: Flask, ana: FlaskClient, client: FlaskClient
) -> None:
    path = link(app)
    assert path.startswith("/account/reset/")
    assert path.rpartition("/")[2] not in repr(dump(app))
    before = dump(app)
    assert "ana@staff.example" in Page(client.get(path)).words
    assert client.head(path).status_code == 200
    assert dump(app) == before
    weak = post(client, path, password="password1234")
    assert (weak.status_code, "That would be guessed at once." in Page(weak).words) == (422, True)
    assert post(client, path, password=NEW).headers["Location"] == SIGN_IN
    assert "Your password is changed." in Page(client.get(SIGN_IN)).words
    assert ana.get("/queue/").status_code == 303
    assert sign_in(client).status_code == 422
    assert sign_in(client, password=NEW).status_code == 303
    assert entries(app)[-3:] == [
        ("change", "password:link"),
        ("change", "password:reset"),
        ("sign-in", "with:password"),
    ]
    assert client.get(path).status_code == 404


def test_tries_are_counted_before_anything_is_hashed(
    app: Flask, ana: FlaskClient, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "RESETS_PER_HOUR", 2)
    path = link(app)
    tried = [post(client, path, password="short") for _ in range(3)]
    assert [answer.status_code for answer in tried] == [422, 422, 429]
    assert int(tried[2].headers["Retry-After"]) > 0
    # The right one waits as well, and the link stays good.
    assert post(client, path, password=NEW).status_code == 429
    assert client.get(path).status_code == 200


def test_what_is_unknown_too_old_or_used_answers_alike(app: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    used = link(app)
    post(client, used, password=NEW)
    replaced = link(app)
    old = link(app)
    with app.app_context():
        db.session.execute(update(ResetLink).values(until=clock() - timedelta(seconds=1)))
        db.session.commit()
    paths = [
        used,
        replaced,
        old,
        "/account/reset/x",
        "/account/reset/" + "a" * 43,
        "/account/reset/%00",
        "/account/reset/é",
    ]
    before = dump(app)
    answers = [client.get(path) for path in paths]
    token = token_in(client, SIGN_IN)
    answers += [client.post(path, data={"csrf_token": token, "password": "another good sentence"}) for path in paths]
    assert {answer.status_code for answer in answers} == {404}
    shown = {Page(answer).by_id["main"].replace(answer.headers["X-Request-ID"], "") for answer in answers}
    assert len(shown) == 1
    assert "This link opens nothing" in shown.pop()
    assert dump(app) == before


def test_a_link_of_a_blocked_account_opens_nothing(app: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    path = link(app)
    with app.app_context():
        db.session.execute(update(Account).values(active=False))
        db.session.commit()
    assert client.get(path).status_code == 404


def test_of_two_at_once_one_sets_its_password(app: Flask, ana: FlaskClient) -> None:
    path = link(app)
    clients = [app.test_client() for _ in range(4)]
    tokens = [token_in(client, path) for client in clients]
    ready = threading.Barrier(len(clients))

    def press(number: int) -> int:
        ready.wait()
        form = {"csrf_token": tokens[number], "password": f"{NEW}, number {number}"}
        return clients[number].post(path, data=form).status_code

    with ThreadPoolExecutor(len(clients)) as pool:
        assert Counter(pool.map(press, range(len(clients)))) == {303: 1, 404: 3}
    assert entries(app).count(("change", "password:reset")) == 1


def test_a_changed_password_ends_the_link(app: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    path = link(app)
    post(ana, "/account/password", present=PASSWORD, password=NEW)
    assert client.get(path).status_code == 404
    with app.app_context():
        assert db.session.scalars(select(ResetLink)).all() == []


@pytest.mark.sqlite_only
def test_the_sign_in_page_says_what_to_do_and_asks_for_no_address(app: Flask, client: FlaskClient) -> None:
    assert "Ask whoever runs this service" in Page(client.get(SIGN_IN)).words
    assert (
        refused(ask(app, "account", "reset", "nobody@staff.example"))
        == "Error: There is no account nobody@staff.example."
    )


@pytest.mark.sqlite_only
def test_a_link_goes_round_no_second_factor(app: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    set_up_app(ana)
    post(client, link(app), password=NEW)
    assert client.get("/queue/").headers["Location"] == SIGN_IN
    assert sign_in(client, password=NEW).headers["Location"] == SECOND
    assert client.get("/queue/").headers["Location"] == SIGN_IN
