"""The sessions of an account: which there are, and how they end."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from moderation.accounts import noting
from moderation.db import db
from moderation.models import Account, WebSession


def of(account: Account, *, now: datetime) -> Sequence[WebSession]:
    """Return an account's sessions, the one used last first."""
    mine = (WebSession.account == account.fs_uniquifier, WebSession.expires_at > now)
    return db.session.scalars(
        select(WebSession).where(*mine).order_by(WebSession.used_at.desc(), WebSession.created_at.desc())
    ).all()


def end_one(account: Account, id_hash: str, *, now: datetime) -> bool:
    """End one session of an account; False where it has none by that name, or no more."""
    mine = (WebSession.account == account.fs_uniquifier, WebSession.id_hash == id_hash)
    if db.session.execute(delete(WebSession).where(*mine)).rowcount == 0:  # type: ignore[attr-defined]
        return False
    noting.note_ended(account, rule="one", now=now)
    return True


def end_others(account: Account, *, but: str, now: datetime) -> int:
    """End all sessions of an account but one, and return how many."""
    others = (WebSession.account == account.fs_uniquifier, WebSession.id_hash != but)
    number = int(db.session.execute(delete(WebSession).where(*others)).rowcount)  # type: ignore[attr-defined]
    if number:
        noting.note_ended(account, rule="others", now=now)
    return number


def end_all(account: Account, *, but: str = "") -> None:
    """End every session of an account, those included that a late answer would write again.

    The one that is to go on has to take up the account's new mark.
    """
    others = (WebSession.account == account.fs_uniquifier, WebSession.id_hash != but)
    db.session.execute(delete(WebSession).where(*others))
    account.fs_uniquifier = secrets.token_hex(16)
    db.session.flush()
