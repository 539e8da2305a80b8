"""The scratch store: a SQLite file of its own for what may be lost. No request waits for a disk here.

It holds how often somebody asked, who has which text open, and what was noticed about the installation itself.
"""

import os
import sqlite3
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path

TABLES = (
    "CREATE TABLE IF NOT EXISTS counter (key TEXT PRIMARY KEY, number INTEGER, ends REAL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS present"
    " (account INTEGER PRIMARY KEY, name TEXT, site INTEGER, revision INTEGER, until REAL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS notice (what TEXT PRIMARY KEY, at REAL) WITHOUT ROWID",
)

#: Headers of a proxy came while none is counted: from this machine or its own network, or from elsewhere.
FORWARDED_BY = {"near": "forwarded by somebody near", "far": "forwarded by somebody far"}

#: What a statement is given, and what it gives back.
Values = tuple[str | int | float, ...]


class Scratch:
    """One connection to the file for the threads of a process, opened when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0

    def run(self, statement: str, values: Values = ()) -> list[Values]:
        """Run one statement, which is committed with it."""
        with self._lock:
            return self._open().execute(statement, values).fetchall()

    def notice(self, what: str) -> bool:
        """Remember that something was seen; whether it is news."""
        return bool(
            self.run(
                "INSERT INTO notice VALUES (?, ?) ON CONFLICT (what) DO NOTHING RETURNING what", (what, time.time())
            )
        )

    def noticed(self, what: str) -> float | None:
        """Return when something was seen first; None if never."""
        rows = self.run("SELECT at FROM notice WHERE what = ?", (what,))
        return float(rows[0][0]) if rows else None

    def _open(self) -> sqlite3.Connection:
        # A process that was forked must not use its parent's connection.
        if self._connection is None or self._owner != os.getpid():
            connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
            # Fails where another process makes the file in this moment, and then it has done it.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=OFF")
            for table in TABLES:
                connection.execute(table)
            weakref.finalize(self, connection.close)
            self._connection, self._owner = connection, os.getpid()
        return self._connection
