"""Sets up and removes the authenticator app and the recovery codes of an account."""

from flask import Blueprint, current_app, make_response, render_template, session, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, StringField

from moderation.accounts import factors
from moderation.accounts import sessions as of_accounts
from moderation.db import db
from moderation.models import Account
from moderation.web import entering, guards, qr, reauth, sessions

bp = Blueprint("factors", __name__, url_prefix="/account")
bp.before_request(guards.signed_in_by_password)

#: Seconds in which a new app is to show its first code.
SET_UP_WITHIN = 1800


class AppForm(FlaskForm):
    """A secret that was shown, sealed, and the code that the app makes of it."""

    sealed = HiddenField()
    code = StringField()


@bp.get("/second-factor")
def required() -> AnyResponse:
    """Lead somebody who needs a second factor to set one up; nothing else can be done before."""
    known = factors.of(guards.account())
    shown = {"factors": known, "has_passkeys": entering.place().has_passkeys, "lacking": guards.lacks_second()}
    return make_response(render_template("account/required.html", **shown))


@bp.get("/app")
def app() -> AnyResponse:
    """Show a new secret, as a picture and in letters."""
    reauth.require_fresh()
    return _new_app_page()


@bp.post("/app")
def add_app() -> AnyResponse:
    """Take the app on, when it shows the right code."""
    reauth.require_fresh(back=url_for(".app"))
    form, account, key = AppForm(), guards.account(), current_app.config["FACTOR_KEY"]
    told = factors.unseal(form.sealed.data or "", key=key, most_age=SET_UP_WITHIN) or ""
    owner, _, secret = told.partition(":")
    if owner != str(account.id):
        return _new_app_page(error=gettext("That took too long. Please scan the new picture."))
    first = not factors.has_second(account)
    if not factors.add_totp(account, secret, form.code.data or "", key=key, now=guards.clock()):
        return _app_page(secret, form, error=gettext("That is not the code of this moment. Try the next one."))
    return _set_up(account, first=first)


@bp.post("/app/remove")
def remove_app() -> AnyResponse:
    """Remove the app."""
    reauth.require_fresh(back=url_for("profile.index"))
    account = guards.account()
    try:
        factors.remove_totp(account, needed=_needed(account), now=guards.clock())
    except factors.Needed:
        return sessions.lead(url_for("profile.index"), still_needed())
    db.session.commit()
    return sessions.lead(url_for("profile.index"), gettext("The authenticator app is removed."))


@bp.post("/codes")
def make_codes() -> AnyResponse:
    """Make new recovery codes and show them, once."""
    reauth.require_fresh(back=url_for("profile.index"))
    account = guards.account()
    if not factors.has_second(account):
        return sessions.lead(url_for("profile.index"), gettext("First set up an app or a passkey."))
    codes = factors.new_codes(account, key=current_app.config["FACTOR_KEY"], now=guards.clock())
    db.session.commit()
    return make_response(render_template("account/codes.html", codes=codes, first=False))


def still_needed() -> str:
    """Say why the last factor stays."""
    return gettext("You need a second factor here. Set up another one first.")


def _set_up(account: Account, *, first: bool) -> AnyResponse:
    """After the first factor: show recovery codes; nobody who signed in without it stays signed in elsewhere."""
    codes: list[str] = []
    if first:
        of_accounts.end_all(account, but=sessions.current_hash(session))
    if not factors.of(account).codes:
        codes = factors.new_codes(account, key=current_app.config["FACTOR_KEY"], now=guards.clock())
    db.session.commit()
    entering.go_on(account, second=True)
    if not codes:
        return sessions.lead(url_for("profile.index"), gettext("The authenticator app is set up."))
    return make_response(render_template("account/codes.html", codes=codes, first=True))


def _needed(account: Account) -> bool:
    return factors.is_required(account, everywhere=current_app.config["REQUIRE_SECOND_FACTOR"])


def _new_app_page(*, error: str = "") -> AnyResponse:
    secret = factors.new_secret()
    form = AppForm(formdata=None)
    form.sealed.data = factors.seal(f"{guards.account().id}:{secret}", key=current_app.config["FACTOR_KEY"])
    return _app_page(secret, form, error=error)


def _app_page(secret: str, form: AppForm, *, error: str = "") -> AnyResponse:
    address = factors.address_of(secret, guards.account())
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    shown = {"form": form, "error": error, "secret": groups, "address": address}
    return make_response(
        render_template("account/app.html", picture=qr.picture(address), **shown), 422 if error else 200
    )
