"""People, as they meet it: invited into another browser, made a reader, taken off a site while the queue is open."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from moderation import accounts
from moderation.db import clock, db
from moderation.models import Role, Via
from tests.conftest import PASSWORD, account_of, make_account, site_of
from tests.journeys.conftest import sign_in as sign_in_first
from tests.journeys.desk import PATIENCE, Desk, card, expect_told, ready, sign_in, texts
from tests.journeys.test_pages import RULES, SIZES
from tests.server import Server

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]


def open_site(desk: Desk, **people: Role) -> tuple[str, dict[str, str]]:
    """Make a site of its own with these people; return its key and their addresses."""
    key, _ = desk.open_site()
    return key, {name: make_account(desk.app, f"{name}{desk.made}", **{key: role}) for name, role in people.items()}


def people_page(page: Page, desk: Desk, key: str) -> Page:
    """Stand before a site's people, by the way that leads there."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Settings").click()
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="People").click()
    page.wait_for_url(f"**/settings/{key}/people")
    return page


def invite(page: Page, role: str) -> str:
    """Make an invitation on the page, and return the link it shows."""
    page.get_by_role("radio", name=role.title()).check()
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("Link", exact=True)
    expect(link).to_be_visible(timeout=PATIENCE)
    return link.input_value()


def join(page: Page, link: str, name: str) -> Page:
    """Open the link as somebody new, fill the form in, and stand before the queue."""
    page.set_default_timeout(PATIENCE)
    page.goto(link)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email").fill(f"{name.lower()}@home.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account and accept").click()
    page.wait_for_url("**/queue/")
    return page


def look(page: Page) -> None:
    """Look at a page in every size, and ask axe."""
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{page.url} is {wide} px too wide at {width}"
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == [], width


def test_somebody_new_is_invited_and_reads_along(desk: Desk, browse: Browse, script: bool) -> None:
    key, people = open_site(desk, ines=Role.OWNER)
    held = desk.hold(key, *texts(2))
    ines = sign_in(browse(java_script_enabled=script), desk, people["ines"])
    link = invite(people_page(ines, desk, key), "reader")
    name = f"Nora{desk.made}"
    nora = join(browse(java_script_enabled=script), link, name)
    expect(nora.get_by_text("You read along here: deciding is up to the moderators.")).to_be_visible()
    expect(card(nora, held[0])).to_be_visible()
    for control in ("Approve", "Reject…", "Spam", "Note", "Answer"):
        expect(nora.get_by_role("button", name=control)).to_have_count(0)
    expect(nora.get_by_role("checkbox", name="Tick the reply")).to_have_count(0)
    if script:
        ready(nora)
        for key_ in ("a", "s", "d", "x", "Z", "m", "r"):
            nora.keyboard.press(key_)
        expect(nora.locator("[data-told]")).to_be_empty()
    card(nora, held[0]).get_by_role("link", name="Context").click()
    expect(nora.get_by_role("heading", name="Other replies by this author")).to_be_visible()
    assert desk.statuses(*held) == ["pending", "pending"]
    # The link has opened the way once.
    late = browse(java_script_enabled=script)
    late.goto(link)
    expect(late.get_by_role("heading", name="This invitation is not open any more")).to_be_visible()
    # What the owner sees, and does: her role counts from the next press on.
    people_page(ines, desk, key)
    ines.get_by_label(f"Role of {name}").select_option("moderator")
    ines.get_by_role("button", name=f"Change the role of {name}").click()
    expect(ines.get_by_text(f"{name} is moderator of The Courier now.")).to_be_visible()
    nora.goto(f"{desk.server.url}/queue/")
    card(nora, held[0]).get_by_role("button", name="Approve").click()
    expect(nora.locator("[data-told]")).to_contain_text("pproved", timeout=PATIENCE)
    assert desk.status(held[0]) == "approved"


