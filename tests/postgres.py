"""A PostgreSQL cluster that lives as long as the tests that need it, reached only through a socket of its own."""

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

#: A Unix socket's path holds 107 bytes, so the folder does not follow TMPDIR into the depths.
SHORT = Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())
PREFIX = "lar-pg-"
#: Everything that makes a cluster safe and slow is off: it is thrown away.
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


def available() -> bool:
    """Say whether this machine has a PostgreSQL server to start."""
    return _bin() is not None


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster, yield its URL, and leave nothing of it behind."""
    home = claim()
    try:
        yield start(home)
    finally:
        stop(home)


def claim() -> Path:
    """Make the folder of a cluster that is not started yet, named for this process."""
    _sweep()
    home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=SHORT))
    if owner := _owner():
        os.chown(home, owner.pw_uid, owner.pw_gid)
    return home


def start(home: Path) -> str:
    """Start the cluster in this folder unless it runs, whoever asks first, and return its URL."""
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "data" / "postmaster.pid").exists():
            _run(home, "initdb", "--pgdata=data", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
            with (home / "data" / "postgresql.conf").open("a") as settings:
                settings.writelines(f"{name} = '{value}'\n" for name, value in OPTIONS.items())
                settings.write(f"unix_socket_directories = '{home}'\n")
            _run(home, "pg_ctl", "--pgdata=data", "--log=log", "--wait", "--timeout=60", "start")
    return url(home, "postgres")


def stop(home: Path) -> None:
    """Stop the cluster at once, if it was started, and remove its folder."""
    if (home / "data" / "postmaster.pid").exists():
        _run(home, "pg_ctl", "--pgdata=data", "--mode=immediate", "--wait", "stop", check=False)
    shutil.rmtree(home, ignore_errors=True)


def url(home: Path, database: str) -> str:
    """Return the address of one database of this cluster."""
    return f"postgresql://postgres@/{database}?host={home}"


def create_database(home: Path, name: str) -> str:
    """Make an empty database in a started cluster, in place of one of that name, and return its URL."""
    with psycopg.connect(url(home, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return url(home, name)


@cache
def _bin() -> Path | None:
    """Find the folder with the server's programs; Debian keeps them out of PATH, a folder per version."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("[1-9][0-9]/bin"), reverse=True)
    needed = ("initdb", "pg_ctl", "postgres")
    return next((folder for folder in folders if all((folder / name).exists() for name in needed)), None)


def _owner() -> pwd.struct_passwd | None:
    """Say who else runs the cluster, for the server refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _run(home: Path, program: str, *arguments: str, check: bool = True) -> None:
    """Run one of the server's programs in the cluster's folder, as its owner, and tell what it said if it failed."""
    owner = _owner()
    folder = _bin()
    assert folder is not None, "no PostgreSQL on this machine: ask available() first"
    # The server outlives pg_ctl and would hold a pipe open, so what is said goes to a file.
    with (home / f"{program}.out").open("w+") as said:
        done = subprocess.run(
            [folder / program, *arguments],
            cwd=home,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        if check and done.returncode:
            said.seek(0)
            log = home / "log"
            raise RuntimeError(f"{program} failed: {said.read()}{log.read_text() if log.exists() else ''}")


def _sweep() -> None:
    """Remove the clusters of test runs that were killed."""
    owner = _owner()
    ours = owner.pw_uid if owner else os.geteuid()
    for home in SHORT.glob(f"{PREFIX}*-*"):
        pid = home.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and home.stat().st_uid == ours and not _lives(int(pid)):
            stop(home)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
