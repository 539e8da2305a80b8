"""Strings made to run in somebody's page, through every field and onto every page: none runs, none leaves."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from defusedxml import ElementTree
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from moderation import intake, markup
from moderation.db import db
from moderation.models import Revision, Status
from moderation.models.pagekey import is_web_address
from moderation.receipts import token_of
from tests import server
from tests.conftest import PASSWORD, new_app, site_of
from tests.journeys.attack import ADDRESSES, EMAIL, OURS, PAIRS, Guard, foreign_nodes, foreign_tags, guarded, strings
from tests.transfer import wxr

pytestmark = pytest.mark.browser

#: Strings from the collections, and how many stand on one page. All there are: `make soak`.
SOME, ALL, TO_A_PAGE = 270, 100_000, 240
ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass
class Attacked:
    """A server whose demo site was sent attack strings, all of them approved, and an import of the same."""

    running: server.Server
    app: Flask
    #: Page addresses with the number of comments on each; the first is the demo article.
    pages: dict[str, int]
    receipts: list[str]
    queue_pages: int

    @property
    def base(self) -> str:
        """Return the demo site's address at the service."""
        return f"{self.running.url}/sites/demo"

    def thread(self, page: str, kind: str = "thread") -> str:
        """Return the address of a page's thread."""
        return f"{self.base}/{kind}?page={quote(page, safe='')}"


@pytest.fixture(scope="module", params=[SOME, pytest.param(ALL, marks=pytest.mark.soak)])
def attacked(
    request: pytest.FixtureRequest, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attacked]:
    """Send the strings, look at them in the queue, approve them there, and import them once more."""
    instance = tmp_path_factory.mktemp("attacked")
    with server.running(instance, REPLY_PAUSE=0) as running:
        account = (
            "account",
            "create",
            "ana@staff.example",
            "--name",
            OURS[0],
            "--owner-of",
            "demo",
            "--password-stdin",
        )
        made = server.flask(*account, instance=instance, given=PASSWORD + "\n")
        assert made.returncode == 0, made.stderr
        app = new_app(f"sqlite:///{instance / 'moderation.sqlite'}", instance)
        tried = strings(request.param)
        assert len(tried) >= len(OURS)
        made_of = Attacked(running, app, {}, [], 0)
        send_all(made_of, tried)
        guard = guarded(chromium, running.url, without_policy=True)
        made_of.queue_pages = approve_all(made_of, guard)
        guard.context.close()
        import_all(made_of, tried, instance)
        yield made_of
        with app.app_context():
            db.engine.dispose()


def send_all(attacked: Attacked, tried: list[str]) -> None:
    """Leave a reply with each string in every field that takes it, some hundreds to a page."""
    origin = attacked.running.demo_url.removesuffix("/demo/mill-lane")
    with attacked.app.app_context():
        site, secret = site_of("demo"), attacked.app.config["RECEIPT_KEY"]
        # All of a page in one part.
        site.page_size, site.version = 300, site.version + 1
        for number, text in enumerate(tried):
            on = number // TO_A_PAGE
            page = f"{origin}/p/{on}" if on else attacked.running.demo_url
            draft = intake.Draft(
                comment=markup.tidy_text(text),
                author=markup.tidy_name(text)[:245],
                email=EMAIL.format(n=number),
                url=text if is_web_address(text) and len(text) <= 200 else ADDRESSES[number % len(ADDRESSES)],
                page=page,
                title=" ".join(text.split())[:300],
                format=markup.Format.PLAIN if number % 5 == 4 else markup.Format.MARKDOWN,
            )
            comment = intake.receive(draft, site=site, pause=timedelta(0), now=datetime.now(UTC))
            attacked.pages[page] = attacked.pages.get(page, 0) + 1
            if number < len(OURS) or number % 12 == 0:
                attacked.receipts.append(f"{attacked.running.url}/receipts/{token_of(comment, secret=secret)}")
            if number % 200 == 199:
                db.session.commit()
        db.session.commit()
        db.session.remove()


