"""Two moderators at once, each with a browser: they see each other, and never decide one reply twice."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.desk import PATIENCE, Desk, card, expect_at_hand, expect_told, ready, sign_in, texts

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
PLACES = """cards => cards.map((card) => {
  const { x, y, width, height } = card.getBoundingClientRect();
  return [x, y + scrollY, width, height];
})"""


def places(page: Page) -> list[list[float]]:
    """Return where on the page every card stands, and how large it is."""
    found: list[list[float]] = page.locator("main .queue .card").evaluate_all(PLACES)
    return found


def test_each_sees_what_the_other_has_open(desk: Desk, browse: Browse) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(3))
    first = browse()
    with first.expect_response("**/queue/presence"):
        sign_in(first, desk, ana)
    expect_at_hand(first, ids[0], focused=False)
    second = sign_in(browse(), desk, piet)
    ready(second)
    # What Ana reads is not offered to Piet first.
    expect(card(second, ids[0]).get_by_text(f"Ana{desk.made} has this open")).to_be_visible(timeout=PATIENCE)
    expect_at_hand(second, ids[1], focused=False)
    before = places(first)
    expect(card(first, ids[1]).get_by_text(f"Piet{desk.made} has this open")).to_be_visible(timeout=PATIENCE)
    expect(first.get_by_text(f"Here too: Piet{desk.made}")).to_be_visible()
    assert places(first) == before
    # Nor after a decision: the next one is the one that nobody reads.
    first.keyboard.press("a")
    expect_at_hand(first, ids[2])
    second.close()
    expect(card(first, ids[1]).locator(".seen-by")).to_be_hidden(timeout=PATIENCE)


def test_a_card_decided_elsewhere_turns_grey_where_it_stands(desk: Desk, browse: Browse) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(4))
    first, second = sign_in(browse(), desk, ana), sign_in(browse(), desk, piet)
    ready(first)
    ready(second)
    before = places(first)
    card(second, ids[2]).get_by_role("button", name="Spam").click()
    expect_told(second, "Marked as spam: 1.", undo=True)
    verdict = card(first, ids[2]).locator(".verdict")
    expect(verdict).to_have_text(re.compile(rf"Marked as spam by Piet{desk.made}, .*\d\d:\d\d"), timeout=PATIENCE)
    expect(card(first, ids[2])).to_have_class(re.compile("done"))
    assert places(first) == before

    # Whoever presses all the same is told, and changes nothing.
    card(first, ids[2]).focus()
    first.keyboard.press("a")
    expect_told(first, f"Already decided: Marked as spam by Piet{desk.made}, ")
    assert desk.log(ids[2]) == [("submit", None), ("spam", None)]

    # What the colleague takes back can be decided again.
    second.locator("[data-told]").get_by_role("button", name="Undo").click()
    expect_told(second, "Taken back: 1.")
    expect(card(first, ids[2])).not_to_have_class(re.compile("done"), timeout=PATIENCE)
    card(first, ids[2]).get_by_role("button", name="Approve").click()
    expect_told(first, "Approved: 1.", undo=True)
    assert desk.status(ids[2]) == "approved"


def test_two_presses_on_one_reply_are_one_decision(desk: Desk, browse: Browse) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(2))
    first, second = sign_in(browse(), desk, ana), sign_in(browse(), desk, piet)
    for page in (first, second):
        ready(page)
        # Neither hears of the other before pressing.
        page.route("**/queue/changes**", lambda route: route.abort())
    pressed = {first: "Approve", second: "Spam"}
    for page, name in pressed.items():
        card(page, ids[0]).get_by_role("button", name=name).click()
    expect_told(first, "Approved: 1.", undo=True)
    expect_told(second, f"Already decided: Approved by Ana{desk.made}, ")
    expect(card(second, ids[0]).locator(".verdict")).to_contain_text(f"Approved by Ana{desk.made}, ")
    assert desk.log(ids[0]) == [("submit", None), ("approve", None)]


def test_new_ones_are_announced_and_wait_to_be_asked_for(desk: Desk, browse: Browse) -> None:
    site, (ana,) = desk.open_site("Ana")
    ids = desk.hold(site, *texts(2))
    page = sign_in(browse(), desk, ana)
    ready(page)
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("^data:image/png"), timeout=PATIENCE)
    drawn, before = icon.get_attribute("href"), places(page)
    ids += desk.hold(site, texts(3)[2])
    fresh = page.get_by_role("status").get_by_role("button", name="1 new")
    expect(fresh).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_title(re.compile(r"^\(3\) "))
    assert icon.get_attribute("href") != drawn
    assert places(page) == before
    fresh.click()
    expect_at_hand(page, ids[2])
    assert places(page)[:2] == before
    expect(fresh).to_have_count(0)


def test_without_a_connection_the_queue_says_so_and_goes_on(desk: Desk, browse: Browse) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(2))
    page = sign_in(browse(), desk, ana)
    ready(page)
    before = places(page)
    page.context.set_offline(True)
    expect(page.locator("body")).to_have_class(re.compile("offline"), timeout=PATIENCE)
    expect(page.get_by_role("status").filter(has_text="No connection")).to_be_visible()
    assert places(page) == before
    page.keyboard.press("a")
    expect_told(page, "The service does not answer.")
    expect_at_hand(page, ids[0])
    desk.decide(piet, "approve", ids[1])
    page.context.set_offline(False)
    expect(page.locator("body")).not_to_have_class(re.compile("offline"), timeout=PATIENCE)
    expect(page.get_by_text("No connection")).to_have_count(0)
    expect(card(page, ids[1])).to_have_class(re.compile("done"), timeout=PATIENCE)
    page.keyboard.press("a")
    expect_told(page, "Approved: 1.", undo=True)
    assert desk.statuses(*ids) == ["approved", "approved"]
