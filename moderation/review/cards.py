"""A card: one text with all that a moderator needs to decide it, in the same few questions for one as for twenty."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, SQLColumnExpression, func, select
from sqlalchemy.orm import aliased, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from moderation import lifecycle, markup
from moderation.db import db
from moderation.models import (
    Account,
    Action,
    Comment,
    Entry,
    Handing,
    Reason,
    Revision,
    Site,
    Status,
    Thread,
    Trait,
    TraitKind,
)

#: What stands beside a card is counted no further: "50+".
MOST_BESIDE = 50
#: Links to one host are looked for among so many texts sent before one and after it: what all write is of no interest.
NEAR = 1_000
#: Of what happened to a comment before, a card tells this much.
MOST_TOLD = 12
#: What a history counts.
OUTCOMES = (Status.APPROVED, Status.REJECTED, Status.SPAM)


@dataclass(frozen=True)
class History:
    """What became of other comments: an author's, or of those that say the same. Each up to one above `MOST_BESIDE`."""

    approved: int = 0
    rejected: int = 0
    spam: int = 0

    @property
    def total(self) -> int:
        """How many were decided."""
        return self.approved + self.rejected + self.spam


@dataclass(frozen=True)
class Surroundings:
    """What stands around a text on its site."""

    history: History
    first_seen: datetime | None
    #: What was decided about texts made after the same pattern, and why most of the rejected ones were.
    precedents: History
    main_reason: int | None
    #: What else waits: after the same pattern, with a link to the same host, from the same network, on the same page.
    same_shape: int
    same_host: int
    same_network: int
    same_thread: int


@dataclass(frozen=True)
class Told:
    """One thing that happened to a comment, with the name of who did it."""

    entry: Entry
    who: str | None


@dataclass(frozen=True)
class Handed:
    """To whom a text was handed for a second opinion, and by whom; without a name to the site's owners."""

    to: str | None
    by: str | None
    at: datetime


@dataclass(frozen=True)
class Card:
    """One revision with what a moderator needs to decide it."""

    revision: Revision
    waited: timedelta
    late: bool
    around: Surroundings
    #: The comment answered, and its words: the public ones, else the newest.
    parent: Comment | None
    parent_html: str | None
    #: Word by word against the text this one would replace; empty for a first text.
    changes: Sequence[markup.Change]
    #: Whether the text it would replace is public.
    replaces_public: bool
    #: What happened to the comment before, oldest first.
    told: Sequence[Told]
    handed: Handed | None
    #: Whether who looks at it may decide on its site.
    decidable: bool

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
    def decision(self) -> Told | None:
        """What the text stands by, where it does not wait."""
        if self.revision.status is Status.PENDING:
            return None
        mine = [one for one in self.told if one.entry.revision_id == self.revision.id and one.entry.to_status]
        return mine[-1] if mine and mine[-1].entry.turn == self.revision.turn else None

    @property
    def actions(self) -> list[Action]:
        """What may be done with it now, after the transition table, by who looks at it."""
        if not self.decidable or self.revision.is_forgotten:
            return []
        newest = self.revision is self.comment.newest
        one_way = (Action.APPROVE, Action.REOPEN)
        return [
            action
            for action in (Action.APPROVE, Action.REJECT, Action.SPAM, Action.REOPEN)
            if self.revision.status in lifecycle.TRANSITIONS[action][0] and (newest or action not in one_way)
        ]

    @property
    def main_reason(self) -> Reason | None:
        """Why most of the texts like this one were rejected."""
        return next((reason for reason in self.site.reasons if reason.id == self.around.main_reason), None)


def cards(ids: Sequence[int], *, deciding: Collection[int], now: datetime) -> list[Card]:
    """Return the cards of revisions, in this order, for somebody who decides on these sites."""
    if not ids:
        return []
    rows = db.session.scalars(
        select(Revision)
        .where(Revision.id.in_(ids))
        .options(
            joinedload(Revision.handing),
            joinedload(Revision.comment).options(
                joinedload(Comment.thread).joinedload(Thread.site), joinedload(Comment.parent)
            ),
        )
    )
    found = {revision.id: revision for revision in rows}
    shown = [found[id_] for id_ in ids if id_ in found]
    comments = [revision.comment for revision in shown]
    _load_texts([*comments, *(comment.parent for comment in comments if comment.parent)])
    around = _surroundings([revision.id for revision in shown])
    told, names = _told(comments, [revision.handing for revision in shown if revision.handing])
    made = [_card(revision, around[revision.id], told[revision.comment_id], names, now=now) for revision in shown]
    return [replace(card, decidable=card.comment.site_id in deciding) for card in made]


def _card(
    revision: Revision, around: Surroundings, told: Sequence[Told], names: dict[int, str], *, now: datetime
) -> Card:
    comment, handing = revision.comment, revision.handing
    before = comment.approved if comment.approved is not revision else None
    replaced = before or next((r for r in reversed(comment.revisions) if r.number < revision.number), None)
    parent = (comment.parent.approved or comment.parent.newest) if comment.parent else None
    decided = [one.entry.at for one in told if one.entry.revision_id == revision.id and one.entry.to_status]
    until = decided[-1] if decided and revision.status is not Status.PENDING else now
    return Card(
        revision=revision,
        waited=max(until - revision.waiting_since, timedelta()),
        late=until - revision.waiting_since > timedelta(hours=comment.thread.site.target_hours),
        around=around,
        parent=comment.parent,
        parent_html=parent.html if parent else None,
        changes=_changes(replaced, revision),
        replaces_public=before is not None,
        told=told[-MOST_TOLD:],
        handed=Handed(names.get(handing.to_id or 0), names.get(handing.by_id), handing.at) if handing else None,
        decidable=False,
    )


