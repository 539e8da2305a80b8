"""The log in numbers: what came and what was decided by day, by whom, and why."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import NamedTuple

from sqlalchemy import case, func, select

from moderation import accounts
from moderation.db import db
from moderation.models import Account, Action, Entry, Kind, Reason, Revision, Site, Status, Tally

#: For how many days numbers can be asked.
SPANS = (7, 30, 90)


@dataclass
class Day:
    """What one day brought, in UTC."""

    day: date
    arrivals: int = 0
    approved: int = 0
    rejected: int = 0
    spam: int = 0
    other: int = 0
    undone: int = 0
    #: How long what was first decided on this day had waited: the middle one, and the longest.
    median: timedelta | None = None
    longest: timedelta | None = None


@dataclass
class Moderator:
    """What one account did."""

    name: str
    approved: int = 0
    rejected: int = 0
    spam: int = 0
    other: int = 0
    undone: int = 0
    #: How long what they decided first had waited: the middle one.
    wait: timedelta | None = None


@dataclass(frozen=True)
class Why:
    """How often one reason was given, and who gave it most; without a label: no reason was given."""

    site: str
    label: str | None
    times: int
    who: str
    their_times: int


@dataclass(frozen=True)
class Numbers:
    """All of it, for some days up to today."""

    span: int
    days: Sequence[Day]
    moderators: Sequence[Moderator]
    reasons: Sequence[Why]
    #: All sites that there are numbers of, and the key of the one they are of; without one they are of all.
    sites: Sequence[Site] = ()
    site: str = ""

    @property
    def several(self) -> bool:
        """Whether the reasons are those of several sites, which then are named."""
        return len(self.sites) > 1 and not self.site


class _First(NamedTuple):
    """A first decision by a person: whose, when, and how long the text had waited."""

    account_id: int
    at: datetime
    waited: timedelta


class _Group(NamedTuple):
    """How many entries of one kind somebody wrote."""

    site_id: int
    account_id: int
    kind: Kind
    to: Status | None
    reason_id: int | None
    number: int


def numbers(account: Account, span: int, *, site: str = "", now: datetime) -> Numbers:
    """Count what happened on an account's sites, or on one of them, on the last so many days, today included."""
    mine = accounts.sites_of(account)
    # One that is not the account's is none of its sites, like one that is not there.
    sites = {each.id: each for each in mine if not site or each.key == site}
    first = now.astimezone(UTC).date() - timedelta(days=span - 1)
    since = datetime.combine(first, time(), UTC)
    decided, groups = _first_decisions(sites, since), _groups(sites, since)
    names = _names(group.account_id for group in groups)
    return Numbers(
        span=span,
        days=_days(sites, since, span, decided),
        moderators=_moderators(groups, decided, names),
        reasons=_reasons(groups, names, sites),
        sites=mine,
        site=site,
    )


def _days(sites: Iterable[int], since: datetime, span: int, decided: Sequence[_First]) -> list[Day]:
    days = {day: Day(day) for day in (since.date() + timedelta(days=number) for number in range(span))}
    columns = (Tally.arrivals, Tally.approved, Tally.rejected, Tally.spam, Tally.other, Tally.undone)
    hours = db.session.execute(select(Tally.hour, *columns).where(Tally.site_id.in_(sites), Tally.hour >= since))
    for hour, *counted in hours:
        if day := days.get(hour.date()):
            for column, number in zip(columns, counted, strict=True):
                setattr(day, column.key, getattr(day, column.key) + number)
    waits: dict[date, list[timedelta]] = defaultdict(list)
    for one in decided:
        waits[one.at.date()].append(one.waited)
    for on, lengths in waits.items():
        if day := days.get(on):
            day.median, day.longest = _middle(lengths), max(lengths)
    return list(days.values())


def _first_decisions(sites: Iterable[int], since: datetime) -> list[_First]:
    """List the decisions that were the first on their text. An answer in the site's name never waited."""
    # A text that was put back to waiting later waits since then: it was decided before.
    waiting = case((Revision.waiting_since <= Entry.at, Revision.waiting_since), else_=Revision.submitted_at)
    rows = db.session.execute(
        select(Entry.account_id, Entry.at, waiting)
        .join(Revision, Revision.id == Entry.revision_id)
        .where(
            Entry.site_id.in_(sites),
            Entry.at >= since,
            Entry.kind == Kind.DECISION,
            Entry.turn == 1,
            Entry.account_id.is_not(None),
            Entry.at > Revision.submitted_at,
        )
    )
    return [_First(account_id, at, at - began) for account_id, at, began in rows if account_id is not None]


def _groups(sites: Iterable[int], since: datetime) -> list[_Group]:
    """Count what accounts decided and took back. What only followed, or gave its place back, they did not decide."""
    columns = (Entry.site_id, Entry.account_id, Entry.kind, Entry.to_status, Entry.reason_id)
    rows = db.session.execute(
        select(*columns, func.count())
        .where(
            Entry.site_id.in_(sites),
            Entry.at >= since,
            Entry.account_id.is_not(None),
            Entry.kind.in_((Kind.DECISION, Kind.UNDO)),
            Entry.action != Action.SUPERSEDE,
            Entry.from_status != Status.SUPERSEDED,
        )
        .group_by(*columns)
    )
    return [_Group(*row) for row in rows]  # type: ignore[arg-type]


def _moderators(groups: Sequence[_Group], decided: Sequence[_First], names: dict[int, str]) -> list[Moderator]:
    found = {account_id: Moderator(name) for account_id, name in names.items()}
    outcomes = {Status.APPROVED: "approved", Status.REJECTED: "rejected", Status.SPAM: "spam"}
    for group in groups:
        one = found[group.account_id]
        what = "undone" if group.kind is Kind.UNDO else outcomes.get(group.to or Status.PENDING, "other")
        setattr(one, what, getattr(one, what) + group.number)
    waits: dict[int, list[timedelta]] = defaultdict(list)
    for first in decided:
        waits[first.account_id].append(first.waited)
    for account_id, lengths in waits.items():
        found[account_id].wait = _middle(lengths)
    return list(found.values())


def _reasons(groups: Sequence[_Group], names: dict[int, str], sites: dict[int, Site]) -> list[Why]:
    given: dict[tuple[int, int | None], Counter[int]] = defaultdict(Counter)
    for group in groups:
        if group.kind is Kind.DECISION and group.to is Status.REJECTED:
            given[group.site_id, group.reason_id][group.account_id] += group.number
    ids = {reason_id for _, reason_id in given if reason_id is not None}
    labels = dict(db.session.execute(select(Reason.id, Reason.label).where(Reason.id.in_(ids))).all())
    found = [
        Why(sites[site_id].name, labels.get(reason_id or 0), by.total(), names[who], times)
        for (site_id, reason_id), by in given.items()
        for who, times in by.most_common(1)
    ]
    return sorted(found, key=lambda why: (-why.times, why.label or "", why.site))


def _names(ids: Iterable[int]) -> dict[int, str]:
    """Name accounts, in the order of their names."""
    rows = db.session.execute(
        select(Account.id, Account.name).where(Account.id.in_(set(ids))).order_by(Account.name, Account.id)
    )
    return dict(rows.all())


def _middle(lengths: Sequence[timedelta]) -> timedelta:
    return timedelta(seconds=median(length.total_seconds() for length in lengths))
