"""The one way out: every request that the service makes of its own accord goes through `ask`.

An address is resolved once, looked at, and dialled as the number that was looked at; no redirect is followed, no proxy
of the environment is used, and neither time nor answer is without an end. It is called from the worker, but for two who
wait for the answer: an owner who asks in the settings whether a page of the site carries the tag, and `teams` for
somebody who signs in with a team's own sign-in.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

#: Seconds for a connection and for each read, and for all of it.
EACH, ALTOGETHER = 3.0, 8.0
#: Bytes of an answer that are read; what it says further is not heard.
MOST_READ = 65_536
#: What leads elsewhere than it says: IPv4 in IPv6's clothes, translated or tunnelled (NAT64, Teredo, 6to4 with its
#: relays); and what the library does not know to lead nowhere.
DISGUISED = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
        *("fec0::/10", "3fff::/20", "5f00::/16", "192.88.99.0/24"),
    )
)


class Unreachable(OSError):
    """Nobody answered, or the address is none that may be asked."""


class Reach(StrEnum):
    """Where a request may go."""

    #: To addresses of the public network alone: for addresses that somebody typed into a page.
    PUBLIC = "public"
    #: Anywhere: for addresses that the operator has set.
    OPERATORS = "operators"


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    url: str
    reach: Reach
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What came back: the status, at most `MOST_READ` bytes, and the policies that the headers name."""

    status: int
    body: bytes
    policies: tuple[str, ...] = ()


def ask(call: Call) -> Answer:
    """Make a request. Raises `Unreachable`."""
    try:
        parts = urlsplit(call.url)
        host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError as error:
        raise Unreachable("no address") from error
    if parts.scheme not in {"http", "https"} or not host or not port or parts.username is not None:
        raise Unreachable("no address")
    from urllib3.exceptions import HTTPError  # loaded by who asks somebody: few installations ever do

    began = time.monotonic()
    connection = _connection(parts.scheme, host, port, address=_resolve(host, port, reach=call.reach))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # By the host as it was written, not the number that is dialled.
    headers = {"User-Agent": "leave-a-reply", **call.headers, "Host": parts.netloc}
    opened: list[socket.socket] = []
    late = threading.Event()
    # A peer that sends a byte now and then would keep every single read within its time.
    end = threading.Timer(began + ALTOGETHER - time.monotonic(), _hang_up, (connection, opened, late))
    end.daemon = True
    end.start()
    try:
        connection.connect()
        opened.append(connection.sock)
        connection.request(call.method, path, call.body or None, headers, preload_content=False, decode_content=False)
        response = connection.getresponse()
        policies = tuple(response.headers.getlist("Content-Security-Policy"))
        answer = Answer(response.status, response.read(MOST_READ), policies)
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        raise Unreachable(type(error).__name__) from error
    finally:
        end.cancel()
        connection.close()
    if late.is_set():
        # What was cut off may look like an answer that ends there.
        raise Unreachable("too late")
    return answer


def is_public(address: str) -> bool:
    """Whether a number belongs to the public network, and is what it seems to be."""
    parsed = ipaddress.ip_address(address)
    disguised = any(parsed in network for network in DISGUISED if network.version == parsed.version)
    odd = parsed.is_multicast or parsed.is_reserved or parsed.is_loopback or parsed.is_link_local or parsed.is_private
    return parsed.is_global and not disguised and not odd


def _resolve(host: str, port: int, *, reach: Reach) -> str:
    """Return the number to dial. Where one of a host's numbers may not be asked, none is."""
    found = _look_up(host, port)
    if reach is Reach.PUBLIC and not all(is_public(address) for address in found):
        raise Unreachable("the host is not on the public network")
    if not found:
        raise Unreachable("the host has no address")
    return found[0]


def _look_up(host: str, port: int) -> list[str]:
    """Return a host's numbers, if they are known in time: the system's own look-up knows no end."""
    found: list[str] = []

    def ask_system() -> None:
        with suppress(OSError, UnicodeError):
            found.extend(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    looking = threading.Thread(target=ask_system, name="look-up", daemon=True)
    looking.start()
    looking.join(EACH)
    if looking.is_alive():
        raise Unreachable("the host's address was not found in time")
    return found


def _connection(scheme: str, host: str, port: int, *, address: str) -> "HTTPConnection":
    from urllib3.connection import HTTPConnection, HTTPSConnection

    if scheme == "http":
        return HTTPConnection(address, port, timeout=EACH)
    return HTTPSConnection(
        address, port, timeout=EACH, cert_reqs="CERT_REQUIRED", assert_hostname=host, server_hostname=host
    )


def _hang_up(connection: "HTTPConnection", opened: list[socket.socket], late: threading.Event) -> None:
    late.set()
    for sock in [connection.sock, *opened]:
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