def _changes(old: Revision | None, new: Revision) -> Sequence[markup.Change]:
    if old is None or old.number > new.number:
        return ()
    return markup.word_diff(markup.plain_text(old.html), markup.plain_text(new.html))


def _load_texts(comments: Sequence[Comment]) -> None:
    """Read all texts of comments and of those they answer in one question."""
    texts: dict[int, list[Revision]] = defaultdict(list)
    for text in db.session.scalars(
        select(Revision).where(Revision.comment_id.in_({one.id for one in comments})).order_by(Revision.number)
    ):
        texts[text.comment_id].append(text)
    for comment in comments:
        set_committed_value(comment, "revisions", texts[comment.id])


def _told(comments: Sequence[Comment], handings: Sequence[Handing]) -> tuple[dict[int, list[Told]], dict[int, str]]:
    """Read what happened to comments, and the names of everybody in it."""
    of = {text.id: comment.id for comment in comments for text in comment.revisions}
    named = {person for handing in handings for person in (handing.to_id, handing.by_id) if person}
    rows = db.session.execute(
        select(Entry, Account.name)
        .outerjoin(Account, Account.id == Entry.account_id)
        .where(Entry.revision_id.in_(of), Entry.action != Action.SUBMIT)
        .order_by(Entry.id)
    )
    told: dict[int, list[Told]] = defaultdict(list)
    names: dict[int, str] = {}
    for entry, name in rows:
        told[of[entry.revision_id or 0]].append(Told(entry, name))
        names |= {entry.account_id: name} if entry.account_id else {}
    if missing := named - names.keys():
        names |= dict(db.session.execute(select(Account.id, Account.name).where(Account.id.in_(missing))).all())
    return told, names


def _surroundings(ids: Sequence[int]) -> dict[int, Surroundings]:
    """Count what stands around texts, each count a look along an index that ends at `MOST_BESIDE`."""
    this, other = aliased(Revision, name="this"), aliased(Revision, name="other")
    same_shape = (other.site_id == this.site_id, other.shape == this.shape)
    same_author = (other.site_id == this.site_id, other.author_key == this.author_key)
    # Joined, not asked for whether it is among them: the counting ends where enough are found.
    same_host = (other.id == Trait.revision_id, *leading_as(this.id, this.site_id))

    def beside(*conditions: ColumnElement[bool], status: Status) -> ScalarSelect[int]:
        # First so many texts, then their comments: told apart before, PostgreSQL reads and sorts all there are.
        found = (
            select(other.comment_id)
            .where(*conditions, other.status == status, other.comment_id != this.comment_id)
            .correlate(this)
            .limit(2 * (MOST_BESIDE + 1))
            .subquery()
        )
        return select(func.count(found.c.comment_id.distinct())).scalar_subquery()

    rows = db.session.execute(
        select(
            this.id,
            *(beside(*same_author, status=status) for status in OUTCOMES),
            *(beside(*same_shape, status=status) for status in OUTCOMES),
            beside(*same_shape, status=Status.PENDING),
            beside(*same_host, status=Status.PENDING),
            beside(other.site_id == this.site_id, other.network == this.network, status=Status.PENDING),
            beside(other.thread_id == this.thread_id, status=Status.PENDING),
            _first_seen(this),
            _main_reason(this, other),
        ).where(this.id.in_(ids))
    )
    found = {}
    for id_, *numbers, first_seen, reason in rows:
        history, precedents, (shape, host, network, thread) = numbers[:3], numbers[3:6], numbers[6:]
        found[id_] = Surroundings(
            History(*history), first_seen, History(*precedents), reason, shape, host, network, thread
        )
    return found


def leading_as(
    revision_id: SQLColumnExpression[int] | int, site_id: SQLColumnExpression[int] | int
) -> tuple[ColumnElement[bool], ...]:
    """Say which traits are links of a site to a host that a text has a link to, sent about when it was."""
    hosts = aliased(Trait, name="hosts")
    mine = select(hosts.value).where(hosts.revision_id == revision_id, hosts.kind == TraitKind.HOST)
    return (
        Trait.site_id == site_id,
        Trait.kind == TraitKind.HOST,
        Trait.value.in_(mine.correlate_except(hosts)),
        Trait.revision_id.between(revision_id - NEAR, revision_id + NEAR),
    )


def _first_seen(this: type[Revision]) -> ScalarSelect[datetime]:
    return (
        select(func.min(Comment.received_at))
        .where(Comment.site_id == this.site_id, Comment.author_key == this.author_key)
        .correlate(this)
        .scalar_subquery()
    )


def _main_reason(this: type[Revision], other: type[Revision]) -> ScalarSelect[int]:
    """Ask for the reason that most of the last rejected texts of the same shape were rejected for."""
    reasons = (
        select(Entry.reason_id.label("reason"))
        .select_from(other)
        .join(Entry, (Entry.revision_id == other.id) & (Entry.turn == other.turn))
        .where(other.site_id == this.site_id, other.shape == this.shape, other.status == Status.REJECTED)
        .where(Entry.reason_id.is_not(None))
        .correlate(this)
        .limit(MOST_BESIDE)
        .subquery()
    )
    return (
        select(reasons.c.reason)
        .group_by(reasons.c.reason)
        .order_by(func.count().desc(), reasons.c.reason)
        .limit(1)
        .scalar_subquery()
    )
