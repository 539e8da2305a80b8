"""What became public last, on a page or on a whole site, with what each of it answers: the questions of the feeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, case, select

from moderation.db import db
from moderation.models import Comment, Entry, Kind, Revision, Site, Status, Thread
from moderation.publishing import bare
from moderation.publishing.document import Document, Item, Place

#: Newest comments in a feed.
FEED_LENGTH = 50


@dataclass(frozen=True)
class News:
    """A public comment, the page it is on, and the public comment it answers, by number and anchor."""

    item: Item
    page: Document
    answers: tuple[int, str] | None


#: Since when words are public; those that were public elsewhere before, since they were written.
SINCE = case(
    (Entry.id.is_(None) | (Entry.kind == Kind.IMPORT), Comment.received_at),
    else_=Entry.at,
)
PUBLIC = (
    select(Comment, Revision.html, SINCE.label("since"), Thread)
    .select_from(Revision)
    .join(Comment, Comment.id == Revision.comment_id)
    .join(Thread, Thread.id == Comment.thread_id)
    .where(Revision.status == Status.APPROVED)
)
OF_ITS_TURN = (Entry.revision_id == Revision.id) & (Entry.turn == Revision.turn) & (Entry.to_status == Status.APPROVED)


def on_site(site: Site) -> list[News]:
    """Return what became public last on a site."""
    last = (
        PUBLIC.join(Entry, OF_ITS_TURN)
        .where(Entry.site_id == site.id, Entry.to_status == Status.APPROVED)
        .order_by(Entry.id.desc())
    )
    return sorted(_read(site, last), key=lambda news: (news.item.updated, news.item.id), reverse=True)


def on_page(site: Site, found: Document) -> list[News]:
    """Return what became public last on a page."""
    last = (
        PUBLIC.outerjoin(Entry, OF_ITS_TURN)
        .where(Thread.site_id == site.id, Thread.page_key == found.page)
        .order_by(SINCE.desc(), Comment.id.desc())
    )
    return _read(site, last)


def _read(site: Site, question: Select[Comment, str, datetime, Thread]) -> list[News]:
    rows = db.session.execute(question.limit(FEED_LENGTH)).all()
    parents = _public_among({comment.parent_id for comment, *_ in rows if comment.parent_id is not None})
    return [
        News(_item(comment, html, since), bare(site, thread.page_key, thread), parents.get(comment.parent_id or 0))
        for comment, html, since, thread in rows
    ]


def _public_among(ids: set[int]) -> dict[int, tuple[int, str]]:
    """Return those comments that are public, by their numbers: an answer to a hidden one does not name it."""
    rows: Sequence[Row[int, str | None]] = db.session.execute(
        select(Comment.id, Comment.anchor)
        .join(Revision, Revision.comment_id == Comment.id)
        .where(Comment.id.in_(ids), Revision.status == Status.APPROVED)
    ).all()
    return {id_: (id_, anchor or "") for id_, anchor in rows}


def _item(comment: Comment, html: str, since: datetime) -> Item:
    return Item(
        id=comment.id,
        anchor=comment.anchor or "",
        parent=comment.parent_id,
        depth=0,
        place=Place.PUBLIC,
        author=comment.author,
        url=comment.url,
        at=comment.received_at,
        html=html,
        updated=since,
    )
