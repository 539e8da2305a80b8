"""Invitations: a link that opens the way once, for whom it is for, and says nothing to anybody else."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from moderation import accounts, audit
from moderation.accounts import invitations
from moderation.db import clock, db
from moderation.models import Account, Entry, Invitation, Role, Via
from tests.conftest import PASSWORD, csrf, make_account, signed_in, site_of, token_in
from tests.web.asking import Page, dump
from tests.web.test_people import PEOPLE, press, roles

NEW = {"name": "Nora", "email": "nora@home.example", "password": "a sentence that nobody guesses"}


@pytest.fixture
def ines(app: Flask, site: str) -> FlaskClient:
    """Return the owner of the site, signed in."""
    return signed_in(app, make_account(app, "Ines", courier=Role.OWNER))


def invite(client: FlaskClient, role: str = "moderator", email: str = "") -> str:
    """Invite through the page, and return the link's path as the page shows it."""
    answer = press(client, f"{PEOPLE}/invitations", role=role, email=email)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return re.search(r'value="http://[^/]+(/invitations/[\w-]{43})"', answer.get_data(as_text=True))[1]  # type: ignore[index]


def accept(client: FlaskClient, path: str, **fields: str) -> Any:
    return client.post(path, data={**fields, "csrf_token": token_in(client, "/account/sign-in")})


def accept_as(client: FlaskClient, path: str) -> Any:
    return client.post(path, data={"csrf_token": csrf(client)})


def test_somebody_new_gets_an_account_a_role_and_a_session(app: Flask, ines: FlaskClient) -> None:
    path = invite(ines, "reader")
    new = app.test_client()
    words = " ".join(Page(new.get(path)).words.split())
    assert "Work on Courier" in words
    assert "Ines invites you as reader: sees the queue and the log, decides nothing." in words
    answer = accept(new, path, **NEW)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue/")
    assert "You read along here" in Page(new.get("/queue/")).words
    assert roles(app) == {"Ines": "owner", "Nora": "reader"}
    with app.app_context():
        told = db.session.execute(
            select(Entry.action, Entry.rule, Entry.note, Account.name)
            .join(Account, Account.id == Entry.account_id)
            .where(Entry.kind == "people", Entry.subject == "invitation:1")
            .order_by(Entry.id)
        ).all()
        assert [tuple(one) for one in told] == [
            ("invite", "role:reader", None, "Ines"),
            ("join", "role:reader", None, "Nora"),
        ]
        assert [proof.faults for proof in audit.verify()] == [[], []]
    log = Page(ines.get("/log/")).words
    assert "Invited a reader" in log
    assert "Joined as reader" in log


def test_the_link_is_stored_nowhere_and_shown_once(app: Flask, ines: FlaskClient) -> None:
    token = invite(ines).rpartition("/")[2]
    assert token not in repr(dump(app))
    assert token not in ines.get(PEOPLE).get_data(as_text=True)


def test_to_look_is_not_to_accept(app: Flask, ines: FlaskClient) -> None:
    path = invite(ines)
    before = dump(app)
    for method in ("get", "head", "options"):
        assert getattr(app.test_client(), method)(path).status_code == 200
    assert dump(app) == before


