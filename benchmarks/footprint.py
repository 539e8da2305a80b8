"""What it takes to run it: memory after a load, and the time from the start to the first answer."""

import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import contestants, workload, writing
from benchmarks.bench import Load, get, memory, wrk

#: Seconds of each kind of load before the memory is looked at.
SECONDS = 3.0


@dataclass(frozen=True)
class Footprint:
    """What was found, for so many server processes."""

    workers: int
    #: Of all processes, in MB; and how many these are, those that only wait included.
    pss: float
    processes: int
    #: Seconds, the median of several starts.
    cold: float


def measure(instance: Path, *, workers: int, size: workload.Size, starts: int, seconds: float = SECONDS) -> Footprint:
    """Start it several times; in the last run load it with everything, and look. Nothing else may run beside it."""
    times = []
    for _ in range(starts):
        with contestants.ours(instance, workers=workers) as server:
            times.append(server.began_in)
    with contestants.ours(instance, workers=workers) as server:
        for page in workload.LARGE:
            for headers in ({}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "gzip, deflate, br"}):
                wrk(Load(server.url + contestants.thread(page), headers), seconds=1)
        for page in range(len(workload.LARGE), min(size.threads, 200)):
            get(server.url + contestants.thread(page))
        writing.hold(server, instance=instance, size=size, seconds=seconds)
        _wait_for_rest(instance)
        writing.decide(server, writing.signed_in(server), instance=instance, seconds=seconds)
        pss, processes = memory(server)
    found = Footprint(workers, pss, processes, statistics.median(times))
    print(f"Footprint, {workers} server processes: {found.pss:.0f} MB, {found.cold:.2f} s")
    return found


def _wait_for_rest(instance: Path) -> None:
    """Wait until nothing more is held: what was under way when the load ended is done after it."""
    held, before = -1, -2
    with closing(sqlite3.connect(instance / "moderation.sqlite", timeout=30)) as connection:
        while held != before:
            before, held = held, int(connection.execute(writing.OURS_WAITING).fetchone()[0])
            time.sleep(0.5)
