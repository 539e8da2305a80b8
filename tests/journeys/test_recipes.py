"""The recipes for static sites as docs/static-sites.md has them, on a site of somebody else's, without JavaScript."""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from moderation.db import db
from moderation.models import Comment, Revision, Role, Site, Status
from tests.conftest import make_account
from tests.journeys.desk import Desk
from tests.journeys.hosting import Website, website
from tests.server import ROOT, Server, flask

pytestmark = pytest.mark.browser

GUIDE = (ROOT / "docs" / "static-sites.md").read_text()
#: The service and the site, as the guide calls them.
THERE = "https://reply.example/sites/courier"
SITE = "recipes"
TITLE = 'Mill Lane: "wider" & <better>'
#: How each generator is told where the fragment goes, and in which language the guide writes that.
FRAGMENTS = {
    "Hugo": ("go-html-template", r"\{\{ \.Content \| safeHTML \}\}"),
    "Jekyll": ("liquid", r"\{\{ page\.url \| absolute_url \| replies \}\}"),
    "Eleventy": ("njk", r'\{\{ \("https://courier\.example" \+ page\.url\) \| replies \| safe \}\}'),
}
#: What a template decides, and does not print.
CONTROL = r"\{\{ (?:with|else|end|errorf|\$\w+ :=).*?\}\}"


def block(after: str, language: str) -> str:
    """Return the first block in this language below these words of the guide."""
    found = re.search(rf"^{re.escape(after)}.*?```{language}\n(.*?)```", GUIDE, flags=re.DOTALL | re.MULTILINE)
    assert found is not None, after
    return found[1]


def expressions(generator: str) -> dict[str, str]:
    """Return what the guide says to write for PAGE, QUERY and TITLE."""
    lines = block(generator, "text").splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


@dataclass
class Host:
    """A built site on an origin of its own: its pages by their paths."""

    desk: Desk
    pages: Website
    moderator: str

    @property
    def service(self) -> Server:
        """The service whose replies it shows."""
        return self.desk.server

    @property
    def origin(self) -> str:
        """The site's own origin."""
        return self.pages.origin

    def put(self, path: str, *pieces: str) -> str:
        """Build a page of these pieces, under a policy that allows no script at all; return its address."""
        head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(TITLE)}</title><h1>Mill Lane</h1>'
        policy = f"default-src 'none'; form-action {self.service.url}; frame-src {self.service.url}"
        return self.pages.put(path, head + "".join(pieces), Content_Security_Policy=policy)

    def filled(self, piece: str, path: str, generator: str) -> str:
        """Write into a piece of the guide what a generator writes there."""
        page = self.origin + path
        values = {"PAGE": page, "QUERY": quote(page, safe=""), "TITLE": escape(TITLE)}
        # As one does by hand, and then as the generator does.
        wanted = expressions(generator)
        assert wanted.keys() == values.keys()
        for name in values:
            piece = re.sub(rf"\b{name}\b", lambda _, name=name: wanted[name], piece)
        for name, value in values.items():
            piece = piece.replace(wanted[name], value)
        assert re.search(r"\{\{|\{%", piece) is None, piece
        return piece.replace(THERE, f"{self.service.url}/sites/{SITE}")

    def fragment(self, path: str, generator: str) -> str:
        """Fetch the replies of a page as a build does, and put them where the guide's template does."""
        language, prints = FRAGMENTS[generator]
        template = block(f"### {generator}", language)
        # All three name one address, in their own ways.
        assert f"{THERE}/thread.html" in GUIDE.split(f"### {generator}")[1].split("### ")[0]
        page = quote(self.origin + path, safe="")
        with urlopen(f"{self.service.url}/sites/{SITE}/thread.html?page={page}") as answer:
            html = answer.read().decode()
        piece, printed = re.subn(prints, lambda _: html, re.sub(CONTROL, "", template))
        assert (printed, "{{" in piece) == (1, False)
        return piece

    def publish(self, path: str, words: str) -> int:
        """Have a reply approved that came with a title; return its comment's id."""
        fields = {"comment": words, "author": "Margit", "email": "m@home.example", "title": TITLE}
        fields["page"] = self.origin + path
        request = Request(f"{self.service.url}/sites/{SITE}/replies", urlencode(fields).encode())
        request.add_header("Accept", "application/json")
        with urlopen(request) as answer:
            comment = int(re.findall(r'"comment": ?(\d+)', answer.read().decode())[0])
        revision = self.newest_of(comment)
        self.desk.decide(self.moderator, "approve", revision)
        return comment

    def newest_of(self, comment: int) -> int:
        """Return the id of a comment's newest text."""
        with self.desk.app.app_context():
            return db.session.get_one(Comment, comment).newest.id

    def held(self) -> dict[str, tuple[str, str | None]]:
        """Return the texts that wait, each with its page and the title that came with it."""
        with self.desk.app.app_context():
            found = db.session.scalars(select(Comment).join(Site).where(Site.key == SITE)).unique()
            waiting = [comment for comment in found if comment.newest.status is Status.PENDING]
            return {one.newest.source: (one.thread.page_key, one.title) for one in waiting}

    def parent_of(self, words: str) -> int | None:
        """Return the comment that the reply with these words answers."""
        with self.desk.app.app_context():
            revision = db.session.scalars(select(Revision).where(Revision.source == words)).one()
            return revision.comment.parent_id


