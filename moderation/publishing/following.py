"""Threads follow what is public of them: their version, their title, their address; caches in front are told."""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote, unquote

from sqlalchemy import bindparam, case, select, update

from moderation import notify
from moderation.db import db, table_of
from moderation.models import Comment, Revision, Site, Status, Thread
from moderation.models.pagekey import page_key
from moderation.statements import Prepared


def follow(thread: Thread, *, now: datetime) -> None:
    """Raise a thread's version, and let its title follow what is public now."""
    follow_all([thread], now=now)


def follow_all(threads: Iterable[Thread], *, now: datetime) -> None:
    """Raise the versions of threads, and let their titles follow what is public now."""
    db.session.flush()
    by_id = {thread.id: thread for thread in threads}
    ids = sorted(by_id)
    if not ids:
        return
    _CHANGED.change(*({"of": id_} for id_ in ids))
    for thread in by_id.values():
        db.session.expire(thread, ["version", "title"])
    notify.tell_caches([by_id[id_] for id_ in ids], due=now)


# The oldest public comment that brought a title gives it; when it goes, the title goes. An imported page keeps its own.
_TITLE = (
    select(Comment.title)
    .join(Revision)
    .where(Comment.thread_id == Thread.id, Revision.status == Status.APPROVED, Comment.title.is_not(None))
    .order_by(Comment.id)
    .limit(1)
    .correlate(Thread)
    .scalar_subquery()
)
_CHANGED = Prepared(
    update(table_of(Thread))
    .where(Thread.id == bindparam("of"))
    .values(version=Thread.version + 1, title=case((Thread.source.is_(None), _TITLE), else_=Thread.title))
)


def thread_of(site: Site, page: str) -> Thread | None:
    """Find a page's thread. Raises `pagekey.BadAddress`."""
    return db.session.scalars(
        select(Thread).where(Thread.site_id == site.id, Thread.page_key == page_key(page, site.origins))
    ).one_or_none()


def address_of(site: Site, key: str) -> str:
    """Write a page's address from its key, so that nothing a visitor sent stands in it before an approval."""
    host, _, path = key.partition("/")
    origin = next((origin for origin in site.origins if page_key(origin, [origin]).partition("/")[0] == host), None)
    return f"{origin or f'https://{host}'}/{path}"


def path_of(key: str) -> str:
    """Name a page by its path, readable."""
    return unquote("/" + key.partition("/")[2])


def copies_of(site: Site, thread: Thread, *, service: str) -> list[str]:
    """Name every address at which a cache in front may keep something of a page."""
    base, page = f"{service}/sites/{site.key}", quote(address_of(site, thread.page_key), safe="")
    ways = ("thread.json", "thread.html", "thread.atom")
    return [*(f"{base}/{way}?page={page}" for way in ways), f"{base}/comments.atom"]
