"""How the queue's cost grows with what lies in it: the same questions at several sizes, on both databases.

Each size is so many held comments among as many decided ones, made by `flask demo seed`'s code, then ANALYZE. What is
timed is what a door does between a request and its answer, without the door: one transaction, a fresh session.
On PostgreSQL the cluster of the tests is used, which syncs nothing: its decisions cost less than elsewhere.
"""

import argparse
import math
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select, text

from moderation import accounts, create_app, markup, review, search
from moderation.db import clock, db, reading
from moderation.models import Account, Action, Revision, Role, Status, Via
from moderation.review import decisions, listing
from moderation.review.listing import View, Wanted
from moderation.transfer import seeding
from tests import postgres

SITE = "courier"
RUNS, BULK_RUNS = 40, 5
#: What `--check` looks at, and how much dearer the largest size may be than the smallest.
FAR = "page 1,000 (40 of the least)"
CHECKED = ("first page", FAR, "one decision", "its undo")
MOST_GROWTH = 2.0
HUGE = 10_000_000

#: Seconds of every run, by what was done.
Times = dict[str, list[float]]


def main() -> None:
    """Measure what is asked for, print a table for each size, and in the end what grew."""
    asked = arguments()
    slow: list[str] = []
    for kind in asked.databases:
        if kind == "postgresql" and not postgres.available():
            print("postgresql: not on this machine, left out")
            continue
        measured: dict[int, Times] = {}
        for size in asked.sizes:
            with filled(kind, size, kept=asked.keep) as app, app.app_context():
                measured[size] = measure()
            print_size(kind, size, measured[size])
        slow += print_growth(kind, measured)
    if asked.check and slow:
        sys.exit(f"More than {MOST_GROWTH} times dearer at the largest size: {', '.join(slow)}")


def arguments() -> argparse.Namespace:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=numbers, default=[1_000, 100_000], help="default: 1000,100000")
    parser.add_argument("--huge", action="store_true", help=f"{HUGE:,} too: some hours and 50 GB")
    parser.add_argument("--databases", type=lambda names: names.split(","), default=["sqlite", "postgresql"])
    parser.add_argument("--check", action="store_true", help=f"fail when {', '.join(CHECKED)} grew too much")
    parser.add_argument("--keep", type=Path, help="folder in which SQLite files stay, and are used again")
    asked = parser.parse_args()
    asked.sizes = sorted({*asked.sizes, *([HUGE] if asked.huge else [])})
    return asked


def numbers(said: str) -> list[int]:
    """Read numbers with commas between them."""
    return [int(number) for number in said.split(",")]


@contextmanager
def filled(kind: str, size: int, *, kept: Path | None) -> Iterator[Flask]:
    """Yield an app on a database with so many held comments and as many decided ones."""
    with tempfile.TemporaryDirectory(prefix="lar-bench-") as folder:
        instance = (kept or Path(folder)) / f"{size}"
        instance.mkdir(parents=True, exist_ok=True)
        if kind == "postgresql":
            with postgres.cluster() as url:
                yield from prepared(url, Path(folder), size)
        else:
            yield from prepared(f"sqlite:///{instance.resolve() / 'moderation.sqlite'}", instance, size)


def prepared(url: str, instance: Path, size: int) -> Iterator[Flask]:
    """Fill the database unless it is, and let it count what is in it."""
    app = create_app(
        {
            "MODERATION_DATABASE_URL": url,
            "MODERATION_INSTANCE_PATH": str(instance.resolve()),
            "MODERATION_LOG_LEVEL": "error",
        }
    )
    with app.app_context():
        upgrade()
        if accounts.site(SITE) is None:
            fill(size)
        db.session.remove()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    yield app
    with app.app_context():
        db.engine.dispose()


def fill(size: int) -> None:
    """Make a site, its moderators and its comments, and say how fast."""
    now = clock()
    began = time.perf_counter()
    for name in ("Ana", "Piet", "Edda"):
        # Nobody signs in here.
        accounts.create_account(f"{name}@staff.example", name=name, password_hash="-", now=now, via=Via.CLI)
    site = accounts.create_site(SITE, name="Courier", origins=["https://courier.example"], now=now, via=Via.CLI)
    for account in db.session.scalars(select(Account)):
        accounts.grant(account, site, Role.MODERATOR, now=now, via=Via.CLI)
    db.session.commit()
    for _ in seeding.seed(site, held=size, decided=size, now=now, chance=random.Random(1)):
        db.session.commit()
    print(f"filled with 2 x {size:,} comments: {2 * size / (time.perf_counter() - began):,.0f}/s")


@dataclass(frozen=True)
class Subject:
    """What is asked for, taken from what is there."""

    common_author: str
    rare_author: str
    common_word: str
    #: Where page 1,000 begins, or page 40 of a short list.
    far: str
    #: Waiting texts all over the queue.
    waiting: Sequence[int]


def measure() -> Times:
    """Ask every question and make every decision, some times each."""
    subject = chosen()
    times: Times = {}
    with reading():
        for name, wanted, after in pages(subject):
            times[name] = [timed(lambda w=wanted, a=after: page(w, after=a)) for _ in range(RUNS)]  # type: ignore[misc]
        times["counts of a filtered view"] = [timed(lambda: counts(subject)) for _ in range(RUNS)]
    times |= decided("one decision", "its undo", [[id_] for id_ in subject.waiting[:RUNS]])
    bulk = min(1_000, decisions.MOST_AT_ONCE, len(subject.waiting))
    return times | decided(f"bulk of {bulk:,}", "undo of the bulk", [subject.waiting[-bulk:]] * BULK_RUNS)


