"""Words between colleagues: a note on a text, and a text handed over for a second opinion."""

from datetime import datetime

from moderation import accounts, audit
from moderation.accounts import Right
from moderation.db import db
from moderation.models import Account, Action, Handing, Kind, Revision, Status, Via
from moderation.review.texts import Unknown, text


class Decided(Exception):
    """The text does not wait any more."""


def note(revision_id: int, words: str, *, by: Account, now: datetime) -> Revision:
    """Leave a note to colleagues. Raises `Unknown`, `accounts.Denied`."""
    revision = text(revision_id, by=by, right=Right.DECIDE)
    _record(revision, Action.NOTE, words, by=by, now=now)
    return revision


def hand(revision_id: int, to_id: int | None, words: str, *, by: Account, now: datetime) -> Revision:
    """Hand a waiting text to a colleague, or without a name to the site's owners.

    Raises `Unknown` for a text or a colleague who decides on none of the account's sites, `Decided`, `accounts.Denied`.
    """
    revision = text(revision_id, by=by, right=Right.DECIDE)
    if to_id is not None and not _decides(to_id, revision.site_id, beside=by):
        raise Unknown
    if revision.status is not Status.PENDING:
        raise Decided
    if (earlier := db.session.get(Handing, revision.id)) is not None:
        db.session.delete(earlier)
        db.session.flush()
    db.session.add(Handing(revision_id=revision.id, site_id=revision.site_id, to_id=to_id, by_id=by.id, at=now))
    _record(revision, Action.HAND, words, by=by, now=now)
    return revision


def _decides(account_id: int, site_id: int, *, beside: Account) -> bool:
    here = (each for each in accounts.staff_around(beside) if each.site_id == site_id and each.may(Right.DECIDE))
    return account_id in {each.account_id for each in here}


def _record(revision: Revision, action: Action, words: str, *, by: Account, now: datetime) -> None:
    audit.record(
        audit.Event(
            kind=Kind.NOTE,
            action=action,
            subject=f"comment:{revision.comment_id}",
            site_id=revision.site_id,
            revision_id=revision.id,
            via=Via.QUEUE,
            at=now,
            account_id=by.id,
            note=words or None,
        )
    )
