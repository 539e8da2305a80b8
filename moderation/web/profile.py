"""An account's own page: how it signs in, where it is signed in, and what happened lately."""

from flask import Blueprint, current_app, make_response, render_template, request, session, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts
from moderation.accounts import factors, noting, resets
from moderation.accounts import sessions as of_accounts
from moderation.db import db
from moderation.web import entering, guards, lastseen, proving, sessions
from moderation.web.passwordform import NewPasswordForm, words

bp = Blueprint("profile", __name__, url_prefix="/account")
bp.before_request(guards.signed_in)


@bp.get("/")
def index() -> AnyResponse:
    """Show it; once, what was just done."""
    account, now = guards.account(), guards.clock()
    this = sessions.current_hash(session)
    kept = sorted(of_accounts.of(account, now=now), key=lambda each: each.id_hash != this)
    page = render_template(
        "account/index.html",
        factors=factors.of(account),
        needed=factors.is_required(account, everywhere=current_app.config["REQUIRE_SECOND_FACTOR"]),
        has_passkeys=entering.place().has_passkeys,
        sessions=kept,
        seen=lastseen.hours([each.id_hash for each in kept]),
        this=this,
        entries=noting.recent(account),
        said=sessions.said(),
    )
    response = make_response(page)
    sessions.forget_said(response)
    return response


@bp.post("/sessions/end")
def end_sessions() -> AnyResponse:
    """End one of the account's sessions, or all but this."""
    account, now, this = guards.account(), guards.clock(), sessions.current_hash(session)
    one = request.form.get("session", "")
    if one and one != this:
        of_accounts.end_one(account, one[:64].replace("\0", ""), now=now)
        said = gettext("That session is ended.")
    elif not one:
        ended = of_accounts.end_others(account, but=this, now=now)
        said = ngettext("%(num)d other session is ended.", "%(num)d other sessions are ended.", ended)
    else:
        said = gettext("This session ends when you sign out.")
    db.session.commit()
    return sessions.lead(url_for(".index"), said)


@bp.get("/password")
def password() -> AnyResponse:
    """Show the form for another password."""
    return make_response(render_template("account/password.html", form=NewPasswordForm(), errors={}))


@bp.post("/password")
def do_password() -> AnyResponse:
    """Change the password of who knows the present one, and end every other session."""
    form, account = NewPasswordForm(), guards.account()
    errors = {}
    if fault := accounts.password_fault(form.password.data or "", email=account.email, name=account.name):
        errors["password"] = words(fault)
    if proving.by_password(account.email, form.present.data or "") is None:
        errors["present"] = gettext("That is not your present password.")
    if errors:
        return make_response(render_template("account/password.html", form=form, errors=errors), 422)
    # Hashing takes long: not while other writers wait.
    db.session.rollback()
    hashed, this = accounts.hashed(form.password.data or ""), sessions.current_hash(session)
    account = guards.account()
    resets.change_password(account, password_hash=hashed, rule="password", now=guards.clock(), but=this)
    db.session.commit()
    entering.go_on(account, second=bool(session.get("second")))
    said = gettext("Your password is changed. Other sessions are ended.")
    return sessions.lead(url_for(".index"), said)
