"""One's own reply in the embed: it stands in its place while it is held, and becomes what was decided."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.embedding import Place, fill, look_again, open_, post
from tests.journeys.test_embed_form import status
from tests.server import until

pytestmark = pytest.mark.browser


def test_a_held_reply_becomes_public_before_ones_eyes(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    address = place.article()
    [first] = place.publish(address, "Wider is good news.")
    open_(page, address)
    page.get_by_role("button", name="Reply to Margit Olsen").click()
    fill(page, "I say so too.")
    post(page)
    held = page.locator("article.mine")
    expect(held).to_be_focused()
    expect(page.locator(f"li:has(#comment-{first}) article.mine")).to_have_count(1)
    page.reload()
    expect(held).to_contain_text("I say so too.")
    expect(held.get_by_role("heading")).to_have_text("Your reply is held for review")
    held.focus()
    place.decide("approve", place.newest())
    look_again(page)
    expect(status(page)).to_have_text("Your reply is published.")
    # The thread may be a second behind its receipts: until it follows, the card says so.
    until(lambda: (look_again(page), not held.count())[1], lambda: "the reply stands in the thread")
    expect(page.locator(f"#comment-{place.newest()}")).to_be_focused()
    expect(page.locator(f"#comment-{place.newest()}")).to_contain_text("I say so too.")
    page.reload()
    expect(page.locator(f"#comment-{place.newest()}")).to_be_visible()
    expect(held).to_have_count(0)


def test_ones_own_reply_is_no_news_where_the_thread_is_behind_its_receipt(
    place: Place, browse: Callable[..., Page]
) -> None:
    page = browse()
    address = place.article()
    place.publish(address, "Wider is good news.")
    open_(page, address)
    fill(page, "I say so too.")
    post(page)
    expect(page.locator("article.mine")).to_be_focused()
    before = page.request.get(f"{place.service}/sites/{place.key}/thread.json", params={"page": address}).text()
    place.decide("approve", place.newest())
    asked: list[Route] = []

    def behind(route: Route) -> None:
        asked.append(route)
        # Only the first that is asked now is as it was before the decision.
        if len(asked) == 1:
            route.fulfill(body=before, content_type="application/json", headers={"Access-Control-Allow-Origin": "*"})
        else:
            route.continue_()

    page.route("**/thread.json?**", behind)
    held, here = page.locator("article.mine"), page.locator(f"#comment-{place.newest()}")
    until(lambda: (look_again(page), not held.count())[1], lambda: "the reply stands in the thread")
    expect(here).to_contain_text("I say so too.")
    expect(status(page)).to_have_text("Your reply is published.")
    expect(page.get_by_role("button", name="1 new reply")).to_be_hidden()


def test_a_refusal_is_told_and_a_forgotten_receipt_goes(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    open_(page, place.article())
    fill(page, "Prams, very cheap, at my shop.")
    post(page)
    held = page.locator("article.mine")
    expect(held).to_be_visible()
    place.decide("spam", place.newest())
    look_again(page)
    expect(held.get_by_role("heading")).to_have_text("Your reply was not approved: see its receipt")
    expect(status(page)).to_have_text("Your reply was not approved: see its receipt")
    held.get_by_role("button", name="Put this away").press("Enter")
    expect(held).to_have_count(0)
    expect(page.get_by_role("heading", name="No replies yet")).to_be_focused()
    page.evaluate(
        """([service, key]) => localStorage.setItem(`leave-a-reply:${key}:${location.href}`,
            JSON.stringify([{ receipt: `${service}/receipts/1.${"a".repeat(22)}`, text: "Gone.", state: "held" },
              7, null, { receipt: "https://evil.example/receipts/1.x", text: "Foreign.", state: "held" }]))""",
        [place.service, place.key],
    )
    requests: list[str] = []
    page.on("request", lambda one: requests.append(one.url))
    open_(page, page.url)
    expect(held).to_have_count(0)
    assert [one for one in requests if "evil" in one] == []
