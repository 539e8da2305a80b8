"""What the public may see: thread documents, counts and feeds, each from one snapshot.

Nothing here reads a revision that is not approved; everything public is made from these documents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Row, and_, select

from moderation.db import MOST_ROWS, db
from moderation.models import Comment, Revision, Site, Status, Thread
from moderation.models.pagekey import page_key
from moderation.publishing import outline
from moderation.publishing.closing import closes_at
from moderation.publishing.document import Document, Item, Place, Wish
from moderation.publishing.following import address_of, copies_of, follow, follow_all, path_of, thread_of
from moderation.publishing.outline import Outline, Outlines

__all__ = [
    "address_of",
    "bare",
    "copies_of",
    "cut",
    "document",
    "filled",
    "follow",
    "follow_all",
    "path_of",
    "public_comment",
    "thread_of",
]

#: Replies are indented so deep; what is stored deeper stands at this depth, after the one it answers.
SHOWN_DEPTH = 6


@dataclass(frozen=True)
class Cut:
    """A part of a thread before its rows are read: which places it has, and all that is known without them."""

    document: Document
    whole: Outline | None = None
    above: Sequence[int] = ()
    places: Sequence[int] = ()


def document(site: Site, page: str, wish: Wish | None = None) -> Document:
    """Build a part of a page's thread. Raises `pagekey.BadAddress` for what is not a page of the site."""
    return filled(cut(site, page, wish or Wish()))


def cut(site: Site, page: str, wish: Wish, *, kept: Outlines | None = None) -> Cut:
    """Find the part of a page's thread that is asked for. Raises `pagekey.BadAddress`.

    With outlines that are kept, a part of a long thread costs what one of a short thread does.
    """
    thread = thread_of(site, page)
    empty = replace(bare(site, page_key(page, site.origins), thread), sort=wish.sort)
    if thread is None:
        return Cut(empty)
    whole = kept.of(thread) if kept else outline.read(thread.id)
    shape = whole.shape(wish.sort, site.page_size)
    wanted = _place_at(thread, whole, wish.at) if wish.at else None
    part = shape.part_with(wanted) if wanted is not None else 1 if wish.at else wish.part
    part = min(max(part, 1), len(shape.starts))
    places = shape.places_of(part)
    found = replace(empty, count=whole.count, closes=closes_at(site, whole.first), part=part, parts=len(shape.starts))
    return Cut(found, whole, whole.above(places[0]) if places else (), places)


def filled(cut: Cut) -> Document:
    """Read the rows of a part."""
    if cut.whole is None:
        return cut.document
    items = _items(cut.whole, [*cut.above, *cut.places])
    return replace(cut.document, above=items[: len(cut.above)], items=_in_part(items[len(cut.above) :]))


def bare(site: Site, key: str, thread: Thread | None) -> Document:
    """Return what is known of a page without a look at its replies."""
    return Document(
        site=site,
        page=key,
        title=(thread and thread.title) or path_of(key),
        url=address_of(site, key),
        shut=bool(thread and thread.closed),
        count=0,
        items=(),
        stamp=(site.version, thread.version if thread else 0),
    )


def public_comment(site: Site, page: str, number: str) -> Item | None:
    """Return a comment of a page by its number, if it is public; it stands in whichever part."""
    if not (number.isascii() and number.isdigit() and str(int(number[:10])) == number):
        return None
    row = db.session.execute(
        _WITH_TEXT.where(
            Comment.id == min(int(number), MOST_ROWS),
            Comment.thread_id.in_(
                select(Thread.id).where(Thread.site_id == site.id, Thread.page_key == page_key(page, site.origins))
            ),
            Revision.id.is_not(None),
        )
    ).one_or_none()
    return _item(row, depth=0, empty={}) if row else None


_WITH_TEXT = select(
    Comment.id, Comment.anchor, Comment.parent_id, Comment.author, Comment.url, Comment.received_at, Revision.html
).outerjoin(Revision, and_(Revision.comment_id == Comment.id, Revision.status == Status.APPROVED))


def _place_at(thread: Thread, whole: Outline, anchor: str) -> int | None:
    """Find the place of an anchor; what is held has none, as what never was."""
    if not anchor.isprintable():
        # PostgreSQL refuses a text with a NUL.
        return None
    id_ = db.session.scalars(
        select(Comment.id).where(Comment.thread_id == thread.id, Comment.anchor == anchor)
    ).one_or_none()
    return None if id_ is None else whole.place_of(id_)


def _items(whole: Outline, places: Sequence[int]) -> list[Item]:
    """Read the rows of some places, in their order."""
    ids = [whole.ids[place] for place in places]
    rows = {row.id: row for row in db.session.execute(_WITH_TEXT.where(Comment.id.in_(ids)))}
    return [
        _item(rows[id_], depth=min(whole.depths[place], SHOWN_DEPTH - 1), empty=whole.empty)
        for id_, place in zip(ids, places, strict=True)
    ]


def _item(
    row: Row[int, str | None, int | None, str, str, datetime, str], *, depth: int, empty: Mapping[int, Place]
) -> Item:
    place = Place.PUBLIC if row.html is not None else Place.NOT_PUBLIC
    place = empty.get(row.id, place)
    if place is not Place.PUBLIC:
        return Item(row.id, row.anchor or "", row.parent_id, depth, place)
    return Item(
        id=row.id,
        anchor=row.anchor or "",
        parent=row.parent_id,
        depth=depth,
        place=place,
        author=row.author,
        url=row.url,
        at=row.received_at,
        html=row.html,
    )


def _in_part(items: Sequence[Item]) -> list[Item]:
    """Say of each item how deep it stands in this part, and how many stand below it."""
    levels: dict[int, int] = {}
    below: dict[int, int] = {}
    for item in items:
        levels[item.id] = levels[item.parent] + 1 if item.parent in levels else 0
    for item in reversed(items):
        if item.parent in levels:
            below[item.parent] = below.get(item.parent, 0) + below.get(item.id, 0) + 1
    return [replace(item, level=min(levels[item.id], SHOWN_DEPTH - 1), below=below.get(item.id, 0)) for item in items]
