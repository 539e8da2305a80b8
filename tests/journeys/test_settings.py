"""What owners do in the settings, in a real browser: see a colour arrive, watch for a word, meet a colleague."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from moderation import accounts
from moderation.db import db
from moderation.models import Role, Via
from tests.conftest import account_of, site_of
from tests.journeys.desk import Desk, card, sign_in
from tests.journeys.test_pages import RULES, SIZES

pytestmark = pytest.mark.browser

PAGES = ("site", "snippet", "form", "moderation", "reasons", "privacy", "notifications", "transfer")


def opened(desk: Desk, *names: str) -> tuple[str, list[str]]:
    """Make a site that these people own."""
    key, emails = desk.open_site(*names)
    with desk.app.app_context():
        for email in emails:
            accounts.grant(account_of(email), site_of(key), Role.OWNER, now=site_of(key).created_at, via=Via.CLI)
        db.session.commit()
    return key, emails


def go(page: Page, desk: Desk, key: str, name: str) -> None:
    page.goto(f"{desk.server.url}/settings/{key}/{name}")
    expect(page.get_by_role("navigation", name="Settings").locator("[aria-current=page]")).to_have_count(1)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_a_colour_is_changed_and_seen_in_the_thread(desk: Desk, browse: Callable[..., Page], script: bool) -> None:
    key, [ines] = opened(desk, "Ines")
    page = sign_in(browse(java_script_enabled=script), desk, ines)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Settings").click()
    page.wait_for_url(f"**/settings/{key}/site")
    page.get_by_label("Colour", exact=True).fill("#7a1f2b")
    page.get_by_label("Corners, in pixels").fill("12")
    save(page)
    expect(page.get_by_role("status").first).to_have_text("Saved: Colour; Corners, in pixels.")
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="The form").click()
    page.get_by_label("Guidelines").fill("Stay **kind**.")
    page.get_by_label("Website").check()
    save(page)
    page.goto(f"{desk.server.url}/sites/{key}/thread?page={desk.origin}/demo/mill-lane")
    expect(page.get_by_text("Stay kind.")).to_be_visible()
    assert page.locator("#url").get_attribute("required") is not None
    button = page.get_by_role("button", name="Post Comment")
    assert button.evaluate("one => getComputedStyle(one).borderRadius") == "12px"
    colour = button.evaluate("one => getComputedStyle(document.documentElement).getPropertyValue('--lar-accent')")
    assert colour.strip() == "#7a1f2b"


def test_a_listed_word_leads_to_a_finding_on_the_card(desk: Desk, browse: Callable[..., Page], script: bool) -> None:
    key, [ines] = opened(desk, "Ines")
    page = sign_in(browse(java_script_enabled=script), desk, ines)
    go(page, desk, key, "moderation")
    page.get_by_label("Words to watch for").fill("casino*")
    page.get_by_label("Hosts to watch for").fill("shop.example")
    save(page)
    expect(page.get_by_role("status").first).to_contain_text("Words to watch for")
    [held] = desk.hold(key, "Our \u0441asinos, at https://www.shop.example/x")
    page.goto(f"{desk.server.url}/queue/?site={key}")
    shown = card(page, held)
    expect(shown).to_contain_text("1 word on the list")
    expect(shown).to_contain_text("casino*")
    expect(shown).to_contain_text("Leads to 1 host on the list")
    assert desk.status(held) == "pending"


def test_two_owners_meet_and_nobody_s_words_are_lost(desk: Desk, browse: Callable[..., Page], script: bool) -> None:
    key, [ines, tom] = opened(desk, "Ines", "Tom")
    first = sign_in(browse(java_script_enabled=script), desk, ines)
    second = sign_in(browse(java_script_enabled=script), desk, tom)
    for page in (first, second):
        go(page, desk, key, "site")
    first.get_by_label("Name", exact=True).fill("The Courier of Mill Lane")
    save(first)
    second.get_by_label("Name", exact=True).fill("The Lane")
    save(second)
    alert = second.get_by_role("alert")
    expect(alert).to_contain_text("somebody else changed this meanwhile")
    expect(alert).to_contain_text("name: The Courier → The Courier of Mill Lane")
    expect(second.get_by_label("Name", exact=True)).to_have_value("The Lane")
    save(second)
    expect(second.get_by_role("status").first).to_have_text("Saved: Name.")
    with desk.app.app_context():
        assert site_of(key).name == "The Lane"


def test_what_is_wrong_is_said_at_its_field(desk: Desk, browse: Callable[..., Page]) -> None:
    key, [ines] = opened(desk, "Ines")
    page = sign_in(browse(), desk, ines)
    go(page, desk, key, "privacy")
    page.get_by_label("Days refused replies are kept").fill("a while")
    save(page)
    field = page.get_by_label("Days refused replies are kept")
    expect(field).to_have_value("a while")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("A whole number from 0 to 3650, please"))
    assert page.title().startswith("Error: ")


def test_a_reason_is_retired(desk: Desk, browse: Callable[..., Page]) -> None:
    key, [ines] = opened(desk, "Ines")
    page = sign_in(browse(), desk, ines)
    go(page, desk, key, "reasons")
    group = page.get_by_role("group", name="Reason 2")
    group.get_by_label("Digit").select_option("")
    save(page)
    expect(page.get_by_text("1 retired")).to_be_visible()
    assert 2 not in desk.reasons(key)


def test_the_tag_is_copied_and_the_preview_is_live(desk: Desk, browse: Callable[..., Page]) -> None:
    key, [ines] = opened(desk, "Ines")
    page = sign_in(browse(permissions=["clipboard-read", "clipboard-write"]), desk, ines)
    go(page, desk, key, "snippet")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    assert f'<leave-a-reply site="{key}">' in page.evaluate("navigator.clipboard.readText()")
    expect(page.get_by_role("heading", name="No replies yet")).to_be_visible()
    expect(page.get_by_role("button", name="Post Comment")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits(desk: Desk, browse: Callable[..., Page], scheme: str) -> None:
    key, [ines] = opened(desk, "Ines")
    page = sign_in(browse(color_scheme=scheme), desk, ines)
    refused: list[str] = []
    page.on(
        "console", lambda line: refused.append(line.text) if re.search("Content.Security|Trusted", line.text) else 0
    )
    for name in PAGES:
        go(page, desk, key, name)
        page.wait_for_load_state("networkidle")
        assert refused == [], name
        _look(page)
        refused.clear()
    go(page, desk, key, "site")
    page.get_by_label("Addresses, one a line").fill("nonsense")
    save(page)
    page.get_by_role("alert").wait_for()
    _look(page)


def _look(page: Page) -> None:
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{page.url} is {wide} px too wide at {size}"
        if size != "tablet":
            page.evaluate("for (const one of document.querySelectorAll('.save')) one.style.position = 'static'")
            found = Axe().run(page, options=RULES).response["violations"]
            assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == [], (page.url, size)
