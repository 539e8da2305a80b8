"""SQLite with one sync of the disk for many commits: nobody is told of a commit before it is on the disk.

SQLite itself syncs inside of each commit, while everybody else who wants to write waits. Here a commit leaves the lock
first and waits for the disk afterwards, in company: a sync that begins after a commit covers it, and all others before.
In WAL mode that is as safe (https://www.sqlite.org/pragma.html#pragma_synchronous): what SQLite leaves out at NORMAL is
just this sync; frames that did not reach the disk are not read after a loss of power, nor are those behind them.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import cache

#: Seconds between two looks whether somebody has finished writing.
ASK_AGAIN = 0.0005


class Connection(sqlite3.Connection):
    """A connection whose commits are on the disk when they return. Raises `sqlite3.OperationalError` if they are not.

    Writers begin by `begin_writing`; the connection is to have `synchronous=NORMAL`.
    """

    #: Whether the transaction only reads; set where it begins.
    reads = False
    #: Whether the others of this process wait for its end.
    _first = False
    #: Milliseconds that SQLite waits for a lock by itself, as the connection was set up.
    patience = 15_000

    def __init__(self, database: str, *args: object, **options: object) -> None:
        super().__init__(database, *args, **options)  # type: ignore[arg-type]
        self._log = _log_of(f"{database}-wal")
        self._line = _line_of(f"{database}-line")

    def begin_writing(self) -> None:
        """Begin a transaction that writes, in turn with all who want to. Raises `sqlite3.OperationalError`.

        SQLite asks for a lock ten times a second at last, and whoever asks first gets it. Here those of one process
        wait for each other without asking, and the first of each process takes turns with those of the others.
        """
        until = time.monotonic() + self.patience / 1000
        if not self._line.enter(until):
            raise sqlite3.OperationalError("database is locked")
        self._first = True
        try:
            self.execute("PRAGMA busy_timeout=0")
            try:
                began = self._line.turn(until, self._begins)
            finally:
                self.execute(f"PRAGMA busy_timeout={self.patience}")
            if not began:
                raise sqlite3.OperationalError("database is locked")
        except BaseException:
            self._leave()
            raise

    def _begins(self) -> bool:
        try:
            self.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    def _leave(self) -> None:
        """Let the next of this process come: once, whatever ended the transaction."""
        if self._first:
            self._first = False
            self._line.leave()

    def commit(self) -> None:
        """Commit, let the next writer begin, and wait for the disk."""
        # Whatever began it: only what was begun to read has nothing to sync.
        wrote = self.in_transaction and not self.reads
        super().commit()
        self._leave()
        if wrote:
            try:
                self._log.sync()
            except OSError as error:
                raise sqlite3.OperationalError(f"the disk did not take it: {error.strerror}") from error

    def rollback(self) -> None:
        """Give up what was begun, and let the next writer begin."""
        try:
            super().rollback()
        finally:
            self._leave()

    def close(self) -> None:
        """Close, and let the next writer begin."""
        try:
            super().close()
        finally:
            self._leave()


class Line:
    """Those who want to write next: within a process one after the other, and of all processes one at a time."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._mine = threading.Lock()

    def enter(self, until: float) -> bool:
        """Come first of this process, unless that takes longer."""
        return self._mine.acquire(timeout=max(0.0, until - time.monotonic()))

    def leave(self) -> None:
        """Let the next of this process come first."""
        self._mine.release()

    def turn(self, until: float, begins: Callable[[], bool]) -> bool:
        """Come first of all processes, and begin; return whether it began before then.

        Nothing of this is held while somebody writes: that is SQLite's own lock.
        """
        try:
            turn = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            # A folder that takes no file: SQLite says what else does not work there.
            return _in_time(until, begins)
        try:
            return _in_time(until, lambda: _locked(turn)) and _in_time(until, begins)
        finally:
            os.close(turn)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _in_time(until: float, done: Callable[[], bool]) -> bool:
    """Try until it is done or the time is over."""
    while not done():
        if time.monotonic() >= until:
            return False
        time.sleep(ASK_AGAIN)
    return True


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


@cache
def _line_of(path: str) -> Line:
    return Line(path)
