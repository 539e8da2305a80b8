"""Two at one moment, about people: a site keeps an owner, a link opens once, an address is one account."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from moderation import accounts, audit
from moderation.accounts import invitations, people
from moderation.db import clock, db
from moderation.models import Account, Entry, Role, Via
from tests.conftest import ORIGIN, account_of, csrf, make_account, make_site, signed_in, site_of, token_in
from tests.faults.scene import at_once

pytestmark = pytest.mark.faults

ROUNDS = 4


@pytest.fixture
def owners(app: Flask) -> dict[str, FlaskClient]:
    """Make a site with two owners, and return both, signed in."""
    make_site(app, "courier", ORIGIN)
    return {name: signed_in(app, make_account(app, name, courier=Role.OWNER)) for name in ("Ana", "Ines")}


def press(client: FlaskClient, path: str, **fields: str) -> Callable[[], Any]:
    """Return a press that is ready to be made."""
    data = fields | {"csrf_token": csrf(client)}
    return lambda: client.post(path, data=data)


def working(app: Flask) -> dict[str, str]:
    with app.app_context():
        return {one.account.name: str(one.role) for one in people.people_of(site_of("courier"))}


def both_own_it(app: Flask) -> None:
    with app.app_context():
        for name in ("ana", "ines"):
            accounts.grant(
                account_of(f"{name}@staff.example"), site_of("courier"), Role.OWNER, now=clock(), via=Via.CLI
            )
        db.session.commit()


WAYS = {
    "remove": lambda other: (f"/settings/courier/people/{other}/remove", {}),
    "demote": lambda other: (f"/settings/courier/people/{other}/role", {"role": "reader"}),
    "leave": lambda _: ("/account/sites/courier/leave", {}),
}


@pytest.mark.parametrize("one", list(WAYS))
@pytest.mark.parametrize("other", list(WAYS))
def test_of_two_owners_at_once_one_stays(app: Flask, owners: dict[str, FlaskClient], one: str, other: str) -> None:
    with app.app_context():
        ids = dict(db.session.execute(select(Account.name, Account.id)).all())
    for _ in range(ROUNDS):
        both_own_it(app)
        presses = []
        for way, me, you in ((one, "Ana", "Ines"), (other, "Ines", "Ana")):
            path, fields = WAYS[way](ids[you])
            presses.append(press(owners[me], path, **fields))
        answers = [answer.status_code for answer in at_once(*presses)]
        assert 303 in answers
        assert set(answers) <= {303, 403, 404, 409}, answers
        assert list(working(app).values()).count("owner") == 1, (answers, working(app))
    with app.app_context():
        assert [proof.faults for proof in audit.verify()] == [[], []]


def joining(app: Flask, token: str, name: str) -> Callable[[], int]:
    """Return somebody new who is about to press the button of an invitation."""
    client = app.test_client()
    new = {"name": name, "email": f"{name}@home.example", "password": "a sentence that nobody guesses"}
    data = new | {"csrf_token": token_in(client, "/account/sign-in")}
    return lambda: client.post(f"/invitations/{token}", data=data).status_code


def invite(app: Flask) -> tuple[int, str]:
    """Return an invitation's number and token."""
    with app.app_context():
        made, token = invitations.invite(site_of("courier"), Role.READER, now=clock(), via=Via.CLI)
        db.session.commit()
        return made.id, token


def test_of_two_who_open_one_link_at_once_one_joins(app: Flask, owners: dict[str, FlaskClient]) -> None:
    for number in range(ROUNDS):
        _, token = invite(app)
        answers = at_once(joining(app, token, f"one{number}"), joining(app, token, f"other{number}"))
        assert sorted(answers) == [303, 404]
    with app.app_context():
        # Who came too late has no account either.
        assert db.session.scalar(select(func.count(Account.id))) == 2 + ROUNDS
        assert db.session.scalar(select(func.count(Entry.id)).where(Entry.action == "join")) == ROUNDS
        assert [proof.faults for proof in audit.verify()] == [[], []]


def test_a_link_is_opened_while_it_is_taken_back(app: Flask, owners: dict[str, FlaskClient]) -> None:
    for number in range(ROUNDS):
        eve = signed_in(app, make_account(app, f"Eve{number}"))
        of, token = invite(app)
        answers = at_once(
            press(eve, f"/invitations/{token}"),
            press(owners["Ana"], f"/settings/courier/people/invitations/{of}/revoke"),
        )
        assert sorted(answer.status_code for answer in answers) == [303, 404]
        assert (f"Eve{number}" in working(app)) is (answers[0].status_code == 303)


def test_of_two_accounts_with_one_address_at_once_there_is_one(app: Flask, owners: dict[str, FlaskClient]) -> None:
    for number in range(ROUNDS):
        links = [invite(app)[1] for _ in range(2)]
        assert sorted(at_once(*(joining(app, link, f"new{number}") for link in links))) == [303, 422]
