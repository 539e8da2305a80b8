"""The beginning of a session: for who proved who they are, and for who was just made an account."""

from flask import g, redirect, session
from flask_security.utils import login_user
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts
from moderation.db import db
from moderation.models import Account
from moderation.web import guards, sessions, wayback


def enter(account: Account, *, how: str, stay: bool) -> AnyResponse:
    """Begin a session, and lead to the queue, or back to where signing in was asked for. Commits the entry."""
    accounts.note_sign_in(account, now=guards.clock())
    db.session.commit()
    session.clear()
    login_user(account, remember=False, authn_via=[how])
    # The token that every form of the session carries: made now, so that no page that is only looked at writes.
    g.pop("csrf_token", None)
    generate_csrf()
    sessions.renew(session, stay=stay)
    return redirect(wayback.after_sign_in(), 303)