def chosen() -> Subject:
    """Look for what is common and what is rare among what waits."""
    with reading():
        db.session.remove()
        mine = select(Revision.author_key, func.count()).where(Revision.status == Status.PENDING)
        mine = mine.where(Revision.author_key.contains("@")).group_by(Revision.author_key).limit(1)
        most = db.session.execute(mine.order_by(func.count().desc())).one()
        least = db.session.execute(mine.order_by(func.count(), Revision.author_key.desc())).one()
        ids = db.session.scalars(select(Revision.id).where(Revision.status == Status.PENDING)).all()
        texts = db.session.scalars(select(Revision.html).where(Revision.id.in_(ids[:: max(1, len(ids) // 500)])))
        words = Counter(word for html in texts for word in set(search.words(markup.plain_text(html))) if len(word) > 3)
        number = 1_000 if len(ids) > 1_000 * listing.PAGE else 40
        line = select(Revision.id, Revision.waiting_since).where(Revision.status == Status.PENDING)
        line = line.order_by(Revision.waiting_since, Revision.id).offset((number - 1) * listing.PAGE - 1).limit(1)
        id_, since = db.session.execute(line).one()
        site = accounts.site(SITE)
        assert site is not None
        far = listing.place_of(listing.Found(id_, (since + timedelta(hours=site.target_hours), id_)))
        db.session.remove()
    shuffled = random.Random(1).sample(ids, min(len(ids), RUNS + 1_000))
    return Subject(most[0], least[0], words.most_common(1)[0][0], far, shuffled)


def pages(subject: Subject) -> list[tuple[str, Wanted, str | None]]:
    """Name the pages asked for."""
    return [
        ("first page", Wanted(), None),
        (FAR, Wanted(), subject.far),
        ("first page of all", Wanted(view=View.ALL), None),
        ("search, common word", Wanted(words=subject.common_word), None),
        ("search, rare word", Wanted(words=subject.rare_author), None),
        ("filter, common author", Wanted(author=subject.common_author), None),
        ("filter, rare author", Wanted(author=subject.rare_author), None),
    ]


def page(wanted: Wanted, *, after: str | None) -> None:
    """Ask for a page of the queue."""
    review.page(ana(), wanted, after=after, now=clock())


def counts(subject: Subject) -> None:
    """Count what each view has of a common author."""
    account = ana()
    wanted = Wanted(author=subject.common_author)
    listing.counts(listing.scope_of(account, wanted, accounts.standings_of(account)))


def decided(name: str, back: str, presses: Sequence[Sequence[int]]) -> Times:
    """Press, and take it back: the queue is as long as before."""
    times: Times = {name: [], back: []}
    for press in presses:
        batch = secrets.token_hex(8)
        db.session.remove()
        turns = db.session.execute(select(Revision.id, Revision.turn).where(Revision.id.in_(press))).all()
        choices = [decisions.Choice(id_, turn) for id_, turn in turns]
        times[name].append(timed(partial(decide, choices, batch)))
        times[back].append(timed(partial(undo, batch)))
    return times


def decide(choices: Sequence[decisions.Choice], batch: str) -> None:
    outcome = decisions.decide_all(Action.APPROVE, choices, by=ana(), now=clock(), batch=batch)
    db.session.commit()
    assert len(outcome.entries) == len(choices)


def undo(batch: str) -> None:
    undone = decisions.undo(batch, by=ana(), now=clock())
    db.session.commit()
    assert undone.entries
    assert not undone.skipped


def ana() -> Account:
    """Return the moderator, as every request looks her up."""
    found = accounts.find("ana@staff.example")
    assert found is not None
    return found


def timed(work: Callable[[], object]) -> float:
    """Return how long something takes from a fresh session to the end of its transaction."""
    db.session.remove()
    began = time.perf_counter()
    work()
    db.session.rollback()
    return time.perf_counter() - began


def p50(times: Sequence[float]) -> float:
    """Return the median, in milliseconds."""
    return statistics.median(times) * 1_000


def p95(times: Sequence[float]) -> float:
    """Return what 19 of 20 runs kept within, in milliseconds."""
    return sorted(times)[math.ceil(len(times) * 0.95) - 1] * 1_000


def print_size(kind: str, size: int, times: Times) -> None:
    """Print what everything took at one size."""
    print(f"\n{kind}, 2 x {size:,}{'p50 ms':>{40 - len(f'{kind}, 2 x {size:,}')}}{'p95 ms':>10}")
    for name, each in times.items():
        print(f"{name:<30}{p50(each):>10,.1f}{p95(each):>10,.1f}", flush=True)


def print_growth(kind: str, measured: dict[int, Times]) -> list[str]:
    """Print how much dearer everything is at the largest size, and return what grew too much."""
    least, most = min(measured), max(measured)
    print(f"\n{kind}: p95 at {most:,} / p95 at {least:,}")
    ratios = {
        name: p95(each) / p95(measured[least][name]) for name, each in measured[most].items() if name in measured[least]
    }
    for name, ratio in ratios.items():
        print(f"{name:<30}{ratio:>10.2f}")
    return [f"{kind}: {name}" for name in CHECKED if ratios[name] > MOST_GROWTH]


if __name__ == "__main__":
    main()
