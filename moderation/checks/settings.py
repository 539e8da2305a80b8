"""Secrets, addresses and proxies: what an operator has set."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from moderation.checks.finding import Finding, Verdict
from moderation.config import SECRETS
from moderation.scratch import FORWARDED_BY, Scratch

#: A secret with fewer different characters was typed, or repeats itself.
LEAST_DIFFERENT = 12


def secrets(app: Flask) -> list[Finding]:
    """Look whether only their owner reads the secrets, and whether anybody could guess one."""
    path = Path(app.config["INSTANCE_PATH"]) / "secrets.json"
    private = stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    found = [
        Finding(Verdict.OK, f"{path} is readable by its owner alone")
        if private
        else Finding(Verdict.MEND, f"{path} is readable by others", "chmod 600")
    ]
    values = [str(app.config[name]) for name in SECRETS]
    weak = [name for name, value in zip(SECRETS, values, strict=True) if len(set(value)) < LEAST_DIFFERENT]
    if weak or len(set(values)) < len(values):
        what = f"{', '.join(weak)} can be guessed" if weak else "two secrets are the same"
        return [
            *found,
            Finding(
                Verdict.MEND, what, "make new ones with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            ),
        ]
    return [*found, Finding(Verdict.OK, "the secrets are long and differ")]


def debugging(app: Flask) -> list[Finding]:
    """Look whether errors would show the inside."""
    if app.debug:
        return [Finding(Verdict.MEND, "debug mode is on", "unset FLASK_DEBUG, and do not serve by flask run")]
    return [Finding(Verdict.OK, "debug mode is off")]


def address(app: Flask) -> list[Finding]:
    """Look whether sign-ins can be read on the way."""
    url, base = urlsplit(app.config["BASE_URL"]), app.config["BASE_URL"]
    if url.scheme == "https" or url.hostname in {"127.0.0.1", "localhost", "::1"}:
        return [Finding(Verdict.OK, f"{base} is https or local")]
    return [
        Finding(
            Verdict.MEND, f"{base} is plain http: sign-ins can be read on the way", "put a proxy with https in front"
        )
    ]


def proxies(app: Flask) -> list[Finding]:
    """Look whether the proxies in front are counted: if not, all visitors look like one."""
    hops, bind = app.config["PROXY_HOPS"], app.config["BIND"]
    behind = urlsplit(app.config["BASE_URL"]).netloc != bind
    fine = bool(hops) == behind or (bind.startswith("127.0.0.1") and not behind)
    text = f"{hops} proxies are believed; the public address {'differs from' if behind else 'is'} the bound one"
    count = "set MODERATION_PROXY_HOPS to the number of proxies in front"
    found = [Finding(Verdict.OK, text) if fine else Finding(Verdict.MEND, text, count)]
    return found if hops else found + _forwarded(app.extensions["scratch"], count)


def _forwarded(scratch: Scratch, count: str) -> list[Finding]:
    """Say which headers of proxies came although none is counted."""
    if (at := scratch.noticed(FORWARDED_BY["near"])) is not None:
        text = f"headers of a proxy on this network came on {_day(at)}, and none is counted: all visitors count as one"
        return [Finding(Verdict.MEND, text, count)]
    if (at := scratch.noticed(FORWARDED_BY["far"])) is not None:
        text = (
            f"headers of a proxy came from elsewhere on {_day(at)}: a proxy that is not counted, or somebody's forgery"
        )
        return [Finding(Verdict.LOOK, text, f"if it is a proxy, {count}")]
    return []


def limits(app: Flask) -> list[Finding]:
    """Look whether what counts for several machines answers."""
    if not app.config["LIMITS_URL"]:
        return []
    if app.extensions["limits"].storage.check():
        return [Finding(Verdict.OK, "limits are counted by the server in MODERATION_LIMITS_URL")]
    text = "the server in MODERATION_LIMITS_URL does not answer: each machine counts for itself"
    return [Finding(Verdict.MEND, text, "start it, or correct the address")]


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
