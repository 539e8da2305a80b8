"""The queue in numbers: what waits and since when, what came and went, and when it will be empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from moderation.accounts import Standing
from moderation.db import db
from moderation.models import Account, Entry, Handing, LogHead, Revision, Status, Tally
from moderation.review.listing import View, handed_to

#: A pace that empties the queue later than this is none.
FAR = timedelta(days=2)


@dataclass(frozen=True)
class Sums:
    """What the head of the queue tells of all sites that an account works on."""

    counts: dict[View, int]
    #: The newest entry of each site: where a page that is loaded now begins to follow.
    marks: Mapping[int, int]
    #: The newest text there is: what comes later was not seen.
    upto: int
    #: Since when the oldest waits.
    oldest: datetime | None
    decided_today: int
    #: How many came, and how many were decided, in an hour, by the last one or two.
    arrivals: float
    decisions: float
    #: At this pace; None where more comes than goes, or nothing goes.
    empty_at: datetime | None
    #: Honest wait in minutes, the longest of the sites'.
    wait_half: int | None


def sums(account: Account, memberships: Sequence[Standing], *, now: datetime) -> Sums:
    """Add up the sites of an account."""
    site_ids = [each.site_id for each in memberships]
    oldest = select(func.min(Revision.waiting_since)).where(
        Revision.site_id == LogHead.site_id, Revision.status == Status.PENDING
    )
    newest = select(func.max(Entry.id)).where(Entry.site_id == LogHead.site_id)
    handed = (
        select(func.count())
        .select_from(Handing)
        .join(Revision, Revision.id == Handing.revision_id)
        .where(Handing.site_id == LogHead.site_id, Revision.status == Status.PENDING, handed_to(account, memberships))
    )
    newest_text = select(func.max(Revision.id)).scalar_subquery()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    span = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    tallied = [
        select(func.coalesce(func.sum(what), 0)).where(Tally.site_id == LogHead.site_id, Tally.hour >= since)
        for what, since in ((Tally.arrivals, span), (Tally.decided, span), (Tally.decided, midnight))
    ]
    parts = [part.correlate(LogHead).scalar_subquery() for part in (oldest, newest, handed, *tallied)]
    rows = db.session.execute(select(LogHead, newest_text, *parts).where(LogHead.site_id.in_(site_ids))).all()
    columns = list(zip(*rows, strict=True)) or [()] * 8
    heads, texts, since, entries, mine, arrived, decided, today = columns
    length = (now - span) / timedelta(hours=1)
    arrivals, decisions = sum(arrived) / length, max(0, sum(decided)) / length
    waiting = sum(head.pending for head in heads)
    counts = {view: sum(_number(head, view) for head in heads) for view in View}
    return Sums(
        counts=counts | {View.MINE: sum(mine)},
        marks={head.site_id: last or 0 for head, last in zip(heads, entries, strict=True)},
        upto=max(filter(None, texts), default=0),
        oldest=min(filter(None, since), default=None),
        decided_today=max(0, sum(today)),
        arrivals=arrivals,
        decisions=decisions,
        empty_at=_empty_at(waiting, decisions - arrivals, now=now),
        wait_half=max((head.wait_half for head in heads if head.wait_half is not None), default=None),
    )


def _empty_at(waiting: int, pace: float, *, now: datetime) -> datetime | None:
    if not waiting or pace <= 0 or waiting / pace > FAR / timedelta(hours=1):
        return None
    return now + timedelta(hours=waiting / pace)


def _number(head: LogHead, view: View) -> int:
    listed = [view.status] if view.status else [status for status in Status if status is not Status.SUPERSEDED]
    return sum(int(getattr(head, status)) for status in listed)
