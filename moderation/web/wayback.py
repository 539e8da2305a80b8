"""The way back to an invitation for somebody who signs in first: signed, kept by the browser for an hour."""

from flask import Response, current_app, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

#: Seconds in which signing in leads back.
KEPT_FOR = 3600


def keep(response: AnyResponse, token: str) -> None:
    """Let the sign-in that follows lead back to this invitation."""
    response.set_cookie(
        _name(),
        _sealer().dumps(token),
        max_age=KEPT_FOR,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )


def after_sign_in() -> str:
    """Return where a sign-in leads: back to the invitation it was begun from, else to the queue.

    It is built here from a token alone: nothing that a request says leads anywhere else.
    """
    try:
        token = _sealer().loads(request.cookies.get(_name(), ""), max_age=KEPT_FOR)
    except BadData:
        return url_for("queue.index")
    return url_for("invitations.show", token=token)


def forget(response: Response | AnyResponse) -> None:
    """Lead back once; the browser that kept nothing is told nothing."""
    if _name() in request.cookies:
        response.delete_cookie(
            _name(), httponly=True, samesite="Lax", secure=current_app.config["SESSION_COOKIE_SECURE"]
        )


def _name() -> str:
    return str(current_app.config["SESSION_COOKIE_NAME"]).replace("session", "back")


def _sealer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="way back")
