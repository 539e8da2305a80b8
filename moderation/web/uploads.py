"""Files that owners send for an import: kept beside the database between the rehearsal and the import, one a site."""

import hashlib
import os
import secrets
import time
from pathlib import Path
from typing import IO

from flask import current_app

#: The largest file that is taken, and seconds for which it waits to be imported.
MOST, KEPT = 32 * 1024 * 1024, 86_400
CHUNK = 1024 * 1024


class TooLarge(Exception):
    """The file is larger than what is taken."""


def keep(key: str, stream: IO[bytes]) -> str:
    """Keep a site's file, in place of the one before; return the hash that names it. Raises `TooLarge`."""
    folder = _folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    _forget_old(folder)
    fresh = folder / f".{secrets.token_hex(8)}"
    digest, size = hashlib.sha256(), 0
    try:
        with open(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > MOST:
                    raise TooLarge
                digest.update(chunk)
                file.write(chunk)
        fresh.replace(folder / f"{key}.{digest.hexdigest()}")
    finally:
        fresh.unlink(missing_ok=True)
    for other in folder.glob(f"{key}.*"):
        if other.name != f"{key}.{digest.hexdigest()}":
            other.unlink(missing_ok=True)
    return digest.hexdigest()


def find(key: str, digest: str) -> Path | None:
    """Return a site's file by its hash; None where it is not here, or not here any more."""
    if not (len(digest) == 64 and digest.isascii() and digest.isalnum()):
        return None
    path = _folder() / f"{key}.{digest}"
    return path if path.is_file() and not _is_old(path) else None


def forget(path: Path) -> None:
    """Remove a file."""
    path.unlink(missing_ok=True)


def _folder() -> Path:
    return Path(current_app.config["INSTANCE_PATH"]) / "imports"


def _forget_old(folder: Path) -> None:
    for path in folder.iterdir():
        if _is_old(path):
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    return path.stat().st_mtime < time.time() - KEPT
