"""Tells a cache in front that a page has changed: one request for each address at which it may keep a copy."""

from collections.abc import Iterable
from urllib.parse import quote, urlsplit

import structlog

from moderation.notify import outward

log = structlog.get_logger()

#: A copy that was never there cannot be removed: caches say so with this.
NOT_THERE = 404


def send(addresses: Iterable[str], *, template: str, method: str) -> None:
    """Name each address to the cache: `{url}` in the template stands for it, encoded, `{path}` for its path and query.

    Raises `outward.Unreachable` where one of them is refused: all are told again later.
    """
    told = 0
    for address in addresses:
        parts = urlsplit(address)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        url = template.replace("{url}", quote(address, safe="")).replace("{path}", path)
        answer = outward.ask(outward.Call(method, url, outward.Reach.OPERATORS))
        if answer.status >= 300 and answer.status != NOT_THERE:
            raise outward.Unreachable(f"the cache answered {answer.status}")
        told += 1
    log.info("cache.purged", addresses=told)
