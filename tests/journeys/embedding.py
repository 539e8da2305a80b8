"""A website with the embed on its pages, its threads filled and moderated behind the browser's back."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import update

from moderation import accounts, intake
from moderation.db import db
from moderation.models import Comment, Revision, Role, Site, Via
from tests.conftest import make_account, site_of
from tests.journeys.desk import Desk
from tests.journeys.hosting import Website

#: All a page has to allow. Nothing of its own scripts or styles is among it.
STRICT = (
    "default-src 'none'; script-src {service}; connect-src {service}; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass
class Place:
    """A site of the service and the website it belongs to."""

    desk: Desk
    website: Website
    key: str = field(init=False)
    moderator: str = field(init=False)
    pages: int = 0

    def __post_init__(self) -> None:
        """Make the site, with a moderator."""
        self.desk.made += 1
        self.key = f"place{self.desk.made}"
        with self.desk.app.app_context():
            accounts.create_site(
                self.key, name="The Courier", origins=[self.website.origin], now=datetime.now(UTC), via=Via.CLI
            )
            db.session.commit()
        self.moderator = make_account(self.desk.app, f"Mod{self.desk.made}", **{self.key: Role.MODERATOR})

    @property
    def service(self) -> str:
        """The service's origin."""
        return self.desk.server.url

    @property
    def strict(self) -> str:
        """The strictest policy a page may have."""
        return STRICT.format(service=self.service)

    def set(self, **settings: Any) -> None:
        """Change the site's settings."""
        with self.desk.app.app_context():
            values = settings | {"version": Site.version + 1}
            db.session.execute(update(Site).where(Site.key == self.key).values(**values))
            db.session.commit()

    def article(self, **options: Any) -> str:
        """Publish a new article with the tag; return its address."""
        self.pages += 1
        return self.website.article(f"/news/{self.pages}", self.service, self.key, **options)

    def hold(self, page: str, *texts: str, parent: int | None = None, author: str = "Margit Olsen") -> list[int]:
        """Let replies arrive; return their comments' ids."""
        with self.desk.app.app_context():
            site, now = site_of(self.key), datetime.now(UTC)
            made = [
                intake.receive(
                    intake.Draft(
                        comment=text,
                        author=author,
                        email="m@home.example",
                        url="https://m.example",
                        page=page,
                        parent=parent,
                    ),
                    site=site,
                    pause=timedelta(0),
                    now=now + timedelta(milliseconds=number),
                )
                for number, text in enumerate(texts)
            ]
            db.session.commit()
            return [comment.id for comment in made]

    def decide(self, action: str, *comments: int) -> None:
        """Decide the newest texts of these comments, as a moderator does."""
        with self.desk.app.app_context():
            revisions = [db.session.get_one(Comment, id_).newest.id for id_ in comments]
        self.desk.decide(self.moderator, action, *revisions)

    def publish(self, page: str, *texts: str, parent: int | None = None, author: str = "Margit Olsen") -> list[int]:
        """Let replies arrive and approve them; return their comments' ids."""
        made = self.hold(page, *texts, parent=parent, author=author)
        self.decide("approve", *made)
        return made

    def age(self, comment: int, **ago: int) -> None:
        """Let a comment have arrived so long ago."""
        with self.desk.app.app_context():
            then = datetime.now(UTC) - timedelta(**ago)
            db.session.execute(update(Comment).where(Comment.id == comment).values(received_at=then))
            db.session.get_one(Comment, comment).thread.version += 1
            db.session.commit()

    def close(self, comment: int) -> None:
        """Close the thread of a comment."""
        with self.desk.app.app_context():
            thread = db.session.get_one(Comment, comment).thread
            thread.closed = True
            thread.version += 1
            db.session.commit()

    def takes(self, minutes: int) -> None:
        """Let half of the site's replies be decided within so many minutes."""
        with self.desk.app.app_context():
            site_of(self.key).head.wait_half = minutes
            db.session.commit()

    def held(self, words: str) -> int:
        """Count the comments that hold these words, in the database."""
        with self.desk.app.app_context():
            return db.session.query(Revision).filter(Revision.source.contains(words)).count()

    def newest(self) -> int:
        """Return the comment that came last."""
        with self.desk.app.app_context():
            return db.session.query(Comment.id).order_by(Comment.id.desc()).limit(1).scalar()


def texts(number: int) -> list[str]:
    """Make so many texts of about 300 characters, no two alike."""
    return [f"The ramp of pier {one} is wide enough for two prams, they say. " * 5 for one in range(number)]


def fill(page: Page, comment: str, *, name: str = "Ines", email: str = "ines@home.example") -> None:
    """Fill the form as a person does."""
    for label, text in {"Comment": comment, "Name": name, "Email": email}.items():
        page.get_by_role("textbox", name=label).fill(text)


def post(page: Page) -> None:
    """Press the button everybody knows."""
    page.get_by_role("button", name="Post Comment").click()


def open_(page: Page, address: str) -> None:
    """Open a page and wait until its thread and form are there."""
    page.goto(address)
    expect(page.get_by_role("button", name="Post Comment")).to_be_visible()


def look_again(page: Page) -> None:
    """Come back to the tab, as a reader does."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
