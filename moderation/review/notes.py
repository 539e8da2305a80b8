"""Words between colleagues: a note on a text, and a text handed over for a second opinion."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from moderation import audit
from moderation.db import db
from moderation.models import Account, Action, Handing, Kind, Membership, Revision, Status, Via


class Unknown(Exception):
    """There is no such text or colleague on the account's sites."""


class Decided(Exception):
    """The text does not wait any more."""


@dataclass(frozen=True)
class Colleague:
    """Somebody a text can be handed to."""

    id: int
    name: str


def colleagues(site_id: int, *, besides: Account) -> list[Colleague]:
    """Name who else works on a site."""
    rows = db.session.execute(
        select(Account.id, Account.name)
        .join(Membership)
        .where(Membership.site_id == site_id, Account.id != besides.id, Account.active)
        .order_by(Account.name, Account.id)
    )
    return [Colleague(id_, name) for id_, name in rows]


def note(revision_id: int, words: str, *, by: Account, now: datetime) -> Revision:
    """Leave a note to colleagues. Raises `Unknown`."""
    revision = _mine(revision_id, by)
    _record(revision, Action.NOTE, words, by=by, now=now)
    return revision


def hand(revision_id: int, to_id: int | None, words: str, *, by: Account, now: datetime) -> Revision:
    """Hand a waiting text to a colleague, or without a name to the site's owners. Raises `Unknown`, `Decided`."""
    revision = _mine(revision_id, by)
    if to_id is not None and db.session.get(Membership, (to_id, revision.site_id)) is None:
        raise Unknown
    if revision.status is not Status.PENDING:
        raise Decided
    if (earlier := db.session.get(Handing, revision.id)) is not None:
        db.session.delete(earlier)
        db.session.flush()
    db.session.add(Handing(revision_id=revision.id, site_id=revision.site_id, to_id=to_id, by_id=by.id, at=now))
    _record(revision, Action.HAND, words, by=by, now=now)
    return revision


def _mine(revision_id: int, account: Account) -> Revision:
    revision = db.session.scalars(
        select(Revision)
        .join(Membership, Membership.site_id == Revision.site_id)
        .where(Revision.id == revision_id, Membership.account_id == account.id)
    ).one_or_none()
    if revision is None:
        raise Unknown
    return revision


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
