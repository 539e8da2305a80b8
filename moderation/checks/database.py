"""The database: its schema, what it promises at a commit, its clock, and the age of its backup."""

from datetime import datetime, timedelta
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from moderation import backup as backups
from moderation import disk
from moderation.checks.finding import Finding, Verdict
from moderation.db import db, reading
from moderation.models import Entry

#: Two clocks that differ by more are not set by the same time.
APART = timedelta(seconds=5)


def schema_of(app: Flask) -> str | None:
    """Say why the database does not fit this code; None when it does."""
    head = ScriptDirectory(str(Path(app.root_path) / "migrations")).get_current_head()
    try:
        with reading(), db.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        return f"The database does not answer: {type(error).__name__}."
    if current == head:
        return None
    if current is None:
        return "The database is empty. Run: flask db upgrade"
    return f"The database is at {current}, this code needs {head}. Run: flask db upgrade"


def durability() -> Finding:
    """Look whether what is committed is on disk."""
    kind = db.engine.dialect.name
    names = ("synchronous_commit", "fsync", "full_page_writes")
    wanted = ("on", "on", "on")
    with reading(), db.engine.connect() as connection:
        if kind == "sqlite":
            # What SQLite leaves out at 1, our connection does: after the commit, once for several.
            level = "1" if isinstance(connection.connection.driver_connection, disk.Connection) else "2"
            names, wanted = ("journal_mode", "synchronous", "foreign_keys"), ("wal", level, "1")
        ask = "PRAGMA" if kind == "sqlite" else "SHOW"
        set_ = tuple(str(connection.exec_driver_sql(f"{ask} {name}").scalar()) for name in names)
    said = ", ".join(f"{name} {value}" for name, value in zip(names, set_, strict=True))
    if set_ == wanted:
        return Finding(Verdict.OK, f"database: {kind}, synced at every commit ({said})")
    return Finding(
        Verdict.MEND, f"database: {kind}, NOT synced at every commit ({said})", f"set them to {', '.join(wanted)}"
    )


def clock(now: datetime) -> list[Finding]:
    """Look whether the database's clock, and what the log says was the last, agree with ours."""
    with reading(), db.engine.connect() as connection:
        newest = connection.execute(select(func.max(Entry.at))).scalar()
        theirs = None
        if connection.dialect.name == "postgresql":
            theirs = connection.execute(text("SELECT clock_timestamp()")).scalar()
    if theirs is not None and abs(theirs - now) > APART:
        return [
            Finding(
                Verdict.MEND, f"the database's clock says {theirs:%H:%M:%S}, ours {now:%H:%M:%S} UTC", "set both by NTP"
            )
        ]
    if newest is not None and newest > now + APART:
        return [
            Finding(
                Verdict.MEND,
                f"the log's newest entry is of {newest:%Y-%m-%d %H:%M} UTC, which is to come",
                "set the clock by NTP",
            )
        ]
    return [Finding(Verdict.OK, f"the clock says {now:%Y-%m-%d %H:%M} UTC, after everything in the log")]


def backup(folder: Path, *, most_hours: int, now: datetime) -> list[Finding]:
    """Look how old the newest backup is."""
    if most_hours == 0:
        return []
    made = backups.newest(folder)
    most = timedelta(hours=most_hours)
    if made is not None:
        text_ = f"the newest backup is of {made:%Y-%m-%d %H:%M} UTC"
        return [Finding(Verdict.OK, text_) if now - made <= most else Finding(Verdict.MEND, text_, _how())]
    with reading(), db.engine.connect() as connection:
        oldest = connection.execute(select(func.min(Entry.at))).scalar()
    if oldest is None or now - oldest <= most:
        return [Finding(Verdict.OK, "no backup yet, of an installation that is new")]
    return [Finding(Verdict.MEND, "there is no backup", _how())]


def _how() -> str:
    if db.engine.dialect.name == "sqlite":
        return "run flask backup every day"
    return f"run pg_dump every day, then touch backups/{backups.ELSEWHERE} in the instance folder"
