"""By which names the service answers: its own, and no other, whoever points a name at it.

A request for another name never reaches a door: no page, no link and no cookie is made for a host that somebody wrote.
"""

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from flask import Response
from markupsafe import escape

from moderation.config import OTHER_NAME, host_names
from moderation.web.guards import SECURITY_HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

LOOPBACK = frozenset({*OTHER_NAME, "[::1]"})
#: What stands for every address of a machine is no name of it; who listens there may at least be asked from within.
EVERYWHERE = frozenset({"0.0.0.0", "[::]"})  # noqa: S104 - compared, not listened on
#: Machines that watch ask by the number: these tell nothing, and lead nowhere.
HEALTH = frozenset({"/healthz", "/readyz"})
#: Spellings of good names that are remembered, and unknown names that are told to the operator.
MOST_KNOWN, MOST_TOLD = 256, 20


def refuse_others(config: Mapping[str, object], inner: "WSGIApplication") -> "WSGIApplication":
    """Answer 400 to a Host that is none, and 421 to one that is not ours, ahead of everything."""
    base_url = str(config["BASE_URL"])
    names = names_of(base_url, more=str(config["HOSTS"]))
    known, told = set(names), set[str]()

    def asked(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        host = environ.get("HTTP_HOST")
        if host in known:
            return inner(environ, start_response)
        if host is None:
            # As HTTP/1.0 may.
            environ["HTTP_HOST"] = urlsplit(base_url).netloc
            return inner(environ, start_response)
        name = name_in(host)
        if name in names:
            if len(known) < MOST_KNOWN:
                known.add(host)
            return inner(environ, start_response)
        if name and environ["PATH_INFO"] in HEALTH and (name in LOOPBACK or _is_number(name)):
            return inner(environ, start_response)
        if name and name not in told and len(told) < MOST_TOLD:
            told.add(name)
            log.warning("host.unknown", host=name, hint="MODERATION_BASE_URL, MODERATION_HOSTS")
        answer = _misdirected(environ, base_url) if name else _no_host()
        return answer(environ, start_response)

    return asked


def names_of(base_url: str, *, more: str) -> frozenset[str]:
    """Return every name there is, without ports: of the public address, and those the operator adds."""
    own = name_in(urlsplit(base_url).netloc)
    names = {own, *host_names(more)}
    if own in LOOPBACK | EVERYWHERE:
        names |= LOOPBACK
    return frozenset(names)


@lru_cache(maxsize=1024)
def name_in(host: str) -> str:
    """Return the name in a Host header, small, without its port; nothing where it is none that browsers send."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?", host)
    if found is None:
        return ""
    name = found[1].lower().removesuffix(".")
    try:
        # Labels that are empty, too long, or no international name.
        return name if name.startswith("[") or name.encode("idna").decode("idna") else ""
    except UnicodeError:
        return ""


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _no_host() -> Response:
    return Response("This request names no host.\n", 400, SECURITY_HEADERS, content_type="text/plain")


def _misdirected(environ: "WSGIEnvironment", base_url: str) -> Response:
    title = "This name is not served here"
    if "json" in environ.get("HTTP_ACCEPT", ""):
        problem = {"type": "about:blank", "title": title, "status": 421}
        return Response(json.dumps(problem), 421, SECURITY_HEADERS, content_type="application/problem+json")
    # Without styles: they would be asked for by the same name.
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
        f'<p>The service lives at <a href="{escape(base_url)}/">{escape(base_url)}</a>.'
        "<p>Whoever runs it can add a name with <code>MODERATION_HOSTS</code>.</html>\n"
    )
    csp = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
    return Response(page, 421, SECURITY_HEADERS | csp, content_type="text/html; charset=utf-8")
