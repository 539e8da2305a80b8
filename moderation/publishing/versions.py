"""What a kept answer is checked against: the versions of its site and pages, in one cheap question."""

from pathlib import Path

from sqlalchemy import Engine, bindparam, func, select
from sqlalchemy.engine import Connection

from moderation import db
from moderation.models import Site, Thread
from moderation.publishing.ready import Asked, Kind, Stamp

# Versions only rise, so their sum changes whenever one of them does; a thread that begins adds 0.
_OF_THREADS = select(func.coalesce(func.sum(Thread.version), 0)).where(Thread.site_id == Site.id)
_NAMED = Thread.page_key.in_(bindparam("pages", expanding=True))
_ONE_SITE = Site.key == bindparam("site")
OF_PAGES = select(Site.version, _OF_THREADS.where(_NAMED).correlate(Site).scalar_subquery()).where(_ONE_SITE)
OF_A_SITE = select(Site.version, _OF_THREADS.correlate(Site).scalar_subquery()).where(_ONE_SITE)


def stamp(connection: Connection, asked: Asked) -> Stamp:
    """Read the versions of what an answer is made of; of a site that is gone there are none."""
    question = OF_A_SITE if asked.kind is Kind.SITE_ATOM else OF_PAGES
    row = connection.execute(question, {"site": asked.site, "pages": list(asked.keys)}).one_or_none()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def look(engine: Engine, asked: Asked, *, files: Path) -> Stamp:
    """Read the same in a transaction of its own. Raises `SQLAlchemyError` where the database is away."""
    if asked.kind in (Kind.EMBED, Kind.ASSET):
        return stamp_of_file(files / asked.keys[0])
    with db.reading(), engine.connect() as connection:
        return stamp(connection, asked)


def stamp_of_file(path: Path) -> Stamp:
    """Read when a file was changed last, and its length."""
    found = path.stat()
    return (found.st_mtime_ns, found.st_size)
