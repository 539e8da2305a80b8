"""Which texts a list of the queue holds, in which order, page by page at a cost that does not grow.

Every list is read along an index, for each site by itself, and put together: what lies behind it costs nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias, TypeVarTuple

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, literal, null, or_, select, union, union_all

from moderation import search
from moderation.accounts import Standing
from moderation.db import MOST_ROWS, UTCDateTime, db
from moderation.models import (
    Account,
    Comment,
    Entry,
    Handing,
    Kind,
    Reason,
    Revision,
    Role,
    Site,
    Status,
    Thread,
    Trait,
    TraitKind,
)
from moderation.models.pagekey import BadAddress, page_key

#: Cards on one page of the queue.
PAGE = 20
#: A filtered list is counted no further.
MOST_COUNTED = 1000
#: What so many texts share, and no more, is read to its end: to be sorted for a list, to be counted.
FEW_LISTED, FEW_COUNTED = 2_000, 20_000
#: Sites whose lists one statement puts together, and questions that it does: SQLite takes 500 at most.
MOST_SITES, MOST_PARTS = 200, 450

#: Where a page begins: a time, where the list has one, and the number of a row.
Position: TypeAlias = tuple[datetime | None, int]
#: A line of a list: a text, its site, since when it waits, and its row's number.
Line: TypeAlias = Select[int, int, datetime, int]
Columns = TypeVarTuple("Columns")


class View(StrEnum):
    """The lists of the queue."""

    WAITING = "waiting"
    MINE = "mine"
    APPROVED = "approved"
    REJECTED = "rejected"
    SPAM = "spam"
    ALL = "all"

    @property
    def status(self) -> Status | None:
        """The status listed; None for all of them."""
        if self is View.ALL:
            return None
        return Status.PENDING if self in WAIT else Status(self.value)


#: The lists of what waits: oldest first, where nobody asks otherwise.
WAIT = (View.WAITING, View.MINE)


class Order(StrEnum):
    """Which end of a list comes first."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True)
class Wanted:
    """What a moderator asked to see, checked by the door; what is empty is not asked for."""

    view: View = View.WAITING
    order: Order | None = None
    site: str = ""
    page: str = ""
    author: str = ""
    finding: str = ""
    host: str = ""
    network: str = ""
    shape: str = ""
    since: date | None = None
    until: date | None = None
    reason: int | None = None
    by: int | None = None
    words: str = ""

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the view and its order was asked for."""
        return replace(self, view=View.WAITING, order=None) != Wanted()

    @property
    def newest_first(self) -> bool:
        """Whether the list begins with what came last."""
        return (self.order or (Order.OLDEST if self.view in WAIT else Order.NEWEST)) is Order.NEWEST

    @property
    def by_entry(self) -> bool:
        """Whether it is a list of decisions, newest first, rather than of replies."""
        return self.by is not None or self.reason is not None


@dataclass(frozen=True)
class Found:
    """One line of a list: the text, and its place."""

    revision_id: int
    position: Position


@dataclass(frozen=True)
class Scope:
    """What is asked for, by whom, and of which sites."""

    account: Account
    wanted: Wanted
    #: The account's, on the sites asked for.
    memberships: Sequence[Standing]
    #: How many texts of a site share what a filter asks for, by the two; counted to `FEW_COUNTED` and no further.
    #: Those with the words asked for stand at site 0.
    sharing: Mapping[tuple[int, str], int]

    @property
    def finds_few(self) -> bool:
        """Whether the words asked for are in few texts."""
        return self.sharing.get((0, "words"), 0) <= FEW_LISTED

    @property
    def parcels(self) -> Iterator[Sequence[Standing]]:
        """The sites, as many at a time as one statement takes."""
        for first in range(0, len(self.memberships), MOST_SITES):
            yield self.memberships[first : first + MOST_SITES]


def scope_of(account: Account, wanted: Wanted, memberships: Sequence[Standing]) -> Scope:
    """Look, once for every site and filter, how many texts share what is asked for; for words, on all sites at once."""
    those = [each for each in memberships if not wanted.site or each.site.key == wanted.site]
    asked = [(of.site_id, name, query) for of in those for name, query in _sharing(of.site, wanted).items()]
    if wanted.words:
        asked.append((0, "words", search.matching(wanted.words)))
    sharing: dict[tuple[int, str], int] = {}
    for first in range(0, len(asked), MOST_PARTS):
        parts = [
            select(literal(site_id).label("site_id"), literal(name).label("name"), _number(query, FEW_COUNTED))
            for site_id, name, query in asked[first : first + MOST_PARTS]
        ]
        sharing |= {(site_id, name): number for site_id, name, number in db.session.execute(union_all(*parts))}
    return Scope(account, wanted, those, sharing)


def listed(scope: Scope, *, after: str | None) -> list[Found]:
    """List a page of what was asked for, and one more where there is more."""
    position, wanted = _read(after), scope.wanted
    targets = {each.site_id: timedelta(hours=each.site.target_hours) for each in scope.memberships}
    found: list[Found] = []
    for parcel in scope.parcels:
        parts = [_part(scope, each, position) for each in parcel]
        for revision_id, site_id, at, place in db.session.execute(select(_together(parts))):
            due = None if at is None else at + targets[site_id]
            found.append(Found(revision_id, (due, place)))
    found.sort(key=lambda one: (one.position[0] or _EPOCH, one.position[1]), reverse=_backwards(wanted))
    return found[: PAGE + 1]


def counts(scope: Scope) -> dict[View, int]:
    """Count what each view has of what was asked for, up to one more than `MOST_COUNTED`, in one question."""
    totals = dict.fromkeys(View, 0)
    views = {view: replace(scope, wanted=replace(scope.wanted, view=view)) for view in View}
    for parcel in scope.parcels:
        columns = []
        for of_view in views.values():
            parts = [_filtered(select(Revision.id), of_view, each, few=FEW_COUNTED) for each in parcel]
            limited = _together([part.limit(MOST_COUNTED + 1) for part in parts])
            columns.append(select(func.count()).select_from(limited).scalar_subquery())
        for view, number in zip(views, db.session.execute(select(*columns)).one(), strict=True):
            totals[view] += number
    return {view: min(total, MOST_COUNTED + 1) for view, total in totals.items()}


def all_of(scope: Scope, *, upto: int, most: int) -> list[tuple[int, int]]:
    """Return all texts of a list up to a number, each with its turn, at most so many."""
    found: list[tuple[int, int]] = []
    for each in scope.memberships:
        texts = _filtered(select(Revision.id, Revision.turn), scope, each)
        found += db.session.execute(texts.where(Revision.id <= upto).limit(most - len(found))).all()
    return found


def handed_to(account: Account, memberships: Sequence[Standing]) -> ColumnElement[bool]:
    """Say which texts are in an account's hands: handed to it by name, or to the owners of a site that it owns."""
    owned = [each.site_id for each in memberships if each.role is Role.OWNER]
    return or_(Handing.to_id == account.id, and_(Handing.to_id.is_(None), Handing.site_id.in_(owned)))


