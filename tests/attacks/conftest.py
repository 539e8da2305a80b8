"""One running server for all attacks, with two sites and their people, and a look into its database from beside it."""

import hashlib
import itertools
import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select

from moderation import accounts
from moderation.accounts import invitations, resets
from moderation.db import clock, db
from moderation.models import Comment, Role, Thread, Via
from moderation.models.pagekey import page_key
from moderation.receipts import token_of
from tests.attacks import wire
from tests.attacks.wire import FORM, Answer, Browser, Headers
from tests.conftest import ORIGIN, PASSWORD, account_of, make_account, make_site, new_app, site_of
from tests.server import Server, running, until
from tests.web import asking

HARBOUR = "https://harbour.example"
SETTINGS = {"DEMO": 0, "REPLY_PAUSE": 0, "WORKERS": 1, "THREADS": 8, "SIGN_INS_PER_HOUR": 10**6}
SETTINGS |= {"PREVIEWS_PER_MINUTE": 10**6, "RESETS_PER_HOUR": 10**6}
#: Who there is: the site and the role; Otto runs the installation.
PEOPLE: dict[str, dict[str, Role]] = {
    "Rita": {"courier": Role.READER},
    "Ana": {"courier": Role.MODERATOR},
    "Ines": {"courier": Role.OWNER},
    "Eve": {"harbour": Role.OWNER},
    "Otto": {},
}