def approve_all(attacked: Attacked, guard: Guard) -> int:
    """Look at every page of the queue, approve what it shows, and return how many pages there were."""
    page, pages = guard.open(), 0
    page.goto(f"{attacked.running.url}/account/sign-in")
    page.get_by_label("Email").fill("ana@staff.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/queue/")
    token = page.locator("input[name=csrf_token]").first.get_attribute("value")
    while page.locator("article.card").count():
        guard.assert_clean(page, least=page.locator("article.card").count())
        pages += 1
        if (more := page.get_by_role("link", name="Next page")).count() == 0:
            break
        more.click()
        page.wait_for_load_state()
    with attacked.app.app_context():
        waiting = db.session.execute(select(Revision.id, Revision.turn).where(Revision.status == Status.PENDING)).all()
        db.session.remove()
    for start in range(0, len(waiting), 250):
        chosen = [("revision", f"{id_}:{turn}") for id_, turn in waiting[start : start + 250]]
        answer = page.request.post(
            f"{attacked.running.url}/queue/decisions",
            data=urlencode([("action", "approve"), ("csrf_token", token), *chosen]),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        )
        assert len(answer.json()["decided"]) == len(chosen)
    for address in (
        "/queue/?view=approved",
        f"/queue/{waiting[0].id}",
        f"/queue/?after={quote(OURS[0])}&view={OURS[3]}",
    ):
        page.goto(attacked.running.url + address)
        guard.assert_clean(page, least=0 if "after" in address else 1)
    return pages


def import_all(attacked: Attacked, tried: list[str], instance: Path) -> None:
    """Import the same strings as comments of a WordPress blog, in which HTML is HTML."""
    items = []
    for start in range(0, len(tried), TO_A_PAGE):
        some = tried[start : start + TO_A_PAGE]
        comments = (
            wxr.comment(start + n, author=text[:245], author_url=text, author_email=text, content=text)
            for n, text in enumerate(some, start=1)
        )
        link = f"{attacked.running.demo_url.removesuffix('/demo/mill-lane')}/imported/{start}"
        items.append(wxr.item(*comments, link=link, id_=start + 1, title=tried[start][:200]))
        attacked.pages[link] = len(some)
    export = instance / "export.xml"
    export.write_bytes(wxr.export(*items))
    done = server.flask("import", "wordpress", str(export), "--site", "demo", instance=instance)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(tried)}  published" in done.stdout


@contextmanager
def watched(attacked: Attacked, browser: Browser, *, without_policy: bool) -> Iterator[Guard]:
    """Open a watched browser."""
    guard = guarded(browser, attacked.running.url, without_policy=without_policy)
    yield guard
    guard.context.close()


@pytest.mark.parametrize("without_policy", [True, False])
def test_nothing_runs_on_thread_pages_or_where_fragments_are_built_in(
    attacked: Attacked, chromium: Browser, without_policy: bool
) -> None:
    with watched(attacked, chromium, without_policy=without_policy) as guard:
        page = guard.open()
        for address, number in attacked.pages.items():
            page.goto(attacked.thread(address))
            guard.assert_clean(page, least=number)
            if without_policy:
                # A static site builds the fragment into pages of its own, which have no policy at all.
                fragment = page.request.get(attacked.thread(address, "thread.html")).text()
                page.goto("about:blank")
                page.set_content(fragment)
                guard.assert_clean(page, least=number)


@pytest.mark.parametrize("without_policy", [True, False])
def test_nothing_runs_in_the_embed(attacked: Attacked, chromium: Browser, without_policy: bool) -> None:
    with watched(attacked, chromium, without_policy=without_policy) as guard:
        page = guard.open()
        page.goto(attacked.running.demo_url)
        page.locator("leave-a-reply article .text").nth(attacked.pages[attacked.running.demo_url] - 1).wait_for()
        guard.assert_clean(page, least=attacked.pages[attacked.running.demo_url], within="leave-a-reply")


def test_nothing_runs_in_the_queue(attacked: Attacked) -> None:
    # Every page of it was looked at before anything was approved.
    assert attacked.queue_pages >= len(OURS) // 20


