"""Sessions kept on the server: the browser holds a random id, the database its hash.

Nothing is read or written for visitors without the cookie, and a GET writes nothing: until somebody signs in, all that
is to be remembered is a form's token, which the browser keeps, signed. The store has a connection of its own: what a
door did not commit is never committed by saving a session.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import structlog
from flask import Flask, Request, Response, current_app, make_response, redirect, request, session
from flask.sessions import SessionInterface, SessionMixin
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import CallbackDict

from moderation import db
from moderation.accounts import factors
from moderation.models import WebSession
from moderation.statements import Prepared
from moderation.web import answers, lastseen
from moderation.web.guards import METHODS_THAT_READ, clock

log = structlog.get_logger()

#: What a cookie's value begins with before anybody signed in; no id of a session begins so.
UNSIGNED_IN = "."
#: What is asked of a session at every request; whether a site wants more of its account costs no question of its own.
ASKED = Prepared(
    select(
        WebSession.data,
        WebSession.created_at,
        WebSession.used_at,
        WebSession.expires_at,
        factors.asked_by_a_site(WebSession.account),
    ).where(WebSession.id_hash == bindparam("id_hash"))
)
#: Doors that answer everybody alike, whoever is signed in.
ALIKE = frozenset({"published", "submissions", "receipts", "operations", "openapi", "demo"})
#: Seconds in which what was done can be said.
TOLD_FOR = 60


@dataclass(frozen=True)
class Visitor:
    """From where somebody signs in: a browser's family, and a network."""

    browser: str
    network: str


class StoredSession(CallbackDict[str, Any], SessionMixin):
    """A session's values; knows whether they changed."""

    def __init__(self, initial: dict[str, Any] | None = None, *, id_: str | None = None) -> None:
        self.modified = False
        self.accessed = True
        self.id = id_
        #: Who begins a sign-in with this answer; None where it is nobody's beginning.
        self.visitor: Visitor | None = None
        #: Whether the sign-in goes on under a new id.
        self.rotated = False
        #: Whether a site of the account's wants a second factor.
        self.asks_second = False
        #: When the sign-in began.
        self.began = clock()
        #: Why the session could not be read, where it could not.
        self.fault: SQLAlchemyError | None = None
        super().__init__(initial, lambda _: setattr(self, "modified", True))


def init_app(app: Flask) -> None:
    """Keep the app's sessions here; before what asks for a session's token."""
    app.session_interface = StoredSessions()
    app.before_request(_refuse_unread)
    app.after_request(_vary)
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


def _vary(response: Response) -> Response:
    """Say that the answer depends on who is signed in, also to a cache that keeps what it is told not to keep."""
    if request.blueprint not in ALIKE and request.endpoint != "static":
        response.vary.add("Cookie")
    return response


def begin(session: SessionMixin, visitor: Visitor, *, stay: bool) -> None:
    """Give the session a new id, as at sign-in: an id somebody knew before is worth nothing after."""
    session.permanent = stay
    if isinstance(session, StoredSession):
        session.visitor, session.began, session.modified = visitor, clock(), True


def rotate(session: SessionMixin) -> None:
    """Go on under a new id, as when somebody proves more than before; the sign-in is as old as it was."""
    if isinstance(session, StoredSession):
        session.rotated = session.modified = True


def current_hash(session: SessionMixin) -> str:
    """Name the session as the database does; empty for one that is not kept there."""
    return _hash(session.id) if isinstance(session, StoredSession) and session.id else ""


