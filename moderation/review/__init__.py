"""The queue's questions: what waits, in which order, with which context."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import joinedload

from moderation import accounts, lifecycle, markup
from moderation.db import MOST_ROWS, db
from moderation.models import (
    Account,
    Action,
    Comment,
    Entry,
    Kind,
    LogHead,
    Membership,
    Revision,
    Site,
    Status,
    Thread,
)

#: Cards on one page of the queue.
PAGE = 20


class View(StrEnum):
    """The lists of the queue, by status."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    SPAM = "spam"

    @property
    def status(self) -> Status:
        """The status listed."""
        return Status.PENDING if self is View.WAITING else Status(self.value)


@dataclass(frozen=True)
class History:
    """What became of an author's earlier comments on the site."""

    approved: int = 0
    rejected: int = 0
    spam: int = 0


NONE = History()
#: What a history counts.
OUTCOMES = (Status.APPROVED, Status.REJECTED, Status.SPAM)


@dataclass(frozen=True)
class Card:
    """One revision with what a moderator needs to decide it."""

    revision: Revision
    waited: timedelta
    late: bool
    history: History
    #: The comment answered, and its words: the public ones, else the newest.
    parent: Comment | None
    parent_html: str | None
    #: Word by word against the text this one would replace; empty for a first text.
    changes: Sequence[tuple[Literal["same", "in", "out"], str]]
    #: Whether the text it would replace is public.
    replaces_public: bool
    #: The decision it stands by, if any, with who took it.
    decision: Entry | None = None
    decider: str | None = None

    @property
    def comment(self) -> Comment:
        """The comment the revision is a text of."""
        return self.revision.comment

    @property
    def site(self) -> Site:
        """The site it was sent to."""
        return self.revision.comment.thread.site

    @property
    def seen(self) -> str:
        """What a decision on this card carries: id and turn."""
        return f"{self.revision.id}:{self.revision.turn}"

    @property
    def actions(self) -> list[Action]:
        """What may be done with it now, after the transition table."""
        newest = self.revision is self.comment.newest
        one_way = (Action.APPROVE, Action.REOPEN)
        return [
            action
            for action in (Action.APPROVE, Action.REJECT, Action.SPAM, Action.REOPEN)
            if self.revision.status in lifecycle.TRANSITIONS[action][0] and (newest or action not in one_way)
        ]


@dataclass(frozen=True)
class Page:
    """One page of a view; `after` names where the next begins."""

    view: View
    cards: list[Card]
    counts: dict[View, int]
    oldest: timedelta | None
    decided_today: int
    after: str | None


def page(account: Account, *, view: View, after: str | None, now: datetime) -> Page:
    """List what an account may decide: what waits oldest first, what is decided newest first."""
    site_ids = [site.id for site in accounts.sites_of(account)]
    query = _listed(site_ids, view)
    if position := _position(after):
        order = tuple_(Revision.waiting_since, Revision.id)
        query = query.where(order > position if view is View.WAITING else order < position)
    found = db.session.scalars(query.limit(PAGE + 1)).all()
    shown, more = found[:PAGE], len(found) > PAGE
    oldest: datetime | None = db.session.scalars(
        select(func.min(Revision.waiting_since)).where(
            Revision.site_id.in_(site_ids), Revision.status == Status.PENDING
        )
    ).one()
    return Page(
        view=view,
        cards=_cards(shown, now=now),
        counts=_counts(site_ids),
        oldest=None if oldest is None else now - oldest,
        decided_today=_decided_today(site_ids, now=now),
        after=_position_after(shown[-1]) if more else None,
    )


def card(account: Account, revision_id: int, *, now: datetime) -> Card | None:
    """Return one revision's card; None for one that the account has nothing to do with."""
    revision = db.session.scalars(
        _with_context(select(Revision))
        .join(Membership, Membership.site_id == Revision.site_id)
        .where(Revision.id == revision_id, Membership.account_id == account.id)
    ).one_or_none()
    return _cards([revision], now=now)[0] if revision else None


def _listed(site_ids: list[int], view: View) -> Select[Revision]:
    query = _with_context(select(Revision)).where(Revision.site_id.in_(site_ids), Revision.status == view.status)
    if view is View.WAITING:
        return query.order_by(Revision.waiting_since, Revision.id)
    return query.order_by(Revision.waiting_since.desc(), Revision.id.desc())


