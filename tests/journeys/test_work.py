"""A proof of work in the browser: found while one writes, under the strictest policy; without a script by hand."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from moderation.db import db
from moderation.models import Revision
from tests.journeys.embedding import Place, fill, open_, post

pytestmark = pytest.mark.browser


def findings(place: Place, words: str) -> set[object]:
    """Return what was noticed about a text, of what a proof has to do with."""
    with place.desk.app.app_context():
        row = db.session.scalars(select(Revision.findings).where(Revision.source == words)).one()
    return {finding["code"] for finding in row} & {"no-proof", "no-token"}


def test_the_embed_proves_it_under_the_strictest_policy(place: Place, browse: Callable[..., Page]) -> None:
    place.set(proof="on")
    page = browse()
    open_(page, place.article(policy=place.strict))
    fill(page, "Proven in the embed.")
    post(page)
    expect(page.locator("article.mine")).to_contain_text("Proven in the embed.")
    assert findings(place, "Proven in the embed.") == set()


def test_a_flood_that_begins_while_one_writes_costs_one_more_press(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    open_(page, place.article())
    with page.expect_response("**/form?*"):
        fill(page, "Caught by a flood.")
    place.set(proof="on")
    post(page)
    expect(page.get_by_role("alert")).to_contain_text("Please wait a moment, then try again.")
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("Caught by a flood.")
    post(page)
    expect(page.locator("article.mine")).to_contain_text("Caught by a flood.")
    assert findings(place, "Caught by a flood.") == set()


def test_the_threads_own_page_proves_it_too(place: Place, browse: Callable[..., Page]) -> None:
    place.set(proof="on")
    page = browse()
    page.goto(f"{place.service}/sites/{place.key}/thread?page={place.website.origin}/own")
    fill(page, "Proven on the thread's page.")
    post(page)
    page.wait_for_url("**/receipts/**")
    assert findings(place, "Proven on the thread's page.") == set()


def test_without_a_script_it_is_read_once_more_and_held(place: Place, browse: Callable[..., Page]) -> None:
    place.set(proof="on")
    page = browse(java_script_enabled=False)
    page.goto(f"{place.service}/sites/{place.key}/thread?page={place.website.origin}/plain")
    fill(page, "Confirmed by hand.")
    post(page)
    expect(page.get_by_role("heading", name="Read it once more, then post it")).to_be_visible()
    page.locator("article.mine").get_by_role("button", name="Post Comment").click()
    page.wait_for_url("**/receipts/**")
    assert findings(place, "Confirmed by hand.") == {"no-proof"}
