"""Each question of the queue, and of what arrives, is planned along an index: no table is read from end to end."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select, text

from moderation import accounts, intake, review
from moderation.db import db
from moderation.models import Account, Action, Comment, Revision, Role, Status, Thread, Trait, TraitKind
from moderation.review import changes, decisions, listing
from moderation.review.listing import Order, View, Wanted
from moderation.transfer import seeding
from tests.conftest import NOW, ORIGIN, _empty, account_of, make_account, make_site, site_of

#: Enough for PostgreSQL to prefer an index.
HELD, DECIDED = 10_000, 10_000
#: What grows with every reply. The few hundred pages PostgreSQL rightly reads at once.
GROWING = {
    "sqlite": ("revision", "comment", "entry", "trait", "thread", "outbox_message"),
    # An index of words as small as here it may well read as a whole.
    "postgresql": ("revision", "comment", "entry", "trait"),
}

#: What a moderator may ask for. What a tenth of all texts share PostgreSQL rightly reads in passing, so it is rarer.
FILTERS: dict[str, Callable[[], Wanted]] = {
    "a page": lambda: Wanted(page=many(Thread.url, of=Revision.thread_id == Thread.id)),
    "an author's address": lambda: Wanted(author=many(Revision.author_key, of=Revision.author_key.contains("@"))),
    "an author's name": lambda: Wanted(author=many(Comment.author, of=Revision.comment_id == Comment.id)),
    "a finding": lambda: Wanted(finding="alike"),
    "a host": lambda: Wanted(host=trait(TraitKind.HOST)),
    "a network": lambda: Wanted(network=many(Revision.network)),
    "a shape": lambda: Wanted(shape=many(Revision.shape)),
    "a time": lambda: Wanted(since=NOW.date().replace(day=9), until=NOW.date().replace(day=9)),
    "a reason": lambda: Wanted(view=View.REJECTED, reason=1),
    "a colleague": lambda: Wanted(view=View.APPROVED, by=account_of("piet@staff.example").id),
    "a word": lambda: Wanted(words="author20"),
    "the beginning of a word": lambda: Wanted(words="author20*"),
    "a word nobody wrote": lambda: Wanted(words="zyzzyva"),
    "several at once": lambda: Wanted(words="author20", finding="alike", since=NOW.date().replace(day=9)),
}


@pytest.fixture(scope="module")
def busy(installation: Flask) -> Iterator[Flask]:
    """Return the app with a site in whose queue much waits."""
    with installation.app_context():
        _empty()
        make_site(installation, "courier", ORIGIN)
        for name in ("Ana", "Piet", *(f"Colleague{number}" for number in range(10))):
            make_account(installation, name, courier=Role.MODERATOR)
        for _ in seeding.seed(site_of("courier"), held=HELD, decided=DECIDED, now=NOW, chance=Random(1)):
            db.session.commit()
        yield installation
        db.session.remove()
        _empty()


@pytest.fixture(params=["as it was filled", "analysed"])
def ana(busy: Flask, request: pytest.FixtureRequest) -> Iterator[Account]:
    """Return a moderator, with and without what SQLite has counted of its tables; PostgreSQL counts by itself."""
    if db.engine.dialect.name == "postgresql":
        # As the database itself does sooner or later: what was just written is put into the order of its index.
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    elif request.param == "analysed":
        db.session.execute(text("ANALYZE"))
        db.session.commit()
    else:
        with db.engine.begin() as connection:
            if connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").first():
                connection.exec_driver_sql("DELETE FROM sqlite_stat1")
                connection.exec_driver_sql("ANALYZE sqlite_schema")
    yield account_of("ana@staff.example")
    db.session.rollback()


def many(column: Any, *, of: Any = None) -> Any:
    """Return what many waiting texts share, though others are shared by more."""
    query = select(column).where(Revision.status == Status.PENDING).group_by(column).order_by(func.count().desc())
    return db.session.scalars((query if of is None else query.where(of)).offset(20).limit(1)).one()


def trait(kind: TraitKind) -> str:
    query = select(Trait.value).where(Trait.kind == kind).group_by(Trait.value).order_by(func.count().desc())
    return db.session.scalars(query.limit(1)).one()


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that are run meanwhile, with their values."""
    statements: list[tuple[str, Any]] = []

    def collect(_: Any, __: Any, statement: str, values: Any, ___: Any, many: bool) -> None:
        if statement.split(None, 1)[0] in ("SELECT", "UPDATE", "DELETE", "WITH"):
            statements.append((statement, values[0] if many else values))

    event.listen(db.engine, "before_cursor_execute", collect)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", collect)


