"""Statements given to the driver as they are say, take and raise what SQLAlchemy does with the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import bindparam, event, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, PendingRollbackError, ProgrammingError

from moderation.db import db, table_of
from moderation.models import Comment, Revision, Site, Status, Thread
from moderation.statements import Prepared, insert_now, insert_rows, read_afresh, stored
from tests.conftest import NOW
from tests.world import make_world

SITE = Prepared(select(table_of(Site)).where(Site.key == bindparam("key")))
RENAME = Prepared(update(table_of(Site)).where(Site.key == bindparam("of")).values(name=bindparam("to")))


def thread(page: str = "courier.example/a") -> Thread:
    site = db.session.scalars(select(Site)).first()
    return Thread(site_id=site.id if site else 0, page_key=page, url=f"https://{page}")


@pytest.fixture(autouse=True)
def _within(app: Flask) -> Iterator[None]:
    with app.app_context():
        make_world(app).reply_in(Status.APPROVED)
        yield
        db.session.rollback()


@pytest.mark.parametrize("of", [Site, Thread, Comment, Revision], ids=lambda of: of.__name__)
def test_every_kind_of_value_comes_out_as_sqlalchemy_reads_it(of: type) -> None:
    """Lists, times, booleans, members of closed sets and nulls, on both databases."""
    everything = select(table_of(of)).order_by(table_of(of).c.id)
    read = Prepared(everything).all()
    assert read
    assert [tuple(row) for row in read] == [tuple(row) for row in db.session.execute(everything)]


def test_values_go_in_as_they_come_out() -> None:
    when = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
    names = ["rÿk", 'a "quoted" word', "a %s, a :name, a ?"]
    insert_rows(Site, [{"key": "new", "name": "N", "origins": names, "required": [], "created_at": when}])
    [row] = SITE.all(key="new")
    made = stored(Site, row)
    assert (made.origins, made.required, made.created_at) == (names, [], when)
    # What nobody said anything of is what the model says.
    assert (made.max_comment, made.require_second, made.proof) == (5000, False, "auto")


def test_a_value_that_is_missing_is_an_error_and_nothing_is_asked() -> None:
    with pytest.raises(KeyError):
        RENAME.change({"of": "courier"})
    assert SITE.one(key="courier")


def test_rows_that_changed_are_counted_over_all_that_was_given() -> None:
    assert RENAME.change({"of": "courier", "to": "A"}, {"of": "nobody", "to": "B"}, {"of": "courier", "to": "C"}) == 2
    assert RENAME.change() == 0
    assert db.session.execute(select(Site.name)).scalar_one() == "C"


def test_it_is_part_of_the_sessions_transaction() -> None:
    RENAME.change({"of": "courier", "to": "Gone again"})
    db.session.rollback()
    assert stored(Site, SITE.one(key="courier")).name != "Gone again"
    # Of the one that is running now, not of one that has ended.
    RENAME.change({"of": "courier", "to": "Kept"})
    db.session.commit()
    db.session.rollback()
    assert db.session.execute(select(Site.name)).scalar_one() == "Kept"


def test_who_listens_to_statements_hears_it() -> None:
    heard: list[tuple[str, Any, bool]] = []
    listen = lambda *said: heard.append((said[2].split()[0], said[3], said[5]))  # noqa: E731 - removed by its identity
    event.listen(db.engine, "before_cursor_execute", listen)
    try:
        SITE.all(key="courier")
        RENAME.change({"of": "courier", "to": "A"}, {"of": "nobody", "to": "B"})
    finally:
        event.remove(db.engine, "before_cursor_execute", listen)
    assert [(verb, many) for verb, _, many in heard] == [("SELECT", False), ("UPDATE", True)]
    assert len(heard[1][1]) == 2


def test_after_an_error_nothing_is_written_beside_the_transaction() -> None:
    RENAME.change({"of": "courier", "to": "Before"})
    db.session.add(Thread(site_id=10**6, page_key="x", url="https://x"))
    with pytest.raises(IntegrityError):
        db.session.flush()
    with pytest.raises(PendingRollbackError):
        RENAME.change({"of": "courier", "to": "Beside"})
    db.session.rollback()
    assert db.session.execute(select(Site.name)).scalar_one() not in {"Before", "Beside"}


def test_a_refusal_is_raised_as_sqlalchemys_and_names_no_words() -> None:
    insert_now([thread("courier.example/secret-page")])
    with pytest.raises(IntegrityError) as refused:
        insert_now([thread("courier.example/secret-page")])
    assert "INSERT INTO thread" in str(refused.value)
    # PostgreSQL itself says which key was there.
    assert "https://courier.example/secret-page" not in str(refused.value)


def test_a_statement_that_the_database_does_not_know_is_raised_as_sqlalchemys() -> None:
    with pytest.raises((OperationalError, ProgrammingError)):
        Prepared(text("SELECT nothing FROM nowhere")).all()


def test_a_connection_that_the_database_closed_is_not_used_again(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("a file closes no connection")
    db.session.commit()
    [[process]] = Prepared(text("SELECT pg_backend_pid()")).all()
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
    with pytest.raises(OperationalError):
        RENAME.change({"of": "courier", "to": "Lost"})
    db.session.rollback()
    assert RENAME.change({"of": "courier", "to": "Found"}) == 1
    db.session.rollback()


def test_what_was_inserted_is_as_if_read_and_is_followed() -> None:
    [one, other] = things = [thread("courier.example/1"), thread("courier.example/2")]
    insert_now(things)
    assert one.id
    assert other.id == one.id + 1
    assert (one.closed, one.version, one.title) == (False, 0, None)
    assert db.session.get(Thread, one.id) is one
    assert not db.session.dirty
    one.closed = True
    db.session.flush()
    closed = text("SELECT id FROM thread WHERE closed")
    assert db.session.execute(closed).scalars().all() == [one.id]


@pytest.mark.parametrize("wanted", [[], [0], [0, 2], [2, 1, 0, 1], [99]], ids=str)
def test_any_number_of_numbers_is_asked_for_in_the_same_words(wanted: list[int]) -> None:
    things = [thread(f"courier.example/{number}") for number in range(3)]
    insert_now(things)
    numbers = [things[place].id if place < 3 else 10**6 for place in wanted]
    assert list(read_afresh(Thread, numbers).values()) == [things[place] for place in sorted(set(wanted)) if place < 3]


def test_what_is_read_afresh_is_as_it_is_stored_now() -> None:
    [one] = things = [thread("courier.example/changed")]
    insert_now(things)
    Prepared(text("UPDATE thread SET version = 7 WHERE id = :id")).change({"id": one.id})
    assert one.version == 0
    assert read_afresh(Thread, [one.id]) == {one.id: one}
    assert one.version == 7
    assert not db.session.dirty


def test_one_thing_is_one_thing_however_it_was_read() -> None:
    known = db.session.scalars(select(Site)).one()
    known.accent = "#000000"
    assert stored(Site, SITE.one(key=known.key)) is known
    assert known.accent == "#000000"
    db.session.rollback()
    db.session.expunge_all()
    read = stored(Site, SITE.one(key="courier"))
    assert db.session.scalars(select(Site)).one() is read
    # What hangs on it is asked for when it is wanted.
    assert len(read.reasons) == 5
    assert read.created_at <= NOW + timedelta(days=3650)
