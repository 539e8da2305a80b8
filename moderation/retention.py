"""Forgetting, on a schedule: what the service no longer needs to know, and what sites no longer want to."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, select, text
from sqlalchemy.orm import selectinload

from moderation import lifecycle
from moderation.db import db
from moderation.models import (
    OPEN,
    REFUSED,
    Comment,
    Delivery,
    Entry,
    OutboxMessage,
    Revision,
    Site,
    SubmissionKey,
    Via,
    WebSession,
)
from moderation.notify import PURGE

#: A caller that retries later than this sends a new reply.
KEEP_KEYS = timedelta(days=7)
#: Comments forgotten between two commits: nobody who writes waits longer than a moment.
BATCH = 100
#: What the log says of each kind of forgetting.
TEXTS, ADDRESSES, NETWORKS = "keep-refused-days", "keep-email-days", "keep-network-days"


def sweep(*, now: datetime) -> None:
    """Remove used submission keys, sessions that have ended, and what caches were told: it is no news to anybody."""
    db.session.execute(delete(SubmissionKey).where(SubmissionKey.created_at < now - KEEP_KEYS))
    db.session.execute(delete(WebSession).where(WebSession.expires_at < now))
    told = (OutboxMessage.kind == PURGE, OutboxMessage.state.in_((Delivery.SENT, Delivery.DEAD)))
    db.session.execute(delete(OutboxMessage).where(*told, OutboxMessage.due_at < now - KEEP_KEYS))


def forget(*, now: datetime) -> Iterator[int]:
    """Forget what sites keep no longer, yielding after every batch for the caller to commit."""
    for site in db.session.scalars(select(Site).order_by(Site.id)).all():
        for days, forget_some in (
            (site.keep_network_days, _forget_networks),
            (site.keep_email_days, _forget_addresses),
            (site.keep_refused_days, _forget_texts),
        ):
            if days:
                yield from _until_none(forget_some, site.id, before=now - timedelta(days=days), now=now)


def _until_none(
    forget_some: Callable[..., tuple[int, int]], site_id: int, *, before: datetime, now: datetime
) -> Iterator[int]:
    """Forget batch after batch, each beginning where the one before ended: what has to stay is not met again."""
    after = 0
    while True:
        number, after = forget_some(site_id, after=after, before=before, now=now)
        if not after:
            return
        yield number


def _forget_networks(site_id: int, *, after: int, before: datetime, now: datetime) -> tuple[int, int]:
    ids = db.session.scalars(
        select(Comment.id)
        .where(Comment.site_id == site_id, Comment.received_at < before, Comment.network.is_not(None))
        .where(Comment.id > after)
        .order_by(Comment.id)
        .limit(BATCH)
    ).all()
    return lifecycle.forget_networks(ids, by=_by(NETWORKS, now), site_id=site_id), max(ids, default=0)


def _forget_addresses(site_id: int, *, after: int, before: datetime, now: datetime) -> tuple[int, int]:
    """Forget the addresses of comments that nothing waits of, and of which nothing happened since."""
    waits = exists().where(Revision.comment_id == Comment.id, Revision.status.in_(OPEN))
    moved = exists().where(
        Revision.comment_id == Comment.id, Entry.revision_id == Revision.id, Entry.at >= before, _moves()
    )
    comments = db.session.scalars(
        select(Comment)
        .where(Comment.site_id == site_id, Comment.email != "", Comment.received_at < before, ~waits, ~moved)
        .where(Comment.id > after)
        .order_by(Comment.id)
        .limit(BATCH)
    ).all()
    number = lifecycle.forget_addresses(comments, by=_by(ADDRESSES, now))
    return number, max((comment.id for comment in comments), default=0)


def _forget_texts(site_id: int, *, after: int, before: datetime, now: datetime) -> tuple[int, int]:
    """Forget the texts that were refused before; a text waited before it was refused."""
    refused_at = select(func.max(Entry.at)).where(Entry.revision_id == Revision.id, _moves()).scalar_subquery()
    revisions: Sequence[Revision] = db.session.scalars(
        select(Revision)
        .where(Revision.site_id == site_id, Revision.waiting_since < before, text(REFUSED), refused_at < before)
        .where(Revision.id > after)
        .order_by(Revision.id)
        .limit(BATCH)
        .options(selectinload(Revision.comment))
    ).all()
    number = lifecycle.forget_texts(revisions, by=_by(TEXTS, now))
    return number, max((revision.id for revision in revisions), default=0)


def _moves() -> ColumnElement[bool]:
    """Only what moves a text counts: a note on it does not."""
    return Entry.to_status.is_not(None)


def _by(rule: str, now: datetime) -> lifecycle.By:
    return lifecycle.By(via=Via.WORKER, at=now, rule=rule)