@dataclass
class Place:
    """The installation under attack."""

    server: Server
    app: Flask
    numbers: Iterator[int] = field(default_factory=itertools.count)
    people: dict[str, Browser] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    def page(self, origin: str = ORIGIN) -> str:
        """Return the address of a page that nobody has replied to."""
        return f"{origin}/news/{next(self.numbers)}"

    def ask(self, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Answer:
        """Ask as a stranger."""
        return wire.ask(self.port, method, target, headers, body)

    def get(self, target: str, headers: Headers = ()) -> Answer:
        """Read as a stranger."""
        return self.ask("GET", target, headers)

    def read(self, name: str, page: str, *, key: str = "courier", headers: Headers = ()) -> Answer:
        """Read one of a site's public addresses."""
        return self.get(f"/sites/{key}/{name}?page={quote(page, safe='')}", headers)

    def reply(self, comment: str | None = None, *, page: str, site: str = "courier", **fields: Any) -> Answer:
        """Send a reply as a program does."""
        number = next(self.numbers)
        body: dict[str, Any] = {"comment": f"Wider is good news, {number}." if comment is None else comment}
        body |= {"author": "Margit", "email": f"margit{number}@home.example", "page": page, **fields}
        headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
        return self.ask("POST", f"/sites/{site}/replies", headers, json.dumps(body).encode())

    def held(self, comment: str | None = None, *, page: str, **fields: Any) -> int:
        """Let a reply be held, and return its number."""
        answer = self.reply(comment, page=page, **fields)
        assert answer.status == 201, answer.text
        return int(answer.json["comment"])

    def public(self, comment: str | None = None, *, page: str, **fields: Any) -> int:
        """Let a reply be approved by a moderator's press, and return its number."""
        number = self.held(comment, page=page, **fields)
        self.decide("approve", number)
        return number

    def decide(self, action: str, number: int, **fields: str) -> Answer:
        """Decide on a reply's newest text as a moderator's page does; who runs the installation may on every site."""
        row = self.row(number)
        seen = {"action": action, "revision": f"{row['revision']}:{row['turn']}", **fields}
        answer = self.by("Otto").post("/queue/decisions", seen, [("Accept", "application/json")])
        assert answer.status == 200, answer.text
        return answer

    def row(self, number: int) -> dict[str, Any]:
        """Return a comment as it is stored."""
        with self.app.app_context():
            return asking.described(db.session.get_one(Comment, number))

    def rows(self) -> dict[str, set[tuple[Any, ...]]]:
        """Return every row but of sessions, which looking may touch, and of the outbox, which the worker empties."""
        with closing(sqlite3.connect(self.server.instance / "moderation.sqlite")) as connection:
            names = [table.name for table in db.metadata.sorted_tables]
            kept = [name for name in names if name not in {"web_session", "outbox_message"}]
            return {name: set(connection.execute(f'SELECT * FROM "{name}"')) for name in kept}

    def stored(self, page: str) -> list[dict[str, Any]]:
        """Return a page's comments as they are stored."""
        on_page = Thread.page_key == page_key(page, [page])
        with self.app.app_context():
            found = db.session.scalars(select(Comment).join(Thread).where(on_page).order_by(Comment.id)).unique()
            return [asking.described(comment) for comment in found]

    def html(self, number: int) -> str:
        """Return a reply's newest text as it is kept for publication."""
        with self.app.app_context():
            return db.session.get_one(Comment, number).newest.html

    def fields_of(self, name: str, path: str) -> dict[str, str]:
        """Return what the form of a page of settings holds, as somebody sees it."""
        page = SimpleNamespace(get_data=lambda as_text: self.by(name).get(path).text)
        return next(form for form in asking.Page(page).forms if "seen" in form)

    def receipt(self, number: int) -> str:
        """Return the path of a reply's receipt."""
        with self.app.app_context():
            comment = db.session.get_one(Comment, number)
            return f"/receipts/{token_of(comment, secret=self.app.config['RECEIPT_KEY'])}"

    def invitation(self, role: Role = Role.READER, *, email: str = "") -> str:
        """Invite somebody to the courier, and return the link's path."""
        with self.app.app_context():
            made = invitations.invite(site_of("courier"), role, email=email, now=clock(), via=Via.CLI)
            db.session.commit()
            return f"/invitations/{made[1]}"

    def reset(self, name: str) -> str:
        """Let somebody choose a new password, and return the link's path."""
        with self.app.app_context():
            token = resets.make(account_of(f"{name.lower()}@staff.example"), now=clock(), via=Via.CLI)
            db.session.commit()
            return f"/account/reset/{token}"

    def widen(self, most: int) -> None:
        """Let comments on the courier be as long as any may be."""
        asking.change_site(self.app, "courier", max_comment=most)

    @contextmanager
    def origin(self, key: str, origin: str) -> Iterator[None]:
        """Let an origin be one of a site's for a while, whatever the settings would say."""
        with self.app.app_context():
            kept = list(site_of(key).origins)
        asking.change_site(self.app, key, origins=[*kept, origin])
        try:
            yield
        finally:
            asking.change_site(self.app, key, origins=kept)

    def upload(self, file: bytes, *, name: str = "Ines", key: str = "courier") -> Answer:
        """Send a file for a rehearsal of its import, as an owner does."""
        browser, edge = self.by(name), "----edge"
        head = f'--{edge}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{browser.token()}\r\n'
        head += f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="wp.xml"\r\n\r\n'
        own = [("Content-Type", f"multipart/form-data; boundary={edge}"), ("Origin", browser.origin)]
        body = head.encode() + file + f"\r\n--{edge}--\r\n".encode()
        return browser.ask("POST", f"/settings/{key}/transfer", own, body)

    def bring(self, file: bytes) -> None:
        """Import a file, as an owner does."""
        assert self.upload(file).status == 200
        done = self.by("Ines").post("/settings/courier/transfer/import", {"file": hashlib.sha256(file).hexdigest()})
        assert done.status == 200, done.text

    def by(self, name: str) -> Browser:
        """Return somebody's browser, signed in."""
        if name not in self.people:
            self.people[name] = Browser(self.port).sign_in(f"{name.lower()}@staff.example", PASSWORD)
        return self.people[name]

    def stranger(self) -> Browser:
        """Return a browser of its own."""
        return Browser(self.port)

    def soon(self, fits: Any, what: str) -> None:
        """Wait until readers see what was done: within a second."""
        until(fits, lambda: what, within=10)

    def send_form(self, fields: Any, headers: Headers = (), *, path: str = "/sites/courier/replies") -> Answer:
        """Send a form as a browser does, without our mark."""
        return self.ask("POST", path, [("Content-Type", FORM), *headers], wire.form(fields))


@dataclass
class Listener:
    """Somebody else's server, who notes each time somebody calls."""

    url: str
    calls: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Return a server on this machine that nobody should call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Listener(f"http://127.0.0.1:{server.getsockname()[1]}/")

        def listen() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()
                    found.calls.append("somebody called")

        ear = threading.Thread(target=listen, daemon=True)
        ear.start()
        yield found
        server.shutdown(socket.SHUT_RDWR)
    ear.join()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Return the installation, served until the run ends."""
    instance = tmp_path_factory.mktemp("attacked")
    with running(instance, **SETTINGS) as server:
        app = new_app(f"sqlite:///{instance / 'moderation.sqlite'}", instance, BASE_URL=server.url)
        make_site(app, "courier", ORIGIN)
        make_site(app, "harbour", HARBOUR)
        for name, roles in PEOPLE.items():
            make_account(app, name, **roles)
        with app.app_context():
            accounts.set_operator(account_of("otto@staff.example"), accounts.Operator.ON, now=clock(), via=Via.CLI)
            db.session.commit()
        found = Place(server, app)
        for name in PEOPLE:
            found.by(name)
        yield found
        with app.app_context():
            db.engine.dispose()
