"""What happened since a page was loaded, so that it can follow without being loaded again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import and_, false, func, or_, select

from moderation.accounts import Standing
from moderation.db import db
from moderation.models import Account, Entry, Kind, LogHead, Revision, Status

#: The newest entry that a page knows, by site.
Marks: TypeAlias = Mapping[int, int]
#: A page that missed more than this is to be loaded again.
MOST_MISSED = 300


@dataclass(frozen=True)
class Moved:
    """One text that was moved, as it stands now, with who moved it last."""

    entry: Entry
    status: Status
    turn: int
    who: str | None


@dataclass(frozen=True)
class Changes:
    """What a page has missed."""

    marks: Marks
    waiting: int
    #: The texts that came since and wait.
    arrived: Sequence[int]
    moved: Sequence[Moved]
    missed_too_much: bool


def state_of(memberships: Sequence[Standing]) -> str:
    """Name the present state of the sites' logs: as long as it is the same, nothing has happened."""
    site_ids = [each.site_id for each in memberships]
    heads = db.session.scalars(select(LogHead.hash).where(LogHead.site_id.in_(site_ids)).order_by(LogHead.site_id))
    return "".join(head[:12] for head in heads)


def marks_of(memberships: Sequence[Standing]) -> Marks:
    """Return the newest entry of each site: where a page that is loaded now begins to follow.

    One for each site: only within one are entries numbered in the order in which they are committed.
    """
    newest = select(func.max(Entry.id)).where(Entry.site_id == LogHead.site_id).correlate(LogHead).scalar_subquery()
    site_ids = [each.site_id for each in memberships]
    rows = db.session.execute(select(LogHead.site_id, newest).where(LogHead.site_id.in_(site_ids)))
    return {site_id: number or 0 for site_id, number in rows if site_id is not None}


def since(marks: Marks, memberships: Sequence[Standing]) -> Changes:
    """Tell what happened on these sites after their marks; a site without one is followed from now on."""
    now = marks_of(memberships)
    after = [
        and_(Entry.site_id == site_id, Entry.id > marks[site_id], Entry.id <= now[site_id])
        for site_id in now
        if site_id in marks
    ]
    rows = db.session.execute(
        select(Entry, Revision.status, Revision.turn, Account.name)
        .join(Revision, Revision.id == Entry.revision_id)
        .outerjoin(Account, Account.id == Entry.account_id)
        .where(or_(false(), *after), Entry.kind != Kind.NOTE)
        .order_by(Entry.id)
        .limit(MOST_MISSED + 1)
    ).all()
    last = {entry.revision_id or 0: Moved(entry, status, turn, name) for entry, status, turn, name in rows}
    new = {entry.revision_id or 0 for entry, *_ in rows if entry.from_status is None}
    return Changes(
        marks=now,
        waiting=db.session.scalars(select(func.sum(LogHead.pending)).where(LogHead.site_id.in_(now))).one() or 0,
        arrived=sorted(id_ for id_ in new if last[id_].status is Status.PENDING),
        moved=[one for id_, one in last.items() if id_ not in new],
        missed_too_much=len(rows) > MOST_MISSED,
    )
