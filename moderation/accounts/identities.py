"""By which name a team's own sign-in knows an account.

Nobody gets an account by it: whoever is to come in was invited, or made by command, with an e-mail address. The first
time that the team's sign-in vouches for that address, its lasting name for the person is noted beside the account; from
then on the name counts, and the address no more: whoever gets the address later does not get the account.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from moderation import accounts
from moderation.accounts import noting
from moderation.db import db
from moderation.models import Account, Action, TeamIdentity


class NotKnown(Exception):
    """The person has no account here, or not one that may be opened this way."""


@dataclass(frozen=True)
class Person:
    """Whom an issuer names: by a lasting name of its own, and by an address that it vouches for or not."""

    issuer: str
    subject: str
    email: str
    is_verified: bool


def account_of(person: Person, *, now: datetime) -> Account:
    """Return a person's account; the first time, by the address. Raises `NotKnown`."""
    named = (TeamIdentity.issuer == person.issuer, TeamIdentity.subject == person.subject)
    account = db.session.scalars(select(Account).join(TeamIdentity).where(*named)).one_or_none()
    if account is None:
        account = _first_time(person, now=now)
    if not account.active:
        raise NotKnown
    return account


def _first_time(person: Person, *, now: datetime) -> Account:
    account = accounts.find(person.email) if person.email and person.is_verified else None
    if account is None or not account.active:
        raise NotKnown
    noted = TeamIdentity(account_id=account.id, issuer=person.issuer, subject=person.subject, created_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(noted)
    except IntegrityError as error:
        # Known by another name already: somebody else had this address.
        raise NotKnown from error
    noting.note_factor(Action.ADD, account, factor="team", now=now)
    return account
