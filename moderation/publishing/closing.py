"""When a page takes no more replies: closed by hand, or by its age where the site says so."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from moderation import audit
from moderation.db import db
from moderation.models import Account, Action, Comment, Kind, Revision, Site, Status, Thread, Via
from moderation.models.pagekey import page_key
from moderation.publishing import following


def closes_at(site: Site, first: datetime | None) -> datetime | None:
    """Say when a page closes by age, by when its first public reply came; None: never.

    Of public replies alone, so that one that is held moves nothing.
    """
    return first + timedelta(days=site.close_days) if first is not None and site.close_days > 0 else None


def is_closed(thread: Thread, *, site: Site, now: datetime) -> bool:
    """Whether a page takes no more replies."""
    if thread.closed or site.close_days <= 0:
        return thread.closed
    first: datetime | None = db.session.scalars(
        select(func.min(Comment.received_at))
        .join(Revision, Revision.comment_id == Comment.id)
        .where(Revision.thread_id == thread.id, Revision.status == Status.APPROVED)
    ).one()
    closes = closes_at(site, first)
    return closes is not None and closes <= now


def set_closed(site: Site, page: str, *, closed: bool, now: datetime, via: Via, by: Account | None = None) -> Thread:
    """Close a page by hand, or open it again. Raises `pagekey.BadAddress`."""
    # As arrivals do it: two that open a page's thread at once must not both make it.
    db.session.execute(select(Site.id).where(Site.id == site.id).with_for_update(key_share=True))
    key = page_key(page, site.origins)
    thread = following.thread_of(site, page)
    if thread is None:
        thread = Thread(site_id=site.id, page_key=key, url=following.address_of(site, key))
        db.session.add(thread)
    thread.closed = closed
    following.follow(thread, now=now)
    audit.record(
        audit.Event(
            kind=Kind.SETTING,
            action=Action.CHANGE,
            subject=f"thread:{thread.id}",
            via=via,
            at=now,
            site_id=site.id,
            account_id=by.id if by else None,
            rule="closed" if closed else "open",
        )
    )
    return thread
