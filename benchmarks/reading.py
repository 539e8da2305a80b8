"""How fast published threads are read: by our server, by nginx before it, and by everybody it is compared with."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import contestants, workload
from benchmarks.bench import Contestant, Failed, Load, Measured, Round, Server, get, in_turns, wrk

PACKED, PLAIN, UNCHANGED = "gzip", "not packed", "304, If-None-Match"
#: How a thread is asked for.
HEADERS: dict[str, dict[str, str]] = {PACKED: {"Accept-Encoding": "gzip"}, PLAIN: {}, UNCHANGED: {}}

TWO, ONE = "Leave a Reply, two server processes", "Leave a Reply, one server process"
BEHIND = "Leave a Reply behind nginx as shipped (docs/deploy/nginx.conf, without TLS)"
FILE, VIEW, ISSO = "nginx, the same bytes as a file", "A plain Flask view, the same bytes", "Isso"
#: The first parts of large threads, packed, by our server alone.
LARGER = {workload.THOUSAND: "a thread of 1,000, first part", workload.TEN_THOUSAND: "a thread of 10,000, first part"}
#: Seconds of one round of Isso's: in less it would answer nobody.
ISSO_SECONDS = 6.0


@dataclass(frozen=True)
class Reading:
    """What was found: by how it was asked, then by who answered."""

    asked: Mapping[str, Mapping[str, Measured]]
    larger: Mapping[str, Measured]
    isso: Measured
    isso_by: str


def measure(two: Path, one: Path, isso: Path, folder: Path, *, rounds: int, seconds: float) -> Reading:
    """Measure everybody in turns."""
    with ExitStack() as stack:
        ours = stack.enter_context(contestants.ours(two, workers=2))
        servers = {TWO: (ours, contestants.thread(workload.HUNDRED))}
        servers[ONE] = (stack.enter_context(contestants.ours(one, workers=1)), contestants.thread(workload.HUNDRED))
        if contestants.SHIPPED.exists():
            proxy = stack.enter_context(contestants.behind_nginx(folder / "proxy", ours))
            servers[BEHIND] = (proxy, contestants.thread(workload.HUNDRED))
        else:
            print(f"There is no {contestants.SHIPPED}: what stands behind it is left out.")
        servers[FILE] = (stack.enter_context(contestants.file_by_nginx(folder / "file", ours)), "/thread")
        servers[VIEW] = (stack.enter_context(contestants.bare_view(folder / "bare", ours)), "/bare")
        by = _faster(isso)
        turns: dict[tuple[str, str], Contestant] = {}
        for asked in HEADERS:
            for name, (server, path) in servers.items():
                turns[asked, name] = partial(wrk, _load(server, path, asked), seconds=seconds)
        for page, what in LARGER.items():
            turns[PACKED, what] = partial(wrk, _load(ours, contestants.thread(page), PACKED), seconds=seconds)
        turns[PACKED, ISSO] = partial(isso_round, isso, by=by, seconds=max(2.0, ISSO_SECONDS * min(1, seconds)))
        print("Reading")
        found = in_turns({f"{name}, {asked}": turn for (asked, name), turn in turns.items()}, rounds=rounds)
    return Reading(
        asked={asked: {name: found[f"{name}, {asked}"] for name in servers} for asked in HEADERS},
        larger={what: found[f"{what}, {PACKED}"] for what in LARGER.values()},
        isso=found[f"{ISSO}, {PACKED}"],
        isso_by=by,
    )


def isso_round(folder: Path, *, by: str, seconds: float) -> Round:
    """Measure Isso by a server of its own each time: it goes on for long with what nobody waits for any more."""
    with contestants.isso(folder, by=by) as server:
        url = f"{server.url}/?uri={workload.path(workload.HUNDRED)}"
        status, _, body = get(url)
        if status != 200 or b'"total_replies": 100' not in body[:100]:
            raise Failed(f"Isso answers {status}: {body[:200]!r}")
        return wrk(Load(url), seconds=seconds)


def _faster(folder: Path) -> str:
    """Try both servers of Isso's, and name the faster one."""
    rates = {by: isso_round(folder, by=by, seconds=4).rate for by in contestants.ISSO_SERVERS}
    return max(rates, key=lambda by: rates[by])


def _load(server: Server, path: str, asked: str) -> Load:
    """Ask once, see that it is what is to be measured, and return the load."""
    headers = HEADERS[asked]
    url = server.url + path
    if asked == UNCHANGED:
        packed = HEADERS[PACKED]
        headers = {**packed, "If-None-Match": get(url, packed)[1]["ETag"]}
    status, said, body = get(url, headers)
    wanted = (304, None) if asked == UNCHANGED else (200, "gzip" if asked == PACKED else None)
    if (status, said.get("Content-Encoding")) != wanted or bool(body) is (asked == UNCHANGED):
        raise Failed(f"{url} with {headers} answers {status}, {said.get('Content-Encoding')}, {len(body)} bytes")
    return Load(url, headers)