def _with_context(query: Select[Revision]) -> Select[Revision]:
    comment = joinedload(Revision.comment)
    return query.options(
        comment.joinedload(Comment.thread).joinedload(Thread.site).selectinload(Site.reasons),
        comment.selectinload(Comment.revisions),
        comment.selectinload(Comment.parent).selectinload(Comment.revisions),
    )


def _position(after: str | None) -> tuple[datetime, int] | None:
    """Read where a page begins; what does not read begins at the start."""
    try:
        at, _, id_ = (after or "").partition("_")
        position = datetime.fromisoformat(at).astimezone(UTC), int(id_)
    except (ValueError, OverflowError):
        return None
    return position if 0 < position[1] <= MOST_ROWS else None


def _position_after(revision: Revision) -> str:
    return f"{revision.waiting_since.isoformat()}_{revision.id}".replace("+00:00", "Z")


def _counts(site_ids: list[int]) -> dict[View, int]:
    columns = [func.coalesce(func.sum(getattr(LogHead, view.status)), 0) for view in View]
    row = db.session.execute(select(*columns).where(LogHead.site_id.in_(site_ids))).one()
    return {view: int(number) for view, number in zip(View, row, strict=True)}


def _decided_today(site_ids: list[int], *, now: datetime) -> int:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return db.session.scalars(
        select(func.count(Entry.id)).where(
            Entry.site_id.in_(site_ids),
            Entry.kind == Kind.DECISION,
            Entry.action != Action.SUPERSEDE,
            Entry.at >= midnight,
        )
    ).one()


def _cards(revisions: Sequence[Revision], *, now: datetime) -> list[Card]:
    histories = _histories(revisions)
    decisions = _decisions([revision for revision in revisions if revision.status is not Status.PENDING])
    return [_card(revision, histories, decisions, now=now) for revision in revisions]


def _card(
    revision: Revision,
    histories: dict[tuple[int, str], History],
    decisions: dict[int, tuple[Entry, str | None]],
    *,
    now: datetime,
) -> Card:
    comment = revision.comment
    decision, decider = decisions.get(revision.id, (None, None))
    waited = (decision.at if decision else now) - revision.waiting_since
    before = comment.approved if comment.approved is not revision else None
    replaced = before or next((r for r in reversed(comment.revisions) if r.number < revision.number), None)
    parent = (comment.parent.approved or comment.parent.newest) if comment.parent else None
    return Card(
        revision=revision,
        waited=max(waited, timedelta()),
        late=waited > timedelta(hours=comment.thread.site.target_hours),
        history=_besides(comment, histories.get((comment.site_id, comment.author_key), NONE)),
        parent=comment.parent,
        parent_html=parent.html if parent else None,
        changes=_changes(replaced, revision),
        replaces_public=before is not None,
        decision=decision,
        decider=decider,
    )


def _changes(old: Revision | None, new: Revision) -> Sequence[tuple[Literal["same", "in", "out"], str]]:
    if old is None or old.number > new.number:
        return ()
    return markup.word_diff(markup.plain_text(old.html), markup.plain_text(new.html))


def _histories(revisions: Sequence[Revision]) -> dict[tuple[int, str], History]:
    """Count, in one query, what became of the authors' comments, each card's own included."""
    keys = {(revision.comment.site_id, revision.comment.author_key) for revision in revisions}
    rows = db.session.execute(
        select(Comment.site_id, Comment.author_key, Revision.status, func.count(Comment.id.distinct()))
        .join(Revision)
        .where(tuple_(Comment.site_id, Comment.author_key).in_(keys), Revision.status.in_(OUTCOMES))
        .group_by(Comment.site_id, Comment.author_key, Revision.status)
    )
    found: dict[tuple[int, str], dict[str, int]] = {}
    for site_id, author, status, number in rows:
        found.setdefault((site_id, author), {})[status] = number
    return {key: History(**numbers) for key, numbers in found.items()}


def _besides(comment: Comment, history: History) -> History:
    """Leave a comment's own outcomes out of its author's history."""
    own = {revision.status for revision in comment.revisions}
    return History(**{status: max(0, getattr(history, status) - (status in own)) for status in OUTCOMES})


def _decisions(revisions: Sequence[Revision]) -> dict[int, tuple[Entry, str | None]]:
    rows = db.session.execute(
        select(Entry, Account.name)
        .join(Revision, (Revision.id == Entry.revision_id) & (Revision.turn == Entry.turn))
        .outerjoin(Account, Account.id == Entry.account_id)
        .where(Entry.revision_id.in_([revision.id for revision in revisions]))
    )
    return {entry.revision_id: (entry, name) for entry, name in rows if entry.revision_id}