@pytest.mark.parametrize("without_policy", [True, False])
def test_nothing_runs_on_receipts(attacked: Attacked, chromium: Browser, without_policy: bool) -> None:
    with watched(attacked, chromium, without_policy=without_policy) as guard:
        page = guard.open()
        for receipt in attacked.receipts if without_policy else attacked.receipts[:5]:
            page.goto(receipt)
            guard.assert_clean(page, least=1)
        for receipt in attacked.receipts[::4]:
            page.goto(f"{receipt}/edit")
            guard.assert_clean(page, least=0)


def submit(page: Page, address: str, fields: dict[str, str]) -> None:
    """Send a form from a page of somebody else's."""
    page.goto("about:blank")
    with page.expect_navigation():
        page.evaluate(
            """([address, fields]) => {
              const form = Object.assign(document.createElement("form"), { method: "post", action: address });
              for (const [name, value] of Object.entries(fields))
                form.append(Object.assign(document.createElement("textarea"), { name, value }));
              document.body.append(form);
              HTMLFormElement.prototype.submit.call(form);
            }""",
            [address, fields],
        )


def test_nothing_runs_on_the_pages_that_give_a_reply_back(attacked: Attacked, chromium: Browser) -> None:
    page_address = attacked.running.demo_url
    with watched(attacked, chromium, without_policy=True) as guard:
        page = guard.open()
        for number, text in enumerate(PAIRS):
            fields = {"comment": text, "author": text, "title": text, "page": page_address}
            good = {"email": "o'nfocus=alert@mail.example", "url": ADDRESSES[0]}
            # Without our mark the reply is shown once more; with a fault, in the form.
            submit(page, f"{attacked.base}/replies", fields | good)
            assert page.locator("article.mine .text").count() == 1
            guard.assert_clean(page, least=1)
            bad = {
                "email": text,
                "url": text,
                "parent": text,
                "key": text,
                "token": text,
                "format": text,
                "topic": text,
            }
            submit(page, f"{attacked.base}/replies", fields | bad)
            assert page.locator("[role=alert]").count() == 1
            guard.assert_clean(page, least=0)
            if number % 4 == 0:
                submit(page, f"{attacked.base}/replies", fields | good | {"page": text})
                guard.assert_clean(page, least=0)


def test_nothing_runs_where_an_address_is_given_back(attacked: Attacked, chromium: Browser) -> None:
    with watched(attacked, chromium, without_policy=True) as guard:
        page = guard.open()
        for text in PAIRS:
            hostile = quote(text, safe="")
            for address in (
                attacked.thread(f"{attacked.running.demo_url}?{quote(text)}") + f"&parent={hostile}",
                attacked.thread(text),
                f"{attacked.running.url}/{hostile}",
            ):
                page.goto(address)
                guard.assert_clean(page, least=0)


def test_feeds_stay_well_formed_and_documents_hold_only_what_a_comment_may(
    attacked: Attacked, chromium: Browser
) -> None:
    context = chromium.new_context()

    def get(address: str) -> bytes:
        answer = context.request.get(address)
        assert answer.status == 200, address
        return answer.body()

    feeds = {attacked.thread(page, "thread.atom"): min(50, number) for page, number in attacked.pages.items()}
    for feed, least in (feeds | {f"{attacked.base}/comments.atom": 50}).items():
        entries = ElementTree.fromstring(get(feed), forbid_dtd=True).findall(f"{ATOM}entry")
        assert len(entries) >= least
        for entry in entries:
            assert foreign_tags(entry.findtext(f"{ATOM}content") or "") == []
            links = [one.get("href", "") for one in entry.findall(f"{ATOM}link")] + [
                entry.findtext(f"*/{ATOM}uri") or "http"
            ]
            assert [link for link in links if not link.startswith("http")] == []
    for address, number in attacked.pages.items():
        document: dict[str, Any] = json.loads(get(attacked.thread(address, "thread.json")))
        shown = [one for one in document["comments"] if one["place"] == "public"]
        assert len(shown) >= number
        assert [node for one in shown for node in foreign_nodes(one["body"])] == []
        assert [one["url"] for one in shown if one["url"] and not one["url"].startswith(("http://", "https://"))] == []
    context.close()
