"""What races are run on: people who act at one moment, and what must hold whoever was faster."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import audit, intake, markup, publishing
from moderation.db import db
from moderation.models import OPEN, Comment, Revision, Role, Site, Status, Thread
from moderation.receipts import token_of
from tests.conftest import ORIGIN, PAGE, csrf, make_account, make_site, signed_in, site_of

#: Who is not done by then waits for a lock that nobody will give.
LONGEST = 240
JSON = {"Accept": "application/json"}
OTHER_ORIGIN = "https://gazette.example"


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Let each act begin at the same moment, in a thread of its own, and return what each returned."""
    gate = threading.Barrier(len(acts), timeout=LONGEST)

    def go(act: Callable[[], Any]) -> Any:
        gate.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(go, act) for act in acts]
        return [one.result(timeout=LONGEST) for one in running]


@dataclass(frozen=True)
class Held:
    """A reply, as its author and a moderator see it."""

    comment: int
    revision: int
    turn: int
    receipt: str
    text: str

    @property
    def seen(self) -> str:
        """What a decision on it carries."""
        return f"{self.revision}:{self.turn}"


@dataclass
class Scene:
    """Two sites, and two moderators who work on both."""

    app: Flask
    people: dict[str, FlaskClient] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def reply(self, *, site: str = "courier", page: str = "", parent: int | None = None) -> Held:
        """Let one reply arrive."""
        return self.replies(1, site=site, page=page, parent=parent)[0]

    def replies(self, number: int, *, site: str = "courier", page: str = "", parent: int | None = None) -> list[Held]:
        """Let replies arrive, all in one transaction."""
        with self.app.app_context():
            on = site_of(site)
            made = [self._take(on, page or f"{on.origins[0]}/news/mill-lane", parent) for _ in range(number)]
            db.session.commit()
            secret = self.app.config["RECEIPT_KEY"]
            return [
                Held(c.id, c.newest.id, 0, f"/receipts/{token_of(c, secret=secret)}", c.newest.source) for c in made
            ]

    def _take(self, site: Site, page: str, parent: int | None) -> Comment:
        self.sent += 1
        draft = intake.Draft(f"Reply number {self.sent}.", "Margit", f"m{self.sent}@home.example", "", page, parent)
        return intake.receive(draft, site=site, pause=timedelta(0), now=datetime.now(UTC))

    def decide(self, who: str, action: str, *seen: str) -> Any:
        """Press a button of the queue."""
        data = {"action": action, "revision": list(seen), "csrf_token": self.tokens[who]}
        return self.people[who].post("/queue/decisions", data=data, headers=JSON)

    def undo(self, who: str, batch: str = "") -> Any:
        """Press undo."""
        return self.people[who].post("/queue/undo", data={"batch": batch, "csrf_token": self.tokens[who]}, headers=JSON)

    def edit(self, held: Held, text: str, *, seen: bool = True) -> Any:
        """Send another text, as the author."""
        data = {"comment": text} | ({"revision": held.seen} if seen else {})
        return self.app.test_client().post(f"{held.receipt}/edit", data=data, headers=JSON)

    def withdraw(self, held: Held) -> Any:
        """Take the reply back, as the author."""
        return self.app.test_client().post(f"{held.receipt}/withdraw", data={"sent": "1"}, headers=JSON)

    def statuses(self, held: Held) -> list[Status]:
        """Return the statuses of a reply's texts, oldest first."""
        with self.app.app_context():
            return list(
                db.session.scalars(
                    select(Revision.status).where(Revision.comment_id == held.comment).order_by(Revision.number)
                )
            )

    def public(self, site: str = "courier", page: str = PAGE) -> dict[int, str]:
        """Return what the public reads on a page: words by comment."""
        client, part, parts = self.app.test_client(), 0, 1
        shown: dict[int, str] = {}
        while part < parts:
            part += 1
            found = client.get(f"/sites/{site}/thread.json", query_string={"page": page, "part": part}).json
            shown |= {one["id"]: one["body"] for one in found["comments"] if one["place"] == "public"}
            parts = found["parts"]
        return shown

    def assert_whole(self) -> None:
        """Fail unless the log proves every status, no comment has two open or two public texts, and readers get
        exactly what is approved."""
        with self.app.app_context():
            assert [(proof.chain, proof.faults) for proof in audit.verify() if proof.faults] == []
            rows = db.session.execute(select(Revision.comment_id, Revision.status)).all()
            opened = [comment for comment, status in rows if status in OPEN]
            approved = [comment for comment, status in rows if status is Status.APPROVED]
            assert len(opened) == len(set(opened))
            assert len(approved) == len(set(approved))
            pages = [
                (thread.site.key, publishing.address_of(thread.site, thread.page_key), _approved(thread))
                for thread in db.session.scalars(select(Thread))
            ]
        for site, page, expected in pages:
            assert self.public(site, page) == expected


def _approved(thread: Thread) -> dict[int, Any]:
    rows = db.session.execute(
        select(Comment.id, Revision.html)
        .join(Revision)
        .where(Comment.thread_id == thread.id, Revision.status == Status.APPROVED)
    )
    return {id_: markup.nodes(html) for id_, html in rows}


def make_scene(app: Flask, who: Sequence[str] = ("Ana", "Piet")) -> Scene:
    """Make the sites, and sign the moderators in."""
    made = Scene(app)
    # What is returned to its author waits again at once, so that housekeeping has something to do.
    make_site(app, "courier", ORIGIN, return_days=0)
    make_site(app, "gazette", OTHER_ORIGIN, return_days=0)
    for name in who:
        email = make_account(app, name, courier=Role.MODERATOR, gazette=Role.MODERATOR)
        made.people[name.lower()] = client = signed_in(app, email)
        made.tokens[name.lower()] = csrf(client)
    return made
