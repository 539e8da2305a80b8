"""What each role may do: the table, asked one by one, and all at once as a query."""

import pytest
from flask import Flask

from moderation import accounts
from moderation.accounts import Right
from moderation.db import clock, db
from moderation.models import Role, Via
from tests.conftest import account_of, make_account, make_site, site_of

MAY = {
    "Rita": {"courier": {Right.READ}},
    "Ana": {"courier": {Right.READ, Right.DECIDE}},
    "Ines": {"courier": {Right.READ, Right.DECIDE, Right.MANAGE}},
    "Eve": {"harbour": {Right.READ, Right.DECIDE}},
    "Otto": {key: {Right.READ, Right.DECIDE, Right.MANAGE} for key in ("courier", "harbour")},
    "Nobody": {},
}


@pytest.mark.parametrize("name", list(MAY))
def test_what_may_be_done_is_the_same_one_by_one_and_as_a_query(app: Flask, site: str, name: str) -> None:
    make_site(app, "harbour", "https://harbour.example")
    given = {"Rita": Role.READER, "Ana": Role.MODERATOR, "Ines": Role.OWNER}
    at = {"courier": given[name]} if name in given else {"harbour": Role.MODERATOR} if name == "Eve" else {}
    email = make_account(app, name, **at)
    with app.app_context():
        account = account_of(email)
        if name == "Otto":
            accounts.set_operator(account, accounts.Operator.ON, now=clock(), via=Via.CLI)
        for right in Right:
            one_by_one = {key for key in ("courier", "harbour") if accounts.may(account, right, site_of(key).id)}
            at_once = {each.key for each in accounts.sites_of(account, right)}
            standing = {each.site.key for each in accounts.standings_of(account) if each.may(right)}
            expected = {key for key, rights in MAY[name].items() if right in rights}
            assert (one_by_one, at_once, standing) == (expected, expected, expected), right
        db.session.rollback()
