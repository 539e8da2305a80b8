"""From the first proof to a session: the way to the second factor, and the beginning of the session.

After the first of two proofs nobody is signed in: that one was given is remembered by the browser, signed, for a few
minutes, and is worth nothing without the other, after a change of password, or for somebody else.
"""

from dataclasses import dataclass
from datetime import timedelta

from flask import current_app, g, make_response, redirect, request, session, url_for
from flask_security.utils import login_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts
from moderation.accounts import factors, noting, passkeys
from moderation.db import db
from moderation.models import Account
from moderation.web import browsers, devices, guards, reauth, sessions, wayback

#: For so long the first proof waits for the second.
HALFWAY = timedelta(minutes=10)


@dataclass(frozen=True)
class Half:
    """Who has given the first of two proofs, and which."""

    account: Account
    how: str
    stay: bool


def arrive(account: Account, *, how: str, stay: bool) -> AnyResponse:
    """Go on after the first proof: to the second, where the account has one, else in."""
    if not factors.has_second(account):
        return enter(account, how=how, stay=stay, second=False)
    session.clear()
    session["half"] = {"who": account.fs_uniquifier, "how": how, "stay": stay, "at": guards.clock().timestamp()}
    return redirect(url_for("account.second"), 303)


def halfway() -> Half | None:
    """Return who is to give the second proof now; None where nobody is."""
    kept = session.get("half")
    if not isinstance(kept, dict) or guards.clock().timestamp() - kept["at"] > HALFWAY.total_seconds():
        return None
    known = select(Account).where(Account.fs_uniquifier == kept["who"], Account.active)
    account = db.session.scalars(known).one_or_none()
    return Half(account, kept["how"], kept["stay"]) if account else None


def enter(account: Account, *, how: str, stay: bool, second: bool) -> AnyResponse:
    """Begin a session, and lead to the queue, or back to where signing in was asked for.

    Commits: the entry, and what the proof has used up.
    """
    noting.note_sign_in(account, how=how, now=guards.clock())
    db.session.commit()
    session.clear()
    login_user(account, remember=False, authn_via=[how])
    # The token that every form of the session carries: made now, so that no page that is only looked at writes.
    g.pop("csrf_token", None)
    generate_csrf()
    session["second"] = second
    reauth.note_proof()
    sessions.begin(session, visitor(), stay=stay)
    response = make_response(redirect(wayback.after_sign_in(), 303))
    devices.remember(response, account.email)
    return response


def go_on(account: Account, *, second: bool) -> None:
    """Let this session go on, under a new id, when the account's password or factors changed and all others ended."""
    session["_user_id"] = account.fs_uniquifier
    session["second"] = second
    reauth.note_proof()
    sessions.rotate(session)


def visitor() -> sessions.Visitor:
    """Say from where this request comes, as its account is shown it."""
    return sessions.Visitor(
        browser=browsers.described(request.headers.get("User-Agent", "")),
        network=accounts.network_of(request.remote_addr or ""),
    )


def place() -> passkeys.Place:
    """Return where passkeys are good."""
    return passkeys.Place(current_app.config["BASE_URL"], key=current_app.config["FACTOR_KEY"])
