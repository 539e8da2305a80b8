"""Many at once: all of a view, and what belongs together as one card; with scripts and through plain forms."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.desk import PATIENCE, Desk, card, expect_told, ready, sign_in, texts

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
#: One pattern, whatever the number and the address in it.
ALIKE = [f"Great article! More useful tips for garden number {n} at https://garden-{n}.example" for n in range(3)]


def come(desk: Desk, browse: Browse, email: str, *, script: bool) -> Page:
    """Open the queue, and wait for its script where there is one."""
    page = sign_in(browse(java_script_enabled=script), desk, email)
    if script:
        ready(page)
    return page


def told(page: Page, script: bool, *, scripted: str, plain: str) -> None:
    """Wait for the announcement of a press: each way has words of its own."""
    expect_told(page, scripted if script else plain)


def test_two_hundred_are_decided_but_for_three(desk: Desk, browse: Browse, script: bool) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(200))
    page = come(desk, browse, ana, script=script)
    # This page hears of nothing but its own presses.
    page.route("**/queue/changes**", lambda route: route.abort())
    ticks = page.locator("main .tick input")
    ticks.first.check()
    page.get_by_label("all 200 of this view").check()
    if not script:
        for tick in ticks.all():
            tick.check()
    expect(page.locator("main .tick :checked")).to_have_count(20)
    left = [ids[1], ids[3], ids[19]]
    desk.decide(piet, "reject", *left)
    later = desk.hold(site, "This one came after the page was loaded.")
    page.locator(".bulk").get_by_role("button", name="Approve").click()
    told(page, script, scripted="Approved: 197.", plain="197 replies approved.")
    told(page, script, scripted="Left as they are: 3.", plain="3 were left as they are: they had changed meanwhile.")
    named = page.locator("[data-told] li a")
    expect(named).to_have_text([re.compile(f"Rejected by Piet{desk.made}, ")] * 3)
    hrefs = [str(link.get_attribute("href")) for link in named.all()]
    assert sorted(int(href.rpartition("/")[2]) for href in hrefs) == left
    expected = ["rejected" if id_ in left else "approved" for id_ in ids]
    assert desk.statuses(*ids, *later) == [*expected, "pending"]
    if script:
        expect(page.locator("main .card.done")).to_have_count(20)
        expect(card(page, left[0]).locator(".verdict")).to_contain_text(f"Rejected by Piet{desk.made}, ")

    page.locator("[data-told]").get_by_role("button", name="Undo").click()
    told(page, script, scripted="Taken back: 197.", plain="197 replies are back as they were.")
    expected = ["rejected" if id_ in left else "pending" for id_ in ids]
    assert desk.statuses(*ids, *later) == [*expected, "pending"]


def test_ticked_ones_of_a_page_are_decided_together(desk: Desk, browse: Browse, script: bool) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(4))
    page = come(desk, browse, ana, script=script)
    for place in (0, 1, 3):
        page.locator("main .tick input").nth(place).check()
    desk.decide(piet, "spam", ids[1])
    page.locator(".bulk").get_by_role("button", name="Reject…").click()
    page.get_by_label(re.compile(re.escape(desk.reasons(site)[1]))).check()
    page.get_by_role("button", name="Reject all ticked").click()
    told(page, script, scripted="Rejected: 2. Left as they are: 1.", plain="2 replies rejected.")
    assert desk.statuses(*ids) == ["rejected", "spam", "pending", "rejected"]
    assert desk.log(ids[3])[-1] == ("reject", desk.reasons(site)[1])


def test_nothing_is_sent_twice_when_all_were_decided_before(desk: Desk, browse: Browse) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(3))
    page = come(desk, browse, ana, script=True)
    page.route("**/queue/changes**", lambda route: route.abort())
    desk.decide(piet, "reject", *ids[:2])
    for place in (0, 1):
        page.locator("main .tick input").nth(place).check()
    page.locator(".bulk").get_by_role("button", name="Approve").click()
    expect_told(page, "Already decided")
    expect(page.locator("[data-told] li")).to_have_text([re.compile(f"Rejected by Piet{desk.made}, ")] * 2)
    assert desk.statuses(*ids) == ["rejected", "rejected", "pending"]


def hold_group(desk: Desk, site: str) -> list[int]:
    """Hold three of one pattern by three authors on two pages."""
    first = desk.hold(site, ALIKE[0], authors=("Ada",))
    return first + desk.hold(site, *ALIKE[1:], page="/demo/other", authors=("Ben", "Cem"))


def test_a_group_is_decided_but_for_the_unticked(desk: Desk, browse: Browse, script: bool) -> None:
    site, (ana,) = desk.open_site("Ana")
    ids = hold_group(desk, site)
    page = come(desk, browse, ana, script=script)
    expect(page.locator("main .card")).to_have_count(1)
    page.get_by_text("3 alike on 2 pages").click()
    group = page.locator(".group")
    expect(group.get_by_role("link")).to_have_text(["Ben", "Cem"])
    group.get_by_label("Decide the reply by Cem with it").uncheck()
    if script:
        expect(page.get_by_role("button", name="Reject… 2")).to_be_visible()
    page.get_by_role("button", name=re.compile("Approve")).click()
    told(page, script, scripted="Approved: 2.", plain="2 replies approved.")
    if script:
        expect_told(page, "Approved: 2.", undo=True)
    assert desk.statuses(*ids) == ["approved", "approved", "pending"]
    page.get_by_role("button", name="Undo").click()
    told(page, script, scripted="Taken back: 2.", plain="2 replies are back as they were.")
    # Taken back, the group can be decided anew as it stands.
    page.get_by_role("button", name=re.compile("Spam")).click()
    if script:
        expect_told(page, "Marked as spam: 2.", undo=True)
        assert desk.statuses(*ids) == ["spam", "spam", "pending"]
    else:
        expect_told(page, "3 replies marked as spam.")
        assert desk.statuses(*ids) == ["spam"] * 3


def test_a_reason_rejects_a_whole_group(desk: Desk, browse: Browse, script: bool) -> None:
    site, (ana,) = desk.open_site("Ana")
    ids = hold_group(desk, site)
    page = come(desk, browse, ana, script=script)
    page.get_by_role("button", name="Reject… 3").click()
    page.get_by_role("button", name=re.compile(re.escape(desk.reasons(site)[1]))).click()
    told(page, script, scripted="Rejected: 3.", plain="3 replies rejected.")
    if script:
        expect_told(page, "Rejected: 3.", undo=True)
    assert [desk.log(id_) for id_ in ids] == [[("submit", None), ("reject", desk.reasons(site)[1])]] * 3


def test_what_a_colleague_took_from_a_group_is_not_pressed_with_it(desk: Desk, browse: Browse) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = hold_group(desk, site)
    page = come(desk, browse, ana, script=True)
    page.get_by_text("3 alike on 2 pages").click()
    desk.decide(piet, "spam", ids[1])
    expect(page.locator(".group")).to_contain_text(f"Marked as spam by Piet{desk.made}, ", timeout=PATIENCE)
    page.get_by_role("button", name="Approve 2").click()
    expect_told(page, "Approved: 2.", undo=True)
    assert desk.statuses(*ids) == ["approved", "spam", "approved"]
