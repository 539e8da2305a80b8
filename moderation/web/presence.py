"""Who has which text open: kept in the scratch store for a minute, so that two need not read the same one."""

import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, current_app

from moderation.models import Account

#: Seconds after which somebody who says nothing more is gone. The page speaks every 20.
GONE = 50.0


@dataclass(frozen=True)
class Present:
    """A colleague, and the text at hand there."""

    name: str
    revision_id: int


def init_app(app: Flask) -> None:
    """Make room for it beside the counters."""
    with _open(app) as store:
        store.execute(
            "CREATE TABLE IF NOT EXISTS present"
            " (account INTEGER PRIMARY KEY, name TEXT, site INTEGER, revision INTEGER, until REAL) WITHOUT ROWID"
        )


def note(account: Account, *, site_id: int, revision_id: int) -> None:
    """Note which text somebody has at hand."""
    with _open(current_app) as store:
        store.execute(
            "INSERT OR REPLACE INTO present VALUES (?, ?, ?, ?, ?)",
            (account.id, account.name, site_id, revision_id, time.time() + GONE),
        )


def leave(account: Account) -> None:
    """Note that somebody has gone."""
    with _open(current_app) as store:
        store.execute("DELETE FROM present WHERE account = ?", (account.id,))


def colleagues(account: Account, *, site_ids: Collection[int]) -> list[Present]:
    """Tell who else is here, on these sites, by name."""
    with _open(current_app) as store:
        rows = store.execute(
            "SELECT name, revision, site FROM present WHERE until > ? AND account != ? ORDER BY name, account",
            (time.time(), account.id),
        ).fetchall()
    return [Present(name, revision) for name, revision, site in rows if site in site_ids]


@contextmanager
def _open(app: Flask) -> Iterator[sqlite3.Connection]:
    path = Path(app.config["INSTANCE_PATH"]) / "scratch.sqlite"
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as store:
        store.execute("PRAGMA synchronous=OFF")
        yield store
