"""What else a moderator may want to read before deciding one text: its page, its author, and what was decided alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import contains_eager

from moderation.db import db
from moderation.models import Account, Comment, Entry, Reason, Revision, Status
from moderation.review.cards import OUTCOMES, Card

#: So many of each; the list of all is a link away.
MOST_LINES = 12


@dataclass(frozen=True)
class Line:
    """One other text, and what it stands by: the entry that led it there, who it was, and why."""

    revision: Revision
    entry: Entry | None
    who: str | None
    reason: str | None

    @property
    def comment(self) -> Comment:
        """The comment it is a text of."""
        return self.revision.comment


@dataclass(frozen=True)
class Context:
    """What stands around one text."""

    waiting_beside: Sequence[Line]
    of_author: Sequence[Line]
    decided_alike: Sequence[Line]


def context(card: Card) -> Context:
    """Read what stands around a card's text, newest first; what waits beside it oldest first."""
    this = card.revision
    others = Revision.comment_id != this.comment_id
    beside = (Revision.thread_id == this.thread_id, Revision.status == Status.PENDING)
    author = (Revision.site_id == this.site_id, Revision.author_key == this.author_key)
    alike = (Revision.site_id == this.site_id, Revision.shape == this.shape, Revision.status.in_(OUTCOMES))
    return Context(
        waiting_beside=_lines(others, *beside),
        of_author=_lines(others, *author, Revision.status != Status.SUPERSEDED, newest_first=True),
        decided_alike=_lines(others, *alike, newest_first=True),
    )


def _lines(*conditions: ColumnElement[bool], newest_first: bool = False) -> list[Line]:
    order = (Revision.waiting_since, Revision.id)
    rows = db.session.execute(
        select(Revision, Entry, Account.name, Reason.label)
        .join(Revision.comment)
        .join(Comment.thread)
        .outerjoin(Entry, (Entry.revision_id == Revision.id) & (Entry.turn == Revision.turn))
        .outerjoin(Account, Account.id == Entry.account_id)
        .outerjoin(Reason, Reason.id == Entry.reason_id)
        .where(*conditions)
        .order_by(*((one.desc() for one in order) if newest_first else order))
        .limit(MOST_LINES)
        .options(contains_eager(Revision.comment).contains_eager(Comment.thread))
    )
    return [Line(revision, entry, who, reason) for revision, entry, who, reason in rows]
