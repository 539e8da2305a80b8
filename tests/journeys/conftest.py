"""A real server with the demo article, its first owner, and browsers that come with and without JavaScript."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.conftest import PASSWORD
from tests.journeys.desk import Desk
from tests.journeys.embedding import Place
from tests.journeys.hosting import Website, website
from tests.server import Server, running

# What a page is to show it may show late on a machine that does much else.
expect.set_options(timeout=20_000)
OWNER = "ines@courier.example"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the demo, as `make run` does, without a pause between replies."""
    with running(tmp_path_factory.mktemp("journey"), REPLY_PAUSE=0, SIGN_INS_PER_HOUR=1000) as server:
        yield server


@pytest.fixture(scope="session")
def owner(server: Server, chromium: Browser) -> str:
    """Make the first owner by the printed link, as a person does, and return the address."""
    context = chromium.new_context()
    page = context.new_page()
    assert server.start_link is not None, server.output
    page.goto(server.start_link)
    page.get_by_label("Your name").fill("Ines Moreau")
    page.get_by_label("Email").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create and go on").click()
    page.wait_for_url("**/queue/")
    context.close()
    return OWNER


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Serve an installation to moderate in; each test makes a site and moderators of its own there."""
    with running(tmp_path_factory.mktemp("desk"), REPLY_PAUSE=0, SIGN_INS_PER_HOUR=1000) as server:
        yield Desk(server)


@pytest.fixture(scope="session")
def web() -> Iterator[Website]:
    """Serve somebody else's website."""
    with website() as site:
        yield site


@pytest.fixture
def place(desk: Desk, web: Website) -> Place:
    """Make a site of the service for that website, with nothing on it."""
    return Place(desk, web)


@pytest.fixture(params=["with-script", "without-script"])
def script(request: pytest.FixtureRequest) -> bool:
    """Say whether the browsers run JavaScript."""
    return bool(request.param == "with-script")


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a fresh browser's page; all of them are closed at the end."""
    contexts: list[BrowserContext] = []

    def open_(**options: object) -> Page:
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        return context.new_page()

    yield open_
    for context in contexts:
        context.close()


def sign_in(page: Page, server: Server, email: str = OWNER) -> Page:
    """Sign in through the form, and stand before the queue."""
    page.goto(f"{server.url}/queue/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/queue/")
    return page
