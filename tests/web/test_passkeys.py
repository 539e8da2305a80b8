"""Passkeys: as the only factor and as the second, each answer good once, for its purpose, account and place."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from moderation.accounts import passkeys
from moderation.db import db
from moderation.models import Account
from tests.conftest import signed_in
from tests.web.asking import Page, dump
from tests.web.signing import ANA, SECOND, SIGN_IN, Authenticator, entries, options_in, post, sign_in

PASSKEYS = "/account/passkeys/"
ALONE = "/account/sign-in/passkey"


@pytest.fixture
def named(app: Flask) -> Iterator[Flask]:
    """Let the service have a name, as passkeys need it."""
    before, app.config["BASE_URL"] = app.config["BASE_URL"], "http://localhost:8000"
    yield app
    app.config["BASE_URL"] = before


def add(client: FlaskClient, device: Authenticator, *, name: str = "Blue key") -> Any:
    """Set a passkey up."""
    return post(client, PASSKEYS, name=name, answer=device.make(options_in(client, PASSKEYS)))


def test_a_passkey_signs_in_alone(named: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    other, device = signed_in(named, ANA), Authenticator()
    assert add(ana, device).headers["Location"] == "/account/"
    assert "Blue key" in Page(ana.get("/account/")).words
    assert (ana.get("/queue/").status_code, other.get("/queue/").status_code) == (200, 303)
    answer = post(client, ALONE, seen=SIGN_IN, answer=device.prove(options_in(client, SIGN_IN)))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue/")
    assert client.get("/queue/").status_code == 200
    assert entries(named)[-1] == ("sign-in", "with:passkey")


def test_a_passkey_is_a_second_factor(named: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    device = Authenticator(verifies=False)
    add(ana, device)
    # One that asks nobody's finger, face or PIN is not enough by itself.
    alone = post(client, ALONE, seen=SIGN_IN, answer=device.prove(options_in(client, SIGN_IN)))
    assert (alone.status_code, "That passkey was not accepted." in Page(alone).words) == (422, True)
    assert sign_in(client).headers["Location"] == SECOND
    wrong = Authenticator(id=device.id, user=device.user)
    assert post(client, SECOND, answer=wrong.prove(options_in(client, SECOND))).status_code == 422
    assert post(client, SECOND, answer=device.prove(options_in(client, SECOND))).headers["Location"] == "/queue/"
    assert entries(named)[-2:] == [("fail", "factor:passkey"), ("sign-in", "with:password+passkey")]


def test_an_answer_counts_once(named: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    device = Authenticator()
    add(ana, device)
    told = device.prove(options_in(client, SIGN_IN))
    assert post(client, ALONE, seen=SIGN_IN, answer=told).status_code == 303
    thief = named.test_client()
    assert post(thief, ALONE, seen=SIGN_IN, answer=told).status_code == 422
    assert thief.get("/queue/").status_code == 303


def test_an_answer_to_something_else_proves_nothing(
    named: Flask, ana: FlaskClient, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Authenticator()
    add(ana, device)
    sign_in(client)
    asked, elsewhere = options_in(client, SECOND), options_in(client, SIGN_IN)
    made_up = json.dumps({**json.loads(elsewhere), "challenge": "A" * 75})
    with monkeypatch.context() as earlier:
        earlier.setattr(passkeys, "GOOD_FOR", -passkeys.GOOD_FOR)
        old = options_in(client, SIGN_IN)
    answers = {
        "for the second factor": device.prove(asked),
        "with a challenge of its own making": device.prove(made_up),
        "too late": device.prove(old),
        "on another site": replace(device, origin="https://evil.example").prove(elsewhere),
        "of nobody": Authenticator().prove(elsewhere),
        "of another's name": replace(device, user="AAAA").prove(elsewhere),
    }
    for what, told in answers.items():
        answer = post(client, ALONE, seen=SIGN_IN, answer=told)
        assert (answer.status_code, client.get("/queue/").status_code) == (422, 303), what
    assert dump(named)["used_challenge"][1:] == []


BROKEN = ["", "x", "null", "[]", "{}", "[" * 9000, '{"id": 1}', '{"id": "\\u0000"}', "x" * 40_000]
BROKEN += ['{"id": "AAAA", "response": {"clientDataJSON": "é"}}', '{"response": {"clientDataJSON": "e30"}}']


@pytest.mark.parametrize("answer", BROKEN)
def test_what_no_browser_answers_is_refused_everywhere(
    named: Flask, ana: FlaskClient, client: FlaskClient, answer: str
) -> None:
    assert post(client, ALONE, seen=SIGN_IN, answer=answer).status_code == 422
    assert post(ana, PASSKEYS, name="key", answer=answer).status_code == 422
    assert post(ana, "/account/confirm/", answer=answer).status_code == 422
    assert dump(named)["passkey"] == []


@pytest.mark.sqlite_only
def test_a_library_that_breaks_over_an_answer_proves_nothing(named: Flask, ana: FlaskClient) -> None:
    told = json.loads(Authenticator().make(options_in(ana, PASSKEYS)))
    for broken in ("", "AAAA", "oA", told["response"]["attestationObject"][:60]):
        told["response"]["attestationObject"] = broken
        answer = post(ana, PASSKEYS, name="key", answer=json.dumps(told))
        assert (answer.status_code, "The passkey was not accepted." in Page(answer).words) == (422, True)


def test_a_passkey_of_another_account_is_not_taken_on(named: Flask, ana: FlaskClient, piet: FlaskClient) -> None:
    device = Authenticator()
    add(ana, device)
    assert add(piet, device).status_code == 422
    # Nor is what was asked of somebody else.
    assert post(piet, PASSKEYS, name="key", answer=Authenticator().make(options_in(ana, PASSKEYS))).status_code == 422
    assert len(dump(named)["passkey"]) == 1


def test_several_have_names_and_are_removed_one_by_one(named: Flask, ana: FlaskClient, piet: FlaskClient) -> None:
    for name in ("Blue key", "Phone <b>"):
        assert add(ana, Authenticator(), name=name).status_code == 303
    assert "Phone <b>" in Page(ana.get("/account/")).words
    ids = [form["passkey"] for form in Page(ana.get("/account/")).forms if "passkey" in form]
    for foreign in (ids[0], "0", "x", "9" * 30, "\0"):
        assert post(piet, "/account/passkeys/remove", seen="/account/", passkey=foreign).status_code == 404
    assert post(ana, "/account/passkeys/remove", seen="/account/", passkey=ids[0]).status_code == 303
    assert [form["passkey"] for form in Page(ana.get("/account/")).forms if "passkey" in form] == ids[1:]
    for name in ("", "n" * 61, "a\0b"):
        answer = post(ana, PASSKEYS, name=name, answer="{}")
        assert (answer.status_code, "Please give it a name" in Page(answer).words) == (422, True)


def test_a_blocked_account_s_passkey_opens_nothing(named: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    device = Authenticator()
    add(ana, device)
    with named.app_context():
        db.session.execute(update(Account).values(active=False))
        db.session.commit()
    assert post(client, ALONE, seen=SIGN_IN, answer=device.prove(options_in(client, SIGN_IN))).status_code == 422


def test_a_passkey_proves_who_is_still_there(named: Flask, ana: FlaskClient) -> None:
    device = Authenticator()
    add(ana, device)
    confirm = "/account/confirm/?next=/account/app"
    answer = post(ana, confirm, answer=device.prove(options_in(ana, confirm)))
    assert answer.headers["Location"] == "/account/app"


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("base_url", "has"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
        ("http://reply.example", False),
        ("http://localhost:8000", True),
        ("https://reply.example", True),
        ("https://192.0.2.1", False),
    ],
)
def test_passkeys_are_offered_where_browsers_make_them(base_url: str, has: bool) -> None:
    assert passkeys.Place(base_url, key="k").has_passkeys is has


@pytest.mark.sqlite_only
def test_where_there_are_none_the_page_says_why(ana: FlaskClient) -> None:
    assert "not for a number" in Page(ana.get(PASSKEYS)).words
    assert "passkey" not in Page(ana.get("/account/")).words.lower()