def place_of(found: Found) -> str:
    """Write where the page after this line begins."""
    at, number = found.position
    return f"{at.isoformat() if at else ''}_{number}".replace("+00:00", "Z")


_EPOCH = datetime.fromtimestamp(0, UTC)


def _part(scope: Scope, of: Standing, position: Position | None) -> Line:
    """Return one site's share of a page: its first lines after the position."""
    wanted = scope.wanted
    site_id, backwards = literal(of.site_id).label("site_id"), _backwards(wanted)
    if not wanted.by_entry and not wanted.words:
        since, id_ = Revision.waiting_since, Revision.id
        line = _filtered(select(id_.label("id"), site_id, since.label("at"), id_.label("place")), scope, of)
        due, number = position or (None, 0)
        if due is not None:
            line = line.where(_beyond(due - timedelta(hours=of.site.target_hours), number, backwards=backwards))
        return line.order_by(*((since.desc(), id_.desc()) if backwards else (since, id_))).limit(PAGE + 1)
    place: ColumnElement[int] = Entry.id.expression if wanted.by_entry else search.place(few=scope.finds_few)
    no_time = null().cast(UTCDateTime()).label("at")
    line = _filtered(select(Revision.id.label("id"), site_id, no_time, place.label("place")), scope, of)
    if position is not None:
        line = line.where(place < position[1] if backwards else place > position[1])
    return line.order_by(place.desc() if backwards else place).limit(PAGE + 1)


def _beyond(at: datetime, number: int, *, backwards: bool) -> ColumnElement[bool]:
    """Say what comes after a place. As two bounds, because SQLite reads a row of two along no index from both sides."""
    since, id_ = Revision.waiting_since, Revision.id
    if backwards:
        return and_(since <= at, or_(since < at, id_ < number))
    return and_(since >= at, or_(since > at, id_ > number))


def _backwards(wanted: Wanted) -> bool:
    return wanted.by_entry or wanted.newest_first


def _filtered(query: Select[*Columns], scope: Scope, of: Standing, *, few: int = FEW_LISTED) -> Select[*Columns]:
    wanted, site = scope.wanted, of.site
    query = query.where(Revision.site_id == site.id)
    if wanted.words:
        query = search.narrowed(query, wanted.words)
    if wanted.by_entry:
        query = _decided(query, wanted, site)
    if wanted.view.status is not None:
        query = query.where(Revision.status == wanted.view.status)
    else:
        query = query.where(Revision.status != Status.SUPERSEDED)
    if wanted.view is View.MINE:
        # Of what was found by words, only these few are looked at.
        number = search.INDEX.c.rowid if wanted.words else Revision.id
        query = query.where(number.in_(_handed(scope.account, of)))
    if wanted.page:
        query = query.where(Revision.thread_id == _thread(site, wanted.page))
    if wanted.author:
        query = query.where(_by_author(site, wanted.author, read=scope.sharing.get((site.id, "author"), 0) <= few))
    for kind, value in _traits(wanted).items():
        query = query.where(_having(site, kind, value, read=scope.sharing[site.id, kind] <= few))
    for column, value in ((Revision.network, wanted.network), (Revision.shape, wanted.shape)):
        if value:
            query = query.where(column == value)
    if wanted.since:
        query = query.where(Revision.waiting_since >= datetime.combine(wanted.since, time(), UTC))
    if wanted.until:
        query = query.where(Revision.waiting_since < datetime.combine(wanted.until, time(), UTC) + timedelta(days=1))
    return query


