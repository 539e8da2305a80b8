"""Headers that a proxy sets, come where none is believed: noticed once, for the operator to look into.

They change nothing: anybody can write them. But where they come from a proxy in front, all visitors look like one.
"""

import ipaddress

import structlog
from flask import Flask, current_app, request

from moderation.scratch import FORWARDED_BY, Scratch

log = structlog.get_logger()

HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


def init_app(app: Flask) -> None:
    """Look out for them where `MODERATION_PROXY_HOPS` is 0."""
    if not app.config["PROXY_HOPS"]:
        app.extensions["forwarded"] = set()
        app.before_request(_notice)


def _notice() -> None:
    if not any(name in request.environ for name in HEADERS):
        return
    by = FORWARDED_BY["near" if _is_near(request.remote_addr or "") else "far"]
    known: set[str] = current_app.extensions["forwarded"]
    if by in known:
        return
    known.add(by)
    scratch: Scratch = current_app.extensions["scratch"]
    # By one process alone, and once in the life of an installation.
    if scratch.notice(by):
        log.warning("proxy.not_counted", hint="MODERATION_PROXY_HOPS is 0, and X-Forwarded-For or the like came")


def _is_near(address: str) -> bool:
    """Whether a peer is on this machine or its own network, as a proxy in front is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return True
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_private
