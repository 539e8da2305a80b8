"""Who is still there? What is about people, secrets and erasure asks for a proof that is minutes old."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, request, session, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as AnyResponse

from moderation.web import answers, guards

#: A proof counts for so long.
FRESH = timedelta(minutes=10)


class NotFresh(Exception):
    """The last proof is too old for what is asked; the way back leads to a page."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.back = back


def init_app(app: Flask) -> None:
    """Lead whoever proved nothing of late to the page that asks for it."""
    app.register_error_handler(NotFresh, _lead)


def require_fresh(*, back: str | None = None) -> None:
    """Go on only after a proof of the last minutes (password, passkey or code); raises `NotFresh`.

    What was looked at is shown after the proof. What was sent is not sent again: the way leads `back`, else to the
    page it was sent from, where it can be looked over and sent.
    """
    if is_fresh():
        return
    if request.method in guards.METHODS_THAT_READ:
        raise NotFresh(request.full_path.rstrip("?"))
    raise NotFresh(back or urlsplit(request.headers.get("Referer", "")).path)


def is_fresh() -> bool:
    """Whether somebody has proven of late to be who signed in."""
    proven = session.get("proven")
    return isinstance(proven, float) and 0 <= guards.clock().timestamp() - proven <= FRESH.total_seconds()


def note_proof() -> None:
    """Note that somebody has just proven who it is."""
    session["proven"] = guards.clock().timestamp()


def safe(path: str) -> str:
    """Return the path if it is a page of ours that can be looked at; else the account's own page."""
    home = url_for("profile.index")
    # No host, nothing that a browser would take for one, no second line.
    if not re.fullmatch(r"/(?:[A-Za-z0-9._~-]+/?)*(?:\?[\x21-\x5b\x5d-\x7e]*)?", path):
        return home
    try:
        current_app.url_map.bind("").match(path.partition("?")[0], "GET")
    except (HTTPException, RequestRedirect):
        return home
    return path


def _lead(stale: NotFresh) -> AnyResponse:
    if answers.wants_json():
        return answers.problem(403, "A fresh proof is needed")
    return redirect(url_for("confirm.ask", next=safe(stale.back)), 303)
