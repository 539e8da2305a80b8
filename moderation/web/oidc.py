"""Signs people in with their team's own sign-in, where the operator has set one up."""

from dataclasses import asdict

import structlog
from flask import Blueprint, current_app, g, redirect, request, session, url_for
from flask_babel import gettext
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from moderation import teams
from moderation.accounts import identities
from moderation.db import db
from moderation.models import Account
from moderation.web import entering, guards, limits, sessions

bp = Blueprint("oidc", __name__, url_prefix="/account/team")
log = structlog.get_logger()

#: So many seconds somebody has at the issuer.
WITHIN = 900


@bp.get("/")
def begin() -> AnyResponse:
    """Lead to the issuer. The try is remembered by the browser, signed: nothing is stored, nobody is signed in."""
    provider = _provider()
    if guards.signed_in_by_password() is None:
        return redirect(url_for("queue.index"), 303)
    if not guards.is_own_sender():
        # Nobody is signed in because a page elsewhere led them here: they are shown the button.
        return redirect(url_for("account.sign_in"), 303)
    limits.count_sign_in(f"team:{guards.network()}", guards.network())
    try:
        attempt, address = teams.begin(provider, now=guards.clock())
    except teams.Unavailable as error:
        return _failed(error)
    session["team"] = {**asdict(attempt), "at": guards.clock().timestamp()}
    return redirect(address, 303)


@bp.get("/back")
def finish() -> AnyResponse:
    """Check what came back, and go on as after a password.

    The one GET that writes, as the protocol will have it: without the try that this browser began, it does nothing.
    """
    provider, kept = _provider(), session.pop("team", None)
    if not isinstance(kept, dict) or guards.clock().timestamp() - kept.pop("at") > WITHIN:
        return _refused(gettext("That took too long. Please try again."))
    try:
        person = teams.finish(provider, teams.Attempt(**kept), request.args, now=guards.clock())
        account = _account(person)
    except teams.Unavailable as error:
        return _failed(error)
    except (teams.NotProven, identities.NotKnown):
        return _refused(gettext("That sign-in opens no account here. Ask an owner of your site to invite you."))
    limits.forgive_sign_in(f"team:{guards.network()}", guards.network())
    return entering.arrive(account, how="team", stay=False)


def _account(person: identities.Person) -> Account:
    guards.begin_writing()
    account = identities.account_of(person, now=guards.clock())
    db.session.commit()
    return account


def _provider() -> teams.Provider:
    config = current_app.config
    if not config["OIDC_ISSUER"]:
        raise NotFound
    domains = (domain.strip().lower() for domain in config["OIDC_DOMAINS"].split(","))
    return teams.Provider(
        issuer=config["OIDC_ISSUER"],
        client_id=config["OIDC_CLIENT_ID"],
        client_secret=config["OIDC_CLIENT_SECRET"],
        domains=tuple(domain for domain in domains if domain),
        redirect_uri=f"{config['BASE_URL']}/account/team/back",
    )


def _failed(error: teams.Unavailable) -> AnyResponse:
    log.error("team.unavailable", why=str(error), request_id=g.get("request_id"))
    return _refused(gettext("Your team's sign-in does not answer. Try again, or use your password."))


def _refused(said: str) -> AnyResponse:
    return sessions.lead(url_for("account.sign_in"), said)
