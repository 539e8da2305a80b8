"""Adds and removes the passkeys of an account."""

from flask import Blueprint, current_app, make_response, render_template, request, session, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField, StringField

from moderation import markup
from moderation.accounts import factors, passkeys
from moderation.accounts import sessions as of_accounts
from moderation.db import MOST_ROWS, db
from moderation.web import browsers, entering, guards, reauth, sessions

bp = Blueprint("passkeys", __name__, url_prefix="/account/passkeys")
bp.before_request(guards.signed_in_by_password)

MOST_NAME = 60


class PasskeyForm(FlaskForm):
    """What the browser has made, and what it is to be called."""

    name = StringField()
    answer = HiddenField()


@bp.get("/")
def add_form() -> AnyResponse:
    """Show the page on which the browser makes a passkey."""
    reauth.require_fresh()
    name = browsers.described(request.headers.get("User-Agent", "")) or gettext("Passkey")
    return _page(PasskeyForm(data={"name": name}))


@bp.post("/")
def add() -> AnyResponse:
    """Take a passkey on."""
    reauth.require_fresh(back=url_for(".add_form"))
    form, account = PasskeyForm(), guards.account()
    name = markup.tidy_name(form.name.data or "")
    if not 0 < len(name) <= MOST_NAME or markup.unprintable(form.name.data or ""):
        return _page(form, error=gettext("Please give it a name, at most %(number)s characters.", number=MOST_NAME))
    first = not factors.has_second(account)
    try:
        passkeys.add(account, form.answer.data or "", entering.place(), name=name, now=guards.clock())
    except passkeys.BadAnswer:
        db.session.rollback()
        return _page(form, failure=gettext("The passkey was not accepted. Please try again."))
    if first:
        # Nobody who signed in without it stays signed in elsewhere.
        of_accounts.end_all(account, but=sessions.current_hash(session))
    db.session.commit()
    entering.go_on(account, second=True)
    return sessions.lead(url_for("profile.index"), gettext("The passkey is set up."))


@bp.post("/remove")
def remove() -> AnyResponse:
    """Remove a passkey."""
    reauth.require_fresh(back=url_for("profile.index"))
    account, digits = guards.account(), request.form.get("passkey", "")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else MOST_ROWS
    needed = factors.is_required(account, everywhere=current_app.config["REQUIRE_SECOND_FACTOR"])
    try:
        removed = factors.remove_passkey(account, min(number, MOST_ROWS), needed=needed, now=guards.clock())
    except factors.Needed:
        said = gettext("You need a second factor here. Set up another one first.")
        return sessions.lead(url_for("profile.index"), said)
    if not removed:
        raise NotFound
    db.session.commit()
    return sessions.lead(url_for("profile.index"), gettext("The passkey is removed."))


def _page(form: PasskeyForm, *, error: str = "", failure: str = "") -> AnyResponse:
    place = entering.place()
    options = passkeys.options_to_add(guards.account(), place, now=guards.clock()) if place.has_passkeys else ""
    page = render_template("account/passkey.html", form=form, options=options, error=error, failure=failure)
    return make_response(page, 422 if error or failure else 200)
