"""How often something happened in a while: counted in the scratch store, or in Redis, right across all processes.

Where Redis is set but does not answer, the scratch store counts in its place, and Redis is asked again a little later:
no request waits for it longer than `PATIENCE` twice.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog
from limits.storage import Storage

from moderation.scratch import Scratch, Values

if TYPE_CHECKING:
    import redis

log = structlog.get_logger()

#: Seconds for a connection to Redis, and for an answer.
PATIENCE = 0.1
#: Seconds in which Redis is not asked again after it failed.
REST = 5.0
#: Seconds between two sweeps of what has ended.
SWEEP_EVERY = 60.0
PREFIX = "leave-a-reply:"
Found = TypeVar("Found")

#: Counts one more in each window if all have room: one statement, so that no two processes take the last place.
TAKE = """
    WITH wish (key, most, ends) AS (VALUES {rows})
    INSERT INTO counter (key, number, ends)
    SELECT key, 1, ends FROM wish WHERE NOT EXISTS (
        SELECT 1 FROM wish JOIN counter USING (key) WHERE counter.ends > ? AND counter.number >= wish.most
    )
    ON CONFLICT (key) DO UPDATE SET
        number = CASE WHEN ends > ? THEN number + 1 ELSE 1 END,
        ends = CASE WHEN ends > ? THEN ends ELSE excluded.ends END
    RETURNING number
"""
FULL = """
    WITH wish (key, most, ends) AS (VALUES {rows})
    SELECT max(counter.ends) FROM wish JOIN counter USING (key) WHERE counter.ends > ? AND counter.number >= wish.most
"""
#: The same for Redis; it answers with the milliseconds to wait, 0 for none.
TAKE_IN_REDIS = """
    local wait = 0
    for i, key in ipairs(KEYS) do
        if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[2 * i - 1]) then
            wait = math.max(wait, redis.call('PTTL', key), 1)
        end
    end
    if wait > 0 then return wait end
    for i, key in ipairs(KEYS) do
        if redis.call('INCR', key) == 1 or redis.call('PTTL', key) < 0 then
            redis.call('PEXPIRE', key, ARGV[2 * i])
        end
    end
    return 0
"""
COUNT_IN_REDIS = "return tonumber(redis.call('GET', KEYS[1]) or '0')"
GIVE_BACK_IN_REDIS = """
    for _, key in ipairs(KEYS) do
        if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
    end
"""


@dataclass(frozen=True)
class Window:
    """At most so many in so many seconds, for one key."""

    key: str
    most: int
    seconds: int


class Counters(Storage):
    """The counters, as the limiting library asks for them, and many at once as our doors do."""

    STORAGE_SCHEME = ["scratch"]  # noqa: RUF012 - the base says list
    base_exceptions = sqlite3.Error

    def __init__(self, uri: str, *, redis_url: str = "", wrap_exceptions: bool = False) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self.scratch = Scratch(Path(uri.removeprefix("scratch://")))
        self._redis = _client(redis_url) if redis_url else None
        self._ask_again, self._swept = 0.0, time.monotonic()
        self._lock = threading.Lock()

    def take(self, windows: Sequence[Window]) -> float:
        """Count one more in every window if all have room; return the seconds to wait, 0 for none."""
        keys = [PREFIX + window.key for window in windows]
        numbers = [number for window in windows for number in (window.most, window.seconds * 1000)]
        waits = self._in_redis(lambda it: it.eval(TAKE_IN_REDIS, len(keys), *keys, *numbers))
        return self._take(windows) if waits is None else int(str(waits)) / 1000

    def give_back(self, windows: Sequence[Window]) -> None:
        """Take one off in every window."""
        keys = [PREFIX + window.key for window in windows]
        # What was counted here while Redis was away is given back here.
        self._in_redis(lambda it: it.eval(GIVE_BACK_IN_REDIS, len(keys), *keys))
        for window in windows:
            self.scratch.run("UPDATE counter SET number = max(0, number - 1) WHERE key = ?", (window.key,))

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count up, beginning anew when the window has ended."""
        self._sweep()
        now = time.time()
        row = self.scratch.run(
            "INSERT INTO counter VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
            " number = CASE WHEN ends > ? THEN number ELSE 0 END + excluded.number,"
            " ends = CASE WHEN ends > ? THEN ends ELSE excluded.ends END RETURNING number",
            (key, amount, now + expiry, now, now),
        )
        return int(row[0][0])

    def count(self, window: Window) -> int:
        """Return how often a window was taken, wherever it is counted now."""
        found = self._in_redis(lambda it: it.eval(COUNT_IN_REDIS, 1, PREFIX + window.key))
        return self.get(window.key) if found is None else int(str(found))

    def get(self, key: str) -> int:
        """Return the count in the running window."""
        rows = self.scratch.run("SELECT number FROM counter WHERE key = ? AND ends > ?", (key, time.time()))
        return int(rows[0][0]) if rows else 0

    def get_expiry(self, key: str) -> float:
        """Return when the running window ends."""
        now = time.time()
        rows = self.scratch.run("SELECT ends FROM counter WHERE key = ? AND ends > ?", (key, now))
        return float(rows[0][0]) if rows else now

    def check(self) -> bool:
        """Whether the counters answer: Redis where it is set."""
        self.scratch.run("SELECT 1")
        return self._redis is None or self._in_redis(lambda it: it.ping()) is not None

    def reset(self) -> int | None:
        """Forget all counters of the scratch store."""
        return len(self.scratch.run("DELETE FROM counter RETURNING key"))

    def clear(self, key: str) -> None:
        """Forget one counter."""
        self.scratch.run("DELETE FROM counter WHERE key = ?", (key,))

    def _take(self, windows: Sequence[Window]) -> float:
        self._sweep()
        now = time.time()
        rows = ", ".join(["(?, ?, ?)"] * len(windows))
        wish: Values = tuple(value for window in windows for value in (window.key, window.most, now + window.seconds))
        if self.scratch.run(TAKE.format(rows=rows), (*wish, now, now, now)):
            return 0.0
        [(ends,)] = self.scratch.run(FULL.format(rows=rows), (*wish, now))
        # It may have ended between the two questions.
        return max(0.001, float(ends or now) - now)

    def _sweep(self) -> None:
        """Forget, once a while, what has ended."""
        now = time.monotonic()
        with self._lock:
            due, self._swept = now - self._swept >= SWEEP_EVERY, max(self._swept, now - SWEEP_EVERY)
            if due:
                self._swept = now
        if due:
            self.scratch.run("DELETE FROM counter WHERE ends <= ?", (time.time(),))

    def _in_redis(self, ask: "Callable[[redis.Redis], Found]") -> Found | None:
        """Ask Redis, unless it is not set or failed a moment ago: then None."""
        if self._redis is None or time.monotonic() < self._ask_again:
            return None
        from redis import RedisError  # loaded where it is set: it is as large as half of what is ours

        try:
            return ask(self._redis)
        except (RedisError, OSError) as error:
            self._ask_again = time.monotonic() + REST
            log.warning("limits.redis_away", error=type(error).__name__)
            return None


def _client(url: str) -> "redis.Redis":
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # Valkey speaks the same protocol.
    return redis.Redis.from_url(
        url.replace("valkey", "redis", 1) if url.startswith("valkey") else url,
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
        # It is tried once: the scratch store is at hand.
        retry=Retry(NoBackoff(), 0),
    )
