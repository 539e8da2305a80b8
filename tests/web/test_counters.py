"""The counters: right across processes, in the scratch store and in Redis, and there when Redis is not."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from moderation.web import counters
from moderation.web.counters import Counters, Window
from tests.server import ROOT, free_port, until

#: What one of several processes does: take as often as it can, and say how often it could.
TAKER = """
import sys
from moderation.web.counters import Counters, Window
counters = Counters(sys.argv[1], redis_url=sys.argv[2])
sys.stdin.read()
print(sum(counters.take([Window("many", 60, 600), Window("all", 10**6, 600)]) == 0 for _ in range(40)))
"""
#: Most that an answer may take longer while Redis is gone.
EXTRA = 0.3


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Return where the counters are."""
    return f"scratch://{tmp_path / 'scratch.sqlite'}"


@pytest.fixture
def redis_url(redis_program: str, tmp_path: Path) -> Iterator[str]:
    """Run Redis on a port of its own."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen([redis_program, *options], stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: _listens(port), lambda: "Redis listens")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def taken_by_four(store: str, redis_url: str) -> int:
    """Let four processes take at once; return how often they could altogether."""
    with ExitStack() as stack:
        takers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", TAKER, store, redis_url],
                    cwd=ROOT,
                    env=os.environ | {"PYTHONPATH": str(ROOT)},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(4)
        ]
        said = [taker.communicate("", timeout=120)[0] for taker in takers]
    return sum(int(number) for number in said)


def test_four_processes_take_exactly_what_there_is(store: str) -> None:
    assert taken_by_four(store, "") == 60


def test_four_processes_take_exactly_what_there_is_in_redis(store: str, redis_url: str) -> None:
    assert taken_by_four(store, redis_url) == 60
    assert Counters(store).get("many") == 0


def kinds(store: str, redis_url: str) -> list[Counters]:
    return [Counters(store), Counters(store, redis_url=redis_url), Counters(store, redis_url=f"valkey{redis_url[5:]}")]


def test_both_count_alike(store: str, redis_url: str) -> None:
    for number, one in enumerate(kinds(store, redis_url)):
        narrow, wide = Window(f"narrow-{number}", 2, 60), Window(f"wide-{number}", 3, 600)
        assert [one.take([narrow, wide]) for _ in range(2)] == [0, 0]
        # Who is refused for one takes nothing of the other.
        assert 0 < one.take([narrow, wide]) <= 60
        assert [one.take([wide]) > 0 for _ in range(2)] == [False, True]
        assert 60 < one.take([narrow, wide]) <= 600
        one.give_back([wide])
        assert 0 < one.take([narrow, wide]) <= 60
        assert one.take([wide]) == 0
        # Nothing is given back twice.
        for _ in range(9):
            one.give_back([narrow])
        assert [one.take([narrow]) > 0 for _ in range(3)] == [False, False, True]
        assert one.check()


def test_a_window_that_has_ended_begins_anew(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, window = Counters(store), Window("one", 1, 60)
    assert one.take([window]) == 0
    assert one.take([window]) > 59
    later = time.time() + 61
    monkeypatch.setattr(counters.time, "time", lambda: later)
    assert [one.take([window]) > 0 for _ in range(2)] == [False, True]


def test_what_has_ended_is_swept(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Counters(store)
    one.take([Window(f"old-{number}", 1, 60) for number in range(20)])
    later, mono = time.time() + 61, time.monotonic() + 61
    monkeypatch.setattr(counters.time, "time", lambda: later)
    monkeypatch.setattr(counters.time, "monotonic", lambda: mono)
    one.take([Window("new", 1, 60)])
    assert one.scratch.run("SELECT key FROM counter") == [("new",)]


def test_the_limiting_library_finds_its_storage(store: str) -> None:
    one = Counters(store)
    assert [one.incr("x", 60) for _ in range(3)] == [1, 2, 3]
    assert (one.get("x"), one.incr("x", 60, 2), 59 < one.get_expiry("x") - time.time() <= 60) == (3, 5, True)
    one.clear("x")
    assert (one.get("x"), one.check(), one.reset()) == (0, True, 0)


@pytest.mark.parametrize("deaf", [False, True], ids=["closed", "accepts-and-is-silent"])
def test_without_redis_it_is_counted_here_and_nobody_waits(store: str, deaf: bool) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        port = listener.getsockname()[1]
        if not deaf:
            listener.close()
        one, window = Counters(store, redis_url=f"redis://127.0.0.1:{port}/0"), Window("one", 2, 60)
        began = time.monotonic()
        assert [one.take([window]) > 0 for _ in range(3)] == [False, False, True]
        assert time.monotonic() - began < EXTRA
        assert not one.check()


def test_redis_that_comes_back_counts_again(store: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "REST", 0.0)
    one, window = Counters(store, redis_url=redis_url), Window("one", 5, 60)
    assert one.take([window]) == 0
    client = one._redis
    one._redis = counters._client("redis://127.0.0.1:1/0")
    assert (one.take([window]), one.get("one")) == (0, 1)
    one._redis = client
    assert (one.take([window]), one.get("one")) == (0, 1)


def test_a_process_that_was_forked_has_a_connection_of_its_own(store: str) -> None:
    one = Counters(store)
    one.take([Window("one", 9, 60)])
    child = os.fork()
    if child == 0:
        one.take([Window("one", 9, 60)])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert one.get("one") == 2


def test_threads_share_it(store: str) -> None:
    one, window = Counters(store), Window("one", 30, 60)
    could: list[bool] = []
    threads = [
        threading.Thread(target=lambda: could.extend(one.take([window]) == 0 for _ in range(20))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(could), sum(could)) == (80, 30)
