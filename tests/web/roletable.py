"""Every route, asked with every method by everybody: what each is answered, as a table that people can read.

`python -m tests.web.roletable` writes it anew into roles.txt. What is new in it is read before it is committed.
"""

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from werkzeug.routing import Rule

from moderation import accounts
from moderation.accounts import invitations
from moderation.db import clock, db
from moderation.models import Role, Via
from moderation.receipts import token_of
from tests.conftest import (
    ORIGIN,
    PAGE,
    PASSWORD,
    account_of,
    make_account,
    make_site,
    new_app,
    signed_in,
    site_of,
    token_in,
)
from tests.world import World

TABLE = Path(__file__).parent / "roles.txt"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
#: Who asks, all of them about courier: somebody not signed in; its reader; a moderator of another site; its moderator;
#: one of its two owners; who runs the installation, without a role anywhere.
ROLES = ("stranger", "reader", "other", "moderator", "owner", "operator")
#: What an answer comes to.
WORDS = {
    **{200: "ok", 201: "made", 204: "ok", 302: "led", 303: "led", 308: "led", 400: "unreadable", 403: "forbidden"},
    **{
        404: "unknown",
        405: "-",
        409: "too late",
        411: "no length",
        415: "wrong kind",
        422: "mistake",
        429: "too often",
    },
}
#: How wide the table's columns are: the route's, the method's and each role's.
WIDE, METHOD, CELL = 68, 8, 12
#: What a path's part is, by its name; a new one gets `OTHERWISE`.
PARTS = {
    "concern": "site",
    "key": "courier",
    "revision_id": "1",
    "account_id": "2",
    "invitation_id": "1",
    "filename": "console.css",
}
OTHERWISE = "1"
#: What is sent, to whatever address: what no address asks for does no harm.
FIELDS = {
    **{"revision": "1:0", "action": "approve", "note": "Look at this.", "comment": "Wider is good news.", "page": PAGE},
    **{"author": "Jo", "name": "Jo", "email": "jo@home.example", "password": "a sentence that nobody guesses"},
    **{"role": "reader", "order": "newest", "batch": "theirs"},
}
#: What an address asks for in another shape: a sign-in is right for Ana alone.
FIELDS_AT = {
    "account.do_sign_in": {"email": "ana@staff.example", "password": PASSWORD},
    "together.be_here": {"revision": "1"},
}


@dataclass
class Scene:
    """An installation with everybody in it, put back as it was before whoever asks next."""

    app: Flask
    folder: Path
    people: dict[str, FlaskClient] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, dict[Any, Any]] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.folder / "moderation.sqlite"

    def set(self) -> None:
        """Make the sites, people, a reply that waits and an invitation; sign everybody in; keep a copy of it all."""
        for key, origin in (("courier", ORIGIN), ("harbour", "https://harbour.example")):
            make_site(self.app, key, origin)
        names = {"reader": "Rita", "moderator": "Ana", "owner": "Ines", "other": "Eve", "operator": "Otto"}
        make_account(self.app, "Olga", courier=Role.OWNER)
        for role, site in (("reader", "courier"), ("moderator", "courier"), ("owner", "courier"), ("other", "harbour")):
            of = Role.MODERATOR if role == "other" else Role(role)
            make_account(self.app, names[role], **{site: of})
        make_account(self.app, "Otto")
        with self.app.app_context():
            accounts.set_operator(account_of("otto@staff.example"), accounts.Operator.ON, now=clock(), via=Via.CLI)
            reply = World(self.app).reply()
            self.parts["receipts"] = token_of(reply, secret=self.app.config["RECEIPT_KEY"])
            _, self.parts["invitations"] = invitations.invite(site_of("courier"), Role.READER, now=clock(), via=Via.CLI)
            db.session.commit()
        for role in ROLES:
            who = names.get(role)
            self.people[role] = signed_in(self.app, f"{who}@staff.example".lower()) if who else self.app.test_client()
            self.tokens[role] = token_in(self.people[role], "/queue/" if who else "/account/sign-in")
            self.cookies[role] = dict(self.people[role]._cookies)
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute("VACUUM INTO ?", (str(self.folder / "kept.sqlite"),))

    def again(self) -> None:
        """Put everything back."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        for leftover in self.folder.glob("moderation.sqlite-*"):
            leftover.unlink()
        shutil.copy(self.folder / "kept.sqlite", self.database)
        self.app.extensions["limits"].storage.reset()
        self.app.extensions["ready"].clear()

    def ask(self, role: str, method: str, path: str, endpoint: str) -> Any:
        """Ask as this person's browser does, with an honest token."""
        client = self.people[role]
        client._cookies = dict(self.cookies[role])
        sent = method not in ("GET", "HEAD", "OPTIONS")
        form = FIELDS | FIELDS_AT.get(endpoint, {}) | {"csrf_token": self.tokens[role]} if sent else None
        return client.open(path, method=method, data=form, query_string=None if sent else {"page": PAGE})


def rows(scene: Scene) -> Iterator[str]:
    """Yield the table's lines, by path and method."""
    rules = sorted(scene.app.url_map.iter_rules(), key=lambda rule: (rule.rule, str(rule.endpoint)))
    asked: set[str] = set()
    yield line("route", "method", ROLES)
    for rule in rules:
        if rule.rule in asked:
            continue
        asked.add(rule.rule)
        for method in METHODS:
            yield line(rule.rule, method, [_answer(scene, role, method, rule) for role in ROLES])


def line(route: str, method: str, answers: Any) -> str:
    """Write one line."""
    return f"{route:<{WIDE}} {method:<{METHOD}}{''.join(f'{answer:<{CELL}}' for answer in answers)}".rstrip()


def path_of(rule: Rule, parts: dict[str, str]) -> str:
    """Fill a route's parts in."""
    path = rule.rule
    for name in rule.arguments:
        value = parts.get(path.split("/")[1], OTHERWISE) if name == "token" else PARTS.get(name, OTHERWISE)
        converter = next(part for part in path.split("<") if part.partition(">")[0].rpartition(":")[2] == name)
        path = path.replace(f"<{converter.partition('>')[0]}>", value)
    return path


def table(folder: Path) -> str:
    """Ask everything, and return the table."""
    app = new_app(f"sqlite:///{folder / 'moderation.sqlite'}", folder, REPLY_PAUSE="0", SIGN_INS_PER_HOUR="1000")
    with app.app_context():
        upgrade()
    scene = Scene(app, folder)
    scene.set()
    return "\n".join(rows(scene)) + "\n"


def _answer(scene: Scene, role: str, method: str, rule: Rule) -> str:
    answer = scene.ask(role, method, path_of(rule, scene.parts), str(rule.endpoint))
    answer.close()
    if method not in ("GET", "HEAD", "OPTIONS") and answer.status_code != 405:
        scene.again()
    if answer.status_code == 303 and answer.headers["Location"].startswith("/account/sign-in"):
        return "sign in"
    return WORDS.get(answer.status_code, str(answer.status_code))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        TABLE.write_text(table(Path(made)))
    sys.stdout.write(f"{TABLE.name}: {len(TABLE.read_text().splitlines()) - 1} lines\n")
