"""A real server behind nginx, a site on it, and a second hand on its database."""

import json
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import pytest

from moderation import accounts
from tests.deploy.proxy import NAME, Answer, Certificate, Proxy, ask, nginx
from tests.journeys.desk import Desk
from tests.server import DEADLINE, Server, running

#: The service as it is told to run behind one proxy.
BEHIND = {"BASE_URL": f"https://{NAME}", "PROXY_HOPS": 1, "REPLY_PAUSE": 0, "DEMO": 0}


@dataclass
class Front:
    """nginx, the service behind it, and one site with a moderator."""

    proxy: Proxy
    desk: Desk
    site: str
    moderator: str

    @property
    def server(self) -> Server:
        """The service behind."""
        return self.desk.server

    def page(self, name: str) -> str:
        """Return the address of a page of the site."""
        return f"{self.desk.origin}/{name}"

    def address(self, name: str, page: str) -> str:
        """Return a published address of a page, on the service."""
        return f"/sites/{self.site}/{name}?page={quote(self.page(page), safe='')}"

    def reply(self, page: str, words: str, *, source: str = "127.0.0.1", **headers: str) -> Answer:
        """Send a reply as a program does, through nginx."""
        body = urlencode({"comment": words, "author": "Margit", "email": "m@home.example", "page": self.page(page)})
        form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        path = f"/sites/{self.site}/replies"
        return self.proxy.ask(path, "POST", body=body.encode(), headers=form | headers, source=source)

    def publish(self, page: str, words: str) -> int:
        """Have a reply approved, and return its text's id."""
        [revision] = self.desk.hold(self.site, words, page=f"/{page}")
        self.desk.decide(self.moderator, "approve", revision)
        return revision

    def directly(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask the service itself, as nginx does."""
        there = socket.create_connection(("127.0.0.1", self.server.port), timeout=DEADLINE)
        told = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}
        return ask(there, path, headers=told | dict(headers or {}))


def texts(answer: Answer) -> str:
    """Return the comments of a thread.json, as JSON."""
    return json.dumps(json.loads(answer.body)["comments"])


def network_of_newest(front: Front) -> str:
    """Return the network that the newest reply came from, as it is stored."""
    with sqlite3.connect(front.server.instance / "moderation.sqlite") as database:
        return str(database.execute("SELECT network FROM comment ORDER BY id DESC LIMIT 1").fetchone()[0])


def tag(front: Front, address: str) -> str:
    """Name a network as the service does."""
    return accounts.network_tag(address, secret=front.desk.app.config["NETWORK_KEY"])


@pytest.fixture(scope="session")
def service(certificate: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Serve as the documentation says, without a proxy in front yet."""
    with running(tmp_path_factory.mktemp("behind"), **BEHIND) as server:
        yield Desk(server)


@pytest.fixture(scope="session")
def front(service: Desk, certificate: Certificate) -> Iterator[Front]:
    """Put nginx in front of it."""
    with nginx(service.server.port, certificate) as proxy:
        yield behind(proxy, service)


def behind(proxy: Proxy, service: Desk) -> Front:
    """Open a site on the service behind this nginx."""
    site, [moderator] = service.open_site("Ana")
    return Front(proxy, service, site, moderator)
