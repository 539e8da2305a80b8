"""Small WordPress exports for tests, written item by item; ways to import them, and to look at what came of it."""

import io
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

from sqlalchemy import select

from moderation import audit, transfer
from moderation.db import db
from moderation.models import Comment, Revision, Status
from moderation.transfer import wordpress
from tests.conftest import NOW, site_of

START = '<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel>'
END = "</channel></rss>"


def export(*items: str) -> bytes:
    """Write a whole export."""
    return (START + "".join(items) + END).encode()


def item(
    *comments: str,
    link: str = "https://courier.example/bridge",
    id_: int = 7,
    title: str = "Bridge",
    status: str = "publish",
) -> str:
    """Write a page with its comments."""
    head = f"<title>{escape(title)}</title><link>{escape(link)}</link><wp:post_id>{id_}</wp:post_id>"
    return f"<item>{head}<wp:status>{status}</wp:status>{''.join(comments)}</item>"


def comment(id_: object, parent: object = 0, **fields: str) -> str:
    """Write a comment, with these fields instead of the usual ones."""
    usual = {
        "author": "Margit",
        "author_email": "margit@home.example",
        "author_url": "",
        "date_gmt": "2026-11-20 18:04:00",
        "content": f"Words of {id_}.",
        "approved": "1",
        "type": "comment",
    }
    told = {"id": id_, "parent": parent} | usual | fields
    lines = (f"<wp:comment_{name}>{escape(str(value))}</wp:comment_{name}>" for name, value in told.items())
    return f"<wp:comment>{''.join(lines)}</wp:comment>"


def bring(
    source: bytes | Path,
    *,
    key: str = "courier",
    now: datetime = NOW,
    run: Callable[..., Iterator[transfer.Report]] = transfer.bring_in,
) -> transfer.Report:
    """Import as the command does: a commit after every batch."""
    report = transfer.Report()
    text = source.read_bytes() if isinstance(source, Path) else source
    for _ in run(wordpress.read(io.BytesIO(text)), site=site_of(key), source="wordpress", now=now, report=report):
        db.session.commit()
    db.session.expire_all()
    return report


def rehearse(source: bytes | Path, *, key: str = "courier") -> transfer.Report:
    """Only report what would be done."""
    return bring(source, key=key, run=transfer.rehearse)


def tree() -> dict[str | None, tuple[str | None, int]]:
    """Say of each comment, by its id there, which one it stands below and how deep."""
    by_id = {one.id: one.source_id for one in db.session.scalars(select(Comment))}
    rows = db.session.scalars(select(Comment).order_by(Comment.id))
    return {one.source_id: (by_id.get(one.parent_id or 0), one.depth) for one in rows}


def statuses() -> dict[str | None, Status]:
    """Say of each comment, by its id there, where it stands."""
    rows = db.session.execute(select(Comment.source_id, Revision.status).join(Revision).order_by(Comment.id))
    return dict(rows.all())


def everything() -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the database."""
    return {t.name: sorted(map(tuple, db.session.execute(select(t))), key=repr) for t in db.metadata.sorted_tables}


def whole() -> bool:
    """Whether every chain is proven, and the counts beside it are right."""
    return [proof.faults for proof in audit.verify()] == [[], []]
