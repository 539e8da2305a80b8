"""Signing in, as people do it: an app's codes, recovery codes, passkeys, a team's own, sessions, a needed factor."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect

from moderation import accounts
from moderation.db import db
from moderation.models import Role
from tests.conftest import PASSWORD, make_account, make_site, new_app
from tests.issuer import CLIENT, SECRET, Issuer, issuer
from tests.journeys.test_pages import RULES, SIZES
from tests.server import Server, flask, free_port, running
from tests.web.signing import code

pytestmark = pytest.mark.browser

NEW = "a lantern over the towpath"


@dataclass
class House:
    """A service with a name, as passkeys need it, a team with a sign-in of its own, and a hand on the database."""

    server: Server
    url: str
    app: Flask
    team: Issuer
    made: int = 0

    def person(self, *, site: str = "courier") -> str:
        """Make a moderator and return the address."""
        self.made += 1
        return make_account(self.app, f"Person{self.made}", **{site: Role.MODERATOR})


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Serve it."""
    port, home = free_port(), tmp_path_factory.mktemp("signing-in")
    named = {"BIND": f"127.0.0.1:{port}", "BASE_URL": f"http://localhost:{port}", "SIGN_INS_PER_HOUR": 1000}
    with issuer() as team:
        settings = named | {"OIDC_ISSUER": team.url, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": SECRET}
        with running(home, DEMO=0, **settings) as server:
            app = new_app(f"sqlite:///{home / 'moderation.sqlite'}", home)
            make_site(app, "courier", "https://courier.example")
            yield House(server, named["BASE_URL"], app, team)
            with app.app_context():
                db.session.remove()
                db.engine.dispose()


def sign_in(page: Page, house: House, email: str, password: str = PASSWORD) -> Page:
    """Give the first proof."""
    page.goto(f"{house.url}/account/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(re.compile("/(queue/|account/s.*)$"))
    return page


def set_up_app(page: Page) -> tuple[str, list[str]]:
    """Set an app up as a person does, by typing the secret over; return it, and the recovery codes."""
    page.wait_for_url("**/account/app")
    expect(page.get_by_role("img", name="The secret as a QR code")).to_be_visible()
    secret = (page.locator(".secret").text_content() or "").replace(" ", "")
    page.get_by_label("Code that the app shows").fill(code(secret, steps=-1))
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    return secret, page.locator(".codes code").all_text_contents()


def look(page: Page) -> None:
    """See that a page fits every size, and ask axe in light and dark at the smallest and the largest."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{page.url} is {wide} px too wide at {size}"
            if size != "tablet":
                found = Axe().run(page, options=RULES).response["violations"]
                told = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
                assert told == [], (page.url, size, scheme)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_an_app_and_its_recovery_codes(house: House, browse: Callable[..., Page], script: bool) -> None:
    email = house.person()
    page = sign_in(browse(java_script_enabled=script), house, email)
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("link", name="Set up…").first.click()
    secret, codes = set_up_app(page)
    assert len(set(codes)) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 are left.")).to_be_visible()
    other = sign_in(browse(java_script_enabled=script), house, email)
    other.get_by_label("Code from your app").fill("000000")
    other.get_by_role("button", name="Go on").click()
    expect(other.get_by_role("alert").filter(has_text="not the code of this moment")).to_be_visible()
    other.get_by_label("Code from your app").fill(code(secret))
    other.get_by_role("button", name="Go on").click()
    other.wait_for_url("**/queue/")
    third = sign_in(browse(java_script_enabled=script), house, email)
    third.get_by_text("Use a recovery code").click()
    third.get_by_label("Recovery code").fill(codes[3])
    third.get_by_role("button", name="Use this code").click()
    third.wait_for_url("**/queue/")
    third.goto(f"{house.url}/account/")
    expect(third.get_by_text("Right password, but wrong: app's code")).to_be_visible()
    expect(third.get_by_text("9 are left.")).to_be_visible()


def test_recovery_codes_can_be_carried_away(house: House, browse: Callable[..., Page], tmp_path: Path) -> None:
    page = sign_in(browse(permissions=["clipboard-read", "clipboard-write"]), house, house.person())
    page.goto(f"{house.url}/account/app")
    _, codes = set_up_app(page)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").split() == codes
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    waiting.value.save_as(tmp_path / "codes.txt")
    assert (tmp_path / "codes.txt").read_text().split() == codes
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.locator(".codes")).to_be_visible()


def test_a_passkey_alone_and_as_the_second_factor(house: House, browse: Callable[..., Page]) -> None:
    email, page = house.person(), browse()
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    virtual = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": virtual})
    refused: list[str] = []
    page.on("pageerror", lambda error: refused.append(str(error)))
    sign_in(page, house, email)
    page.goto(f"{house.url}/account/passkeys/")
    page.get_by_label("Name").fill("This laptop")
    page.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/account/")
    expect(page.get_by_role("heading", name="Passkey: This laptop")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/queue/")
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, house, email)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/queue/")
    page.goto(f"{house.url}/account/")
    expect(page.get_by_text("Signed in with password, passkey")).to_be_visible()
    page.get_by_role("button", name="Remove This laptop").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    assert refused == []


def test_another_session_is_ended_from_here(house: House, browse: Callable[..., Page], script: bool) -> None:
    email = house.person()
    here, there = (sign_in(browse(java_script_enabled=script), house, email) for _ in range(2))
    here.goto(f"{house.url}/account/")
    expect(here.get_by_text("this session")).to_have_count(1)
    here.get_by_role("button", name="End it").click()
    expect(here.get_by_text("That session is ended.")).to_be_visible()
    there.goto(f"{house.url}/queue/")
    there.wait_for_url("**/account/sign-in")
    here.goto(f"{house.url}/queue/")
    here.wait_for_url("**/queue/")


def test_a_password_is_looked_at_changed_and_chosen_anew(house: House, browse: Callable[..., Page]) -> None:
    email = house.person()
    page = sign_in(browse(), house, email)
    page.goto(f"{house.url}/account/password")
    page.get_by_role("textbox", name="Present password").fill(PASSWORD)
    fresh = page.get_by_role("textbox", name="New password")
    fresh.fill("password1234")
    page.get_by_title("New password").click()
    expect(fresh).to_have_attribute("type", "text")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("That would be guessed at once.")).to_be_visible()
    page.get_by_role("textbox", name="Present password").fill(PASSWORD)
    fresh.fill(NEW)
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    made = flask("account", "reset", email, instance=house.server.instance, BASE_URL=house.url)
    other = browse(java_script_enabled=False)
    other.goto(made.stdout.strip())
    look_at = other.get_by_label("New password")
    look_at.fill(PASSWORD)
    other.get_by_role("button", name="Set the password").click()
    expect(other.get_by_text("Sign in with the new one.")).to_be_visible()
    sign_in(other, house, email).wait_for_url("**/queue/")
    page.goto(f"{house.url}/queue/")
    page.wait_for_url("**/account/sign-in")
    other.goto(made.stdout.strip())
    expect(other.get_by_role("heading", name="This link opens nothing")).to_be_visible()


def test_where_a_second_factor_is_needed_nothing_comes_before(
    house: House, browse: Callable[..., Page], script: bool
) -> None:
    key = f"strict-{'a' if script else 'b'}"
    make_site(house.app, key, f"https://{key}.example")
    email = house.person(site=key)
    page = sign_in(browse(java_script_enabled=script), house, email)
    with house.app.app_context():
        strict = accounts.site(key)
        assert strict is not None
        strict.require_second = True
        db.session.commit()
    for path in ("/queue/", "/log/", "/account/"):
        page.goto(f"{house.url}{path}")
        expect(page.get_by_role("heading", name="A second factor is needed")).to_be_visible()
    page.get_by_role("link", name="An authenticator app").click()
    set_up_app(page)
    page.goto(f"{house.url}/queue/")
    page.wait_for_url("**/queue/")
    page.goto(f"{house.url}/account/")
    page.get_by_role("button", name="Remove the authenticator app").click()
    expect(page.get_by_text("You need a second factor here.")).to_be_visible()


def test_a_team_s_own_sign_in(house: House, browse: Callable[..., Page], script: bool) -> None:
    house.team.person = {"sub": f"team-{script}", "email": house.person()}
    page = browse(java_script_enabled=script)
    page.goto(f"{house.url}/account/sign-in")
    page.get_by_role("link", name="Sign in with your team").click()
    page.wait_for_url("**/queue/")
    stranger = browse(java_script_enabled=script)
    house.team.person = {"sub": "stranger", "email": "stranger@staff.example"}
    stranger.goto(f"{house.url}/account/sign-in")
    stranger.get_by_role("link", name="Sign in with your team").click()
    expect(stranger.get_by_text("That sign-in opens no account here.")).to_be_visible()


def test_every_page_of_it_is_accessible_and_fits(house: House, browse: Callable[..., Page]) -> None:
    email = house.person()
    page = browse()
    page.goto(f"{house.url}/account/sign-in")
    look(page)
    sign_in(page, house, email)
    for path in ("", "password", "passkeys/", "confirm/", "second-factor", "app"):
        page.goto(f"{house.url}/account/{path}")
        look(page)
    page.goto(f"{house.url}/account/app")
    secret = (page.locator(".secret").text_content() or "").replace(" ", "")
    page.get_by_label("Code that the app shows").fill("000000")
    page.get_by_role("button", name="Set it up").click()
    expect(page.locator(".err")).to_be_visible()
    look(page)
    page.get_by_label("Code that the app shows").fill(code(secret, steps=-1))
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    look(page)
    for path in ("", "confirm/"):
        page.goto(f"{house.url}/account/{path}")
        look(page)
    look(sign_in(browse(), house, email))
    made = flask("account", "reset", email, instance=house.server.instance, BASE_URL=house.url)
    page.goto(made.stdout.strip())
    look(page)
