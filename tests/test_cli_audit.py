"""`flask audit verify` proves a log nobody touched, and names what somebody did."""

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import delete, select, text, update

from moderation import audit
from moderation.db import db
from moderation.models import Entry, LogHead
from tests.conftest import decide


def ask(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments))


def faults(app: Flask) -> list[str]:
    """Ask for the proof; return the lines that name faults."""
    said = ask(app, "audit", "verify")
    found = [line.strip() for line in said.output.splitlines() if line.startswith("  ")]
    assert (said.exit_code, "broken" in said.output) == ((1, True) if found else (0, False))
    return found


def head_of(app: Flask) -> str:
    """Return the end of the site's chain."""
    with app.app_context():
        return db.session.scalars(select(LogHead.hash).where(LogHead.site_id.is_not(None))).one()


@pytest.fixture
def told(app: Flask, ana: object, reply: object) -> Flask:
    """Return the app with one reply published and one held."""
    assert callable(reply)
    reply("The first.")
    reply("The second.")
    assert decide(ana, "approve", "1:0", note="Fine with me.").status_code == 200  # type: ignore[arg-type]
    return app


def test_a_log_nobody_touched_is_proven(told):
    said = ask(told, "audit", "verify")
    [line] = [line for line in said.output.splitlines() if line.startswith("courier")]
    assert (said.exit_code, line.partition(", head ")[0]) == (0, "courier: 5 entries, whole")
    assert line.partition(", head ")[2] == head_of(told)[:16]


@pytest.mark.parametrize(
    ("done", "named"),
    [
        (
            "UPDATE revision SET status = 'approved' WHERE id = 2",
            [
                "revision 2: is approved without an entry that says so",
                "pending: 1 counted, 0 there",
                "approved: 1 counted, 2 there",
            ],
        ),
        (
            "UPDATE revision SET html = '<p>Never approved.</p>' WHERE id = 1",
            ["entry {first}: its words changed since they were written"],
        ),
        (
            "UPDATE revision SET source = 'Never sent.' WHERE id = 2",
            ["entry {second}: its words changed since they were written"],
        ),
        (
            "UPDATE comment SET author = 'Somebody else' WHERE id = 1",
            ["entry {first}: its words changed since they were written"],
        ),
        (
            "UPDATE revision SET status = 'approved', turn = 1 WHERE id = 2",
            [
                "revision 2: is approved without an entry that says so",
                "pending: 1 counted, 0 there",
                "approved: 1 counted, 2 there",
            ],
        ),
        (
            "UPDATE entry SET action = 'reopen' WHERE action = 'approve'",
            ["entry {approve}: changed since it was written", "revision 1: is public without an approval"],
        ),
        (
            "UPDATE entry SET account_id = NULL WHERE action = 'approve'",
            ["entry {approve}: changed since it was written"],
        ),
        (
            "UPDATE entry SET note = 'Never.' WHERE action = 'approve'",
            ["entry {approve}: its words changed since they were written"],
        ),
        ("UPDATE log_head SET approved = 2 WHERE site_id IS NOT NULL", ["approved: 2 counted, 1 there"]),
        ("UPDATE log_head SET hash = '' WHERE site_id IS NOT NULL", ["the chain's head is not its last entry"]),
    ],
)
def test_what_was_changed_by_hand_is_named(told, done, named):
    with told.app_context():
        approve = db.session.scalars(select(Entry.id).where(Entry.action == "approve")).one()
        first, second = db.session.scalars(select(Entry.id).where(Entry.action == "submit").order_by(Entry.id))
        db.session.execute(text(done))
        db.session.commit()
    assert faults(told) == [line.format(approve=approve, first=first, second=second) for line in named]


def test_a_deleted_entry_is_named(told):
    with told.app_context():
        first, *_, last = db.session.scalars(
            select(Entry).where(Entry.revision_id.is_not(None)).order_by(Entry.id)
        ).all()
        following = db.session.scalars(select(Entry.id).where(Entry.id > first.id).order_by(Entry.id)).first()
        db.session.execute(delete(Entry).where(Entry.id == first.id))
        db.session.commit()
    assert f"entry {following}: does not follow the entry before it" in faults(told)
    with told.app_context():
        db.session.execute(delete(Entry).where(Entry.id == last.id))
        db.session.commit()
    assert "the chain's head is not its last entry" in faults(told)


def test_a_deleted_revision_is_named(told):
    with told.app_context():
        db.session.execute(update(Entry).where(Entry.revision_id == 2).values(revision_id=None))
        db.session.execute(text("DELETE FROM submission_key"))
        for table, column in (("trait", "revision_id"), ("revision_words", "rowid"), ("revision", "id")):
            db.session.execute(text(f"DELETE FROM {table} WHERE {column} = 2"))
        db.session.commit()
    assert "pending: 1 counted, 0 there" in faults(told)


def test_words_that_were_forgotten_are_not_called_broken(told):
    with told.app_context():
        audit.forget(db.session.scalars(select(Entry).where(Entry.action == "approve")).one())
        db.session.commit()
    said = ask(told, "audit", "verify")
    assert (said.exit_code, said.output.splitlines()[-1]) == (
        0,
        f"courier: 5 entries, 1 forgotten, whole, head {head_of(told)[:16]}",
    )