def plan(statement: str, values: Any) -> str:
    """Say how a database means to run a statement."""
    words = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[db.engine.dialect.name]
    return "\n".join(str(row[-1]) for row in db.session.connection().exec_driver_sql(words + statement, values))


def scans(statements: list[tuple[str, Any]]) -> list[str]:
    """Return what is read from end to end, each with its statement."""
    kind = db.engine.dialect.name
    found = []
    for statement, values in statements:
        names = {name for table in GROWING[kind] for name in [table, *re.findall(rf"\b{table} AS (\w+)", statement)]}
        shape = re.compile(rf"(?:^SCAN|Seq Scan on) (?:{'|'.join(sorted(names))})\b")
        found += [f"{line.strip()}: {statement}" for line in plan(statement, values).splitlines() if shape.search(line)]
    return found


def test_the_first_page_and_the_one_after_are_read_along_indexes(ana):
    for view in View:
        for order in Order:
            with asked() as statements:
                page = review.page(ana, Wanted(view=view, order=order), after=None, now=NOW)
                review.page(ana, Wanted(view=view, order=order), after=page.after, now=NOW)
            assert scans(statements) == []


@pytest.mark.parametrize("name", list(FILTERS))
def test_a_filtered_page_is_read_along_indexes(ana, name):
    wanted = FILTERS[name]()
    with asked() as statements:
        page = review.page(ana, wanted, after=None, now=NOW)
        if page.after:
            review.page(ana, wanted, after=page.after, now=NOW)
    assert scans(statements) == []


def test_what_a_page_missed_is_read_along_an_index(ana):
    memberships = review.page(ana, Wanted(), after=None, now=NOW).memberships
    marks = {site: mark - 50 for site, mark in changes.marks_of(memberships).items()}
    with asked() as statements:
        changes.since(marks, memberships)
    assert scans(statements) == []


def test_what_is_undone_is_looked_up_by_its_press_not_among_all_that_somebody_decided(ana):
    with asked() as statements:
        decisions.undo("a press", by=ana, now=NOW)
    looked_up = [plan(*one) for one in statements if "entry.batch = " in one[0]]
    assert looked_up
    assert all("ix_entry_batch" in each for each in looked_up)


@pytest.mark.parametrize("number", [1, 50])
def test_a_decision_and_its_undo_are_made_along_indexes(ana, number):
    scope = listing.scope_of(ana, Wanted(), accounts.standings_of(ana))
    page = listing.listed(scope, after=None)
    choices = [decisions.Choice(found.revision_id, 0) for found in page[:number]]
    with asked() as statements:
        decisions.decide_all(Action.APPROVE, choices, by=ana, now=NOW, batch="one")
        decisions.undo(None, by=ana, now=NOW)
    assert scans(statements) == []


def test_what_arrives_is_held_along_indexes(ana):
    [url, author, html] = db.session.execute(
        select(Thread.url, Comment.author, Revision.html).join_from(Revision, Comment).join(Thread).limit(1)
    ).one()
    draft = intake.Draft(comment=html, author=author, email="", url="", page=url, key="a-key-of-somebody", network="n")
    with asked() as statements:
        intake.receive(draft, site=site_of("courier"), pause=timedelta(seconds=15), now=NOW)
    assert any("submission_key" in said and "text_hash" in said for said, _ in statements)
    assert scans(statements) == []
