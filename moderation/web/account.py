"""Sign-in by password, passkey and second factor, sign-out, and the page on which the first owner is made."""

import hmac

from flask import Blueprint, current_app, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext
from flask_security import current_user
from flask_security.utils import logout_user
from flask_wtf import FlaskForm
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, HiddenField, PasswordField, StringField

from moderation import accounts, markup
from moderation.accounts import factors, noting, passkeys
from moderation.db import db
from moderation.models import Account
from moderation.web import entering, guards, proving, sessions
from moderation.web.accountforms import NewAccountForm
from moderation.web.proving import ProofForm

bp = Blueprint("account", __name__, url_prefix="/account")


class SignInForm(FlaskForm):
    """Who, and the proof of it."""

    email = StringField()
    password = PasswordField()
    answer = HiddenField()
    stay = BooleanField()


class StartForm(NewAccountForm):
    """The first owner."""

    code = StringField()


@bp.get("/sign-in")
def sign_in() -> AnyResponse:
    """Show the form; once, what a page before has to say."""
    response = make_response(_sign_in_page(SignInForm(), said=sessions.said()))
    sessions.forget_said(response)
    return response


@bp.post("/sign-in")
def do_sign_in() -> AnyResponse:
    """Check the password; then comes the second factor, or a new session."""
    form = SignInForm()
    account = proving.by_password(form.email.data or "", form.password.data or "")
    if account is None:
        return make_response(_sign_in_page(form, error=gettext("Email and password do not match.")), 422)
    return entering.arrive(account, how="password", stay=bool(form.stay.data))


@bp.post("/sign-in/passkey")
def do_sign_in_by_passkey() -> AnyResponse:
    """Check a passkey that is the only factor: the device has asked who holds it."""
    form = SignInForm()
    account = proving.by_passkey(form.answer.data or "")
    if account is None:
        error = gettext("That passkey was not accepted. Please try again, or use your password.")
        return make_response(_sign_in_page(form, passkey_error=error), 422)
    return entering.enter(account, how="passkey", stay=bool(form.stay.data), second=True)


@bp.get("/sign-in/second")
def second() -> AnyResponse:
    """Ask for the second proof."""
    half = entering.halfway()
    return redirect(url_for(".sign_in"), 303) if half is None else _second_page(half.account, ProofForm(), "")


@bp.post("/sign-in/second")
def do_second() -> AnyResponse:
    """Check the second proof, and begin a new session."""
    form, half = ProofForm(), entering.halfway()
    if half is None:
        return sessions.lead(url_for(".sign_in"), gettext("That took too long. Please sign in again."))
    factor = proving.by_factor(half.account, form, passkeys.Purpose.SECOND)
    if factor is None:
        return _second_page(half.account, form, proving.fault(form))
    return entering.enter(half.account, how=f"{half.how}+{factor}", stay=half.stay, second=True)


@bp.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session."""
    if isinstance(user := current_user._get_current_object(), Account):
        noting.note_sign_out(user, now=guards.clock())
        db.session.commit()
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
    return entering.enter(account, how="password", stay=False, second=False)


def _sign_in_page(form: SignInForm, *, error: str = "", passkey_error: str = "", said: str = "") -> str:
    place, options = entering.place(), ""
    if place.has_passkeys:
        options = passkeys.options_to_prove(passkeys.Purpose.SIGN_IN, None, place, now=guards.clock())
    team = current_app.config["OIDC_NAME"] if current_app.config["OIDC_ISSUER"] else ""
    shown = {"error": error, "passkey_error": passkey_error, "said": said, "team": team}
    return render_template("account/sign_in.html", form=form, options=options, **shown)


def _second_page(account: Account, form: ProofForm, error: str) -> AnyResponse:
    options = passkeys.options_to_prove(passkeys.Purpose.SECOND, account, entering.place(), now=guards.clock())
    known = factors.of(account)
    page = render_template("account/second.html", form=form, error=error, factors=known, options=options)
    return make_response(page, 422 if error else 200)


def _start_code_or_404(code: str) -> str:
    right = accounts.start_code(current_app.config["SECRET_KEY"])
    if not hmac.compare_digest(code.encode(), right.encode()) or accounts.any_account():
        raise NotFound
    return code
