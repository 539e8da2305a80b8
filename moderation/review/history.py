"""The log as it is read: who decided what, when and why, newest first, page by page along an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import groupby

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true, union_all

from moderation import accounts
from moderation.accounts import Right, Standing
from moderation.db import MOST_ROWS, db
from moderation.models import (
    Account,
    Action,
    Comment,
    Entry,
    Kind,
    Reason,
    Revision,
    Thread,
    Via,
)
from moderation.review.listing import MOST_SITES

#: Lines on one page of the log.
LINES = 50
#: What an author does, nobody else does without an account.
BY_AUTHORS = (Kind.ARRIVAL, Kind.EDIT, Kind.WITHDRAWAL)
#: Entries are numbered as they are committed, by clocks of several machines: none is further astray than this.
ASTRAY = timedelta(days=1)
#: The name of the chain that belongs to no site.
INSTALLATION = "installation"


class Hand(StrEnum):
    """Who acted, where it was no account."""

    AUTHORS = "authors"
    IMPORTS = "imports"
    SERVICE = "service"


@dataclass(frozen=True)
class Wanted:
    """What somebody asked to see of the log; what is empty is not asked for, what is unknown finds nothing."""

    site: str = ""
    chain: str = ""
    #: An account's number, "authors" or "imports".
    who: str = ""
    action: str = ""
    reason: int | None = None
    since: date | None = None
    until: date | None = None
    via: str = ""
    batch: str = ""

    @property
    def is_filtered(self) -> bool:
        """Whether anything was asked for."""
        return self != Wanted()

    @property
    def account_id(self) -> int | None:
        """Whose doings are asked for, where an account's are; 0 is nobody's."""
        if not self.who or self.who in {Hand.AUTHORS, Hand.IMPORTS}:
            return None
        return int(self.who) if self.who.isascii() and self.who.isdigit() and len(self.who) < 10 else 0


@dataclass(frozen=True)
class Reach:
    """What of the log an account may read: plain values, so that a long export holds no rows."""

    #: The keys and names of its sites, by their numbers.
    keys: Mapping[int, str]
    names: Mapping[int, str]
    #: The numbers of their reasons, by site and digit.
    reasons: Mapping[tuple[int, int], int]
    #: Whose doings on the installation's chain: those who work on the sites it owns; None where it owns none.
    staff: frozenset[int] | None
    #: Whether it is an operator, who reads all of that chain.
    whole: bool = False


@dataclass(frozen=True)
class Line:
    """One entry with the names of what it is about."""

    entry: Entry
    #: Name and key of the site; None for the installation's chain.
    site: str | None
    site_key: str | None
    #: The name of the account that acted, and of the one it was about.
    who: str | None
    whom: str | None
    author: str | None
    page: str | None
    reason: str | None

    @property
    def hand(self) -> Hand | None:
        """Who acted, where it was no account."""
        if self.entry.account_id is not None:
            return None
        if self.entry.kind is Kind.IMPORT:
            return Hand.IMPORTS
        return Hand.AUTHORS if self.entry.kind in BY_AUTHORS else Hand.SERVICE


@dataclass(frozen=True)
class Page:
    """One page of the log; `after` names where the next begins."""

    wanted: Wanted
    memberships: Sequence[Standing]
    #: Everybody who works on these sites.
    staff: Sequence[Standing]
    lines: Sequence[Line]
    after: int | None

    @property
    def days(self) -> list[tuple[date, list[Line]]]:
        """The lines by the days they were written on."""
        return [(day, list(lines)) for day, lines in groupby(self.lines, key=lambda line: line.entry.at.date())]

    @property
    def people(self) -> list[Account]:
        """Everybody who may have done something here, by name."""
        return list({each.account_id: each.account for each in self.staff}.values())

    @cached_property
    def reasons(self) -> dict[int, list[str]]:
        """The labels of the sites' reasons, by their digits."""
        labels: dict[int, list[str]] = {}
        pairs = (pair for each in self.memberships for pair in each.site.digits.items())
        for digit, reason in sorted(pairs, key=lambda pair: pair[0]):
            here = labels.setdefault(digit, [])
            here += [] if reason.label in here else [reason.label]
        return labels

    @property
    def owns(self) -> bool:
        """Whether the account may read of the installation's chain."""
        return any(each.may(Right.MANAGE) for each in self.memberships)


def page(account: Account, wanted: Wanted, *, after: int | None) -> Page:
    """List a page of what an account asked for."""
    staff = accounts.staff_around(account)
    memberships = [each for each in staff if each.account_id == account.id]
    found = lines(_reach(account, memberships, staff), wanted, after=after, most=LINES + 1)
    return Page(
        wanted=wanted,
        memberships=memberships,
        staff=staff,
        lines=found[:LINES],
        after=found[LINES - 1].entry.id if len(found) > LINES else None,
    )


def reach(account: Account) -> Reach:
    """Say what of the log an account may read."""
    staff = accounts.staff_around(account)
    return _reach(account, [each for each in staff if each.account_id == account.id], staff)


def _reach(account: Account, memberships: Sequence[Standing], staff: Sequence[Standing]) -> Reach:
    owned = {each.site_id for each in memberships if each.may(Right.MANAGE)}
    return Reach(
        keys={each.site_id: each.site.key for each in memberships},
        names={each.site_id: each.site.name for each in memberships},
        reasons={(each.site_id, digit): one.id for each in memberships for digit, one in each.site.digits.items()},
        staff=frozenset(each.account_id for each in staff if each.site_id in owned) if owned else None,
        whole=account.operator,
    )


