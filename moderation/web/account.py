"""Sign-in, sign-out, and the page on which the first owner is made."""

import hmac

from flask import Blueprint, current_app, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext
from flask_security.utils import logout_user, verify_password
from flask_wtf import FlaskForm
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, PasswordField, StringField

from moderation import accounts, markup
from moderation.db import db
from moderation.models import Account
from moderation.web import entering, guards, limits, sessions
from moderation.web.accountforms import NewAccountForm

bp = Blueprint("account", __name__, url_prefix="/account")

#: Checked against when there is no such account, so that both answers take the same time.
NOBODY = "the password of nobody, never right"


class SignInForm(FlaskForm):
    """Who, and the proof of it."""

    email = StringField()
    password = PasswordField()
    stay = BooleanField()


class StartForm(NewAccountForm):
    """The first owner."""

    code = StringField()


@bp.get("/sign-in")
def sign_in() -> AnyResponse:
    """Show the form."""
    return make_response(render_template("account/sign_in.html", form=SignInForm(), error=None))


@bp.post("/sign-in")
def do_sign_in() -> AnyResponse:
    """Check the password and begin a new session."""
    form = SignInForm()
    email, password = (form.email.data or "").strip().lower()[:320], form.password.data or ""
    limits.count_sign_in(email, guards.network())
    account = _proven(email, password)
    if account is None:
        page = render_template("account/sign_in.html", form=form, error=gettext("Email and password do not match."))
        return make_response(page, 422)
    limits.forgive_sign_in(email, guards.network())
    return entering.enter(account, how="password", stay=bool(form.stay.data))


@bp.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session."""
    logout_user()
    session.clear()
    response = make_response(redirect(url_for(".sign_in"), 303))
    sessions.forget_told(response)
    return response


@bp.get("/start")
def start() -> AnyResponse:
    """Show the page on which the first owner is made; it is gone when there is one."""
    code = _start_code_or_404(request.args.get("code", ""))
    return make_response(render_template("account/start.html", form=StartForm(data={"code": code})))


@bp.post("/start")
def do_start() -> AnyResponse:
    """Make the first owner and sign in."""
    form = StartForm()
    _start_code_or_404(form.code.data or "")
    if not form.validate():
        return make_response(render_template("account/start.html", form=form), 422)
    # Hashing takes long: not while other writers wait.
    db.session.rollback()
    hashed = accounts.hashed(form.password.data or "")
    try:
        account = accounts.create_first_owner(
            form.email.data or "", name=markup.tidy_name(form.name.data or ""), password_hash=hashed, now=guards.clock()
        )
    except accounts.Taken as taken:
        raise NotFound from taken
    return entering.enter(account, how="password", stay=False)


def _proven(email: str, password: str) -> Account | None:
    """Return the account if the password is its own. Takes the same time for an address that has none."""
    account = _known(email)
    hashed = account.password if account else current_app.extensions["nobody"]
    # Hashing takes long: not while other writers wait.
    db.session.rollback()
    right = len(password) <= accounts.MOST_PASSWORD and verify_password(password, hashed)
    account = _known(email)
    return account if right and account and account.active and account.password == hashed else None


def _known(email: str) -> Account | None:
    """Find an account; what no database can hold is nobody's address."""
    return None if markup.unprintable(email) else accounts.find(email)


def _start_code_or_404(code: str) -> str:
    right = accounts.start_code(current_app.config["SECRET_KEY"])
    if not hmac.compare_digest(code.encode(), right.encode()) or accounts.any_account():
        raise NotFound
    return code
