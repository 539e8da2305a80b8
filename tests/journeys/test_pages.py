"""Every page as people see it: accessible in light and dark, nothing cut off, nothing refused by its own policy."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import OWNER, sign_in
from tests.server import Server

pytestmark = pytest.mark.browser

SIZES = {"phone": (360, 740), "tablet": (820, 1100), "desk": (1440, 900)}
#: WCAG 2.2 AA and what axe recommends beside it.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

UNSTICK = """(position) => {
  for (const one of document.querySelectorAll(".acts, .tray, .news")) one.style.position = position;
}"""


def post(server: Server, *, accept: str = "application/json", **fields: str) -> Any:
    """Send a reply as a program does; return its answer."""
    body = {"author": "Margit", "email": "margit@home.example", "page": server.demo_url} | fields
    url = f"{server.url}/sites/demo/replies"
    request = urllib.request.Request(url, urllib.parse.urlencode(body).encode(), {"Accept": accept})
    return json.load(urllib.request.urlopen(request))


@pytest.fixture(scope="module")
def receipts(server: Server) -> dict[str, str]:
    """Return the receipts of a held reply, and of one that was withdrawn."""
    held = post(server, comment="Does anybody know how steep the ramp is?")["receipt"]
    withdrawn = post(server, comment="I have found the drawings myself.")["receipt"]
    request = urllib.request.Request(f"{withdrawn}/withdraw", b"", {"Accept": "application/json"})
    assert json.load(urllib.request.urlopen(request))["status"] == "withdrawn"
    return {"held": held, "withdrawn": withdrawn}


#: How to get to each page: from nowhere, as a visitor; or signed in.
PUBLIC: dict[str, Callable[[Page, Server, dict[str, str]], None]] = {
    "article": lambda page, server, _: _go(page, server.demo_url, "form"),
    "thread": lambda page, server, _: _go(page, _thread(server), "form"),
    "reply to": lambda page, server, _: _go(page, f"{_thread(server)}&parent=1", "form"),
    "retry": lambda page, server, _: _send(page, server, url="ftp://home.example"),
    "confirm": lambda page, server, _: _send(page, server, token=""),
    "receipt, held": lambda page, _, receipts: _go(page, receipts["held"], "h1"),
    "receipt, withdrawn": lambda page, _, receipts: _go(page, receipts["withdrawn"], "h1"),
    "receipt, edit": lambda page, _, receipts: _go(page, f"{receipts['held']}/edit", "form"),
    "receipt, unknown": lambda page, server, _: _go(page, f"{server.url}/receipts/1.{'a' * 22}", "h1"),
    "nothing here": lambda page, server, _: _go(page, f"{server.url}/nowhere", "h1"),
    "sign-in": lambda page, server, _: _go(page, f"{server.url}/account/sign-in", "form"),
}
PRIVATE: dict[str, Callable[[Page, Server], None]] = {
    "waiting": lambda page, server: _go(page, f"{server.url}/queue/", "article"),
    "approved": lambda page, server: _go(page, f"{server.url}/queue/?view=approved", "article"),
    "spam": lambda page, server: _go(page, f"{server.url}/queue/?view=spam", "article"),
    "nothing rejected": lambda page, server: _go(page, f"{server.url}/queue/?view=rejected", "h1"),
    "one reply": lambda page, server: _go(page, f"{server.url}/queue/4", "article"),
    "reject": lambda page, server: _open_reasons(page, server),
    "log": lambda page, server: _go(page, f"{server.url}/log/", "li time"),
    "log, filters": lambda page, server: _go(page, f"{server.url}/log/?who=imports&until=x", ".err"),
    "log, numbers": lambda page, server: _go(page, f"{server.url}/log/numbers?days=7", "svg"),
    "log, tables": lambda page, server: _open_tables(page, server),
    "log, proof": lambda page, server: _prove(page, server),
    "filtered": lambda page, server: _go(page, f"{server.url}/queue/?q=steep&since=2020-01-01", ".chosen"),
    "nothing fits": lambda page, server: _go(page, f"{server.url}/queue/?q=nowhere-to-be-found", "h2"),
    "mine, empty": lambda page, server: _go(page, f"{server.url}/queue/?view=mine", "h2"),
    "all": lambda page, server: _go(page, f"{server.url}/queue/?view=all", "article"),
    "ticked": lambda page, server: _tick(page, server),
    "group": lambda page, server: _open_group(page, server),
    "keys": lambda page, server: _open_by_key(page, server, "?"),
    "drawer": lambda page, server: _open_by_key(page, server, "c"),
    "note": lambda page, server: _open_by_key(page, server, "m"),
    "answer": lambda page, server: _open_by_key(page, server, "r"),
    "decided": lambda page, server: _decide_and_fail(page, server),
    "conflict": lambda page, server: _meet_a_conflict(page, server),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", list(PUBLIC))
def test_a_visitors_page(
    server: Server, receipts: dict[str, str], browse: Callable[..., Page], name: str, scheme: str
) -> None:
    page = browse(color_scheme=scheme)
    refused = _watch(page)
    PUBLIC[name](page, server, receipts)
    _look(page, refused)
    assert page.context.cookies() == [] or name == "sign-in"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_moderators_pages(server: Server, owner: str, browse: Callable[..., Page], scheme: str) -> None:
    page = sign_in(browse(color_scheme=scheme), server, OWNER)
    refused = _watch(page)
    for go in PRIVATE.values():
        go(page, server)
        _look(page, refused)


def _look(page: Page, refused: list[str]) -> None:
    """Look at a page in every size; ask axe at the smallest and the largest."""
    assert refused == []
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{page.url} is {wide} px too wide at {size}"
        if size != "tablet":
            # What sticks to the edge covers what is behind it only until one scrolls.
            page.evaluate(UNSTICK, "static")
            found = Axe().run(page, options=RULES).response["violations"]
            page.evaluate(UNSTICK, "")
            assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == [], size
    # What axe itself tried to style is not the page's doing.
    refused.clear()


def _watch(page: Page) -> list[str]:
    """Note what a page's own policy refuses, and what fails in its scripts."""
    refused: list[str] = []
    page.on("pageerror", lambda error: refused.append(str(error)))
    page.on(
        "console", lambda line: refused.append(line.text) if re.search("Content.Security|Trusted", line.text) else None
    )
    return refused


