"""Is this installation sound: what `flask check` says, and what `flask serve` refuses to start with."""

import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from moderation.db import db, reading


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is fine, and a sentence."""

    fine: bool
    text: str


def run(app: Flask) -> list[Finding]:
    """Look at secrets, database, addresses and proxies."""
    return [_secrets(app), *_database(app), _address(app), _proxies(app)]


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


def _secrets(app: Flask) -> Finding:
    path = Path(app.config["INSTANCE_PATH"]) / "secrets.json"
    mode = stat.S_IMODE(path.stat().st_mode)
    return Finding(
        mode & 0o077 == 0, f"{path} is readable by {'its owner alone' if mode & 0o077 == 0 else 'others: chmod 600'}"
    )


def _database(app: Flask) -> list[Finding]:
    if (state := schema_of(app)) is not None:
        return [Finding(False, state)]
    return [Finding(True, "the database fits this code"), _durability()]


def _durability() -> Finding:
    if db.engine.dialect.name != "sqlite":
        return Finding(True, f"database: {db.engine.dialect.name}")
    with reading(), db.engine.connect() as connection:
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        synced = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    fine = journal == "wal" and synced == 2
    return Finding(
        fine, f"database: sqlite, journal {journal}, {'synced at every commit' if synced == 2 else 'NOT synced'}"
    )


def _address(app: Flask) -> Finding:
    url = urlsplit(app.config["BASE_URL"])
    fine = url.scheme == "https" or url.hostname in {"127.0.0.1", "localhost", "::1"}
    return Finding(
        fine,
        f"{app.config['BASE_URL']} is {'https or local' if fine else 'plain http: sign-ins can be read on the way'}",
    )


def _proxies(app: Flask) -> Finding:
    hops, bind = app.config["PROXY_HOPS"], app.config["BIND"]
    behind = urlsplit(app.config["BASE_URL"]).netloc != bind
    fine = bool(hops) == behind or (bind.startswith("127.0.0.1") and not behind)
    text = f"{hops} proxies are believed; the public address {'differs from' if behind else 'is'} the bound one"
    return Finding(fine, text if fine else f"{text}: set MODERATION_PROXY_HOPS to the number of proxies in front")
