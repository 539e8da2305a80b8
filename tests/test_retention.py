"""Forgetting on schedule: the clock moves on, the worker keeps house, and what sites keep no longer is gone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from moderation import audit, lifecycle, receipts, retention, search, worker
from moderation.db import db
from moderation.models import Action, Comment, Entry, Kind, Revision, Status, Trait
from tests.conftest import NOW, signed_in
from tests.world import World, make_world

DAY = timedelta(days=1)


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    """Return a site that keeps networks 30 days, addresses 60 and refused texts 90."""
    world = make_world(app)
    with app.app_context():
        site = world.site
        site.keep_network_days, site.keep_email_days, site.keep_refused_days = 30, 60, 90
        db.session.commit()
        yield world
        db.session.rollback()


def after(days: float) -> None:
    """Let the worker keep house so many days later."""
    worker.keep_house(now=NOW + days * DAY)
    db.session.expire_all()


def everywhere(words: str) -> list[str]:
    """Name the tables in which words still stand."""
    found = []
    for table in db.metadata.sorted_tables:
        rows = [str(tuple(row)) for row in db.session.execute(select(table))]
        found += [table.name] if any(words in row for row in rows) else []
    if db.engine.dialect.name == "sqlite":
        rows = [str(tuple(row)) for row in db.session.execute(text("SELECT * FROM revision_words"))]
        found += ["revision_words"] if any(words in row for row in rows) else []
    return found


def proofs() -> list[tuple[str, int, list[str]]]:
    return [(proof.chain, proof.forgotten, proof.faults) for proof in audit.verify()]


def forgotten_of() -> list[tuple[str | None, str | None]]:
    rows = db.session.scalars(select(Entry).where(Entry.kind == Kind.ERASURE).order_by(Entry.id))
    return [(entry.rule, entry.note) for entry in rows]


def find(word: str) -> list[int]:
    return list(db.session.scalars(search.narrowed(select(Revision.id), word)))


@pytest.mark.parametrize("status", [Status.PENDING, Status.APPROVED, Status.REJECTED, Status.SPAM])
def test_the_network_is_forgotten_after_its_days_whatever_became_of_the_reply(world: World, status: Status) -> None:
    comment = world.reply_in(status, network="net-tag")
    after(29)
    assert everywhere("net-tag") == ["comment", "revision"]
    after(31)
    assert everywhere("net-tag") == []
    assert (comment.author, comment.newest.status) == ("Margit", status)
    assert forgotten_of() == [("keep-network-days", "1")]
    assert world.faults() == []


def test_an_address_is_forgotten_so_many_days_after_the_last_decision(world: World) -> None:
    comment = world.reply(text="Wider is good news.")
    after(61)
    assert comment.email == "margit@home.example", "it still waits"
    world.now = NOW + 61 * DAY
    world.decide(Action.APPROVE, comment.newest)
    after(120)
    assert comment.email == "margit@home.example", "decided 59 days ago"
    after(122)
    assert everywhere("margit@home") == []
    assert (comment.email, comment.author_key, comment.newest.author_key) == ("", "margit", "margit")
    assert world.public() == ["Wider is good news."]
    assert (find("wider"), find("margit"), find("home")) == ([1], [1], [])
    assert proofs() == [("installation", 0, []), ("courier", 1, [])]
    assert forgotten_of() == [("keep-email-days", "1")]


@pytest.mark.parametrize("status", [Status.REJECTED, Status.SPAM])
def test_a_refused_text_is_emptied_with_all_that_came_with_it(world: World, status: Status) -> None:
    changes = {"text": "Zebracrossing nonsense.", "url": "https://zebra.example/", "title": "A zebra"}
    comment = world.reply_in(status, **changes)
    after(90)
    assert "revision" in everywhere("ebra")
    after(91)
    assert everywhere("ebra") == []
    assert everywhere("argit") == []
    revision = comment.newest
    assert (revision.status, revision.turn, revision.is_forgotten, revision.source, revision.html) == (
        *(status, 1, True, "", ""),
    )
    assert find("zebracrossing") == []
    assert list(db.session.scalars(select(Trait))) == []
    assert proofs() == [("installation", 0, []), ("courier", 1, [])]
    assert ("keep-refused-days", "1") in forgotten_of()


def test_what_is_forgotten_is_forgotten_once(world: World) -> None:
    world.reply_in(Status.REJECTED, network="net-tag")
    after(91)
    told = forgotten_of()
    assert [rule for rule, _ in told] == ["keep-network-days", "keep-email-days", "keep-refused-days"]
    after(400)
    assert forgotten_of() == told


@pytest.mark.parametrize("action", [Action.APPROVE, Action.REOPEN, Action.REJECT, Action.SPAM])
def test_nobody_decides_a_forgotten_text(world: World, action: Action) -> None:
    comment = world.reply_in(Status.SPAM)
    after(91)
    with pytest.raises(lifecycle.NotAllowed):
        world.decide(action, comment.newest)
    assert comment.newest.status is Status.SPAM


def test_a_press_is_not_undone_when_its_text_is_forgotten(world: World) -> None:
    comment = world.reply()
    entry = world.decide(Action.REJECT, comment.newest)
    after(91)
    undone = world.undo(entry)
    assert (undone.entries, [one.id for one in undone.skipped]) == ([], [comment.newest.id])


def test_its_author_cannot_write_on_where_a_text_is_forgotten(world: World) -> None:
    comment = world.reply_in(Status.REJECTED)
    after(91)
    with pytest.raises(lifecycle.NotAllowed):
        world.edit(comment, "Once more.")


def test_a_refused_edit_goes_and_the_published_text_stays(world: World) -> None:
    comment = world.reply_in(Status.APPROVED, text="Wider is good news.")
    world.edit(comment, "Zebra.")
    world.decide(Action.REJECT, comment.newest)
    after(91)
    assert everywhere("Zebra") == []
    assert world.public() == ["Wider is good news."]
    assert (comment.author, [one.is_forgotten for one in comment.revisions]) == ("Margit", [False, True])
    assert world.faults() == []


def test_what_a_refused_text_replaced_goes_with_it(world: World) -> None:
    comment = world.reply(text="Zebra one.")
    world.edit(comment, "Zebra two.")
    world.decide(Action.REJECT, comment.newest)
    after(91)
    assert everywhere("Zebra") == []
    assert [one.status for one in comment.revisions] == [Status.SUPERSEDED, Status.REJECTED]
    assert world.faults() == []


def test_what_waits_again_or_was_withdrawn_is_not_refused(world: World) -> None:
    waits = world.reply_in(Status.REJECTED, text="One.")
    world.decide(Action.REOPEN, waits.newest)
    withdrawn = world.reply_in(Status.WITHDRAWN, text="Two.")
    late = world.reply(text="Three.")
    world.now = NOW + 50 * DAY
    world.decide(Action.REJECT, late.newest)
    after(91)
    assert [one.newest.is_forgotten for one in (waits, withdrawn, late)] == [False, False, False]
    after(141)
    assert [one.newest.is_forgotten for one in (waits, withdrawn, late)] == [False, False, True]


def test_nought_days_are_for_ever(world: World) -> None:
    site = world.site
    site.keep_network_days = site.keep_email_days = site.keep_refused_days = 0
    comment = world.reply_in(Status.SPAM, text="Zebra.", network="net-tag")
    after(4000)
    assert (comment.newest.source, comment.email, comment.network) == ("Zebra.", "margit@home.example", "net-tag")
    assert forgotten_of() == []


def test_more_than_a_batch_is_forgotten_batch_by_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    kept = world.reply(text="Waits.")
    for number in range(5):
        world.reply_in(Status.SPAM, text=f"Zebra {number}.", network="net-tag")
    after(91)
    assert everywhere("Zebra") == []
    assert everywhere("net-tag") == []
    assert sum(int(note or 0) for rule, note in forgotten_of() if rule == retention.TEXTS) == 5
    assert kept.newest.source == "Waits."
    assert db.session.scalars(select(Comment).where(Comment.email != "")).all() == [kept]


def test_its_receipt_shows_no_words_and_offers_no_edit(app: Flask, world: World) -> None:
    comment = world.reply_in(Status.REJECTED, text="Zebra.")
    token = receipts.token_of(comment, secret=app.config["RECEIPT_KEY"])
    after(91)
    db.session.rollback()
    client = app.test_client()
    answer = client.get(f"/receipts/{token}")
    assert (answer.status_code, "Zebra" in answer.get_data(as_text=True)) == (200, False)
    assert "The text is no longer kept." in answer.get_data(as_text=True)
    assert client.get(f"/receipts/{token}/edit").status_code == 404
    told = client.get(f"/receipts/{token}", headers={"Accept": "application/json"}).json
    assert (told["status"], told["comment"], told["public"]) == ("rejected", "", False)


def test_a_card_of_a_forgotten_text_says_so_and_offers_nothing(app: Flask, world: World) -> None:
    comment = world.reply_in(Status.SPAM, text="Zebra.")
    number = comment.newest.id
    after(91)
    db.session.rollback()
    ana = signed_in(app, "ana@staff.example")
    for path in (f"/queue/{number}", "/queue/?view=spam"):
        html = ana.get(path).get_data(as_text=True)
        assert "These words are forgotten" in html
        assert 'value="approve"' not in html
        assert "Refused texts forgotten on schedule" in ana.get("/log/").get_data(as_text=True)
