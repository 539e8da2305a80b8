"""Links with which a new password is chosen: made by who may, good once and for an hour; only their hash is stored."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from moderation.accounts import noting, sessions
from moderation.db import db
from moderation.models import Account, ResetLink, Via

GOOD_FOR = timedelta(hours=1)


class NoSuchLink(Exception):
    """The link is unknown, too old or was used."""


def make(account: Account, *, now: datetime, via: Via) -> str:
    """Make a link's token for an account; the one before is worth nothing from then on."""
    token = secrets.token_urlsafe(32)
    db.session.execute(delete(ResetLink).where((ResetLink.account_id == account.id) | (ResetLink.until <= now)))
    db.session.add(ResetLink(hash=_hash(token), account_id=account.id, until=now + GOOD_FOR))
    db.session.flush()
    noting.note_password(account, rule="link", now=now, via=via)
    return token


def account_of(token: str, *, now: datetime) -> Account:
    """Return whose link it is. Raises `NoSuchLink`."""
    good = (ResetLink.hash == _hash(token), ResetLink.until > now, Account.active)
    account = db.session.scalars(select(Account).join(ResetLink).where(*good)).one_or_none()
    if account is None:
        raise NoSuchLink
    return account


def use(token: str, *, password_hash: str, now: datetime) -> Account:
    """Give the account its new password, and end its sessions. Raises `NoSuchLink`; of two at once, for the second."""
    account = account_of(token, now=now)
    if db.session.execute(delete(ResetLink).where(ResetLink.hash == _hash(token))).rowcount == 0:  # type: ignore[attr-defined]
        raise NoSuchLink
    change_password(account, password_hash=password_hash, rule="reset", now=now)
    return account


def change_password(
    account: Account, *, password_hash: str, rule: str, now: datetime, via: Via = Via.WEB, but: str = ""
) -> None:
    """Give an account another password; it ends every session but one, and a link that was made for it."""
    account.password = password_hash
    db.session.execute(delete(ResetLink).where(ResetLink.account_id == account.id))
    sessions.end_all(account, but=but)
    noting.note_password(account, rule=rule, now=now, via=via)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
