"""`flask account`: who there is, roles given and taken, invitations, operators, passwords; each with its line."""

import re

import pytest
from flask import Flask
from flask_security.utils import verify_password
from sqlalchemy import select

from moderation import accounts, audit
from moderation.accounts import invitations
from moderation.db import clock, db
from moderation.models import Account, Entry, Role
from tests.conftest import account_of, make_account, make_site, signed_in
from tests.test_cli import ask, refused

OWNER = "Error: courier has no other owner: make somebody else one first."


@pytest.fixture
def staff(app: Flask, site: str) -> None:
    """Make two sites, and people who work there."""
    make_site(app, "herald", "https://herald.example")
    make_account(app, "Ana", courier=Role.OWNER, herald=Role.READER)
    make_account(app, "Piet", courier=Role.MODERATOR)
    make_account(app, "Otto")


def roles(app: Flask, email: str) -> dict[str, str]:
    with app.app_context():
        return {each.site.key: str(each.role) for each in account_of(email).memberships}


def rules(app: Flask) -> list[tuple[str, str | None, int | None]]:
    """Return the last entries about people: what was done, the rule, and by whom; the command line is nobody."""
    with app.app_context():
        kinds = select(Entry.action, Entry.rule, Entry.account_id).where(Entry.kind == "people")
        return [(str(action), rule, by) for action, rule, by in db.session.execute(kinds.order_by(Entry.id))]


@pytest.mark.usefixtures("staff")
def test_the_list_names_everybody_with_their_roles(app: Flask) -> None:
    ask(app, "account", "operator", "otto@staff.example", "on")
    assert ask(app, "account", "list").output.splitlines() == [
        "ana@staff.example  Ana  owner of courier, reader of herald",
        "otto@staff.example  Otto  operator",
        "piet@staff.example  Piet  moderator of courier",
    ]
    assert ask(app, "account", "list", "--site", "herald").output.splitlines() == [
        "ana@staff.example  Ana  reader of herald"
    ]


@pytest.mark.usefixtures("staff")
def test_roles_are_given_and_taken_away(app: Flask) -> None:
    said = ask(app, "account", "role", "PIET@staff.example", "reader", "--site", "courier")
    assert (said.exit_code, said.output) == (0, "piet@staff.example: reader of courier\n")
    assert roles(app, "piet@staff.example") == {"courier": "reader"}
    assert ask(app, "account", "role", "otto@staff.example", "owner", "--site", "herald").exit_code == 0
    said = ask(app, "account", "remove", "piet@staff.example", "--site", "courier")
    assert (said.exit_code, said.output) == (0, "piet@staff.example: nothing of courier any more\n")
    assert roles(app, "piet@staff.example") == {}
    assert rules(app)[-3:] == [("change", "role:reader", None), ("change", "role:owner", None), ("remove", None, None)]
    with app.app_context():
        assert [proof.faults for proof in audit.verify()] == [[], [], []]


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["role", "ana@staff.example", "reader", "--site", "courier"], OWNER),
        (["remove", "ana@staff.example", "--site", "courier"], OWNER),
        (["create", "ana@staff.example", "--moderator-of", "courier"], OWNER),
        (["remove", "otto@staff.example", "--site", "courier"], "Error: otto@staff.example has no role on courier."),
        (["role", "eve@staff.example", "reader", "--site", "courier"], "Error: There is no account eve@staff.example."),
        (["operator", "eve@staff.example", "on"], "Error: There is no account eve@staff.example."),
        (
            ["role", "piet@staff.example", "king", "--site", "courier"],
            "Error: Invalid value for '{reader|moderator|owner}': 'king' is not one of 'reader', 'moderator', 'owner'.",
        ),
        (
            ["invite", "--site", "courier", "--email", "nora"],
            "Error: Invalid value for --email: An email address must have an @-sign.",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(app: Flask, arguments: list[str], said: str) -> None:
    before = rules(app)
    assert refused(ask(app, "account", *arguments)) == said
    assert rules(app) == before


@pytest.mark.usefixtures("staff")
def test_an_invitation_is_printed_as_a_link_that_works(app: Flask) -> None:
    said = ask(app, "account", "invite", "--site", "courier", "--role", "owner", "--email", "Nora@home.example")
    [token] = re.findall(r"^http://127\.0\.0\.1:8000/invitations/([\w-]{43})$", said.output, re.MULTILINE)
    assert "Good once, until " in said.output
    with app.app_context():
        found = invitations.find(token, now=clock())
        assert (str(found.role), found.email, found.invited_by) == ("owner", "nora@home.example", None)
    page = app.test_client().get(f"/invitations/{token}").get_data(as_text=True)
    assert "You are invited as owner:" in page


@pytest.mark.usefixtures("staff")
def test_an_operator_is_made_and_unmade(app: Flask) -> None:
    for to, number in (("on", 2), ("off", 0)):
        said = ask(app, "account", "operator", "otto@staff.example", to)
        assert (said.exit_code, said.output) == (0, f"otto@staff.example: operator {to}\n")
        with app.app_context():
            assert len(accounts.sites_of(account_of("otto@staff.example"))) == number
    with app.app_context():
        rules = db.session.scalars(select(Entry.rule).where(Entry.rule.like("operator:%")).order_by(Entry.id)).all()
        assert rules == ["operator:on", "operator:off"]


@pytest.mark.usefixtures("staff")
def test_a_new_password_ends_every_session(app: Flask) -> None:
    client = signed_in(app, "piet@staff.example")
    new = ("account", "password", "piet@staff.example", "--password-stdin")
    said = ask(app, *new, given="another sentence entirely\n")
    assert (said.exit_code, said.output) == (0, "piet@staff.example: new password, signed out everywhere\n")
    assert client.get("/queue/").status_code == 303
    with app.app_context():
        hashed = db.session.scalars(select(Account.password).where(Account.name == "Piet")).one()
        assert verify_password("another sentence entirely", hashed)
    assert refused(ask(app, *new, given="short\n")).startswith("Error: The password is short:")
