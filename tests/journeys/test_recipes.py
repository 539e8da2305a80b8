"""The recipes for static sites: the HTML they yield, read out of the document, in a browser without JavaScript."""

import html
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.conftest import PASSWORD
from tests.server import Server, flask, running, until

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = (ROOT / "docs" / "static-sites.md").read_text()
#: What the document's pieces call the service and a site of it.
SERVICE = "https://reply.example"
TITLE = "Mill Lane & the bridge"


@dataclass(frozen=True)
class Blog:
    """A static site on an origin of its own, and the service whose replies it shows."""

    service: Server
    pages: dict[str, str]
    origin: str

    def publish(self, path: str, *pieces: str) -> str:
        """Put a page made of these pieces on the site, and return its address."""
        address = f"{self.origin}{path}"
        body = "\n".join(
            piece.replace(SERVICE, self.service.url)
            .replace("QUERY", quote(address, safe=""))
            .replace("PAGE", html.escape(address))
            .replace("TITLE", html.escape(TITLE))
            for piece in pieces
        )
        self.pages[path] = (
            f"<!doctype html><html lang=en><title>{html.escape(TITLE)}</title><h1>A bridge</h1>{body}</html>"
        )
        return address


def piece(heading: str, *, nth: int = 0) -> str:
    """Return the HTML that stands below a heading of the document."""
    below = DOCUMENT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```html\n(.*?)^```", below, re.DOTALL | re.MULTILINE)[nth]


@contextmanager
def serving(pages: dict[str, str]) -> Iterator[str]:
    """Serve pages from memory, as any web space does, and yield their origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = pages.get(self.path.split("?")[0])
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((found or "").encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blog]:
    """Serve a static site and a service that knows it, with a moderator."""
    instance = tmp_path_factory.mktemp("recipes")
    pages: dict[str, str] = {}
    with serving(pages) as origin, running(instance, REPLY_PAUSE=0, DEMO=0, SIGN_INS_PER_HOUR=1000) as service:
        for command in (
            ["site", "create", "courier", "--origin", origin],
            ["account", "create", "ana@staff.example", "--name", "Ana", "--owner-of", "courier", "--password-stdin"],
        ):
            done = flask(*command, instance=instance, given=f"{PASSWORD}\n")
            assert done.returncode == 0, done.stderr
        yield Blog(service, pages, origin)


@pytest.fixture
def reader(browse: Callable[..., Page]) -> Page:
    """Return a browser's page without JavaScript."""
    return browse(java_script_enabled=False)


def fill(place: Page | FrameLocator, words: str) -> None:
    """Fill the form and press its button."""
    for label, text in {"Comment": words, "Name": "Ines", "Email": "ines@home.example"}.items():
        place.get_by_role("textbox", name=label).fill(text)
    place.get_by_role("button", name="Post Comment").click()


def hold(reader: Page, words: str) -> None:
    """Leave a reply by a form that is not ours: it is shown once more, posted, and held."""
    fill(reader, words)
    expect(reader.get_by_text(words).first).to_be_visible()
    reader.get_by_role("button", name="Post Comment").click()
    expect(reader.get_by_text("Your reply is held for review").first).to_be_visible()
    assert "/receipts/" in reader.url
    expect(reader.get_by_text(words).first).to_be_visible()


def approve(blog: Blog, page: Page, words: str) -> None:
    """Approve a reply, as a moderator does."""
    page.goto(f"{blog.service.url}/queue/")
    page.get_by_label("Email").fill("ana@staff.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/queue/")
    page.locator("article.card", has_text=words).get_by_role("button", name="Approve").click()
    page.wait_for_url("**/queue/**")


def fragment(blog: Blog, address: str, *, when: str = "") -> str:
    """Fetch what a build puts into the page, as soon as these words are in it."""

    def fetch() -> str:
        status, body = blog.service.get(f"/sites/courier/thread.html?page={quote(address, safe='')}")
        assert status == 200
        return body.decode()

    until(lambda: when in fetch(), lambda: f"{when!r} is public at {address}")
    return fetch()


def test_fragment_and_form_show_what_was_public_and_hold_what_is_sent(
    blog: Blog, reader: Page, browse: Callable[..., Page]
) -> None:
    words, more = "Wider is good news.", "And it is dry."
    reader.goto(blog.publish("/bridge/", piece("The form")))
    hold(reader, words)
    address = blog.publish("/bridge/", fragment(blog, f"{blog.origin}/bridge/"), piece("The form"))
    reader.goto(address)
    expect(reader.get_by_text(words)).to_have_count(0)
    approve(blog, browse(java_script_enabled=False), words)
    blog.publish("/bridge/", fragment(blog, address, when=words), piece("The form"))
    reader.goto(address)
    expect(reader.get_by_role("article", name="Ines")).to_contain_text(words)
    hold(reader, more)
    # Its title reached the thread, and the answer's link leads to a form for it.
    reader.goto(address)
    reader.get_by_role("link", name="Reply to Ines").click()
    expect(reader.get_by_role("heading", name="Leave a Reply to Ines")).to_be_visible()
    expect(reader.get_by_role("heading", level=1)).to_contain_text(TITLE)


def test_an_answer_by_a_copied_form_stands_below_whom_it_answers(
    blog: Blog, reader: Page, browse: Callable[..., Page]
) -> None:
    first, answer = "Who painted it?", "The school did."
    reader.goto(blog.publish("/paint/", piece("The form")))
    hold(reader, first)
    moderator = browse(java_script_enabled=False)
    approve(blog, moderator, first)
    page = f"{blog.origin}/paint/"
    [number] = re.findall(r'id="comment-(\d+)"', fragment(blog, page, when=first))
    parent = piece("The form", nth=1).replace("NUMBER", number)
    reader.goto(blog.publish("/paint/", piece("The form").replace("</form>", f"{parent}</form>")))
    hold(reader, answer)
    moderator.goto(f"{blog.service.url}/queue/")
    expect(moderator.locator("article.card", has_text=answer).locator("blockquote")).to_contain_text(first)


def test_the_tag_leaves_a_link_that_leads_to_thread_and_form(blog: Blog, reader: Page) -> None:
    reader.goto(blog.publish("/tag/", piece("The tag")))
    reader.get_by_role("link", name="Replies").click()
    fill(reader, "By the link.")
    expect(reader.get_by_text("Your reply is held for review").first).to_be_visible()


def test_the_frame_holds_what_is_sent_in_it(blog: Blog, reader: Page) -> None:
    reader.goto(blog.publish("/frame/", piece("The frame")))
    frame = reader.frame_locator("iframe")
    fill(frame, "From the frame.")
    expect(frame.get_by_text("Your reply is held for review").first).to_be_visible()


def test_a_theme_exported_from_wordpress_holds_what_is_sent(blog: Blog, reader: Page) -> None:
    reader.goto(blog.publish("/old-theme/", piece("Themes exported from WordPress")))
    hold(reader, "From the old theme.")


@pytest.mark.parametrize("heading", ["The tag", "The frame", "The form", "Themes exported from WordPress"])
def test_each_piece_names_the_page_it_stands_on(heading: str) -> None:
    assert re.search(r"PAGE|QUERY", piece(heading))
    assert f"{SERVICE}/" in piece(heading)