def lines(reach: Reach, wanted: Wanted, *, after: int | None, most: int) -> list[Line]:
    """Return so many entries, newest first, beginning after the one named."""
    ids = _found(reach, wanted, after=after, most=most)
    if not ids:
        return []
    rows = db.session.execute(
        select(Entry, Comment.author, Thread.title, Thread.page_key, Reason.label)
        .outerjoin(Revision, Revision.id == Entry.revision_id)
        .outerjoin(Comment, Comment.id == Revision.comment_id)
        .outerjoin(Thread, Thread.id == Comment.thread_id)
        .outerjoin(Reason, Reason.id == Entry.reason_id)
        .where(Entry.id.in_(ids))
        .order_by(Entry.id.desc())
    ).all()
    names = _names([entry for entry, *_ in rows])
    return [
        Line(
            entry=entry,
            site=reach.names.get(entry.site_id or 0),
            site_key=reach.keys.get(entry.site_id or 0),
            who=names.get(entry.account_id or 0),
            whom=names.get(_account_in(entry.subject)),
            author=author,
            page=title or "/" + key.partition("/")[2] if key else None,
            reason=label,
        )
        for entry, author, title, key, label in rows
    ]


def _found(reach: Reach, wanted: Wanted, *, after: int | None, most: int) -> list[int]:
    """Find the newest of each chain, each by a question of its own: what lies behind them costs nothing."""
    parts = [_part(reach, wanted, site_id) for site_id in _scope(reach, wanted)]
    if wanted.chain == INSTALLATION and not wanted.site and reach.staff is not None:
        theirs = true() if reach.whole else or_(Entry.account_id.is_(None), Entry.account_id.in_(reach.staff))
        parts = [_narrowed(select(Entry.id).where(Entry.site_id.is_(None), theirs), reach, wanted, None)]
    before = [] if after is None else [Entry.id < after]
    found: list[int] = []
    for first in range(0, len(parts), MOST_SITES):
        shares = [
            select(part.where(*before).order_by(Entry.id.desc()).limit(most).subquery())
            for part in parts[first : first + MOST_SITES]
        ]
        found += db.session.scalars(select(union_all(*shares).subquery()))
    return sorted(found, reverse=True)[:most]


def _scope(reach: Reach, wanted: Wanted) -> list[int]:
    if wanted.chain:
        return []
    return [site_id for site_id, key in reach.keys.items() if not wanted.site or key == wanted.site]


def _part(reach: Reach, wanted: Wanted, site_id: int) -> Select[int]:
    """Ask for one site's entries, along the narrowest index that what was asked for has."""
    own_index = wanted.account_id is not None or wanted.reason is not None or wanted.batch
    # Not to be found by its site where an account, a reason or a batch finds it sooner.
    here = func.coalesce(Entry.site_id, 0) == site_id if own_index else Entry.site_id == site_id
    return _narrowed(select(Entry.id).where(here), reach, wanted, site_id)


def _narrowed(query: Select[int], reach: Reach, wanted: Wanted, site_id: int | None) -> Select[int]:
    if wanted.who:
        query = query.where(_by(wanted))
    if wanted.action:
        query = query.where(Entry.action == Action(wanted.action) if wanted.action in set(Action) else false())
    if wanted.via:
        query = query.where(Entry.via == Via(wanted.via) if wanted.via in set(Via) else false())
    if wanted.batch:
        query = query.where(Entry.batch == wanted.batch)
    if wanted.reason is not None:
        reason_id = reach.reasons.get((site_id or 0, wanted.reason))
        query = query.where(false() if reason_id is None else Entry.reason_id == reason_id)
    return query.where(*_days(wanted, site_id))


def _by(wanted: Wanted) -> ColumnElement[bool]:
    if wanted.who == Hand.IMPORTS:
        return and_(Entry.kind == Kind.IMPORT, Entry.via == Via.IMPORT)
    if wanted.who == Hand.AUTHORS:
        return and_(Entry.kind.in_(BY_AUTHORS), func.coalesce(Entry.account_id, 0) == 0)
    return Entry.account_id == (wanted.account_id or 0)


def _of(site_id: int | None) -> ColumnElement[bool]:
    return Entry.site_id.is_(None) if site_id is None else Entry.site_id == site_id


def _days(wanted: Wanted, site_id: int | None) -> list[ColumnElement[bool]]:
    """Ask for days, and look up by time between which numbers they lie: what came before or since is not read."""
    days: list[ColumnElement[bool]] = []
    number = select(Entry.id).where(_of(site_id)).limit(1)
    if wanted.since:
        first = datetime.combine(wanted.since, time(), UTC)
        before = number.where(Entry.at < first - ASTRAY).order_by(Entry.at.desc())
        days += [Entry.at >= first, Entry.id > func.coalesce(before.scalar_subquery(), 0)]
    if wanted.until:
        end = datetime.combine(wanted.until, time(), UTC) + timedelta(days=1)
        beyond = number.where(Entry.at >= end + ASTRAY).order_by(Entry.at)
        days += [Entry.at < end, Entry.id < func.coalesce(beyond.scalar_subquery(), MOST_ROWS)]
    return days


def _names(entries: Sequence[Entry]) -> dict[int, str]:
    """Name everybody who acted, or was acted on, in one question."""
    ids = {entry.account_id or 0 for entry in entries} | {_account_in(entry.subject) for entry in entries}
    return dict(db.session.execute(select(Account.id, Account.name).where(Account.id.in_(ids))).all())


def _account_in(subject: str) -> int:
    kind, _, number = subject.partition(":")
    return int(number) if kind == "account" else 0


__all__ = ["INSTALLATION", "LINES", "Hand", "Line", "Page", "Reach", "Wanted", "lines", "page", "reach"]