def _decided(query: Select[*Columns], wanted: Wanted, site: Site) -> Select[*Columns]:
    """Join the decision that a text stands by, and ask whose it is, or why."""
    query = query.join(Entry, and_(Entry.revision_id == Revision.id, Entry.turn == Revision.turn)).where(
        Entry.kind == Kind.DECISION
    )
    if wanted.by is not None:
        query = query.where(Entry.account_id == wanted.by)
    if wanted.reason is not None:
        reason = select(Reason.id).where(Reason.site_id == site.id, Reason.digit == wanted.reason).scalar_subquery()
        query = query.where(Entry.reason_id == reason)
    return query


def _handed(account: Account, of: Standing) -> Select[int]:
    return select(Handing.revision_id).where(Handing.site_id == of.site_id, handed_to(account, [of]))


def _thread(site: Site, page: str) -> ColumnElement[int] | int:
    try:
        key = page_key(page, site.origins)
    except BadAddress:
        return 0
    return select(Thread.id).where(Thread.site_id == site.id, Thread.page_key == key).scalar_subquery()


def _by_author(site: Site, asked: str, *, read: bool) -> ColumnElement[bool]:
    """Match an e-mail address, or a name with whatever address it was given; few of a name are best read themselves."""
    key = _author_key(asked)
    if "@" in key:
        return Revision.author_key == key
    if read:
        # PostgreSQL reads two indexes for a union, and the whole table for an "or".
        texts = select(Revision.id).where(Revision.site_id == site.id, Revision.author_key == key)
        named_texts = (
            select(Revision.id).join(Comment).where(Comment.site_id == site.id, Comment.author == asked.strip())
        )
        return Revision.id.in_(union(*(each.correlate(None) for each in (texts, named_texts))))
    named = _named(site, asked).where(Comment.id == Revision.comment_id)
    return or_(Revision.author_key == key, named.correlate(Revision).exists())


def _having(site: Site, kind: TraitKind, value: str, *, read: bool) -> ColumnElement[bool]:
    """Match a finding, or the host of a link. Of many that have it, the list is read, and asked line by line."""
    having = _bearing(site, kind, value)
    if read:
        return Revision.id.in_(having)
    return having.where(Trait.revision_id == Revision.id).correlate(Revision).exists()


def _sharing(site: Site, wanted: Wanted) -> dict[str, Select[int]]:
    """Name what many texts may share, by the filter that asks for it."""
    queries: dict[str, Select[int]] = {kind: _bearing(site, kind, value) for kind, value in _traits(wanted).items()}
    if wanted.author and "@" not in _author_key(wanted.author):
        queries["author"] = _named(site, wanted.author)
    return queries


def _traits(wanted: Wanted) -> dict[TraitKind, str]:
    asked = {TraitKind.FINDING: wanted.finding, TraitKind.HOST: wanted.host}
    return {kind: value for kind, value in asked.items() if value}


def _bearing(site: Site, kind: TraitKind, value: str) -> Select[int]:
    return select(Trait.revision_id).where(Trait.site_id == site.id, Trait.kind == kind, Trait.value == value)


def _named(site: Site, asked: str) -> Select[int]:
    return select(Comment.id).where(Comment.site_id == site.id, Comment.author == asked.strip())


def _author_key(asked: str) -> str:
    return asked.strip().casefold()[:320]


def _number(those: Select[int], most: int) -> ColumnElement[int]:
    """Count to one more than so many, and no further."""
    return select(func.count()).select_from(those.limit(most + 1).subquery()).scalar_subquery()


def _together(parts: Sequence[Select[*Columns]]) -> Subquery:
    """Put the sites' shares together. Each is a question of its own: SQLite orders and limits no part of a union."""
    return union_all(*(select(part.subquery()) for part in parts)).subquery()


def _read(after: str | None) -> Position | None:
    """Read where a page begins; what does not read begins at the start."""
    try:
        at, _, number = (after or "").partition("_")
        position = (datetime.fromisoformat(at).astimezone(UTC) if at else None), int(number)
    except (ValueError, OverflowError):
        return None
    # A target of hours is taken off it: not at the ends of the calendar.
    sound = position[0] is None or 1970 < position[0].year < 9000
    return position if sound and 0 < position[1] <= MOST_ROWS else None
