"""Bytes on a socket: what no browser and no library would send, and what a running server answers."""

import http.client
import json
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.server import DEADLINE

FORM = "application/x-www-form-urlencoded"
Headers = Iterable[tuple[str, str]]
#: Seconds after which nothing more follows an answer.
SILENCE = 1.0


@dataclass(frozen=True)
class Answer:
    """One answer: its status, its headers, and its bytes."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def location(self) -> str | None:
        """Where it leads, if anywhere."""
        return self.headers.get("Location")

    @property
    def cookies(self) -> list[str]:
        """The cookies it sets."""
        return self.headers.get_all("Set-Cookie", [])

    def varies_by(self, name: str) -> bool:
        """Whether a cache is told to look at a header of the request."""
        told = ",".join(self.headers.get_all("Vary", []))
        return name.lower() in {one.strip().lower() for one in told.split(",")}


def send(port: int, data: bytes) -> Answer:
    """Send bytes as they are, and read the first answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(data)
        return _read(connection, head=data.startswith(b"HEAD "))


def send_all(port: int, data: bytes) -> bytes:
    """Send bytes as they are, and return everything that comes until the server hangs up or has no more to say."""
    came = b""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection, suppress(OSError):
        connection.sendall(data)
        while some := connection.recv(65_536):
            came += some
            connection.settimeout(SILENCE)
    return came


def statuses(came: bytes) -> list[int]:
    """Return the status of each answer in what came over one connection."""
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", came)]


def ask(port: int, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Answer:
    """Ask for a target exactly as it is written; headers may come twice, and say what they like."""
    return send(port, request(port, method, target, headers, body))


def request(port: int, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> bytes:
    """Write a request. What is given of Host, Content-Length and Connection is left as it is given."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    if "host" not in names:
        given.insert(0, ("Host", f"127.0.0.1:{port}"))
    if body is not None and "content-length" not in names and "transfer-encoding" not in names:
        given.append(("Content-Length", str(len(body))))
    if "connection" not in names:
        given.append(("Connection", "close"))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given)]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + (body or b"")


def form(fields: Iterable[tuple[str, str | bytes]] | dict[str, str]) -> bytes:
    """Write fields as a form does; they may come twice, and hold any bytes."""
    return urlencode(list(fields.items()) if isinstance(fields, dict) else list(fields)).encode()


@dataclass
class Browser:
    """Somebody's browser: it keeps cookies, follows nothing, and says where a form stands."""

    port: int
    jar: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """The service's own origin."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Answer:
        """Ask with the cookies that are kept."""
        given = list(headers)
        if self.jar:
            given.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items())))
        answer = ask(self.port, method, target, given, body)
        for line in answer.cookies:
            name, _, value = line.split(";")[0].partition("=")
            self.jar[name] = value
        return answer

    def get(self, target: str, headers: Headers = ()) -> Answer:
        """Look at a page."""
        return self.ask("GET", target, headers)

    def post(self, target: str, fields: dict[str, str] | None = None, headers: Headers = ()) -> Answer:
        """Send a form of ours, with the session's token."""
        own = [("Origin", self.origin), ("Referer", self.origin + target), ("Sec-Fetch-Site", "same-origin")]
        told = {"csrf_token": self.token()} | (fields or {})
        return self.ask("POST", target, [("Content-Type", FORM), *own, *headers], form(told))

    def token(self) -> str:
        """Return the session's token, as every form of ours carries it."""
        signed_in = self.get("/account/password")
        page = signed_in if signed_in.status == 200 else self.get("/account/sign-in")
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert found is not None
        return found[1]

    def sign_in(self, email: str, password: str) -> "Browser":
        """Sign in through the form."""
        done = self.post("/account/sign-in", {"email": email, "password": password})
        assert (done.status, done.location) == (303, "/queue/"), done.text
        return self


def _read(connection: socket.socket, *, head: bool) -> Answer:
    response = http.client.HTTPResponse(connection, method="HEAD" if head else "GET")
    try:
        response.begin()
        return Answer(response.status, response.headers, response.read())
    finally:
        response.close()
