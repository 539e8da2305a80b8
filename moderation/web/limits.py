"""How often somebody may ask: counters in the scratch store, shared by all server processes."""

import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from flask import Flask, current_app
from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests


class ScratchStorage(Storage):
    """Counters in a SQLite file of their own: nothing in it needs a backup, and no request waits for a disk sync."""

    STORAGE_SCHEME = ["scratch"]  # noqa: RUF012
    base_exceptions = sqlite3.Error

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__()
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS counter (key TEXT PRIMARY KEY, number INTEGER, ends REAL) WITHOUT ROWID"
            )

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count up, beginning anew when the window has ended."""
        now = time.time()
        with self._open() as connection:
            connection.execute("DELETE FROM counter WHERE ends <= ?", (now,))
            row = connection.execute(
                "INSERT INTO counter VALUES (?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET number = number + ? RETURNING number",
                (key, amount, now + expiry, amount),
            ).fetchone()
        return int(row[0])

    def get(self, key: str) -> int:
        """Return the count in the running window."""
        return int(self._value("number", key) or 0)

    def get_expiry(self, key: str) -> float:
        """Return when the running window ends."""
        return float(self._value("ends", key) or time.time())

    def check(self) -> bool:
        """Whether the file answers."""
        self._value("number", "")
        return True

    def reset(self) -> int | None:
        """Forget all counters."""
        with self._open() as connection:
            return connection.execute("DELETE FROM counter").rowcount

    def clear(self, key: str) -> None:
        """Forget one counter."""
        with self._open() as connection:
            connection.execute("DELETE FROM counter WHERE key = ?", (key,))

    def _value(self, column: str, key: str) -> float | None:
        with self._open() as connection:
            query = f"SELECT {column} FROM counter WHERE key = ? AND ends > ?"  # noqa: S608 - our own column names
            row = connection.execute(query, (key, time.time())).fetchone()
        return row[0] if row else None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            yield connection


def init_app(app: Flask) -> None:
    """Keep the counters beside the database."""
    app.extensions["limits"] = FixedWindowRateLimiter(
        ScratchStorage(Path(app.config["INSTANCE_PATH"]) / "scratch.sqlite")
    )


def count_preview(network: str) -> None:
    """Count one preview of a network. Raises `TooManyRequests`."""
    item = RateLimitItemPerMinute(current_app.config["PREVIEWS_PER_MINUTE"])
    if not _limiter().hit(item, "preview", network):
        raise TooManyRequests(retry_after=60)


def count_sign_in(email: str, network: str) -> None:
    """Count a sign-in for the address and for the network, before anything is hashed: many at once are counted too.

    Raises `TooManyRequests` after too many; one that succeeds is given back by `forgive_sign_in`.
    """
    item = _sign_ins()
    for who in (email, network):
        if not _limiter().hit(item, "sign-in", who):
            ends = _limiter().get_window_stats(item, "sign-in", who).reset_time
            raise TooManyRequests(retry_after=max(1, math.ceil(ends - time.time())))


def forgive_sign_in(email: str, network: str) -> None:
    """Give a sign-in back that was counted and succeeded."""
    item = _sign_ins()
    for who in (email, network):
        _limiter().storage.incr(item.key_for("sign-in", who), item.get_expiry(), -1)


def _sign_ins() -> RateLimitItemPerHour:
    return RateLimitItemPerHour(current_app.config["SIGN_INS_PER_HOUR"])


def _limiter() -> FixedWindowRateLimiter:
    limiter: FixedWindowRateLimiter = current_app.extensions["limits"]
    return limiter
