"""Nobody is told of a commit before it is on the disk, and one sync serves all who wait for it."""

import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as all_of
from pathlib import Path

import pytest

from moderation import disk

ROOT = Path(__file__).resolve().parent.parent


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


def opened(path: Path) -> disk.Connection:
    connection = sqlite3.connect(
        path, factory=disk.Connection, isolation_level=None, timeout=20, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def write(path: Path, words: str) -> None:
    connection = opened(path)
    connection.begin_writing()
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
    connection = opened(path)
    connection.reads = True
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM said")
    connection.commit()
    assert slow.syncs == 0


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_who_ends_lets_the_next_of_the_same_process_begin(path: Path, crowd: ThreadPoolExecutor, end: str) -> None:
    first, second = opened(path), opened(path)
    first.begin_writing()
    waiting = crowd.submit(second.begin_writing)
    assert not all_of([waiting], timeout=0.05).done
    getattr(first, end)()
    waiting.result(timeout=20)
    second.rollback()


def test_who_waits_too_long_is_told_so_and_is_in_nobodys_way(path: Path) -> None:
    first, second = opened(path), opened(path)
    second.patience = 50
    first.begin_writing()
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        second.begin_writing()
    # Ending what never began gives no place away.
    second.rollback()
    first.commit()
    second.begin_writing()
    assert second.execute("PRAGMA busy_timeout").fetchone() == (50,)
    second.rollback()


def test_somebody_elses_transaction_is_waited_for(path: Path, crowd: ThreadPoolExecutor) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = crowd.submit(write, path, "after them")
    assert not all_of([waiting], timeout=0.05).done
    other.execute("COMMIT")
    waiting.result(timeout=20)
    assert other.execute("SELECT words FROM said").fetchall() == [("after them",)]


WRITER = """
import sqlite3, sys
from moderation import disk
connection = sqlite3.connect(sys.argv[1], factory=disk.Connection, isolation_level=None)
print("ready", flush=True)
sys.stdin.readline()
for number in range(150):
    connection.begin_writing()
    connection.execute("INSERT INTO said VALUES (?)", (sys.argv[2],))
    connection.commit()
"""


def test_two_processes_take_turns(path: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], cwd=ROOT, **pipes)  # type: ignore[call-overload]
        for name in "ab"
    ]
    assert [writer.stdout.readline() for writer in writers] == [b"ready\n", b"ready\n"]
    for writer in writers:
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        assert writer.wait(timeout=60) == 0
        writer.stdin.close()
        writer.stdout.close()
    with sqlite3.connect(path) as connection:
        said = "".join(words for (words,) in connection.execute("SELECT words FROM said ORDER BY rowid"))
    assert (said.count("a"), said.count("b")) == (150, 150)
    # Until one has finished, neither is passed over for long.
    both = said[: min(said.rindex("a"), said.rindex("b"))].lstrip(said[0])
    assert max((len(run) for run in re.findall("a+|b+", both)), default=0) <= 30


def test_who_waits_too_long_for_another_process_is_told_so(path: Path) -> None:
    other, mine, next_ = sqlite3.connect(path, isolation_level=None), opened(path), opened(path)
    other.execute("BEGIN IMMEDIATE")
    mine.patience = 50
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        mine.begin_writing()
    other.execute("ROLLBACK")
    # It stands in nobody's way.
    next_.begin_writing()
    next_.rollback()


def test_a_commit_is_synced_whatever_began_it(path: Path, slow: SlowDisk) -> None:
    slow.let.release()
    connection = opened(path)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO said VALUES ('by another way')")
    connection.commit()
    assert slow.syncs == 1


@pytest.mark.sqlite_only
def test_a_reply_is_answered_when_the_disk_has_it(reply, slow, crowd):
    sending = crowd.submit(reply)
    assert slow.asked.acquire(timeout=20)
    assert not sending.done()
    slow.let.release()
    assert sending.result(timeout=20).status_code == 201