def _thread(server: Server) -> str:
    return f"{server.url}/sites/demo/thread?page={urllib.parse.quote(server.demo_url)}"


def _go(page: Page, url: str, there: str) -> None:
    page.goto(url)
    page.locator(there).first.wait_for()


def _send(page: Page, server: Server, **changes: str) -> None:
    """Send the form with fields changed behind the browser's back."""
    _go(page, _thread(server), "form")
    for name, text in {"comment": "How *steep* is it?", "author": "Tom", "email": "tom@home.example"}.items():
        page.locator(f"[name={name}]").fill(text)
    for name, text in changes.items():
        page.locator(f"[name={name}]").evaluate("(field, text) => { field.value = text }", text)
    page.get_by_role("button", name="Post Comment").click()
    page.wait_for_url("**/replies")


def _open_reasons(page: Page, server: Server) -> None:
    _go(page, f"{server.url}/queue/", "article")
    page.get_by_role("button", name="Reject…").first.click()
    page.get_by_role("dialog").first.wait_for()


def _open_tables(page: Page, server: Server) -> None:
    _go(page, f"{server.url}/log/numbers?days=90", "svg")
    for summary in page.locator("summary").all():
        summary.click()


def _prove(page: Page, server: Server) -> None:
    _go(page, f"{server.url}/log/", "h1")
    page.get_by_role("button", name="Prove the log").click()
    page.wait_for_url("**/log/verify")


def _tick(page: Page, server: Server) -> None:
    _go(page, f"{server.url}/queue/", "body.keyed article")
    page.locator("main .tick input").first.check()
    page.locator(".bulk").wait_for()


