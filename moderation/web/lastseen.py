"""When a session was last seen, where it only looked: kept in the scratch store, to the hour.

A GET writes nothing to the database; what is lost with the scratch store is when somebody was last here.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask, current_app

#: As old as no session gets.
FORGOTTEN = timedelta(days=800)
#: What this process has noted in the hour that runs: it is not written again at every look.
_noted: dict[str, datetime] = {}
#: So many are remembered.
MOST_NOTED = 2000


def init_app(app: Flask) -> None:
    """Make room for it beside the counters."""
    with _open(app) as store:
        store.execute("CREATE TABLE IF NOT EXISTS seen (session TEXT PRIMARY KEY, hour REAL) WITHOUT ROWID")


def note(id_hash: str, *, hour: datetime) -> None:
    """Note that a session is in use in this hour."""
    if _noted.get(id_hash) == hour:
        return
    if len(_noted) >= MOST_NOTED:
        _noted.clear()
    _noted[id_hash] = hour
    with _open(current_app) as store:
        store.execute("DELETE FROM seen WHERE hour < ?", ((hour - FORGOTTEN).timestamp(),))
        store.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (id_hash, hour.timestamp()))


def hours(id_hashes: Collection[str]) -> dict[str, datetime]:
    """Return when each of these sessions was last seen, where it is known."""
    marks = ", ".join("?" for _ in id_hashes)
    with _open(current_app) as store:
        query = f"SELECT session, hour FROM seen WHERE session IN ({marks})"  # noqa: S608 - question marks alone
        return {session: datetime.fromtimestamp(hour, UTC) for session, hour in store.execute(query, [*id_hashes])}


@contextmanager
def _open(app: Flask) -> Iterator[sqlite3.Connection]:
    path = Path(app.config["INSTANCE_PATH"]) / "scratch.sqlite"
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as store:
        store.execute("PRAGMA synchronous=OFF")
        yield store
