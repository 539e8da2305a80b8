"""SQLite with one sync of the disk for many commits: nobody is told of a commit before it is on the disk.

SQLite itself syncs inside of each commit, while everybody else who wants to write waits. Here a commit leaves the lock
first and waits for the disk afterwards, in company: a sync that begins after a commit covers it, and all others before.
In WAL mode that is as safe (https://www.sqlite.org/pragma.html#pragma_synchronous): what SQLite leaves out at NORMAL is
just this sync; frames that did not reach the disk are not read after a loss of power, nor are those behind them.
"""

import os
import sqlite3
import threading
from functools import cache


class Connection(sqlite3.Connection):
    """A connection whose commits are on the disk when they return. Raises `sqlite3.OperationalError` if they are not.

    Set `writes` where a transaction begins; its connection is to have `synchronous=NORMAL`.
    """

    writes = False

    def __init__(self, database: str, *args: object, **options: object) -> None:
        super().__init__(database, *args, **options)  # type: ignore[arg-type]
        self._log = _log_of(f"{database}-wal")

    def commit(self) -> None:
        """Commit, let the next writer begin, and wait for the disk."""
        writes = self.writes and self.in_transaction
        super().commit()
        if writes:
            try:
                self._log.sync()
            except OSError as error:
                raise sqlite3.OperationalError(f"the disk did not take it: {error.strerror}") from error


class Log:
    """A write-ahead log that commits were appended to."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._turn = threading.Condition()
        self._begun = self._done = 0
        self._busy = False

    def sync(self) -> None:
        """Wait for a sync that began after this moment, carried out by whoever comes first. Raises `OSError`."""
        with self._turn:
            needed = self._begun + 1
            while self._done < needed:
                if self._busy:
                    self._turn.wait()
                    continue
                self._busy, self._begun = True, self._begun + 1
                begun = self._begun
                self._turn.release()
                try:
                    _sync(self.path)
                finally:
                    self._turn.acquire()
                    self._busy = False
                    self._turn.notify_all()
                # Not where it failed: the others try by themselves, and say what they find.
                self._done = begun


def _sync(path: str) -> None:
    try:
        log = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        # The last connection has brought it all into the database, synced, and removed it.
        return
    try:
        os.fdatasync(log)
    finally:
        os.close(log)


@cache
def _log_of(path: str) -> Log:
    return Log(path)
