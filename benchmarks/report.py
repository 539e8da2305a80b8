"""What was found, said: in lines, as docs/benchmarks.md with its plot, and against the bars that it has to hold."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import plot, workload
from benchmarks.bench import CONNECTIONS, ROOT, Measured
from benchmarks.footprint import Footprint
from benchmarks.reading import BEHIND, FILE, ISSO, LARGER, PACKED, PLAIN, TWO, UNCHANGED, VIEW, Reading
from benchmarks.writing import DISK, Writing

PAGE, PLOT = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.svg"

#: What has to hold. Rates are ratios within one run.
DIRECT, PROXIED, OVER_ISSO, LARGE_PAGE, WRITES = 0.40, 0.90, 1_000.0, 1.5, 2.0
MOST_MB = {2: 260.0, 1: 160.0}
MOST_SECONDS = 1.5


@dataclass(frozen=True)
class Found:
    """All of one run."""

    machine: Mapping[str, str]
    size: workload.Size
    rounds: int
    reading: Reading
    writing: Writing
    footprints: Sequence[Footprint]


@dataclass(frozen=True)
class Bar:
    """One thing that has to hold: at least, or at most, so much."""

    what: str
    limit: float
    measured: float
    unit: str
    at_least: bool = True

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    @property
    def asked(self) -> str:
        """What was asked for."""
        return f"{'at least' if self.at_least else 'at most'} {_number(self.limit)}{self.unit}"

    @property
    def said(self) -> tuple[str, str]:
        """What was found, and whether that will do."""
        return f"{_number(self.measured)}{self.unit}", "holds" if self.holds else "missed"


def bars(found: Found) -> list[Bar]:
    """Compare what was found with what has to hold; of the ways a thread is asked for, the worst counts."""
    asked, writing = found.reading.asked, found.writing
    ways = (PACKED, PLAIN)
    ours = asked[PACKED][TWO].rate
    listed = [
        Bar("Reading, ours / nginx' file", DIRECT, min(_ratio(asked[way], TWO, FILE) for way in ways), " times"),
        Bar("Reading, ours / Isso", OVER_ISSO, ours / found.reading.isso.rate, " times"),
        Bar("304s / 200s", 1.0, asked[UNCHANGED][TWO].rate / ours, " times"),
        Bar(
            "10,000 comments' first part, time / 100 comments'",
            LARGE_PAGE,
            ours / found.reading.larger[LARGER[workload.TEN_THOUSAND]].rate,
            " times",
            at_least=False,
        ),
        Bar("Replies held, ours / Isso", WRITES, _ratio(writing.held, TWO, ISSO), " times"),
        Bar("Single decisions, ours / Isso", WRITES, _ratio(writing.decided, TWO, ISSO), " times"),
    ]
    if BEHIND in asked[PACKED]:
        worst = min(_ratio(asked[way], BEHIND, FILE) for way in ways)
        listed.insert(1, Bar("Reading behind nginx / nginx' file", PROXIED, worst, " times"))
    for one in found.footprints:
        listed.append(Bar(f"Memory, {_processes(one.workers)}", MOST_MB[one.workers], one.pss, " MB", at_least=False))
        listed.append(Bar(f"Start, {_processes(one.workers)}", MOST_SECONDS, one.cold, " s", at_least=False))
    return listed


def in_text(found: Found) -> str:
    """Write all of it for a terminal."""
    lines = [f"{name}: {text}" for name, text in found.machine.items()]
    for heading, rows in tables(found):
        lines += ["", heading, *(f"{one.rate:>12,.1f}/s  {one.name}" for one in rows)]
    lines += ["", *(f"bar {bar.what}: {bar.asked}; measured {bar.said[0]}; {bar.said[1]}" for bar in bars(found))]
    return "\n".join(lines)


def write(found: Found, *, minutes: float) -> None:
    """Write the page and its plot."""
    PLOT.write_text(plot.draw([(heading, [(one.name, one.rate) for one in rows]) for heading, rows in tables(found)]))
    PAGE.write_text("\n".join(_page(found, minutes=minutes)) + "\n")


def tables(found: Found) -> list[tuple[str, list[Measured]]]:
    """List what was measured, a table for each thing that was asked, with the names as they are shown."""
    reading, writing = found.reading, found.writing
    shown = {f"{ISSO}, reads": Measured(f"{ISSO} ({reading.isso_by})", reading.isso.rounds)}
    listed = []
    for way, rows in reading.asked.items():
        measured = [Measured(name, one.rounds) for name, one in rows.items()]
        if way == PACKED:
            measured += [Measured(f"{TWO}: {what}", one.rounds) for what, one in reading.larger.items()]
            measured += shown.values()
        listed.append((f"Reading a thread of 100 comments, {way}", measured))
    for heading, by_name in (("Replies held", writing.held), ("Single decisions", writing.decided)):
        names = {ISSO: f"{ISSO}, moderation on ({writing.isso_by})"}
        listed.append((heading, [Measured(names.get(name, name), one.rounds) for name, one in by_name.items()]))
    return listed


def _page(found: Found, *, minutes: float) -> Iterator[str]:
    size = found.size
    yield "# Benchmarks"
    yield ""
    by = "make bench BENCH='--quick --write'" if size is workload.QUICK else "make bench"
    yield f"Written by `{by}` on {time.strftime('%Y-%m-%d')}, in {minutes:.0f} minutes; nothing here is typed."
    yield "Rates depend on the machine; what means something is their ratio within one run."
    yield ""
    yield "![All rates on one logarithmic scale](benchmarks.svg)"
    yield ""
    yield from _rows(("", "Measured on"), found.machine.items())
    yield ""
    yield "## Bars"
    yield ""
    yield from _rows(("", "Asked", "Measured", ""), [(bar.what, bar.asked, *bar.said) for bar in bars(found)])
    yield ""
    yield "## Rates"
    for heading, rows in tables(found):
        yield ""
        yield from _rows((heading, "a second", "slowest and fastest round", "99 % within"), [_row(one) for one in rows])
    yield ""
    yield "## Memory and start"
    yield ""
    rows = [
        (_processes(one.workers), f"{one.pss:.0f} MB in {one.processes} processes", f"{one.cold:.2f} s")
        for one in found.footprints
    ]
    yield from _rows(("", "PSS of all processes, after a load", "Start to first answer"), rows)
    yield ""
    yield from _method(size, rounds=found.rounds)


def _method(size: workload.Size, *, rounds: int) -> Iterator[str]:
    top = workload.TOP_LEVEL * 10
    yield "## How"
    yield ""
    yield f"- **Data:** {size.threads:,} threads, {size.comments:,} public comments of {workload.LENGTH} characters;"
    yield f"  one thread has 100, one 1,000, one 10,000; {top} % of all answer the page itself. Isso has the same."
    yield f"- **Load:** wrk, one thread, {CONNECTIONS} connections over loopback, on the same processors, the same for"
    yield f"  everybody. {rounds} rounds in turns (A B C A B C), of which the median is shown. A round with a"
    yield "  single answer other than the one wanted is no result."
    yield f"- **{TWO}:** `flask serve` with its defaults, but for `REPLY_PAUSE=0`, `DEMO=0` and limits beyond reach."
    yield f"- **{FILE}:** the body that our server sends, packed and not, with its headers; it logs nothing."
    yield f"- **{VIEW}:** on granian, two processes of 8 threads, like ours."
    yield "- **Isso:** run in both ways that its documentation names, and measured by the faster one; moderation on,"
    yield "  its limit of two comments a minute off. It packs nothing. Its decisions are the links that it mails."
    yield "- **Replies and decisions:** each is on disk before it is answered, many by one sync. Every reply has an"
    yield "  author, a text and a key of its own; every decision is about another reply."
    yield f"- **{DISK.partition(':')[0]}:** for scale, 500 bytes a row, in the same folder."
    yield "- **Memory:** PSS of the whole process group, nothing else running, after reading 200 threads, replies and"
    yield "  decisions. **Start:** from the call of `flask serve` to the first 200 of `/healthz`."


def _row(one: Measured) -> tuple[str, ...]:
    slowest, fastest = one.spread
    return one.name, _number(one.rate), f"{_number(slowest)} to {_number(fastest)}", f"{_number(one.p99)} ms"


def _rows(heads: Sequence[str], rows: "Sequence[Sequence[str]] | Iterator[Sequence[str]]") -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _ratio(rows: Mapping[str, Measured], ours: str, theirs: str) -> float:
    return rows[ours].rate / rows[theirs].rate


def _processes(number: int) -> str:
    return "one server process" if number == 1 else f"{number} server processes"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
