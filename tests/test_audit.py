"""The log proves itself: every way of tampering is found, forgetting is not tampering."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from moderation import audit
from moderation.db import db
from moderation.models import Action, Entry, Kind, Status, Via
from tests.conftest import NOW
from tests.world import World, make_world


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    """Return a world with one approved and one held reply."""
    with app.app_context():
        made = make_world(app)
        made.reply_in(Status.APPROVED)
        made.reply("Late, but good.", author="Tom", email="tom@home.example")
        assert made.faults() == []
        yield made
        db.session.rollback()


#: What somebody with the database in hand may do, and what the proof says of it.
TAMPERING = {
    "a text made public by hand": (
        "UPDATE revision SET status = 'approved' WHERE id = 2",
        "revision 2: is approved without an entry that says so",
    ),
    "a status put back by hand": (
        "UPDATE revision SET status = 'pending', turn = 0 WHERE id = 1",
        "revision 1: is pending without an entry that says so",
    ),
    "an entry altered": ("UPDATE entry SET action = 'reject' WHERE action = 'approve'", "changed since it was written"),
    "a moderator exchanged": (
        "UPDATE entry SET account_id = (SELECT max(id) FROM account) WHERE action = 'approve'",
        "changed since it was written",
    ),
    "an entry cut out": ("DELETE FROM entry WHERE action = 'approve'", "does not follow the entry before it"),
    "the last entry cut off": (
        "DELETE FROM entry WHERE id = (SELECT max(id) FROM entry)",
        "the chain's head is not its last entry",
    ),
    "a note exchanged": ("UPDATE entry SET note = 'nothing to see' WHERE id = 3", "its words changed"),
    "a note put where words were forgotten": (
        "UPDATE entry SET note = 'x', salt = NULL WHERE id = 3",
        "its words changed",
    ),
    "a count changed": ("UPDATE log_head SET pending = 7 WHERE site_id IS NOT NULL", "pending: 7 counted, 1 there"),
    "the head removed": ("DELETE FROM log_head WHERE site_id IS NOT NULL", "the chain's head is missing"),
}


@pytest.mark.parametrize("how", list(TAMPERING))
def test_tampering_is_found(world: World, how: str) -> None:
    statement, fault = TAMPERING[how]
    db.session.execute(text(statement))
    assert any(fault in found for found in world.faults()), world.faults()


def test_a_recomputed_chain_still_needs_an_approval(world: World) -> None:
    """Whoever can forge hashes, but forgets the approving entry, is found by the statuses."""
    revision = world.reply("Forged.", author="Eve", email="eve@home.example").newest
    db.session.execute(text(f"UPDATE revision SET status = 'approved', turn = 1 WHERE id = {revision.id}"))
    audit.record(
        audit.Event(
            kind=Kind.DECISION,
            action=Action.REOPEN,
            subject=f"comment:{revision.comment_id}",
            site_id=revision.site_id,
            revision_id=revision.id,
            from_status=Status.PENDING,
            to_status=Status.APPROVED,
            turn=1,
            via=Via.QUEUE,
            at=NOW,
        )
    )
    assert world.faults() == [f"revision {revision.id}: is public without an approval"]


def test_forgetting_words_keeps_the_chain_whole(world: World) -> None:
    entry = db.session.get_one(Entry, 3)
    audit.forget(entry)
    db.session.flush()
    proofs = {proof.chain: proof for proof in audit.verify()}
    assert (proofs["courier"].forgotten + proofs["installation"].forgotten, world.faults()) == (1, [])


def test_no_entry_holds_a_name_an_address_or_a_text_outside_its_note(world: World) -> None:
    columns = [name for name in Entry.__table__.columns.keys() if name != "note"]  # noqa: SIM118
    for entry in db.session.query(Entry):
        told = " ".join(str(getattr(entry, name)) for name in columns)
        for word in ("Margit", "margit@home.example", "Wider", "Tom", "Late", "Ana", "staff.example"):
            assert word not in told


def test_entries_tell_who_did_what_in_order(world: World) -> None:
    entries = db.session.query(Entry).filter(Entry.revision_id.is_not(None)).order_by(Entry.id)
    assert [(e.kind, e.action, e.from_status, e.to_status) for e in entries] == [
        (Kind.ARRIVAL, Action.SUBMIT, None, Status.PENDING),
        (Kind.DECISION, Action.APPROVE, Status.PENDING, Status.APPROVED),
        (Kind.ARRIVAL, Action.SUBMIT, None, Status.PENDING),
    ]
    assert entries[1].account_id == world.person("ana").id
