"""Is this installation sound: what `flask check` and the operators' page say, and what `flask serve` needs to start.

In English, as commands are. Each look is a function; each says what it saw, and what to do about it.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flask import Flask

from moderation.checks import database, machine, settings
from moderation.checks.database import schema_of
from moderation.checks.finding import Finding, Verdict

__all__ = ["Finding", "Verdict", "run", "schema_of"]

#: What is looked at, in the order in which it is said.
LOOKS: tuple[Callable[[Flask], list[Finding]], ...] = (
    settings.secrets,
    settings.debugging,
    settings.address,
    settings.proxies,
    settings.limits,
    machine.permissions,
    machine.space,
    machine.headers,
)


def run(app: Flask, *, now: datetime) -> list[Finding]:
    """Look at secrets, addresses, proxies, files, disk, headers; then at the database, its clock and its backup."""
    found = [finding for look in LOOKS for finding in look(app)]
    if (state := schema_of(app)) is not None:
        return [*found, Finding(Verdict.MEND, state)]
    backups = Path(app.config["INSTANCE_PATH"]) / "backups"
    kept = database.backup(backups, most_hours=int(app.config["BACKUP_HOURS"]), now=now)
    return [
        *found,
        Finding(Verdict.OK, "the database fits this code"),
        database.durability(),
        *database.clock(now),
        *kept,
    ]
