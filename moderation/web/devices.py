"""Browsers that an account has signed in with: whoever guesses its password elsewhere does not lock them out.

A browser keeps, signed, that it signed in once. Its failures are counted for itself, and those of strangers are not
counted against it. It opens nothing: the password is asked for as before.
"""

import hashlib
import secrets

from flask import Response, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

#: Seconds for which a browser is known.
KNOWN_FOR = 365 * 86_400


def counted_as(email: str) -> str:
    """Return for whom a try is counted: for the address, or for this browser of its."""
    known = _known()
    return f"{email} {known['device']}" if known.get("whose") == _digest(email) else email


def remember(response: AnyResponse, email: str) -> None:
    """Let the browser be known, as one that this address has signed in with."""
    if not isinstance(response, Response) or _known().get("whose") == _digest(email):
        return
    value = _serializer().dumps({"whose": _digest(email), "device": secrets.token_hex(8)})
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(_name(), value, max_age=KNOWN_FOR, httponly=True, samesite="Lax", path="/", secure=secure)


def _known() -> dict[str, str]:
    try:
        found = _serializer().loads(request.cookies.get(_name(), ""), max_age=KNOWN_FOR)
    except BadData:
        return {}
    return found if isinstance(found, dict) else {}


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="device")


def _name() -> str:
    return str(current_app.config["SESSION_COOKIE_NAME"]).replace("session", "device")


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode("utf-8", "replace")).hexdigest()[:24]
