"""How fast replies are held and decided, each on disk before it is answered, against Isso and the disk itself."""

import re
import sqlite3
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path

from itsdangerous import URLSafeTimedSerializer

from benchmarks import contestants, workload
from benchmarks.bench import Contestant, Failed, Load, Measured, Round, Server, in_turns, unlike, wrk
from benchmarks.reading import ISSO, ONE, TWO

DISK = "This disk: one-row synced SQLite transactions, one writer"
#: How many replies wait.
OURS_WAITING = "SELECT count(*) FROM revision WHERE status = 'pending'"
ISSO_WAITING = "SELECT count(*) FROM comments WHERE mode = 2"


@dataclass(frozen=True)
class Moderator:
    """Who decides, as a browser would: a session, and the token that its forms carry."""

    cookie: str
    token: str


@dataclass(frozen=True)
class Writing:
    """What was found, by who did it."""

    held: Mapping[str, Measured]
    decided: Mapping[str, Measured]
    isso_by: str


def measure(two: Path, one: Path, isso: Path, *, size: workload.Size, rounds: int, seconds: float) -> Writing:
    """Measure replies in turns, then decisions in turns."""
    by = _faster(isso, size=size)
    with ExitStack() as stack:
        servers = {TWO: (stack.enter_context(contestants.ours(two, workers=2)), two)}
        servers[ONE] = (stack.enter_context(contestants.ours(one, workers=1)), one)
        theirs = stack.enter_context(contestants.isso(isso, by=by))
        turns: dict[str, Contestant] = {
            name: partial(hold, server, instance=instance, size=size, seconds=seconds)
            for name, (server, instance) in servers.items()
        }
        turns[ISSO] = partial(hold_at_isso, theirs, folder=isso, size=size, seconds=seconds)
        turns[DISK] = partial(sync, two / "disk.sqlite")
        print("Replies, held")
        held = in_turns(turns, rounds=rounds)
        # Only now: Isso's replies cost by the number of its comments.
        contestants.fill_isso(isso, workload.held(size))
        turns = {
            name: partial(decide, server, signed_in(server), instance=instance, seconds=seconds)
            for name, (server, instance) in servers.items()
        }
        turns[ISSO] = partial(decide_at_isso, theirs, folder=isso, seconds=seconds)
        print("Single decisions")
        decided = in_turns(turns, rounds=rounds)
    return Writing(held, decided, by)


def hold(server: Server, *, instance: Path, size: workload.Size, seconds: float) -> Round:
    """Send replies that nobody sent before, as the embed does."""
    told = {"kind": "ours", "run": unlike(), "pages": size.threads}
    with _proven(instance / "moderation.sqlite", OURS_WAITING, more=True) as rounds:
        rounds.append(wrk(Load(server.url, script="reply", told=told), seconds=seconds))
    return rounds[0]


def hold_at_isso(server: Server, *, folder: Path, size: workload.Size, seconds: float) -> Round:
    """Send the same to Isso, which holds them too."""
    told = {"kind": "isso", "run": unlike(), "pages": size.threads}
    with _proven(folder / "comments.db", ISSO_WAITING, more=True) as rounds:
        rounds.append(wrk(Load(server.url, script="reply", told=told), seconds=seconds))
    return rounds[0]


def decide(server: Server, by: Moderator, *, instance: Path, seconds: float) -> Round:
    """Approve what waits, one by one."""
    with closing(sqlite3.connect(instance / "moderation.sqlite")) as connection:
        waiting = connection.execute("SELECT id, turn FROM revision WHERE status = 'pending' ORDER BY id").fetchall()
    listed = instance / "waiting.txt"
    listed.write_text("".join(f"{id_}:{turn}\n" for id_, turn in waiting))
    told = {"kind": "ours", "file": listed, "cookie": by.cookie, "token": by.token}
    with _proven(instance / "moderation.sqlite", OURS_WAITING, more=False) as rounds:
        rounds.append(wrk(Load(server.url, script="decide", told=told), seconds=seconds))
    return rounds[0]


def decide_at_isso(server: Server, *, folder: Path, seconds: float) -> Round:
    """Activate what waits at Isso, by the links that it mails."""
    with closing(sqlite3.connect(folder / "comments.db")) as connection:
        waiting = connection.execute("SELECT id FROM comments WHERE mode = 2 ORDER BY id").fetchall()
        [secret] = connection.execute("SELECT value FROM preferences WHERE key = 'session-key'").fetchone()
    signer = URLSafeTimedSerializer(secret)
    listed = folder / "waiting.txt"
    listed.write_text("".join(f"{id_}/activate/{signer.dumps(id_)}\n" for (id_,) in waiting))
    told = {"kind": "isso", "file": listed}
    with _proven(folder / "comments.db", ISSO_WAITING, more=False) as rounds:
        rounds.append(wrk(Load(server.url, script="decide", told=told), seconds=seconds))
    return rounds[0]


def sync(path: Path) -> Round:
    """Bring one-row transactions to the disk for a second, one after the other."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, text TEXT)")
        done, began = 0, time.perf_counter()
        while (taken := time.perf_counter() - began) < 1:
            connection.execute("INSERT INTO row (text) VALUES (?)", ("x" * 500,))
            done += 1
    return Round(done / taken, taken / done * 1000, taken / done * 1000, done)


def signed_in(server: Server) -> Moderator:
    """Sign in as a browser does."""
    jar = CookieJar()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar), urllib.request.HTTPRedirectHandler()
    )
    form = server.url + "/account/sign-in"
    with opener.open(form, timeout=30) as page:
        token = _token(page.read().decode())
    fields = {"email": workload.MODERATOR, "password": workload.PASSWORD, "csrf_token": token}
    with opener.open(form, urllib.parse.urlencode(fields).encode(), timeout=30) as page:
        if not page.url.startswith(server.url + "/queue/"):
            raise Failed(f"nobody can sign in at {server.url}: {page.url}")
        token = _token(page.read().decode())
    return Moderator("; ".join(f"{cookie.name}={cookie.value}" for cookie in jar), token)


@contextmanager
def _proven(database: Path, waiting: str, *, more: bool) -> Iterator[list[Round]]:
    """See that a round did what it was answered: wrk takes every status below 400 for good."""
    before, rounds = _count(database, waiting), list[Round]()
    yield rounds
    done = (_count(database, waiting) - before) * (1 if more else -1)
    # What was under way when the round ended is done, and was not answered.
    if done < rounds[0].answers:
        raise Failed(
            f"{database}: {rounds[0].answers} answers, but {done} replies were {'held' if more else 'decided'}"
        )


def _count(database: Path, rows: str) -> int:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        return int(connection.execute(rows).fetchone()[0])


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    if found is None:
        raise Failed("a page has no token for its forms")
    return found[1]


def _faster(folder: Path, *, size: workload.Size) -> str:
    """Try both servers of Isso's, and name the one that holds more replies."""
    rates = {}
    for by in contestants.ISSO_SERVERS:
        with contestants.isso(folder, by=by) as server:
            rates[by] = hold_at_isso(server, folder=folder, size=size, seconds=2).rate
    return max(rates, key=lambda by: rates[by])