def test_somebody_with_an_account_signs_in_on_the_way(desk: Desk, browse: Browse, script: bool) -> None:
    key, people = open_site(desk, ines=Role.OWNER)
    eve = make_account(desk.app, f"Eve{desk.made}")
    link = invite(
        people_page(sign_in(browse(java_script_enabled=script), desk, people["ines"]), desk, key), "moderator"
    )
    page = browse(java_script_enabled=script)
    page.goto(link)
    page.get_by_role("button", name="Sign in and accept").click()
    page.get_by_label("Email").fill(eve)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(link)
    page.get_by_role("button", name=f"Accept as Eve{desk.made}").click()
    expect(page.get_by_text("Welcome: you work on The Courier now.")).to_be_visible()


def test_a_role_is_taken_away_while_the_queue_is_open(desk: Desk, browse: Browse, script: bool) -> None:
    key, people = open_site(desk, ines=Role.OWNER, ana=Role.MODERATOR)
    held = desk.hold(key, *texts(2))
    ana = sign_in(browse(java_script_enabled=script), desk, people["ana"])
    if script:
        ready(ana)
    ines = people_page(sign_in(browse(java_script_enabled=script), desk, people["ines"]), desk, key)
    name = f"ana{desk.made}"
    ines.get_by_role("button", name=f"Remove… {name}").click()
    ines.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(ines.get_by_text(f"{name} does not work on The Courier any more.")).to_be_visible()
    card(ana, held[0]).get_by_role("button", name="Approve").click()
    said = "Nothing was decided: this is on none of your sites, or not any more"
    if script:
        expect_told(ana, said)
        expect(card(ana, held[0]).locator(".failure")).to_contain_text(said)
    else:
        expect(ana.get_by_role("heading", name=said)).to_be_visible()
    assert desk.statuses(*held) == ["pending", "pending"]
    ana.goto(f"{desk.server.url}/queue/")
    expect(ana.get_by_role("heading", name="You work on no site.")).to_be_visible()


def test_a_moderator_becomes_a_reader_while_the_queue_is_open(desk: Desk, browse: Browse, script: bool) -> None:
    key, people = open_site(desk, ana=Role.MODERATOR)
    held = desk.hold(key, *texts(2))
    ana = sign_in(browse(java_script_enabled=script), desk, people["ana"])
    if script:
        ready(ana)
    with desk.app.app_context():
        accounts.grant(account_of(people["ana"]), site_of(key), Role.READER, now=clock(), via=Via.CLI)
        db.session.commit()
    card(ana, held[0]).get_by_role("button", name="Spam").click()
    if script:
        expect_told(ana, "Nothing was decided: you may only read here")
    else:
        expect(ana.get_by_role("heading", name="Nothing was decided: you may only read here")).to_be_visible()
    assert desk.statuses(*held) == ["pending", "pending"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_for_everybody(desk: Desk, browse: Browse, scheme: str) -> None:
    key, people = open_site(desk, ines=Role.OWNER, ana=Role.MODERATOR, rita=Role.READER)
    desk.hold(key, *texts(2))
    page = people_page(sign_in(browse(color_scheme=scheme), desk, people["ines"]), desk, key)
    look(page)
    link = invite(page, "reader")
    look(page)
    expect(page.get_by_role("button", name="Copy")).to_be_visible()
    page.goto(f"{desk.server.url}/settings/{key}/people")
    page.get_by_label("Email (optional)").fill("x@y@z")
    page.evaluate("document.querySelector('#email').form.noValidate = true")
    page.get_by_role("button", name="Make the link").click()
    expect(page.locator("#email-error")).to_be_visible()
    look(page)
    page.get_by_role("button", name=f"Remove… ana{desk.made}").click()
    look(page)
    page.goto(f"{desk.server.url}/account/sites")
    look(page)
    page.goto(link)
    look(page)
    stranger = browse(color_scheme=scheme)
    stranger.goto(link)
    look(stranger)
    stranger.goto(f"{desk.server.url}/invitations/{'a' * 43}")
    look(stranger)
    reader = sign_in(browse(color_scheme=scheme), desk, people["rita"])
    look(reader)


def test_whoever_starts_an_installation_runs_it(server: Server, owner: str, browse: Browse) -> None:
    page = sign_in_first(browse(), server, owner)
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("link", name="Your sites and roles").click()
    expect(page.get_by_text("You run this installation")).to_be_visible()
    expect(page.get_by_text("You are the only owner")).to_be_visible()