def test_somebody_signed_in_accepts_as_who_they_are(app: Flask, ines: FlaskClient) -> None:
    eve = signed_in(app, make_account(app, "Eve"))
    path = invite(ines)
    assert "Accept as Eve" in Page(eve.get(path)).words
    before = eve.get_cookie("session").value  # type: ignore[union-attr]
    answer = accept_as(eve, path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sites")
    # More rights, another id of the session; the old one is worth nothing.
    assert eve.get_cookie("session").value != before  # type: ignore[union-attr]
    thief = app.test_client()
    thief.set_cookie("session", before)
    assert thief.get("/queue/").status_code == 303
    assert "Welcome: you work on Courier now." in Page(eve.get("/account/sites")).words
    assert roles(app) == {"Eve": "moderator", "Ines": "owner"}


def test_somebody_with_an_account_signs_in_and_comes_back(app: Flask, ines: FlaskClient) -> None:
    make_account(app, "Eve")
    path, eve = invite(ines), app.test_client()
    token = token_in(eve, "/account/sign-in")
    answer = eve.post(f"{path}/sign-in", data={"csrf_token": token})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sign-in")
    back = eve.get_cookie("back")
    assert back is not None
    assert (back.http_only, back.same_site) == (True, "Lax")
    form = {"email": "eve@staff.example", "password": PASSWORD, "csrf_token": token}
    answer = eve.post("/account/sign-in", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert "Accept as Eve" in Page(eve.get(path)).words
    assert eve.get_cookie("back") is None


@pytest.mark.sqlite_only
@pytest.mark.parametrize("value", ["", "x", "//evil.example", "IkB4Ig.x.y", "\xff", "a" * 4000])
def test_a_way_back_that_is_none_of_ours_leads_to_the_queue(app: Flask, site: str, value: str) -> None:
    make_account(app, "Eve")
    client = app.test_client()
    form = {"email": "eve@staff.example", "password": PASSWORD, "csrf_token": token_in(client, "/account/sign-in")}
    client.set_cookie("back", value)
    assert client.post("/account/sign-in", data=form).headers["Location"] == "/queue/"


def test_a_link_that_is_not_open_is_answered_alike_whatever_became_of_it(app: Flask, ines: FlaskClient) -> None:
    used, revoked, old = invite(ines), invite(ines), invite(ines)
    accept(app.test_client(), used, **NEW)
    press(ines, f"{PEOPLE}/invitations/2/revoke")
    with app.app_context():
        db.session.execute(update(Invitation).where(Invitation.id == 3).values(expires_at=clock()))
        db.session.commit()
    before = dump(app, besides=("web_session",))
    seen = set()
    for path in (used, revoked, old, f"/invitations/{'a' * 43}", "/invitations/x", "/invitations/%F0%9F%92%A9%00"):
        for client in (app.test_client(), ines):
            looked = client.get(path)
            token = token_in(client, "/queue/" if client is ines else "/account/sign-in")
            pressed = client.post(path, data={**NEW, "email": "x@home.example", "csrf_token": token})
            asked = client.post(f"{path}/sign-in", data={"csrf_token": token})
            seen |= {(answer.status_code, answer.get_data()) for answer in (looked, pressed, asked)}
    assert len(seen) == 1, [status for status, _ in seen]
    [(status, page)] = seen
    assert (status, b"This invitation is not open any more" in page) == (404, True)
    assert dump(app, besides=("web_session",)) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize("token", ["%00", "%ff%fe", "a" * 65, "..%2f..", "%E2%80%AE", "'--", "é", "a/b"])
def test_a_hostile_token_is_an_unknown_one(app: Flask, site: str, token: str) -> None:
    client = app.test_client()
    assert client.get(f"/invitations/{token}").status_code == 404
    assert accept(client, f"/invitations/{token}", **NEW).status_code == 404


def test_an_invitation_with_an_address_is_for_it_alone(app: Flask, ines: FlaskClient) -> None:
    path = invite(ines, email=" Nora@HOME.example ")
    eve = signed_in(app, make_account(app, "Eve"))
    assert "It is for nora@home.example alone" in Page(eve.get(path)).words
    before = dump(app, besides=("web_session",))
    assert accept_as(eve, path).status_code == 409
    assert dump(app, besides=("web_session",)) == before
    # Whatever is sent as an address, the account gets the one that was invited.
    assert accept(app.test_client(), path, **NEW | {"email": "mallory@evil.example"}).status_code == 303
    with app.app_context():
        assert accounts.find("mallory@evil.example") is None
        assert accounts.find("nora@home.example") is not None


def test_an_invitation_never_takes_rights_away(app: Flask, ines: FlaskClient, ana: FlaskClient) -> None:
    path = invite(ines, "reader")
    for client in (ines, ana):
        assert "You may do all of this already" in Page(client.get(path)).words
        assert accept_as(client, path).status_code == 409
    assert roles(app) == {"Ana": "moderator", "Ines": "owner"}
    assert accept_as(ana, invite(ines, "owner")).status_code == 303
    assert roles(app) == {"Ana": "owner", "Ines": "owner"}


WRONG = [
    ("name", "", "Please enter your name, at most 100 characters."),
    ("name", "O\0", "Please enter your name, at most 100 characters."),
    ("email", "nora", "An address looks like name@example.org."),
    ("email", "ines@staff.example", "There is an account with this address. Sign in with it instead."),
    ("password", "short", "At least 12 characters, please."),
    ("password", "aaaaaaaaaaaaaaaa", "That would be guessed at once. A sentence is fine."),
]


@pytest.mark.parametrize(("field", "value", "message"), WRONG)
def test_the_form_says_what_is_wrong(app: Flask, ines: FlaskClient, field: str, value: str, message: str) -> None:
    path = invite(ines)
    before = dump(app, besides=("web_session",))
    answer = accept(app.test_client(), path, **NEW | {field: value})
    assert (answer.status_code, message in answer.get_data(as_text=True)) == (422, True)
    assert NEW["password"] not in answer.get_data(as_text=True)
    assert dump(app, besides=("web_session",)) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize("email", ["x", "a\0b@home.example", "a" * 400 + "@home.example", "a@b@c"])
def test_an_address_that_is_none_is_explained_at_its_field(app: Flask, ines: FlaskClient, email: str) -> None:
    before = dump(app, besides=("web_session",))
    answer = press(ines, f"{PEOPLE}/invitations", role="reader", email=email)
    assert (answer.status_code, "email-error" in answer.get_data(as_text=True)) == (422, True)
    assert dump(app, besides=("web_session",)) == before


@pytest.mark.sqlite_only
def test_presses_are_counted_as_sign_ins_are(app: Flask, ines: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "SIGN_INS_PER_HOUR", 3)
    path, client = invite(ines), app.test_client()
    tried = [accept(client, path, **NEW | {"name": ""}).status_code for _ in range(4)]
    assert tried == [422, 422, 422, 429]
    assert client.get(path).status_code == 200


@pytest.mark.sqlite_only
def test_a_site_has_only_so_many_open_ones(app: Flask, ines: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "MOST_OPEN", 2)
    invite(ines)
    invite(ines)
    answer = press(ines, f"{PEOPLE}/invitations", role="reader")
    assert (answer.status_code, "2 are open already." in answer.get_data(as_text=True)) == (422, True)
    press(ines, f"{PEOPLE}/invitations/1/revoke")
    invite(ines)


@pytest.mark.sqlite_only
def test_an_invitation_is_good_for_a_week(app: Flask, site: str) -> None:
    with app.app_context():
        made, token = invitations.invite(site_of("courier"), Role.READER, now=clock(), via=Via.CLI)
        at = made.created_at
        db.session.commit()
        invitations.find(token, now=at + timedelta(days=7) - timedelta(seconds=1))
        with pytest.raises(invitations.Gone):
            invitations.find(token, now=at + timedelta(days=7))
