"""The queue without JavaScript: everything is a form or a link, and leads back to the place it was pressed at."""

import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.desk import Desk, card, expect_told, sign_in, texts

pytestmark = pytest.mark.browser


def first_card(page: Page) -> int:
    """Return the text on top of the list."""
    return int(str(page.locator("main .card").first.get_attribute("id")).removeprefix("r"))


def test_everything_is_a_form(desk: Desk, browse: Callable[..., Page]) -> None:
    site, (ana, _) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(30))
    page = sign_in(browse(java_script_enabled=False), desk, ana)

    card(page, ids[0]).get_by_role("button", name="Approve").click()
    expect_told(page, "1 reply approved.", undo=True)
    assert desk.status(ids[0]) == "approved"
    page.get_by_role("button", name="Undo").click()
    expect_told(page, "1 reply is back as it was.")
    assert desk.status(ids[0]) == "pending"

    card(page, ids[0]).get_by_role("button", name="Reject…").click()
    why = page.get_by_role("dialog", name="Reject because")
    why.get_by_role("textbox").fill("Seen on three other sites.")
    why.get_by_role("button", name=re.compile(re.escape(desk.reasons(site)[3]))).click()
    expect_told(page, "1 reply rejected.", undo=True)
    assert desk.log(ids[0])[-1] == ("reject", desk.reasons(site)[3])

    card(page, ids[1]).get_by_role("button", name="Note").click()
    note = page.get_by_role("dialog", name="Note to colleagues")
    note.get_by_role("textbox").fill("Is this the mayor?")
    note.get_by_role("button", name="Leave the note").press("Enter")
    expect_told(page, "Noted.")
    card(page, ids[1]).get_by_role("button", name="Note").click()
    note.get_by_role("combobox").select_option(label=f"Piet{desk.made}")
    note.get_by_role("button", name="Leave the note").press("Enter")
    expect_told(page, "Handed over.")
    expect(card(page, ids[1])).to_contain_text(f"Handed to Piet{desk.made}")
    assert [action for action, _ in desk.log(ids[1])] == ["submit", "note", "hand"]

    card(page, ids[1]).get_by_role("button", name="Answer").click()
    answer = page.get_by_role("dialog", name="Answer as The Courier")
    answer.get_by_role("textbox").fill("No, her sister.")
    answer.get_by_role("button", name="Publish the answer").press("Enter")
    expect_told(page, "Approved, and the answer is published.", undo=True)
    assert [one["author"] for one in desk.public(site, page)] == ["Margit", "The Courier"]

    page.get_by_role("link", name="Next page").click()
    expect(card(page, ids[29])).to_be_visible()
    there = page.url
    card(page, ids[29]).get_by_role("button", name="Spam").click()
    expect_told(page, "1 reply marked as spam.", undo=True)
    assert (unquote(page.url), desk.status(ids[29])) == (unquote(there), "spam")

    page.get_by_role("link", name="To the start").click()
    page.get_by_role("button", name="Newest first").click()
    assert first_card(page) == ids[28]
    page.get_by_role("button", name="Oldest first").click()
    assert first_card(page) == ids[2]

    page.get_by_role("searchbox").fill("path")
    page.get_by_role("button", name="Show", exact=True).click()
    shown = page.locator("main .card")
    expect(shown.filter(has_text="path")).to_have_count(shown.count())
    page.get_by_role("link", name=re.compile("path.*take away")).click()
    page.get_by_text("More filters").click()
    page.get_by_label("Author: email address, or the whole name").fill("nobody@home.example")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="Nothing fits.")).to_be_visible()
    page.get_by_role("link", name="Show all").last.click()

    page.get_by_role("link", name="Spam 1").click()
    card(page, ids[29]).get_by_role("button", name="Put back to waiting").click()
    expect_told(page, "1 reply put back to waiting.", undo=True)
    assert desk.status(ids[29]) == "pending"


def test_who_was_faster_is_named_on_a_page(desk: Desk, browse: Callable[..., Page]) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(2))
    page = sign_in(browse(java_script_enabled=False), desk, ana)
    desk.decide(piet, "reject", ids[0])
    card(page, ids[0]).get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Nothing was decided")).to_be_visible()
    expect(page.get_by_text(re.compile(rf"Rejected by Piet{desk.made}, .*\d\d:\d\d")).first).to_be_visible()
    assert desk.statuses(*ids) == ["rejected", "pending"]
    card(page, ids[0]).get_by_role("button", name="Approve").click()
    expect_told(page, "1 reply approved.", undo=True)
    assert desk.statuses(*ids) == ["approved", "pending"]
