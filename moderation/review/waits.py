"""How long replies wait, said honestly; and what has waited at its author's too long."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from moderation.db import db
from moderation.models import Comment, Entry, Kind, Revision, Site, Status


def overdue_returns(*, now: datetime) -> Sequence[Revision]:
    """List the texts that were returned to their authors longer ago than their sites wait."""
    rows = db.session.execute(
        select(Revision, Entry.at, Site.return_days)
        .join(Entry, (Entry.revision_id == Revision.id) & (Entry.turn == Revision.turn))
        .join(Site, Site.id == Revision.site_id)
        .where(Revision.status == Status.RETURNED)
        .order_by(Revision.comment_id)
    )
    return [revision for revision, at, days in rows if at + timedelta(days=days) <= now]


#: The steps in which waits are said, in minutes: 15 min, 1 h, 3 h, 6 h, 12 h, a day, 2 days; beyond: longer.
WAIT_STEPS = (15, 60, 180, 360, 720, 1440, 2880, 10_080)
#: Fewer decisions say nothing about the next one.
LEAST_DECISIONS = 20
#: Arrivals of this long are looked at.
WAIT_SPAN = timedelta(days=7)


def honest_wait(site_id: int, *, now: datetime) -> tuple[int | None, int | None]:
    """Return the steps, in minutes, by which half and nine of ten arrivals had their first decision by a person.

    Those still waiting count as undecided; imports are left out. (None, None) before 20 decisions.
    """
    first = (
        select(func.min(Entry.at))
        .where(Entry.revision_id == Revision.id, Entry.kind == Kind.DECISION, Entry.account_id.is_not(None))
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Revision.submitted_at, first)
        .join(Comment)
        .where(
            Revision.site_id == site_id,
            Revision.submitted_at > now - WAIT_SPAN,
            Revision.status != Status.WITHDRAWN,
            Revision.number == 1,
            Comment.source.is_(None),
        )
    ).all()
    decided: list[tuple[datetime, datetime | None]] = [(arrived, at) for arrived, at in rows]
    waits = sorted((at - arrived).total_seconds() / 60 for arrived, at in decided if at is not None)
    if len(waits) < LEAST_DECISIONS:
        return None, None
    return _step(waits, len(rows), 0.5), _step(waits, len(rows), 0.9)


def _step(waits: list[float], arrivals: int, share: float) -> int | None:
    """Round the wait that `share` of all arrivals had up to a step; None where so many have no decision yet."""
    needed = int(arrivals * share)
    if needed >= len(waits):
        return None
    return next((step for step in WAIT_STEPS if waits[needed] <= step), WAIT_STEPS[-1])
