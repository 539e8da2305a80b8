"""What the public may see: thread documents, counts and feeds, each from one snapshot.

Nothing here reads a revision that is not approved; everything public is made from these documents.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

from flask_babel import force_locale
from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from moderation import markup
from moderation.db import db
from moderation.models import Comment, Entry, Kind, Revision, Site, Status, Thread
from moderation.models.pagekey import BadAddress, page_key
from moderation.publishing import strings
from moderation.publishing.document import Document, Item, Place

#: Replies are indented so deep; what is stored deeper stands at this depth, after the one it answers.
SHOWN_DEPTH = 6
#: Pages one call of counts may ask for.
MOST_COUNTS = 100
#: Newest comments in a feed.
FEED_LENGTH = 50


def follow(thread: Thread) -> None:
    """Raise a thread's version, and let its title follow what is public now."""
    follow_all([thread])


def follow_all(threads: Iterable[Thread]) -> None:
    """Raise the versions of threads, and let their titles follow what is public now."""
    ids = sorted(thread.id for thread in threads)
    if not ids:
        return
    db.session.flush()
    # The oldest public comment that brought a title gives it; when it goes, the title goes.
    title = (
        select(Comment.title)
        .join(Revision)
        .where(Comment.thread_id == Thread.id, Revision.status == Status.APPROVED, Comment.title.is_not(None))
        .order_by(Comment.id)
        .limit(1)
        .correlate(Thread)
        .scalar_subquery()
    )
    changed = update(Thread).where(Thread.id.in_(ids)).execution_options(synchronize_session=False)
    db.session.execute(changed.values(version=Thread.version + 1))
    db.session.execute(changed.where(Thread.source.is_(None)).values(title=title))
    for _ in db.session.scalars(select(Thread).where(Thread.id.in_(ids)).execution_options(populate_existing=True)):
        pass


def thread_of(site: Site, page: str) -> Thread | None:
    """Find a page's thread. Raises `pagekey.BadAddress`."""
    return db.session.scalars(
        select(Thread).where(Thread.site_id == site.id, Thread.page_key == page_key(page, site.origins))
    ).one_or_none()


def document(site: Site, page: str) -> Document:
    """Build a page's thread. Raises `pagekey.BadAddress` for what is not a page of the site."""
    thread = thread_of(site, page)
    key = page_key(page, site.origins)
    items = _items(thread) if thread else []
    return Document(
        site=site,
        page=key,
        title=(thread and thread.title) or _path(key),
        url=address_of(site, key),
        closed=bool(thread and thread.closed),
        count=sum(item.is_public for item in items),
        items=items,
    )


def address_of(site: Site, key: str) -> str:
    """Write a page's address from its key, so that nothing a visitor sent stands in it before an approval."""
    host, _, path = key.partition("/")
    origin = next((origin for origin in site.origins if page_key(origin, [origin]).partition("/")[0] == host), None)
    return f"{origin or f'https://{host}'}/{path}"


def counts(site: Site, pages: Iterable[str]) -> dict[str, int]:
    """Count the public comments of pages, by the address asked for; a foreign or broken one counts nothing."""
    keys = {page: key for page in dict.fromkeys(pages) if (key := _key_or_none(site, page))}
    rows = db.session.execute(
        select(Thread.page_key, func.count())
        .join(Comment, Comment.thread_id == Thread.id)
        .join(Revision)
        .where(Thread.site_id == site.id, Thread.page_key.in_(keys.values()), Revision.status == Status.APPROVED)
        .group_by(Thread.page_key)
    )
    found = dict(rows.all())
    return {page: found.get(key, 0) for page, key in keys.items()}


def counts_json(site: Site, pages: Iterable[str]) -> bytes:
    """Write the counts for scripts."""
    return json.dumps({"counts": counts(site, pages)}, ensure_ascii=False, separators=(",", ":")).encode()


def as_json(found: Document) -> bytes:
    """Write the document for the embed: nodes and words, no HTML."""
    site = found.site
    with force_locale(site.locale):
        value = {
            "site": site.key,
            "page": found.page,
            "title": found.title,
            "count": found.count,
            "closed": found.closed,
            "comments": [_item_json(item) for item in found.items],
            "settings": {
                "name": site.name,
                "locale": site.locale,
                "accent": site.accent,
                "required": ["comment", *site.required],
                "max": {"comment": site.max_comment, "author": 245, "email": 100, "url": 200},
            },
            "strings": strings.of(found.count),
        }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _item_json(item: Item) -> dict[str, object]:
    value: dict[str, object] = {
        "id": item.id,
        "anchor": item.anchor,
        "parent": item.parent,
        "depth": item.depth,
        "place": item.place,
    }
    if item.is_public and item.at:
        value |= {
            "author": item.author,
            "url": item.url or None,
            "at": item.at.astimezone(UTC).isoformat(timespec="seconds"),
            "body": markup.nodes(item.html),
        }
    return value