class StoredSessions(SessionInterface):
    """Opens and saves sessions by the cookie's id."""

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        """Load the session whose id the cookie holds; an unknown or ended one is an empty one."""
        id_ = request.cookies.get(self.get_cookie_name(app), "")
        if not id_:
            return StoredSession()
        if id_.startswith(UNSIGNED_IN):
            return StoredSession(_unsealed(app, id_.removeprefix(UNSIGNED_IN), of="session"))
        try:
            with db.reading(), db.db.engine.connect() as connection:
                rows = ASKED.all(connection, id_hash=_hash(id_))
        except db.UNAVAILABLE as fault:
            # Not thrown here, where no page could be answered yet.
            unread = StoredSession()
            unread.fault = fault
            return unread
        if not rows:
            return StoredSession()
        [(data, began, used, ends, asks_second)] = rows
        if ends <= clock():
            return StoredSession()
        session = StoredSession(json.loads(data), id_=id_)
        session.began, session.asks_second = began, asks_second
        # An id in use is kept alive once an hour, not at every request, and not by looking; that is only noted.
        if used < _hour():
            session.modified = request.method not in METHODS_THAT_READ
            lastseen.note(_hash(id_), hour=_hour())
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
            response.set_cookie(name, UNSIGNED_IN + _sealed(app, dict(session), of="session"), **options)
            response.vary.add("Cookie")
            return
        anew = session.visitor or session.rotated or not session.id
        id_ = secrets.token_urlsafe(32) if anew else str(session.id)
        ends = self._end(app, session)
        self._write(session, id_, ends=ends)
        response.set_cookie(
            name, id_, max_age=ceil((ends - clock()).total_seconds()) if session.permanent else None, **options
        )
        response.vary.add("Cookie")

    @staticmethod
    def _write(session: StoredSession, id_: str, *, ends: datetime) -> None:
        values = {
            "id_hash": _hash(id_),
            "data": json.dumps(dict(session)),
            "account": session.get("_user_id"),
            "used_at": _hour(),
            "expires_at": ends,
        }
        before = WebSession.id_hash == _hash(session.id or "")
        with db.writing(), db.db.engine.begin() as connection:
            if session.visitor is None:
                # A session that was ended elsewhere meanwhile is not brought back by a late answer.
                connection.execute(update(WebSession).where(before).values(values))
                return
            connection.execute(delete(WebSession).where(before))
            connection.execute(insert(WebSession).values(created_at=session.began, **vars(session.visitor), **values))

    @staticmethod
    def _forget(id_: str | None) -> None:
        if id_:
            with db.writing(), db.db.engine.begin() as connection:
                connection.execute(delete(WebSession).where(WebSession.id_hash == _hash(id_)))

    @staticmethod
    def _end(app: Flask, session: StoredSession) -> datetime:
        """Return when the session ends if it is not used: after its idle time, at most after all of its time."""
        stay = session.permanent
        idle = timedelta(days=app.config["STAY_DAYS"]) if stay else timedelta(hours=app.config["SESSION_HOURS"])
        most = timedelta(days=app.config["STAY_MOST_DAYS"] if stay else app.config["SESSION_MOST_DAYS"])
        return min(clock() + idle, session.began + most)

    @staticmethod
    def _cookie(app: Flask) -> dict[str, Any]:
        return {"httponly": True, "samesite": "Lax", "path": "/", "secure": app.config["SESSION_COOKIE_SECURE"]}


def tell(response: Response, told: dict[str, Any]) -> None:
    """Let the next page say what this request did: signed, kept by the browser, and gone when it is said."""
    name, options = _told_cookie(current_app)
    response.set_cookie(name, _sealed(current_app, told, of="told"), max_age=TOLD_FOR, **options)


def told() -> dict[str, Any] | None:
    """Return what the last request is to have said about it; `forget_told` when it is said."""
    name, _ = _told_cookie(current_app)
    return _unsealed(current_app, request.cookies.get(name, ""), of="told", most=TOLD_FOR) or None


def forget_told(response: Response) -> None:
    """Say it once."""
    name, options = _told_cookie(current_app)
    response.delete_cookie(name, **options)


def lead(to: str, words: str) -> Response:
    """Lead to a page of an account that says, once, what this request did."""
    response = make_response(redirect(to, 303))
    name, options = _told_cookie(current_app, "said")
    response.set_cookie(name, _sealed(current_app, {"words": words}, of="said"), max_age=TOLD_FOR, **options)
    return response


def said() -> str:
    """Return what the last request is to have said about it; `forget_said` when it is said."""
    name, _ = _told_cookie(current_app, "said")
    return str(_unsealed(current_app, request.cookies.get(name, ""), of="said", most=TOLD_FOR).get("words", ""))


def forget_said(response: Response) -> None:
    """Say it once."""
    name, options = _told_cookie(current_app, "said")
    if name in request.cookies:
        response.delete_cookie(name, **options)


def _told_cookie(app: Flask, name: str = "told") -> tuple[str, dict[str, Any]]:
    return str(app.config["SESSION_COOKIE_NAME"]).replace("session", name), StoredSessions._cookie(app)


def _sealed(app: Flask, values: dict[str, Any], *, of: str) -> str:
    """Seal values for one of the cookies: what one holds is worth nothing in another."""
    return URLSafeTimedSerializer(app.config["SECRET_KEY"], salt=of).dumps(values)


def _unsealed(app: Flask, text: str, *, of: str, most: int | None = None) -> dict[str, Any]:
    """Return what was sealed here at most so many seconds ago; nothing for everything else."""
    try:
        values = URLSafeTimedSerializer(app.config["SECRET_KEY"], salt=of).loads(
            text, max_age=most or app.config["SESSION_HOURS"] * 3600
        )
    except BadData:
        return {}
    # Nobody is signed in by what the browser kept.
    return {name: value for name, value in values.items() if not name.startswith("_")} if values else {}


def _hash(id_: str) -> str:
    return hashlib.sha256(id_.encode()).hexdigest()


def _hour() -> datetime:
    return clock().replace(minute=0, second=0, microsecond=0)
