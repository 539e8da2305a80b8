"""A page closes by hand or by its age, for readers and writers alike, and a held reply moves nothing of it."""

from datetime import timedelta

import pytest
from flask import Flask

from moderation import intake, publishing
from moderation.db import db
from moderation.models import Action, Status, Thread, Via
from moderation.publishing import closing
from tests.conftest import NOW, ORIGIN, PAGE
from tests.world import World, make_world

DAY = timedelta(days=1)


@pytest.fixture
def world(app: Flask, context: None) -> World:
    """Return a site that closes its pages after three days."""
    world = make_world(app)
    world.site.close_days = 3
    db.session.commit()
    return world


def test_a_page_closes_so_many_days_after_its_first_public_reply(world: World) -> None:
    held = world.reply("Held, and first.")
    assert publishing.document(world.site, PAGE).closes is None
    first = world.reply_in(Status.APPROVED, text="First that is public.", email="two@home.example")
    closes = first.received_at + 3 * DAY
    world.reply("Held later.", email="three@home.example")
    found = publishing.document(world.site, PAGE)
    assert found.closes == closes
    assert [found.is_closed(closes - timedelta(seconds=1)), found.is_closed(closes)] == [False, True]
    world.now = closes - timedelta(minutes=2)
    world.reply("Just in time.", email="four@home.example")
    with pytest.raises(intake.Closed):
        world.reply("Too late.", email="five@home.example")
    db.session.rollback()
    # What is public decides: with an older reply approved, it has been closed for longer.
    world.decide(Action.APPROVE, held.newest)
    assert publishing.document(world.site, PAGE).closes == held.received_at + 3 * DAY


def test_a_page_that_is_not_public_or_a_site_that_never_closes_stays_open(world: World) -> None:
    world.reply("Held.")
    world.now += 30 * DAY
    world.reply("Held much later.", email="two@home.example")
    public = world.reply_in(Status.APPROVED, text="Public.", email="three@home.example")
    world.site.close_days = 0
    db.session.commit()
    world.now += 3000 * DAY
    world.reply("Years later.", email="four@home.example")
    assert publishing.document(world.site, PAGE).closes is None
    assert public.is_public


def test_a_page_is_closed_and_opened_by_hand_and_the_log_says_so(world: World) -> None:
    empty = f"{ORIGIN}/nobody/has/replied"
    for page in (PAGE, empty):
        before = publishing.document(world.site, page)
        thread = closing.set_closed(world.site, page, closed=True, now=world.later(), via=Via.CLI)
        db.session.commit()
        found = publishing.document(world.site, page)
        assert found.stamp > before.stamp
        assert found.is_closed(NOW)
        with pytest.raises(intake.Closed):
            world.reply(page=page)
        db.session.rollback()
        closing.set_closed(world.site, f"{page}/?utm_source=x", closed=False, now=world.later(), via=Via.CLI)
        db.session.commit()
        assert not publishing.document(world.site, page).is_closed(NOW)
        assert world.reply(page=page, email="one@home.example").thread_id == thread.id
    assert db.session.scalars(db.select(db.func.count(Thread.id))).one() == 2
    assert world.faults() == []