def _open_group(page: Page, server: Server) -> None:
    """Open what is shown as one card, made of two that differ in a number only."""
    if not page.request.get(f"{server.url}/queue/").text().count("to the tenth"):
        for number, author in {"10": "Ada", "11": "Ben"}.items():
            post(server, comment=f"Multiply {number} by {number} to the tenth and you are there.", author=author)
    _go(page, f"{server.url}/queue/", "body.keyed article")
    page.locator(".group summary").first.click()
    page.locator(".group li").first.wait_for()


def _open_by_key(page: Page, server: Server, key: str) -> None:
    _go(page, f"{server.url}/queue/", "body.keyed article")
    page.keyboard.press(key)
    page.locator(".drawer .around, .keys[open], .why:popover-open").first.wait_for()


def _decide_and_fail(page: Page, server: Server) -> None:
    """Leave a grey card, one that came back, and the line that says why."""
    _go(page, f"{server.url}/queue/", "body.keyed article")
    held = page.locator("main .card").first.get_attribute("data-revision") or ""
    page.keyboard.press("s")
    page.locator(".again").first.wait_for()
    page.route("**/queue/decisions", lambda route: route.abort())
    page.keyboard.press("a")
    page.locator(".failure").first.wait_for()
    page.unroute("**/queue/decisions")
    id_, _, turn = held.partition(":")
    _press(page, server, "reopen", f"{id_}:{int(turn) + 1}")


def _meet_a_conflict(page: Page, server: Server) -> None:
    """Press on a card that was decided since, as a page without scripts does."""
    _go(page, f"{server.url}/queue/", "body.keyed article")
    # A group would be decided but for the one that changed.
    card = page.locator("main .card:not(:has(.group))").first
    held = card.get_attribute("data-revision") or ""
    id_, _, turn = held.partition(":")
    _press(page, server, "reject", held)
    # Sent as the browser itself sends it: the script is not asked.
    card.locator(".acts").evaluate("""form => {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "action", value: "approve" }));
      HTMLFormElement.prototype.submit.call(form);
    }""")
    page.get_by_role("heading", name="Nothing was decided").wait_for()
    _press(page, server, "reopen", f"{id_}:{int(turn) + 1}")


def _press(page: Page, server: Server, action: str, seen: str) -> None:
    """Decide behind the page's back."""
    token = page.locator("input[name=csrf_token]").first.get_attribute("value") or ""
    fields = {"csrf_token": token, "action": action, "revision": seen}
    assert page.request.post(f"{server.url}/queue/decisions", form=fields).ok


def test_what_is_written_on_the_threads_page_is_kept_until_it_is_held(
    server: Server, browse: Callable[..., Page]
) -> None:
    address = f"{server.url}/sites/demo/thread?page={urllib.parse.quote(server.demo_url, safe='')}"
    page = browse()
    page.goto(address)
    text = page.get_by_role("textbox", name="Comment")
    text.fill("Half a thought,")
    page.reload()
    expect(text).to_have_value("Half a thought,")
    expect(page.get_by_text("Your unsent text is still here.")).to_be_visible()
    text.fill("A whole thought.")
    page.get_by_role("textbox", name="Name").fill("Ines")
    page.get_by_role("textbox", name="Email").fill("ines@home.example")
    page.get_by_role("textbox", name="Website").fill("ftp://home.example")
    page.get_by_role("button", name="Post Comment").click()
    expect(page.get_by_role("textbox", name="Website")).to_have_attribute("aria-invalid", "true")
    # Refused, it is not forgotten.
    page.goto(address)
    expect(text).to_have_value("A whole thought.")
    page.get_by_role("textbox", name="Name").fill("Ines")
    page.get_by_role("textbox", name="Email").fill("ines@home.example")
    page.get_by_role("button", name="Post Comment").click()
    expect(page.get_by_text("Your reply is held for review").first).to_be_visible()
    page.wait_for_load_state()
    page.goto(address)
    expect(text).to_have_value("")
