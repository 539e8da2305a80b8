"""The page of a link with which a new password is chosen, once."""

from flask import Blueprint, make_response, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts
from moderation.accounts import resets
from moderation.db import db
from moderation.web import answers, guards, limits, sessions
from moderation.web.passwordform import NewPasswordForm, words

bp = Blueprint("reset", __name__, url_prefix="/account/reset")


@bp.get("/<token:token>")
def choose(token: str) -> AnyResponse:
    """Show the form of a link that is good. Looking at it uses nothing up."""
    try:
        account = resets.account_of(token, now=guards.clock())
    except resets.NoSuchLink:
        return _no_such_link()
    return make_response(render_template("account/reset.html", form=NewPasswordForm(), account=account, error=""))


@bp.post("/<token:token>")
def do_choose(token: str) -> AnyResponse:
    """Set the new password, and end every session."""
    limits.count_reset(guards.network())
    form = NewPasswordForm()
    password = form.password.data or ""
    try:
        account = resets.account_of(token, now=guards.clock())
        if fault := accounts.password_fault(password, email=account.email, name=account.name):
            page = render_template("account/reset.html", form=form, account=account, error=words(fault))
            return make_response(page, 422)
        # Hashing takes long: not while other writers wait.
        db.session.rollback()
        resets.use(token, password_hash=accounts.hashed(password), now=guards.clock())
    except resets.NoSuchLink:
        return _no_such_link()
    db.session.commit()
    said = gettext("Your password is changed. Sign in with the new one.")
    return sessions.lead(url_for("account.sign_in"), said)


def _no_such_link() -> AnyResponse:
    """Say the same of a link that is unknown, too old or used."""
    return answers.error_page(
        404,
        gettext("This link opens nothing"),
        gettext("A link for a new password is good once, and for one hour. Ask for another one."),
    )
