"""Nobody is told of a commit before it is on the disk, and one sync serves all who wait for it."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as all_of
from pathlib import Path

import pytest

from moderation import disk


class SlowDisk:
    """A disk that takes nothing until it is let, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.syncs = 0
        self.fault: OSError | None = None

    def fdatasync(self, file: int) -> None:
        assert os.readlink(f"/proc/self/fd/{file}").endswith("-wal")
        self.syncs += 1
        self.asked.release()
        assert self.let.acquire(timeout=20)
        if self.fault:
            raise self.fault


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowDisk:
    slow = SlowDisk()
    monkeypatch.setattr(os, "fdatasync", slow.fdatasync)
    return slow


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as crowd:
        yield crowd


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "some.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE said (words TEXT)")
    return path


def write(path: Path, words: str) -> None:
    connection = sqlite3.connect(path, factory=disk.Connection, isolation_level=None, timeout=20)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    connection.writes = True
    connection.execute("INSERT INTO said VALUES (?)", (words,))
    connection.commit()


def test_a_commit_returns_when_the_disk_has_it_and_not_before(path, slow, crowd):
    writing = crowd.submit(write, path, "first")
    assert slow.asked.acquire(timeout=20)
    assert not writing.done()
    slow.let.release()
    writing.result(timeout=20)
    assert slow.syncs == 1


def test_those_who_commit_while_the_disk_is_busy_share_the_next_sync(path, slow, crowd):
    first = crowd.submit(write, path, "first")
    assert slow.asked.acquire(timeout=20)
    others = [crowd.submit(write, path, f"other {number}") for number in range(5)]
    # They are in the database, for nobody waits for the disk with the database locked.
    with sqlite3.connect(path) as connection:
        while connection.execute("SELECT count(*) FROM said").fetchone() != (6,):
            assert not all_of([first], timeout=0.01).done
    slow.let.release()
    first.result(timeout=20)
    assert slow.asked.acquire(timeout=20)
    assert [other.done() for other in others] == [False] * 5
    for _ in others:
        slow.let.release()
    assert [other.result(timeout=20) for other in others] == [None] * 5
    # One more where one had committed, but not begun to wait, when the second began.
    assert 2 <= slow.syncs <= 3


def test_what_the_disk_refused_is_no_success_for_anybody(path, slow, crowd):
    slow.fault = OSError(5, "Input/output error")
    for _ in range(8):
        slow.let.release()
    writing = [crowd.submit(write, path, f"lost {number}") for number in range(3)]
    faults = [each.exception(timeout=20) for each in writing]
    assert [str(fault) for fault in faults] == ["the disk did not take it: Input/output error"] * 3
    slow.fault = None
    write(path, "kept")


def test_who_only_read_waits_for_nothing(path, slow):
    connection = sqlite3.connect(path, factory=disk.Connection, isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM said")
    connection.commit()
    assert slow.syncs == 0


@pytest.mark.sqlite_only
def test_a_reply_is_answered_when_the_disk_has_it(reply, slow, crowd):
    sending = crowd.submit(reply)
    assert slow.asked.acquire(timeout=20)
    assert not sending.done()
    slow.let.release()
    assert sending.result(timeout=20).status_code == 201
