"""The main job, as people do it: leave a reply, find it held, approve it, read it, edit it, take it all back."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.journeys.conftest import sign_in
from tests.server import Server, until

pytestmark = pytest.mark.browser

#: How the visitor meets the thread: the embed on the article, the thread's own page, or that page in a frame.
WAYS = {"embed": True, "page without script": False, "frame without script": False}


@dataclass
class Visitor:
    """Somebody who reads the article and leaves a reply, one of three ways."""

    page: Page
    server: Server
    way: str

    @property
    def thread_url(self) -> str:
        """The thread's own page."""
        return f"{self.server.url}/sites/demo/thread?page={quote(self.server.demo_url)}"

    @property
    def scope(self) -> Page | FrameLocator:
        """Where thread and form stand."""
        return self.page.frame_locator("iframe") if self.way.startswith("frame") else self.page

    def come(self) -> None:
        """Open the article, or the thread's page."""
        address = {"embed": self.server.demo_url, "page without script": self.thread_url}
        self.page.goto(address.get(self.way, f"{self.server.demo_url}?framed"))
        expect(self.field("Comment")).to_be_visible()

    def field(self, label: str) -> Locator:
        """Return a field by the label people read."""
        return self.scope.get_by_role("textbox", name=label)

    def post(self) -> None:
        """Press the button everybody knows."""
        self.scope.get_by_role("button", name="Post Comment").click()

    def open_receipt(self) -> Page | FrameLocator:
        """Stand before the private receipt, and return where it is."""
        if self.way == "embed":
            self.page.get_by_role("link", name="Your private receipt").last.click()
        return self.scope

    def reads(self, words: str) -> bool:
        """Say whether the words stand among the public replies."""
        return self.scope.locator(".list .text:not(.mine *)", has_text=words).count() > 0


def public(server: Server, page: Page) -> dict[str, tuple[str | None, bytes]]:
    """Return all that is public of the article, with its ETags."""
    there = quote(server.demo_url, safe="")
    paths = ["thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json"]
    found = {}
    for path in paths:
        answer = page.request.get(f"{server.url}/sites/demo/{path}?page={there}")
        assert answer.status == 200
        found[path] = (answer.headers.get("etag"), answer.body())
    return found


def card(queue: Page, words: str) -> Locator:
    """Return the card with these words, wherever in the queue it is."""
    queue.goto(queue.url.split("?")[0])
    while not (found := queue.locator("article.card", has_text=words)).count():
        queue.get_by_role("link", name="Next page").click()
    return found


@pytest.mark.parametrize("way", list(WAYS))
def test_a_reply_goes_the_whole_way(server: Server, owner: str, browse: Callable[..., Page], way: str) -> None:
    script = WAYS[way]
    first, second = f"The ramp starts by the noticeboard ({way}).", f"The ramp starts at the gate ({way})."
    visitor = Visitor(browse(java_script_enabled=script), server, way)
    queue = sign_in(browse(java_script_enabled=script), server, owner)

    def anybody() -> Visitor:
        """Return a reader who was never here: nothing comes from a browser's cache."""
        reader = Visitor(browse(java_script_enabled=script), server, way)
        reader.come()
        return reader

    def published() -> tuple[bool, bool]:
        reader = anybody()
        return reader.reads(first), reader.reads(second)

    def becomes(first_shown: bool, second_shown: bool) -> None:
        """See what was decided: readers are given what was right a second ago."""
        until(lambda: published() == (first_shown, second_shown), lambda: f"readers see {published()}")

    visitor.come()
    before = public(server, visitor.page)
    title = visitor.page.title()
    visitor.field("Comment").fill(first)
    visitor.field("Name").fill("Ines")
    visitor.field("Email").fill("ines@home.example")
    visitor.field("Website").fill("ftp://home.example")
    visitor.post()
    expect(visitor.field("Website")).to_have_attribute("aria-invalid", "true")
    described = visitor.field("Website").get_attribute("aria-describedby") or ""
    mistake = visitor.scope.locator(f"[id='{described.split()[-1]}']")
    expect(mistake).to_contain_text("A website begins with http:// or https://")
    expect(visitor.field("Comment")).to_have_value(first)
    expect(visitor.field("Name")).to_have_value("Ines")
    expect(visitor.field("Email")).to_have_value("ines@home.example")

    # A host of its own: those that lead to one host are shown as one card.
    visitor.field("Website").fill(f"https://home-{len(way)}.example")
    visitor.post()
    expect(visitor.scope.get_by_text("Your reply is held for review").first).to_be_visible()
    receipt = visitor.open_receipt()
    expect(receipt.get_by_role("heading", name="Your reply is held for review")).to_be_visible()
    expect(receipt.get_by_text(first)).to_be_visible()
    receipt_url = visitor.page.url if way != "frame without script" else _frame_url(visitor.page)

    assert public(server, visitor.page) == before
    stranger = anybody()
    assert not stranger.reads(first)
    assert stranger.page.title() == title

    card(queue, first).get_by_role("button", name="Approve").click()
    expect_said(queue, "1 reply approved.|Approved: 1.")
    becomes(True, False)
    count = json.loads(before["thread.json"][1])["count"] + 1
    until(
        lambda: json.loads(public(server, visitor.page)["thread.json"][1])["count"] == count,
        lambda: f"{count} replies are counted",
    )

    author = browse(java_script_enabled=script)
    author.goto(receipt_url)
    expect(author.get_by_role("heading", name="Your reply is published")).to_be_visible()
    author.get_by_role("link", name="Edit").click()
    author.get_by_label("Comment").fill(second)
    author.get_by_role("button", name="Send the new version").click()
    expect(author.get_by_role("heading", name="Your new version is held for review")).to_be_visible()
    assert published() == (True, False)

    edited = card(queue, second)
    expect(edited.locator("ins").first).to_be_visible()
    edited.get_by_role("button", name="Approve").click()
    expect_said(queue, "1 reply approved.|Approved: 1.")
    becomes(False, True)

    queue.get_by_role("button", name="Undo").click()
    expect_said(queue, "1 reply is back as it was.|Taken back: 1.")
    becomes(True, False)
    undo_newest(queue, server)
    becomes(False, False)
    author.goto(receipt_url)
    expect(author.get_by_role("heading", name="Your reply is held for review")).to_be_visible()


def expect_said(queue: Page, words: str) -> None:
    """Wait until the queue has said how the press ended: the way back beside it comes with the answer."""
    told = queue.locator("[data-told]").filter(has_text=re.compile(words))
    expect(told).to_be_visible()
    if "approved" in words:
        expect(told.get_by_role("button", name="Undo")).to_be_visible()


def undo_newest(queue: Page, server: Server) -> None:
    """Undo one's own newest press that still stands, without naming it."""
    token = queue.locator("input[name=csrf_token]").first.get_attribute("value") or ""
    answer = queue.request.post(f"{server.url}/queue/undo", form={"csrf_token": token})
    assert answer.status == 200


def _frame_url(page: Page) -> str:
    return next(frame.url for frame in page.frames if "/receipts/" in frame.url)
