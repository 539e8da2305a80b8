"""A small world to try the rooms in: a site, a reply in any state, and people who act on it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import Flask

from moderation import accounts, audit, intake, lifecycle, markup, publishing
from moderation.db import db
from moderation.lifecycle import By, Words
from moderation.models import Account, Action, Comment, Entry, Revision, Role, Site, Status, Via
from tests.conftest import NOW, ORIGIN, PAGE, account_of, make_account, make_site, site_of

#: Which presses lead a new reply to a status.
WAYS = {
    Status.PENDING: (),
    Status.APPROVED: (Action.APPROVE,),
    Status.REJECTED: (Action.REJECT,),
    Status.SPAM: (Action.SPAM,),
    Status.RETURNED: (Action.RETURN,),
}


@dataclass
class World:
    """One site and two moderators; time goes on by a minute with everything that happens."""

    app: Flask
    now: datetime = NOW
    batches: int = 0
    people: dict[str, Account] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        """The site."""
        return site_of("courier")

    def later(self, minutes: int = 1) -> datetime:
        """Let time go on, and return it."""
        self.now += timedelta(minutes=minutes)
        return self.now

    def person(self, name: str) -> Account:
        """Return a moderator of the site."""
        return account_of(f"{name}@staff.example")

    def reply(self, text: str = "Wider is good news.", **changes: object) -> Comment:
        """Let a reply arrive."""
        draft = {"comment": text, "author": "Margit", "email": "margit@home.example", "url": "", "page": PAGE} | changes
        comment = intake.receive(intake.Draft(**draft), site=self.site, pause=timedelta(0), now=self.later())  # type: ignore[arg-type]
        db.session.commit()
        return comment

    def reply_in(self, status: Status, **changes: object) -> Comment:
        """Let a reply arrive, and bring it to a status."""
        comment = self.reply(**changes)  # type: ignore[arg-type]
        for action in WAYS.get(status, ()):
            self.decide(action, comment.newest)
        if status is Status.WITHDRAWN:
            self.withdraw(comment)
        if status is Status.SUPERSEDED:
            self.edit(comment, "Wider is very good news.")
        assert comment.revisions[0].status is status
        return comment

    def decide(self, action: Action, revision: Revision, *, seen: int | None = None, who: str = "ana") -> Entry:
        """Let a moderator press a button."""
        self.batches += 1
        by = lifecycle.decider(self.person(who), via=Via.QUEUE, at=self.later(), batch=f"batch-{self.batches}")
        try:
            entry = lifecycle.decide(action, revision, seen=revision.turn if seen is None else seen, by=by)
        except lifecycle.Conflict:
            db.session.rollback()
            raise
        db.session.commit()
        return entry

    def edit(self, comment: Comment, text: str, *, seen: tuple[int, int] | None = None) -> Revision:
        """Let the author send another text."""
        words = Words(text, markup.Format.MARKDOWN, markup.render(text, markup.Format.MARKDOWN), ())
        try:
            revision = lifecycle.edit(comment, words, by=self.author(), seen=seen)
        except lifecycle.Conflict:
            db.session.rollback()
            raise
        db.session.commit()
        return revision

    def withdraw(self, comment: Comment) -> None:
        """Let the author take everything back."""
        lifecycle.withdraw(comment, by=self.author())
        db.session.commit()

    def resume(self, comment: Comment) -> None:
        """Let the author send it after all."""
        lifecycle.resume(comment, by=self.author())
        db.session.commit()

    def undo(self, entry: Entry, *, who: str = "ana") -> lifecycle.Undone:
        """Let a moderator take a press back."""
        by = By(via=Via.QUEUE, at=self.later(), account_id=self.person(who).id)
        undone = lifecycle.undo(entry.batch or "", by=by, site_ids=[self.site.id])
        db.session.commit()
        return undone

    def author(self) -> By:
        """Name the author's own hand."""
        return By(via=Via.RECEIPT, at=self.later())

    def public(self) -> list[str]:
        """Return what the public reads on the page, in order; "-" and the place for an empty one."""
        found = publishing.document(self.site, PAGE)
        return [markup.plain_text(item.html) if item.is_public else f"- {item.place}" for item in found.items]

    def faults(self) -> list[str]:
        """Return what the proof of the log finds wrong."""
        return [fault for proof in audit.verify() for fault in proof.faults]


def make_world(app: Flask) -> World:
    """Make the site and its people."""
    make_site(app, "courier", ORIGIN)
    for name in ("Ana", "Piet"):
        make_account(app, name, courier=Role.MODERATOR)
    return World(app)


def statuses(comment: Comment) -> list[Status]:
    """Return the statuses of a comment's texts, oldest first, as the database has them."""
    db.session.expire_all()
    return [revision.status for revision in comment.revisions]


__all__ = ["World", "accounts", "make_world", "statuses"]
