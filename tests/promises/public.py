"""Everything a stranger can ask for: each public address in each way, and what may never be in an answer."""

import base64
import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import brotli
from flask import Flask
from werkzeug.routing import Rule

from tests.conftest import ORIGIN, PAGE

#: A page on which nothing was ever approved; only who names it may be told of it.
QUIET_PAGE = f"{ORIGIN}/plugh/quiet"
WAYS: tuple[tuple[str, dict[str, str]], ...] = (
    ("GET", {}),
    ("GET", {"Accept": "application/json"}),
    ("GET", {"Accept-Encoding": "gzip", "Origin": ORIGIN}),
    ("GET", {"Accept-Encoding": "br, gzip"}),
    ("GET", {"If-None-Match": '"of-another-time"', "Referer": PAGE}),
    ("HEAD", {}),
    ("OPTIONS", {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}),
)
#: What is fresh in every answer: marks, keys, tokens, the request's number, and the session they belong to.
FRESH = re.compile(
    rb'name="(?:token|key|csrf_token)" value="[^"]*"|"(?:token|key)":\s*"[^"]*"|<code>[0-9a-f]{16}</code>'
)
UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress}
FRESH_HEADERS = {"x-request-id", "date", "expires", "set-cookie", "content-length"}


@dataclass(frozen=True)
class Answer:
    """One answer: what was asked, and every byte that came."""

    asked: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def bytes(self) -> bytes:
        """Everything a stranger may look into, unpacked."""
        return "\n".join(f"{name}: {value}" for name, value in self.headers).encode() + b"\n\n" + self.body

    @property
    def lasting(self) -> tuple[object, ...]:
        """The answer without what is fresh in every answer; the ETag is not."""
        headers = tuple(pair for pair in self.headers if pair[0].lower() not in FRESH_HEADERS)
        return self.asked, self.status, headers, FRESH.sub(b"", self.body)


def answers(app: Flask, ids: Iterable[int]) -> list[Answer]:
    """Ask for every address of the app, in every way, as a stranger."""
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or set()):
            continue
        for address in addresses(rule, list(ids)):
            for method, headers in WAYS:
                found.append(_ask(app, method, address, headers))
    return found


def _ask(app: Flask, method: str, address: str, headers: dict[str, str]) -> Answer:
    response = app.test_client().open(address, method=method, headers=headers)
    body = response.get_data()
    if body:
        body = UNPACK.get(response.headers.get("Content-Encoding", ""), bytes)(body)
    found = Answer(f"{method} {address} {headers}", response.status_code, tuple(response.headers.items()), body)
    response.close()
    return found


def addresses(rule: Rule, ids: list[int]) -> Iterator[str]:
    """Write a route's addresses; a new kind of argument has to be given its values here."""
    values: dict[str, list[str]] = {
        "key": ["courier"],
        "revision_id": [str(id_) for id_ in ids[:3]],
        "token": [f"{id_}.{'A' * 22}" for id_ in ids[:3]],
        "filename": ["embed.css"],
        "concern": ["site", "form", "moderation", "privacy"],
        "account_id": ["1"],
        "invitation_id": ["1"],
    }
    paths = [rule.rule]
    for name in rule.arguments:
        paths = [re.sub(rf"<(?:[^<>:]+:)?{name}>", value, path) for path in paths for value in values[name]]
    for path in paths:
        yield path
        if path.startswith("/sites/"):
            yield f"{path}?{urlencode({'page': PAGE})}"
            yield f"{path}?{urlencode({'page': PAGE, 'parent': ids[-1]})}"
            yield f"{path}?{urlencode({'page': QUIET_PAGE})}"
            for more in ({"part": 2}, {"sort": "newest"}, {"at": f"comment-{ids[-1]}"}, {"lang": "ar, pt-BR", "x": 1}):
                yield f"{path}?{urlencode({'page': PAGE, **more})}"


def betrayals(found: Iterable[Answer], secrets: Iterable[str]) -> list[tuple[str, str]]:
    """Name each answer in which one of the secrets stands, in whatever case, with the secret."""
    wanted = [secret.lower().encode() for secret in secrets]
    return [(answer.asked, secret.decode()) for answer in found for secret in wanted if secret in answer.bytes.lower()]


def disguises(address: str) -> list[str]:
    """Return an e-mail address and the hashes that avatar services know people by."""
    clean = address.strip().lower().encode()
    digests = [hashlib.new(name, clean).digest() for name in ("md5", "sha1", "sha256")]
    return [
        address,
        *(digest.hex() for digest in digests),
        *(base64.b64encode(digest).decode().rstrip("=") for digest in digests),
    ]
