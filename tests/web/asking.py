"""How the tests of the doors ask, and what they look at afterwards."""

import hashlib
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from moderation import intake, lifecycle
from moderation.db import clock, db
from moderation.models import Action, Comment, Revision, Site, Thread, Via
from moderation.models.pagekey import page_key
from tests.conftest import ORIGIN, PAGE, site_of

REPLIES = "/sites/courier/replies"
JSON = {"Accept": "application/json"}
STATIC = Path(__file__).parents[2] / "moderation" / "static"
#: What somebody types into the form.
TYPED = {
    "comment": "Wider is *good* news.",
    "author": "Margit",
    "email": "margit@home.example",
    "url": "https://margit.example/",
}


def asset(name: str) -> str:
    """Return a static file's address under its version, as our pages name it."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def token(app: Flask, *, age: float = 30, site: str = "courier", page: str = PAGE) -> str:
    """Make a form's mark of a certain age, as our own form carries it."""
    key = page_key(page, [page])
    return intake.new_token(site, key, secret=app.config["FORM_KEY"], now=clock() - timedelta(seconds=age))


def send_form(client: FlaskClient, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    """Send our own form as a browser does, with a mark that is half a minute old."""
    body = {**TYPED, "page": PAGE, "token": token(client.application), **fields}
    return client.post(
        REPLIES, data={name: text for name, text in body.items() if text is not None}, headers=headers or {}
    )


def press(client: FlaskClient, path: str, **headers: str) -> Any:
    """Press a button of a form that has no fields, as a browser does: with a body of length 0."""
    return client.post(path, headers=headers, environ_overrides={"CONTENT_LENGTH": "0"})


def stored(app: Flask) -> list[dict[str, Any]]:
    """Return every comment with its newest text, oldest first."""
    with app.app_context():
        comments = db.session.scalars(select(Comment).order_by(Comment.id)).unique().all()
        return [described(comment) for comment in comments]


def described(comment: Comment) -> dict[str, Any]:
    """Return a comment with its newest text."""
    return {
        "id": comment.id,
        "author": comment.author,
        "email": comment.email,
        "url": comment.url,
        "title": comment.title,
        "parent": comment.parent_id,
        "site": comment.site_id,
        "page": comment.thread.page_key,
        "text": comment.newest.source,
        "status": str(comment.newest.status),
        "turn": comment.newest.turn,
        "revision": comment.newest.id,
        "findings": [finding["code"] for finding in comment.newest.findings],
    }


def dump(app: Flask, *, besides: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with app.app_context():
        found = {
            table.name: sorted((tuple(row) for row in db.session.execute(select(table))), key=repr)
            for table in db.metadata.sorted_tables
            if table.name not in besides
        }
        db.session.rollback()
    return found


def change_site(app: Flask, key: str = "courier", **values: Any) -> None:
    """Change a site's settings."""
    with app.app_context():
        site = site_of(key)
        for name, value in values.items():
            setattr(site, name, value)
        site.version += 1
        db.session.commit()


def make_older(app: Flask, seconds: float) -> None:
    """Let every reply have arrived earlier."""
    with app.app_context():
        for comment in db.session.scalars(select(Comment)):
            comment.received_at -= timedelta(seconds=seconds)
        db.session.commit()


def set_status(app: Flask, revision: int, status: str) -> None:
    """Put a revision where no door leads quickly, with no entry: for tests that only read."""
    with app.app_context():
        db.session.execute(update(Revision).where(Revision.id == revision).values(status=status))
        of = select(Revision.thread_id).where(Revision.id == revision).scalar_subquery()
        db.session.execute(update(Thread).where(Thread.id == of).values(version=Thread.version + 1))
        db.session.commit()


def site_id(app: Flask, key: str) -> int:
    """Return a site's number."""
    with app.app_context():
        return db.session.scalars(select(Site.id).where(Site.key == key)).one()


def receipt_path(answer: Any) -> str:
    """Return the path of the receipt that an answer gave."""
    if answer.status_code == 303:
        return str(answer.headers["Location"])
    return str(answer.json["receipt"]).removeprefix("http://127.0.0.1:8000")


def get(client: FlaskClient, name: str, page: str | None = PAGE, **headers: str) -> Any:
    """Read one of a site's public addresses."""
    query = {} if page is None else {"page": page}
    return client.get(f"/sites/courier/{name}", query_string=query, headers=headers)


def public(client: FlaskClient, number: int) -> None:
    """Let a reply be approved, without signing anybody in."""
    with client.application.app_context():
        revision = db.session.get_one(Revision, number)
        by = lifecycle.By(via=Via.QUEUE, at=clock(), batch=f"public-{number}")
        lifecycle.decide(Action.APPROVE, revision, seen=revision.turn, by=by)
        db.session.commit()


class Page(HTMLParser):
    """A page as its reader gets it: the fields of its forms, its texts by id, and all its words."""

    VOID = frozenset({"input", "link", "meta", "br", "base", "hr", "img"})

    def __init__(self, answer: Any) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[dict[str, str]] = []
        self.actions: list[str] = []
        self.by_id: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.unbalanced: list[str] = []
        self._open: list[tuple[str, str | None]] = []
        self._area: str | None = None
        self.html = answer.get_data(as_text=True)
        self.feed(self.html)
        self.close()
        self.unbalanced += [tag for tag, _ in self._open]

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the page's first form."""
        return self.forms[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        name = attributes.get("name")
        if tag == "form":
            self.forms.append({})
            self.actions.append(attributes.get("action") or "")
        elif tag == "input" and name and self.forms:
            self.forms[-1].setdefault(name, attributes.get("value") or "")
        elif tag == "textarea" and name:
            if not self.forms:
                self.forms.append({})
            self.forms[-1][name] = ""
            self._area = name
        if tag not in self.VOID:
            self._open.append((tag, attributes.get("id")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
        elif tag not in self.VOID:
            self.unbalanced.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            # A browser drops the newline right after the tag.
            self.forms[-1][self._area] += data if self.forms[-1][self._area] else data.removeprefix("\n")
            return
        self.words += data
        for _, id_ in self._open:
            if id_:
                self.by_id[id_] = self.by_id.get(id_, "") + data


__all__ = ["JSON", "ORIGIN", "PAGE", "REPLIES", "TYPED", "Page"]
