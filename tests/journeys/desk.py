"""A newsroom to moderate in: sites with moderators and held replies, seen and changed behind the browser's back."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations, islice
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from moderation import accounts, intake, lifecycle, markup
from moderation.db import db
from moderation.models import Action, Entry, Revision, Role, Via
from moderation.review import decisions
from tests.conftest import PASSWORD, account_of, make_account, new_app, site_of
from tests.server import Server

#: Words that make texts differ: texts of one pattern would be shown as one card.
WORDS = (
    *("ramp", "gate", "mill", "lane", "bridge", "river", "board", "path"),
    *("lamp", "wall", "step", "rail", "pram", "stone", "weir", "ford"),
)
#: A browser on a busy machine.
PATIENCE = 20_000


@dataclass
class Desk:
    """The served installation, and a second hand on its database."""

    server: Server
    app: Flask = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        """Open the server's own database."""
        instance = Path(self.server.instance)
        self.app = new_app(f"sqlite:///{instance / 'moderation.sqlite'}", instance, BASE_URL=self.server.url)

    def open_site(self, *names: str) -> tuple[str, list[str]]:
        """Make a site of its own, with these moderators; return its key and their addresses."""
        self.made += 1
        key = f"site{self.made}"
        with self.app.app_context():
            accounts.create_site(key, name="The Courier", origins=[self.origin], now=_now(), via=Via.CLI)
            db.session.commit()
        return key, [make_account(self.app, f"{name}{self.made}", **{key: Role.MODERATOR}) for name in names]

    @property
    def origin(self) -> str:
        """Where the pages with replies are: the demo's article is one of them."""
        return self.server.demo_url.removesuffix("/demo/mill-lane")

    def hold(self, site: str, *texts: str, page: str = "/demo/mill-lane", authors: tuple[str, ...] = ()) -> list[int]:
        """Let replies arrive, in this order; return their revisions' ids."""
        with self.app.app_context():
            held = [
                intake.receive(
                    intake.Draft(
                        comment=text,
                        author=authors[number] if authors else "Margit",
                        email=f"{authors[number].lower() if authors else 'margit'}@home.example",
                        url="",
                        page=self.origin + page,
                    ),
                    site=site_of(site),
                    pause=timedelta(0),
                    now=_now(),
                )
                for number, text in enumerate(texts)
            ]
            db.session.commit()
            return [comment.newest.id for comment in held]

    def edit(self, revision_id: int, text: str) -> int:
        """Let the author of a reply send another text; return its revision's id."""
        with self.app.app_context():
            comment = db.session.get_one(Revision, revision_id).comment
            words = lifecycle.Words(text, markup.Format.MARKDOWN, markup.render(text, markup.Format.MARKDOWN), ())
            made = lifecycle.edit(comment, words, by=lifecycle.By(via=Via.RECEIPT, at=_now()))
            db.session.commit()
            return made.id

    def decide(self, email: str, action: str, *revision_ids: int) -> None:
        """Let a moderator decide, from a page of their own."""
        with self.app.app_context():
            turns = db.session.execute(select(Revision.id, Revision.turn).where(Revision.id.in_(revision_ids)))
            decisions.decide_all(
                Action(action),
                [decisions.Choice(id_, turn) for id_, turn in turns],
                by=account_of(email),
                now=_now(),
                batch=f"behind-{revision_ids[0]}",
            )
            db.session.commit()

    def statuses(self, *revision_ids: int) -> list[str]:
        """Return how these stand in the database, in this order."""
        with self.app.app_context():
            rows = db.session.execute(select(Revision.id, Revision.status).where(Revision.id.in_(revision_ids)))
            found = {id_: str(status) for id_, status in rows}
        return [found[id_] for id_ in revision_ids]

    def status(self, revision_id: int) -> str:
        """Return how one stands in the database."""
        return self.statuses(revision_id)[0]

    def log(self, revision_id: int) -> list[tuple[str, str | None]]:
        """Return what was done with a text, oldest first: the action and the reason's label."""
        with self.app.app_context():
            entries = db.session.scalars(select(Entry).where(Entry.revision_id == revision_id).order_by(Entry.id)).all()
            labels = {
                reason.id: reason.label
                for reason in db.session.get_one(Revision, revision_id).comment.thread.site.reasons
            }
            return [(str(entry.action), labels.get(entry.reason_id or 0)) for entry in entries]

    def public(self, site: str, page: Page) -> list[dict[str, Any]]:
        """Return the comments that the public reads on the article."""
        # Asked in a way that nobody has asked in before, it is no answer of a second ago.
        params = {"page": f"{self.origin}/demo/mill-lane", "afresh": secrets.token_hex(8)}
        answer = page.request.get(f"{self.server.url}/sites/{site}/thread.json", params=params)
        assert answer.status == 200
        return list(answer.json()["comments"])

    def reasons(self, site: str) -> dict[int, str]:
        """Return a site's reasons by their digits."""
        with self.app.app_context():
            return {digit: reason.label for digit, reason in site_of(site).digits.items()}

    def comment_of(self, revision_id: int) -> int:
        """Return the comment that a text belongs to."""
        with self.app.app_context():
            return db.session.get_one(Revision, revision_id).comment_id


def texts(number: int) -> list[str]:
    """Make so many texts of which no two are made after one pattern."""
    chosen = islice(combinations(WORDS, 3), number)
    return [f"The {one} by the {other} is wide, and so is the {third}." for one, other, third in chosen]


def sign_in(page: Page, desk: Desk, email: str) -> Page:
    """Sign in through the form, and stand before the queue."""
    page.set_default_timeout(PATIENCE)
    page.goto(f"{desk.server.url}/account/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/queue/")
    return page


def card(page: Page, revision_id: int) -> Locator:
    """Return the card of a text."""
    return page.locator(f"#r{revision_id}")


def expect_at_hand(page: Page, revision_id: int, *, focused: bool = True) -> None:
    """Wait until this card is the one at hand, and keys and screen readers stand on it."""
    expect(page.locator("main .card.now")).to_have_attribute("id", f"r{revision_id}", timeout=PATIENCE)
    if focused:
        expect(card(page, revision_id)).to_be_focused(timeout=PATIENCE)


def expect_told(page: Page, words: str, *, undo: bool = False) -> None:
    """Wait until the queue's announcement says this, with the way back once the press has arrived."""
    told = page.locator("[data-told]")
    expect(told).to_have_attribute("role", "status")
    expect(told).to_contain_text(words, timeout=PATIENCE)
    if undo:
        expect(told.get_by_role("button", name="Undo")).to_be_visible(timeout=PATIENCE)


def ready(page: Page) -> None:
    """Wait until the script has taken over."""
    expect(page.locator("body.keyed")).to_be_attached(timeout=PATIENCE)
    expect(page.locator(".queue.live, .empty").first).to_be_attached(timeout=PATIENCE)


def _now() -> datetime:
    return datetime.now(UTC)