@pytest.fixture(scope="module")
def host(desk: Desk) -> Iterator[Host]:
    """Serve pages on another origin than the service, and open a site for them."""
    with website() as pages:
        made = flask("site", "create", SITE, "--origin", pages.origin, instance=desk.server.instance)
        assert made.returncode == 0, made.stderr
        moderator = make_account(desk.app, "Recipes", **{SITE: Role.MODERATOR})
        yield Host(desk, pages, moderator)


def write(page: Page, words: str) -> None:
    """Fill the form of the page, and send it."""
    for name, text in {"comment": words, "author": "Tom Okafor", "email": "tom@home.example"}.items():
        page.locator(f"[name={name}]").fill(text)
    page.get_by_role("button", name="Post Comment").click()


def confirm(page: Page, host: Host, words: str) -> None:
    """Read it once more, post it, and stand before the receipt: it is held, and nobody else sees it."""
    expect(page.get_by_role("heading", name="Read it once more, then post it")).to_be_visible()
    assert page.url.startswith(host.service.url)
    expect(page.locator("article").get_by_text(words)).to_be_visible()
    page.get_by_role("button", name="Post Comment").first.click()
    expect_held(page, words)


def expect_held(page: Page, words: str) -> None:
    """Stand before the receipt of a held reply."""
    expect(page.get_by_role("heading", name="Your reply is held for review")).to_be_visible()
    expect(page.get_by_text(words).first).to_be_visible()
    assert "/receipts/" in page.url


@pytest.mark.parametrize("generator", list(FRAGMENTS))
def test_fragment_and_form(host: Host, browse: Callable[..., Page], generator: str) -> None:
    path = f"/{generator.lower()}/mill-lane/"
    host.publish(path, f"Published before the build, by {generator}.")
    form = host.filled(block("## The form", "html"), path, generator)
    page = browse(java_script_enabled=False)
    page.goto(host.put(path, host.fragment(path, generator), form))
    replies = page.locator("section.thread article")
    expect(replies).to_have_count(1)
    expect(replies).to_contain_text(f"Published before the build, by {generator}.")

    words = f"Left on a page of {generator}."
    write(page, words)
    expect(page.get_by_role("heading", name="Read it once more, then post it")).to_be_visible()
    # Nothing is stored before the second press.
    held = host.held()
    assert words not in held
    confirm(page, host, words)
    # It stands on its page, with the page's title waiting like the words.
    assert host.held() == {**held, words: (host.origin.removeprefix("http://") + path.rstrip("/"), TITLE)}
    assert words not in host.fragment(path, generator)


