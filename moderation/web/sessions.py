"""Sessions kept on the server: the browser holds a random id, the database its hash.

Nothing is read or written for visitors without the cookie, and a GET writes nothing: until somebody signs in, all that
is to be remembered is a form's token, which the browser keeps, signed. The store has a connection of its own: what a
door did not commit is never committed by saving a session.
"""

import hashlib
import json
import secrets
from datetime import timedelta
from typing import Any

import structlog
from flask import Flask, Request, Response, current_app, request, session
from flask.sessions import SessionInterface, SessionMixin
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import CallbackDict

from moderation import db
from moderation.models import WebSession
from moderation.web import answers
from moderation.web.guards import METHODS_THAT_READ, clock

log = structlog.get_logger()

#: What a cookie's value begins with before anybody signed in; no id of a session begins so.
UNSIGNED_IN = "."
#: Seconds in which what was done can be said.
TOLD_FOR = 60


class StoredSession(CallbackDict[str, Any], SessionMixin):
    """A session's values; knows whether they changed."""

    def __init__(self, initial: dict[str, Any] | None = None, *, id_: str | None = None) -> None:
        self.modified = False
        self.accessed = True
        self.id = id_
        self.renew = False
        #: Why the session could not be read, where it could not.
        self.fault: SQLAlchemyError | None = None
        super().__init__(initial, lambda _: setattr(self, "modified", True))


def init_app(app: Flask) -> None:
    """Keep the app's sessions here; before what asks for a session's token."""
    app.session_interface = StoredSessions()
    app.before_request(_refuse_unread)
    app.register_error_handler(CSRFError, _expired)


def _expired(error: CSRFError) -> Response:
    log.info("csrf.refused", why=error.description)
    return answers.error_page(
        400,
        gettext("The page was open too long"),
        gettext("Nothing was done. Go back, load the page again and repeat what you did."),
    )


def _refuse_unread() -> None:
    """Raise what kept a session from being read: a database that is away signs nobody out."""
    if (fault := getattr(session, "fault", None)) and request.endpoint != "static":
        raise fault


def renew(session: SessionMixin, *, stay: bool) -> None:
    """Give the session a new id, as at sign-in: an id somebody knew before is worth nothing after."""
    session.permanent = stay
    if isinstance(session, StoredSession):
        session.renew = session.modified = True


class StoredSessions(SessionInterface):
    """Opens and saves sessions by the cookie's id."""

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        """Load the session whose id the cookie holds; an unknown or ended one is an empty one."""
        id_ = request.cookies.get(self.get_cookie_name(app), "")
        if not id_:
            return StoredSession()
        if id_.startswith(UNSIGNED_IN):
            return StoredSession(_unsealed(app, id_.removeprefix(UNSIGNED_IN)))
        try:
            with db.reading(), db.db.engine.connect() as connection:
                row = connection.execute(
                    select(WebSession.data, WebSession.expires_at).where(WebSession.id_hash == _hash(id_))
                ).one_or_none()
        except db.UNAVAILABLE as fault:
            # Not thrown here, where no page could be answered yet.
            unread = StoredSession()
            unread.fault = fault
            return unread
        if row is None or row.expires_at <= clock():
            return StoredSession()
        session = StoredSession(json.loads(row.data), id_=id_)
        # An id in use is kept alive once a while, not at every request, and not by looking.
        old = row.expires_at - clock() < self._life(app, session) * 0.9
        session.modified = old and request.method not in METHODS_THAT_READ
        return session

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write a changed session, under a new id where it was renewed, and set the cookie."""
        if not isinstance(session, StoredSession) or not session.modified:
            return
        name, options = self.get_cookie_name(app), self._cookie(app)
        # Tried once: the page that says it failed must not fail too.
        session.modified = False
        if not session:
            self._forget(session.id)
            response.delete_cookie(name, **options)
            return
        if "_user_id" not in session:
            self._forget(session.id)
            response.set_cookie(name, UNSIGNED_IN + _sealed(app, dict(session)), **options)
            response.headers.add("Vary", "Cookie")
            return
        id_ = session.id if session.id and not session.renew else secrets.token_urlsafe(32)
        self._write(app, session, id_)
        life = self._life(app, session)
        response.set_cookie(name, id_, max_age=life if session.permanent else None, **options)
        response.headers.add("Vary", "Cookie")

    def _write(self, app: Flask, session: StoredSession, id_: str) -> None:
        now = clock()
        values = {
            "data": json.dumps(dict(session)),
            "account": session.get("_user_id"),
            "expires_at": now + self._life(app, session),
        }
        with db.writing(), db.db.engine.begin() as connection:
            if session.id and session.id != id_:
                connection.execute(delete(WebSession).where(WebSession.id_hash == _hash(session.id)))
            there = update(WebSession).where(WebSession.id_hash == _hash(id_)).values(values)
            # A session that was ended elsewhere meanwhile is not brought back by a late answer.
            if connection.execute(there).rowcount == 0 and session.id != id_:
                connection.execute(insert(WebSession).values(id_hash=_hash(id_), created_at=now, **values))

    @staticmethod
    def _forget(id_: str | None) -> None:
        if id_:
            with db.writing(), db.db.engine.begin() as connection:
                connection.execute(delete(WebSession).where(WebSession.id_hash == _hash(id_)))

    @staticmethod
    def _life(app: Flask, session: StoredSession) -> timedelta:
        return (
            timedelta(days=app.config["STAY_DAYS"])
            if session.permanent
            else timedelta(hours=app.config["SESSION_HOURS"])
        )

    @staticmethod
    def _cookie(app: Flask) -> dict[str, Any]:
        return {"httponly": True, "samesite": "Lax", "path": "/", "secure": app.config["SESSION_COOKIE_SECURE"]}


def tell(response: Response, told: dict[str, Any]) -> None:
    """Let the next page say what this request did: signed, kept by the browser, and gone when it is said."""
    name, options = _told_cookie(current_app)
    response.set_cookie(name, _sealed(current_app, told), max_age=TOLD_FOR, **options)


def told() -> dict[str, Any] | None:
    """Return what the last request is to have said about it; `forget_told` when it is said."""
    name, _ = _told_cookie(current_app)
    return _unsealed(current_app, request.cookies.get(name, ""), most=TOLD_FOR) or None


def forget_told(response: Response) -> None:
    """Say it once."""
    name, options = _told_cookie(current_app)
    response.delete_cookie(name, **options)


def _told_cookie(app: Flask) -> tuple[str, dict[str, Any]]:
    return str(app.config["SESSION_COOKIE_NAME"]).replace("session", "told"), StoredSessions._cookie(app)


def _sealed(app: Flask, values: dict[str, Any]) -> str:
    return URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="told").dumps(values)


def _unsealed(app: Flask, text: str, *, most: int | None = None) -> dict[str, Any]:
    """Return what was sealed here at most so many seconds ago; nothing for everything else."""
    try:
        values = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt="told").loads(
            text, max_age=most or app.config["SESSION_HOURS"] * 3600
        )
    except BadData:
        return {}
    # Nobody is signed in by what the browser kept.
    return {name: value for name, value in values.items() if not name.startswith("_")} if values else {}


def _hash(id_: str) -> str:
    return hashlib.sha256(id_.encode()).hexdigest()
