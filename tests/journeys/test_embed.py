"""The embed in the hands of its visitor: preview, an answer to somebody, a line that drops, a refusal."""

import json
import re
import urllib.parse
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import sign_in
from tests.server import Server

pytestmark = pytest.mark.browser


def write(page: Page, server: Server, words: str) -> None:
    """Open the article and fill the form."""
    page.goto(server.demo_url)
    for label, text in {"Comment": words, "Name": "Ines", "Email": "ines@home.example"}.items():
        page.get_by_role("textbox", name=label).fill(text)


def test_a_preview_shows_the_words_as_they_would_be_published(server: Server, browse: Callable[..., Page]) -> None:
    page = browse()
    write(page, server, "It is *steep*, see https://town.example/ramp <b>now</b>")
    page.get_by_role("button", name="Preview").click()
    shown = page.get_by_role("region", name="Preview")
    expect(shown.locator("em")).to_have_text("steep")
    expect(shown.locator("a")).to_have_attribute("href", "https://town.example/ramp")
    expect(shown).to_contain_text("<b>now</b>")
    page.get_by_role("button", name="Back to writing").click()
    expect(page.get_by_role("textbox", name="Comment")).to_have_value(re.compile("steep"))


def test_an_answer_stands_below_whom_it_answers(server: Server, owner: str, browse: Callable[..., Page]) -> None:
    words = "I pushed that pram too."
    page = browse()
    write(page, server, words)
    page.get_by_role("button", name="Reply to Margit Olsen").or_(
        page.get_by_role("link", name="Reply to Margit Olsen")
    ).click()
    expect(page.get_by_role("heading", name="Leave a Reply to Margit Olsen")).to_be_visible()
    page.get_by_role("button", name="Post Comment").click()
    held = page.locator("article.mine", has_text=words)
    expect(held).to_be_focused()
    queue = sign_in(browse(), server, owner)
    card = queue.locator("article.card", has_text=words)
    expect(card.locator("blockquote")).to_contain_text("Margit Olsen")
    card.get_by_role("button", name="Approve").click()
    expect(queue.get_by_role("button", name="Undo")).to_be_visible()
    there = urllib.parse.quote(server.demo_url, safe="")
    comments = json.loads(server.get(f"/sites/demo/thread.json?page={there}")[1])["comments"]
    [answer] = [one for one in comments if words in str(one.get("body"))]
    [parent] = [one for one in comments if one["id"] == answer["parent"]]
    assert (parent["author"], answer["depth"]) == ("Margit Olsen", 1)


def test_a_reply_whose_answer_was_lost_is_sent_again_and_held_once(
    server: Server, owner: str, browse: Callable[..., Page]
) -> None:
    words = "The line dropped on me."
    page = browse()
    dropped: list[str] = []

    def drop(route: Route) -> None:
        # The service takes it; only its answer never comes back.
        route.fetch()
        dropped.append(route.request.post_data or "")
        route.abort()

    write(page, server, words)
    page.route("**/sites/demo/replies", drop, times=1)
    page.get_by_role("button", name="Post Comment").click()
    expect(page.get_by_role("heading", name="Your reply could not be sent")).to_be_visible()
    expect(page.get_by_role("textbox", name="Comment")).to_have_value(words)
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("article.mine", has_text=words)).to_be_visible()
    queue = sign_in(browse(), server, owner)
    expect(queue.locator("article.card", has_text=words)).to_have_count(1)
    assert len(dropped) == 1


def test_a_refusal_is_told_with_its_reason_until_it_is_put_away(
    server: Server, owner: str, browse: Callable[..., Page]
) -> None:
    words = "Prams, very cheap, at my shop."
    page = browse()
    write(page, server, words)
    page.get_by_role("button", name="Post Comment").click()
    expect(page.locator("article.mine", has_text=words)).to_be_visible()
    queue = sign_in(browse(), server, owner)
    card = queue.locator("article.card", has_text=words)
    card.get_by_role("button", name="Reject…").click()
    queue.get_by_role("button", name="Advertising").click()
    expect(queue.get_by_role("button", name="Undo").first).to_be_visible()
    page.reload()
    told = page.locator("article.mine", has_text=words)
    expect(told.get_by_role("heading", name="Your reply was not approved: see its receipt")).to_be_visible()
    receipt = browse()
    receipt.goto(told.get_by_role("link", name="Your private receipt").get_attribute("href") or "")
    expect(receipt.get_by_text("We do not publish offers or links to shops.")).to_be_visible()
    told.get_by_role("button", name="Put this away").click()
    expect(told).to_have_count(0)
    page.reload()
    expect(page.get_by_role("textbox", name="Comment")).to_be_visible()
    expect(told).to_have_count(0)