def test_a_reply_in_the_fragment_leads_to_a_form_that_answers_it(host: Host, browse: Callable[..., Page]) -> None:
    path = "/answers/"
    host.publish(path, "Who built it?")
    page = browse(java_script_enabled=False)
    page.goto(host.put(path, host.fragment(path, "Jekyll")))
    page.get_by_role("link", name="Reply to Margit").click()
    expect(page.get_by_role("heading", name="Leave a Reply to Margit")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text(TITLE)
    # A form of the service's own needs no second look.
    write(page, "The town did.")
    expect_held(page, "The town did.")


def test_a_form_of_ones_own_that_answers_a_reply(host: Host, browse: Callable[..., Page]) -> None:
    path = "/answers-here/"
    number = host.publish(path, "How long did it take?")
    form = host.filled(block("## The form", "html"), path, "Hugo")
    parent = block("**Answers.**", "html").replace("NUMBER", str(number))
    page = browse(java_script_enabled=False)
    page.goto(host.put(path, form.replace("</form>", f"{parent}</form>")))
    write(page, "Eleven months.")
    confirm(page, host, "Eleven months.")
    assert host.parent_of("Eleven months.") == number


@pytest.mark.parametrize("generator", list(FRAGMENTS))
def test_without_javascript_the_tag_is_a_link(host: Host, browse: Callable[..., Page], generator: str) -> None:
    path = f"/{generator.lower()}/tagged/"
    host.publish(path, f"To be read behind the link, {generator}.")
    tag = host.filled(block("## The tag", "html"), path, generator)
    page = browse(java_script_enabled=False)
    page.goto(host.put(path, tag))
    page.get_by_role("link", name="Replies").click()
    expect(page.get_by_text(f"To be read behind the link, {generator}.")).to_be_visible()
    write(page, f"Left behind the link, {generator}.")
    expect_held(page, f"Left behind the link, {generator}.")


def test_the_frame(host: Host, browse: Callable[..., Page]) -> None:
    path = "/framed/"
    host.publish(path, "To be read in the frame.")
    page = browse(java_script_enabled=False)
    page.goto(host.put(path, host.filled(block("## The frame", "html"), path, "Hugo")))
    frame = page.frame_locator("iframe[title=Replies]")
    expect(frame.get_by_text("To be read in the frame.")).to_be_visible()
    for name, text in {"comment": "Left in the frame.", "author": "Tom", "email": "tom@home.example"}.items():
        frame.locator(f"[name={name}]").fill(text)
    frame.get_by_role("button", name="Post Comment").click()
    expect(frame.get_by_role("heading", name="Your reply is held for review")).to_be_visible()
    assert page.url == host.origin + path


def test_a_theme_from_wordpress(host: Host, browse: Callable[..., Page]) -> None:
    path = "/2019/03/theme/"
    number = host.publish(path, "An old comment.")
    form = host.filled(block("## Themes exported from WordPress", "html"), path, "Eleventy")
    page = browse(java_script_enabled=False)
    # As WordPress' own script, or its reply link, writes the parent into the form.
    page.goto(host.put(path, form.replace('id="comment_parent" value="0"', f'id="comment_parent" value="{number}"')))
    write(page, "Left in the theme's own form.")
    confirm(page, host, "Left in the theme's own form.")
    assert host.parent_of("Left in the theme's own form.") == number


def test_the_addresses_of_a_whole_export_are_changed_by_the_line_in_the_guide(tmp_path: Path) -> None:
    there = tmp_path / "2019" / "a b"
    there.mkdir(parents=True)
    before = '<p>x</p><form action="https://blog.example/wp-comments-post.php" method="post"><input name="a">'
    (there / "index.html").write_text(before)
    (tmp_path / "other.html").write_text("<form action='/search'>")
    subprocess.run(["/bin/sh", "-c", block("## Themes exported from WordPress", "sh")], cwd=tmp_path, check=True)
    after = before.replace("https://blog.example/wp-comments-post.php", f"{THERE}/wp-comments-post.php")
    assert (there / "index.html").read_text() == after
    assert (tmp_path / "other.html").read_text() == "<form action='/search'>"
