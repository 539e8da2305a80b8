"""Who has which text open: kept in the scratch store for a minute, so that two need not read the same one."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from flask import current_app

from moderation.models import Account
from moderation.scratch import Scratch

#: Seconds after which somebody who says nothing more is gone. The page speaks every 20.
GONE = 50.0


@dataclass(frozen=True)
class Present:
    """A colleague, and the text at hand there."""

    name: str
    revision_id: int


def note(account: Account, *, site_id: int, revision_id: int) -> None:
    """Note which text somebody has at hand."""
    _store().run(
        "INSERT OR REPLACE INTO present VALUES (?, ?, ?, ?, ?)",
        (account.id, account.name, site_id, revision_id, time.time() + GONE),
    )


def leave(account: Account) -> None:
    """Note that somebody has gone."""
    _store().run("DELETE FROM present WHERE account = ?", (account.id,))


def colleagues(account: Account, *, site_ids: Collection[int]) -> list[Present]:
    """Tell who else is here, on these sites, by name."""
    rows = _store().run(
        "SELECT name, revision, site FROM present WHERE until > ? AND account != ? ORDER BY name, account",
        (time.time(), account.id),
    )
    return [Present(str(name), int(revision)) for name, revision, site in rows if site in site_ids]


def _store() -> Scratch:
    store: Scratch = current_app.extensions["scratch"]
    return store
