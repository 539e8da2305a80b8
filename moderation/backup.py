"""A copy of the installation while it runs: the database and its secrets in one folder, and a manifest of both.

For SQLite. PostgreSQL is copied by `pg_dump`; whoever does that touches a file, so that its age is known.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

MANIFEST = "manifest.json"
#: Touched by who makes backups otherwise.
ELSEWHERE = "made-elsewhere"
#: What belongs to an installation beside its database.
BESIDE = ("secrets.json", "config.py")


class Broken(Exception):
    """The copy is not what it should be; it was removed."""


def make(database: Path, *, instance: Path, keep: int, now: datetime) -> Path:
    """Copy a running installation into `backups/` below its folder, and keep so many. Raises `Broken`, `OSError`."""
    folder = instance / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    name = f"{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
    begun = folder / f".{name}.{os.getpid()}"
    begun.mkdir(mode=0o700)
    try:
        _fill(begun, database, instance=instance, now=now)
        begun.rename(folder / name)
    except BaseException:
        shutil.rmtree(begun, ignore_errors=True)
        raise
    _sync(folder)
    for old in _made(folder)[:-keep]:
        shutil.rmtree(old)
    return folder / name


def newest(folder: Path) -> datetime | None:
    """Return when the newest backup was made, here or elsewhere."""
    times = [datetime.fromisoformat(json.loads((made / MANIFEST).read_text())["made"]) for made in _made(folder)[-1:]]
    if (marker := folder / ELSEWHERE).exists():
        times.append(datetime.fromtimestamp(marker.stat().st_mtime, UTC))
    return max(times, default=None)


def _made(folder: Path) -> list[Path]:
    """List whole backups, oldest first."""
    return sorted(path.parent for path in folder.glob(f"[!.]*/{MANIFEST}"))


def _fill(begun: Path, database: Path, *, instance: Path, now: datetime) -> None:
    copy = begun / "moderation.sqlite"
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        # One snapshot, whatever is written meanwhile; a copy by cp may be torn.
        connection.execute("VACUUM INTO ?", (str(copy),))
    with closing(sqlite3.connect(copy)) as connection:
        [(fine,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
        if fine != "ok" or connection.execute("PRAGMA foreign_key_check").fetchone():
            raise Broken(str(fine))
        [(schema,)] = connection.execute("SELECT version_num FROM alembic_version")
        [(comments,)] = connection.execute("SELECT count(*) FROM comment")
    for name in BESIDE:
        if (instance / name).exists():
            shutil.copyfile(instance / name, begun / name)
    files = {path.name: _seal(path) for path in sorted(begun.iterdir())}
    manifest = {"made": now.isoformat(timespec="seconds"), "schema": schema, "comments": comments, "sha256": files}
    (begun / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    _seal(begun / MANIFEST)
    _sync(begun)


def _seal(path: Path) -> str:
    """Make a file its owner's alone, see it on disk, and return its hash."""
    path.chmod(0o600)
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
