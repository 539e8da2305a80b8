"""Writes a site's comments as JSON lines: one about the site, then one a comment. docs/settings.md names their parts.

It is written when the request is over: a batch at a time, each read in a transaction of its own.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from moderation import db, publishing
from moderation.models import Comment, Site, Thread

#: The version of what is written here: it rises when a reader would have to know.
FORMAT, VERSION = "leave-a-reply", 1
#: Comments read at once.
BATCH = 200


def write(app: Flask, site_id: int, *, at: datetime) -> Iterator[bytes]:
    """Yield the lines of a site's comments, oldest first, a parent ahead of what answers it."""
    with app.app_context(), db.reading():
        site = db.db.session.get_one(Site, site_id)
        head = {"format": FORMAT, "version": VERSION, "site": site.key, "origins": site.origins, "at": _time(at)}
    yield _line(head)
    after = 0
    while batch := _batch(app, site_id, after):
        yield b"".join(_line(one) for _, one in batch)
        after = batch[-1][0]


def _batch(app: Flask, site_id: int, after: int) -> list[tuple[int, dict[str, object]]]:
    with app.app_context(), db.reading():
        found: Sequence[Comment] = db.db.session.scalars(
            select(Comment)
            .where(Comment.site_id == site_id, Comment.id > after)
            .order_by(Comment.id)
            .limit(BATCH)
            .options(joinedload(Comment.thread).joinedload(Thread.site), selectinload(Comment.revisions))
        ).all()
        return [(one.id, _told(one)) for one in found]


def _told(comment: Comment) -> dict[str, object]:
    thread = comment.thread
    return {
        "id": comment.id,
        "page": publishing.address_of(thread.site, thread.page_key),
        "page_title": thread.title,
        "parent": comment.parent_id,
        "anchor": comment.anchor,
        "author": comment.author,
        "email": comment.email or None,
        "url": comment.url or None,
        "at": _time(comment.received_at),
        "public": comment.is_public,
        "source": comment.source and {"name": comment.source, "id": comment.source_id},
        "texts": [
            {
                "text": one.source,
                "format": one.format,
                "html": one.html,
                "status": one.status,
                "at": _time(one.submitted_at),
                "forgotten": one.is_forgotten,
            }
            for one in comment.revisions
        ],
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