def newest(site: Site) -> list[tuple[Item, Document]]:
    """Return what became public last on a site, each with a bare document of its page."""
    rows = db.session.execute(
        select(Comment, Revision, Thread, Entry)
        .select_from(Entry)
        .join(Revision, (Revision.id == Entry.revision_id) & (Revision.turn == Entry.turn))
        .join(Comment, Comment.id == Revision.comment_id)
        .join(Thread, Thread.id == Comment.thread_id)
        .where(Entry.site_id == site.id, Entry.to_status == Status.APPROVED, Revision.status == Status.APPROVED)
        .order_by(Entry.id.desc())
        .limit(FEED_LENGTH)
    )
    return sorted(
        ((_public_item(comment, revision, entry), _bare(site, thread)) for comment, revision, thread, entry in rows),
        key=lambda one: (one[0].updated, one[0].id),
        reverse=True,
    )


def newest_of(found: Document) -> list[tuple[Item, Document]]:
    """Return what became public last on a page, for its feed."""
    rows = db.session.execute(
        select(Revision.comment_id, Entry)
        .join(Entry, (Entry.revision_id == Revision.id) & (Entry.turn == Revision.turn))
        .where(
            Revision.comment_id.in_([item.id for item in found.items if item.is_public]),
            Revision.status == Status.APPROVED,
            Entry.to_status == Status.APPROVED,
        )
    )
    entries = dict(rows.all())
    items = [replace(item, updated=_updated(item.at, entries.get(item.id))) for item in found.items if item.is_public]
    items.sort(key=lambda item: (item.updated, item.id), reverse=True)
    return [(item, found) for item in items[:FEED_LENGTH]]


def etag(body: bytes) -> str:
    """Name bytes by their hash."""
    return hashlib.sha256(body).hexdigest()[:32]


def _items(thread: Thread) -> list[Item]:
    """Put the public comments of a thread, and the empty places above them, in reading order, without recursion."""
    rows = db.session.execute(
        select(Comment, Revision)
        .join(Revision, Revision.comment_id == Comment.id)
        .where(Comment.thread_id == thread.id, Revision.status == Status.APPROVED)
    )
    public = {comment.id: _public_item(comment, revision) for comment, revision in rows}
    empty = _empty_places(public)
    # By time, then number: what was imported later may be older than what is here.
    times = {item.id: item.at for item in public.values()} | {item.id: at for item, at in empty.values()}
    places = public | {id_: item for id_, (item, _) in empty.items()}
    below: dict[int | None, list[int]] = defaultdict(list)
    for id_ in sorted(places, key=lambda one: (times[one], one), reverse=True):
        below[places[id_].parent].append(id_)
    ordered: list[Item] = []
    todo = [(id_, 0) for id_ in below[None]]
    while todo:
        id_, depth = todo.pop()
        ordered.append(replace(places[id_], depth=min(depth, SHOWN_DEPTH - 1)))
        todo += [(child, depth + 1) for child in below[id_]]
    return ordered


def _empty_places(public: dict[int, Item]) -> dict[int, tuple[Item, datetime]]:
    """Name the places of comments that are not public but have public ones below them, with when they came."""
    places: dict[int, tuple[Item, datetime]] = {}
    text = aliased(Revision)
    last = select(func.max(text.number)).where(text.comment_id == Comment.id).correlate(Comment).scalar_subquery()
    while wanted := _parents(public, places) - public.keys() - places.keys():
        rows = db.session.execute(
            select(Comment, Revision.status)
            .join(Revision, (Revision.comment_id == Comment.id) & (Revision.number == last))
            .where(Comment.id.in_(wanted))
        )
        for comment, status in rows:
            place = Place.WITHDRAWN if status is Status.WITHDRAWN else Place.NOT_PUBLIC
            places[comment.id] = (
                Item(comment.id, comment.anchor or "", comment.parent_id, 0, place),
                comment.received_at,
            )
    return places


def _parents(public: dict[int, Item], places: dict[int, tuple[Item, datetime]]) -> set[int]:
    items = [*public.values(), *(item for item, _ in places.values())]
    return {item.parent for item in items if item.parent is not None}


def _updated(received: datetime | None, entry: Entry | None) -> datetime | None:
    """Say since when words are public; those that were public elsewhere before, since they were written."""
    return received if entry is None or entry.kind is Kind.IMPORT else entry.at


def _public_item(comment: Comment, revision: Revision, entry: Entry | None = None) -> Item:
    return Item(
        id=comment.id,
        anchor=comment.anchor or "",
        parent=comment.parent_id,
        depth=0,
        place=Place.PUBLIC,
        author=comment.author,
        url=comment.url,
        at=comment.received_at,
        html=revision.html,
        updated=_updated(comment.received_at, entry),
    )


def _bare(site: Site, thread: Thread) -> Document:
    return Document(
        site=site,
        page=thread.page_key,
        title=thread.title or _path(thread.page_key),
        url=address_of(site, thread.page_key),
        closed=thread.closed,
        count=0,
        items=(),
    )


def _key_or_none(site: Site, page: str) -> str | None:
    try:
        return page_key(page, site.origins)
    except BadAddress:
        return None


def _path(key: str) -> str:
    """Name a page by its path, readable."""
    return unquote("/" + key.partition("/")[2])
