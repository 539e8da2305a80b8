"""How often somebody may ask. Counted by the peer's address alone, as `MODERATION_PROXY_HOPS` lets it be known."""

import hashlib
import math
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import cast

from flask import Flask, current_app
from flask_limiter import Limiter
from werkzeug.exceptions import TooManyRequests

from moderation.web import guards
from moderation.web.counters import Counters, Window

MINUTE, HOUR = 60, 3600


class Limit(StrEnum):
    """What is limited, by the name of its setting."""

    NETWORK_REPLIES = "NETWORK_REPLIES_PER_MINUTE"
    THREAD_REPLIES = "THREAD_REPLIES_PER_MINUTE"
    SITE_REPLIES = "SITE_REPLIES_PER_MINUTE"
    PREVIEWS = "PREVIEWS_PER_MINUTE"
    RECEIPTS = "RECEIPTS_PER_MINUTE"
    SIGN_INS = "SIGN_INS_PER_HOUR"
    RESETS = "RESETS_PER_HOUR"


def init_app(app: Flask) -> None:
    """Keep the counters beside the database, or in Redis where it is set."""
    limiter = Limiter(
        guards.network,
        app=app,
        storage_uri=f"scratch://{Path(app.config['INSTANCE_PATH']) / 'scratch.sqlite'}",
        storage_options={"redis_url": str(app.config["LIMITS_URL"])},
        strategy="fixed-window",
    )
    app.extensions["limits"] = limiter
    app.extensions["scratch"] = cast(Counters, limiter.storage).scratch


def count_reply(network: str, *, site: str, page: str, known: Callable[[], bool]) -> None:
    """Count a reply of a network to a page. Raises `TooManyRequests`, but not for one that was answered before.

    All or none of the three are counted: who is refused as a network takes nothing of what a site can bear.
    """
    try:
        _count(
            _window(Limit.NETWORK_REPLIES, network),
            _window(Limit.THREAD_REPLIES, site, page),
            _window(Limit.SITE_REPLIES, site),
        )
    except TooManyRequests:
        if not known():
            raise


def floods(site: str) -> bool:
    """Count a reply to a site; whether so many came in this minute that the next ones have to bring a proof of work."""
    window = _flood(site)
    return window.most > 0 and _counters().take([window]) > 0


def is_flooded(site: str) -> bool:
    """Whether the next reply to a site has to bring a proof of work; counts nothing."""
    window = _flood(site)
    return window.most > 0 and _counters().count(window) >= window.most


def take_once(what: str, seconds: int) -> bool:
    """Whether this is taken for the first time in so many seconds."""
    return _counters().take([Window(f"once:{what}", 1, seconds)]) == 0


def _flood(site: str) -> Window:
    return Window(f"flood:{site}", current_app.config["PROOF_FROM_PER_MINUTE"], MINUTE)


def count_preview(network: str) -> None:
    """Count one rendering for a network. Raises `TooManyRequests`."""
    _count(_window(Limit.PREVIEWS, network))


def count_receipt(network: str) -> None:
    """Count what a network does with receipts. Raises `TooManyRequests`."""
    _count(_window(Limit.RECEIPTS, network))


def count_sign_in(email: str, network: str) -> None:
    """Count a sign-in for the address and for the network, before anything is hashed: many at once are counted too.

    Raises `TooManyRequests` after too many; one that succeeds is given back by `forgive_sign_in`.
    """
    _count(*_sign_in(email, network))


def forgive_sign_in(email: str, network: str) -> None:
    """Give a sign-in back that was counted and succeeded."""
    _counters().give_back([window for window in _sign_in(email, network) if window.most])


def count_reset(network: str) -> None:
    """Count a try with a link for a new password, before anything is hashed. Raises `TooManyRequests`."""
    _count(_window(Limit.RESETS, network))


def _sign_in(email: str, network: str) -> tuple[Window, Window]:
    return _window(Limit.SIGN_INS, "address", email), _window(Limit.SIGN_INS, "network", network)


def _window(limit: Limit, *whose: str) -> Window:
    """Return a limit's window for somebody; in the counters stands a hash, not an address."""
    named = hashlib.blake2b(
        "\0".join(whose).encode("utf-8", "replace"), key=current_app.config["NETWORK_KEY"].encode()[:64], digest_size=12
    )
    seconds = HOUR if limit.endswith("HOUR") else MINUTE
    return Window(f"{limit.name.lower()}:{named.hexdigest()}", current_app.config[limit], seconds)


def _count(*windows: Window) -> None:
    # 0 stands for any number.
    if limited := [window for window in windows if window.most]:
        wait = _counters().take(limited)
        if wait > 0:
            raise TooManyRequests(retry_after=max(1, math.ceil(wait)))


def _counters() -> Counters:
    limiter: Limiter = current_app.extensions["limits"]
    return cast(Counters, limiter.storage)
