"""The numbers are those of what was done; the plots draw them, and a table stands behind each."""

from datetime import date, timedelta

import pytest
from flask import Flask

from moderation import lifecycle
from moderation.db import clock, db
from moderation.models import Action, Entry, Revision, Role, Via
from moderation.review.numbers import Day, Moderator, Why, numbers
from moderation.web import logplots
from tests.conftest import make_account, make_site, signed_in
from tests.web.asking import Page
from tests.web.test_queue_pages import counted
from tests.world import World, make_world

#: Yesterday: the page shows the days before the day it is asked on.
NOW = (clock() - timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
TODAY = NOW.date()


def press(world: World, action: Action, number: int, *, who: str, after: int, reason: int | None = None) -> Entry:
    """Let a reply arrive, and somebody decide it so many minutes later."""
    comment = world.reply(f"Reply {number}.", email=f"a{number}@home.example")
    world.batches += 1
    by = lifecycle.decider(
        world.person(who),
        via=Via.QUEUE,
        at=world.later(after),
        batch=f"batch-{world.batches}",
        reason=None if reason is None else world.site.reasons[reason],
    )
    entry = lifecycle.decide(action, comment.newest, seen=0, by=by)
    db.session.commit()
    return entry


def act(world: World) -> None:
    """Do something on three days in a row."""
    world.now = NOW - timedelta(days=2)
    press(world, Action.APPROVE, 1, who="ana", after=10)
    press(world, Action.REJECT, 2, who="ana", after=30, reason=2)
    world.now = NOW - timedelta(days=1)
    press(world, Action.REJECT, 3, who="piet", after=120, reason=2)
    press(world, Action.REJECT, 4, who="piet", after=60, reason=2)
    press(world, Action.REJECT, 5, who="piet", after=90)
    world.now = NOW
    world.undo(press(world, Action.SPAM, 6, who="ana", after=50))
    press(world, Action.RETURN, 7, who="piet", after=5)
    world.reply("Nobody has decided this.", email="wait@home.example")


@pytest.fixture
def world(app: Flask) -> World:
    """Return a world in which something was done."""
    made = make_world(app)
    with app.app_context():
        act(made)
    return made


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_numbers_are_those_of_what_was_done(app: Flask, world: World) -> None:
    with app.app_context():
        found = numbers(world.person("ana"), 7, now=NOW + timedelta(hours=3))
        db.session.rollback()
    assert len(found.days) == 7
    assert list(found.days[:4]) == [Day(TODAY - timedelta(days=ago)) for ago in (6, 5, 4, 3)]
    assert list(found.days[4:]) == [
        Day(TODAY - timedelta(days=2), 2, approved=1, rejected=1, median=minutes(20), longest=minutes(30)),
        Day(TODAY - timedelta(days=1), 3, rejected=3, median=minutes(90), longest=minutes(120)),
        Day(TODAY, 3, spam=1, other=1, undone=1, median=minutes(27.5), longest=minutes(50)),
    ]
    assert found.moderators == [
        Moderator("Ana", approved=1, rejected=1, spam=1, undone=1, wait=minutes(30)),
        Moderator("Piet", rejected=3, other=1, wait=minutes(75)),
    ]
    assert found.reasons == [
        Why("Courier", "Advertising", 3, "Piet", 2),
        Why("Courier", None, 1, "Piet", 1),
    ]


def test_what_was_done_before_is_not_counted(app: Flask, world: World) -> None:
    with app.app_context():
        found = numbers(world.person("ana"), 7, now=NOW + timedelta(days=6))
        db.session.rollback()
    assert [(one.name, one.approved, one.spam) for one in found.moderators] == [("Ana", 0, 1), ("Piet", 0, 0)]
    assert [day.arrivals for day in found.days] == [3, 0, 0, 0, 0, 0, 0]
    assert found.reasons == []


def test_a_text_that_was_put_back_later_waited_until_it_was_decided_first(app: Flask, world: World) -> None:
    with app.app_context():
        entry = press(world, Action.APPROVE, 9, who="piet", after=40)
        world.later(60)
        world.decide(Action.REOPEN, text_of(entry))
        found = numbers(world.person("ana"), 7, now=world.now)
        db.session.rollback()
    assert found.days[-1].longest == minutes(50)
    assert found.moderators[1].wait == minutes(60)


def text_of(entry: Entry) -> Revision:
    """Return the text that an entry is about."""
    return db.session.get_one(Revision, entry.revision_id)


def test_nobody_counts_another_site(app: Flask, world: World) -> None:
    make_site(app, "harbour", "https://harbour.example")
    make_account(app, "Hanna", harbour=Role.OWNER)
    with app.app_context():
        found = numbers(world.person("hanna"), 90, now=NOW + timedelta(hours=3))
        db.session.rollback()
    assert (found.moderators, found.reasons) == ([], [])
    assert {(day.arrivals, day.rejected, day.longest) for day in found.days} == {(0, 0, None)}


@pytest.mark.parametrize("days", [7, 30, 90])
def test_the_page_draws_three_plots_with_a_table_behind_each(app: Flask, world: World, days: int) -> None:
    ana = signed_in(app, "ana@staff.example")
    page = Page(ana.get(f"/log/numbers?days={days}"))
    assert page.unbalanced == []
    plots = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert [plot["role"] for plot in plots] == ["img"] * 3
    for plot, name in zip(plots, ("arrivals", "decisions", "waits"), strict=True):
        assert page.by_id[str(plot["aria-labelledby"])].strip()
        assert page.by_id[str(plot["aria-describedby"])].strip()
        table = page.html.split(f'id="{name}-table"')[1].split("</table>")[0]
        assert table.count("<tr>") == days + 1
    # Three ways to fill a bar, and the word above each row: no colour is needed to tell them apart.
    kinds = [attributes.get("class") for tag, attributes in page.tags if tag == "rect"]
    assert kinds == [*["full"] * 3, "full", "hatched", "hatched", "hollow"]
    assert "style" not in {name for _, attributes in page.tags for name in attributes}
    chosen = [attributes["href"] for _, attributes in page.tags if attributes.get("aria-current") == "page"]
    assert f"/log/numbers?days={days}" in chosen


def test_the_numbers_of_one_site_leave_the_other_sites_out(app: Flask, world: World) -> None:
    make_site(app, "gazette", "https://gazette.example")
    with app.app_context():
        make_account(app, "Bo", courier=Role.MODERATOR, gazette=Role.MODERATOR)
        arrived = {
            asked: sum(day.arrivals for day in numbers(world.person("bo"), 7, site=asked, now=NOW).days)
            for asked in ("", "courier", "gazette", "no-such-site")
        }
    assert arrived == {"": 8, "courier": 8, "gazette": 0, "no-such-site": 0}
    page = Page(signed_in(app, "bo@staff.example").get("/log/numbers?site=gazette"))
    current = [
        attributes["href"]
        for _, attributes in page.tags
        if attributes.get("class") == "chip" and "aria-current" in attributes
    ]
    assert current == ["/log/numbers?days=30&site=gazette", "/log/numbers?days=30&site=gazette"]


@pytest.mark.sqlite_only
def test_the_page_costs_the_same_questions_whatever_was_done(app: Flask, world: World) -> None:
    ana = signed_in(app, "ana@staff.example")
    costs = []
    for first in (20, 30):
        with counted(app) as asked:
            assert ana.get("/log/numbers").status_code == 200
        costs.append(len(asked))
        with app.app_context():
            for number in range(first, first + 10):
                press(world, Action.APPROVE, number, who="ana", after=3)
    assert costs[0] == costs[1] <= 9


@pytest.mark.parametrize(("number", "top"), [(0, 1), (1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (99, 100), (101, 200)])
def test_a_scale_ends_at_a_round_number(number: int, top: int) -> None:
    row = logplots.bars([Day(date(2026, 11, 22), arrivals=number)], "arrivals")
    assert row.ticks[-1] == (top, logplots.ABOVE)
    assert all(logplots.ABOVE <= bar.y <= row.base for bar in row.bars)


def test_marks_stay_in_their_box() -> None:
    lengths = [timedelta(0), minutes(1), minutes(45), timedelta(days=3), timedelta(days=400)]
    days = [Day(TODAY, median=length, longest=length * 2) for length in lengths]
    for shown in (days[:1], days[:3], days):
        found = logplots.waits(shown)
        for mark in found.marks:
            assert logplots.ABOVE <= round(mark.longest, 6) <= round(mark.median, 6) <= found.base
            assert logplots.LEFT < mark.x < logplots.WIDTH
