"""Sign-in, sign-out, and the page on which the first owner is made."""

import hmac

from email_validator import EmailNotValidError, validate_email
from flask import Blueprint, current_app, g, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext
from flask_security.utils import login_user, logout_user, verify_password
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, PasswordField, StringField, ValidationError

from moderation import accounts, markup
from moderation.db import db
from moderation.models import Account
from moderation.web import guards, limits, sessions

bp = Blueprint("account", __name__, url_prefix="/account")

#: Checked against when there is no such account, so that both answers take the same time.
NOBODY = "the password of nobody, never right"


class SignInForm(FlaskForm):
    """Who, and the proof of it."""

    email = StringField()
    password = PasswordField()
    stay = BooleanField()


class StartForm(FlaskForm):
    """The first owner."""

    code = StringField()
    name = StringField()
    email = StringField()
    password = PasswordField()

    def validate_name(self, field: StringField) -> None:
        """Refuse an empty name: colleagues see it beside decisions."""
        if not 0 < len(markup.tidy_name(field.data or "")) <= 100 or markup.unprintable(field.data or ""):
            raise ValidationError(gettext("Please enter your name, at most 100 characters."))

    def validate_email(self, field: StringField) -> None:
        """Refuse what is no e-mail address."""
        try:
            validate_email(field.data or "", check_deliverability=False)
        except EmailNotValidError as error:
            raise ValidationError(gettext("An address looks like name@example.org.")) from error

    def validate_password(self, field: PasswordField) -> None:
        """Refuse a password that is short or easily guessed."""
        fault = accounts.password_fault(field.data or "", email=self.email.data or "", name=self.name.data or "")
        if fault == "short":
            raise ValidationError(gettext("At least %(number)s characters, please.", number=accounts.LEAST_PASSWORD))
        if fault == "long":
            raise ValidationError(gettext("At most %(number)s characters, please.", number=accounts.MOST_PASSWORD))
        if fault:
            raise ValidationError(gettext("That would be guessed at once. A sentence is fine."))


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
    _begin(account, stay=bool(form.stay.data))
    return redirect(url_for("queue.index"), 303)


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
    _begin(account, stay=False)
    return redirect(url_for("queue.index"), 303)


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


def _begin(account: Account, *, stay: bool) -> None:
    accounts.note_sign_in(account, now=guards.clock())
    db.session.commit()
    session.clear()
    login_user(account, remember=False, authn_via=["password"])
    # The token that every form of the session carries: made now, so that no page that is only looked at writes.
    g.pop("csrf_token", None)
    generate_csrf()
    sessions.renew(session, stay=stay)


def _start_code_or_404(code: str) -> str:
    right = accounts.start_code(current_app.config["SECRET_KEY"])
    if not hmac.compare_digest(code.encode(), right.encode()) or accounts.any_account():
        raise NotFound
    return code
