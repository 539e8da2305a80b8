"""Threads of any shape, planted as rows: for tests that only read."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask

from moderation import publishing
from moderation.db import db
from moderation.markup import Format
from moderation.models import Comment, Revision, Status, Thread
from moderation.models.pagekey import page_key
from tests.conftest import NOW, PAGE, site_of


def plant(
    app: Flask, places: Iterable[tuple[int, int | None]], *, hidden: Iterable[int] = (), page: str = PAGE
) -> None:
    """Plant comments, each a number and its parent's, a minute after the one before; hidden ones are held."""
    held = set(hidden)
    with app.app_context():
        site = site_of("courier")
        thread = publishing.thread_of(site, page)
        if thread is None:
            thread = Thread(site_id=site.id, page_key=page_key(page, site.origins), url=page)
            db.session.add(thread)
            db.session.flush()
        for number, parent in places:
            _plant(thread, number, parent, Status.PENDING if number in held else Status.APPROVED)
        publishing.follow(thread, now=NOW)
        db.session.commit()


def _plant(thread: Thread, number: int, parent: int | None, status: Status) -> None:
    at = NOW + timedelta(minutes=number)
    same: dict[str, Any] = {"site_id": thread.site_id, "thread_id": thread.id, "author_key": f"author{number}"}
    db.session.add(
        Comment(
            id=number,
            parent_id=parent,
            anchor=f"comment-{number}",
            author=f"Author {number}",
            email="",
            url="",
            received_at=at,
            **same,
        )
    )
    db.session.flush()
    db.session.add(_revision(number, status, at, same))
    db.session.flush()


def _revision(number: int, status: Status, at: datetime, same: dict[str, Any]) -> Revision:
    return Revision(
        comment_id=number,
        number=1,
        source=f"Words {number}.",
        html=f"<p>Words {number}.</p>\n",
        format=Format.MARKDOWN,
        text_hash="",
        shape="",
        status=status,
        waiting_since=at,
        submitted_at=at,
        findings=[],
        **same,
    )


def chain(first: int, length: int, parent: int | None = None) -> list[tuple[int, int | None]]:
    """Return places each of which answers the one before."""
    return [(number, number - 1 if number > first else parent) for number in range(first, first + length)]
