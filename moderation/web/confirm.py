"""Asks who is still there, before what is about people, secrets and erasure."""

from flask import Blueprint, make_response, redirect, render_template, request, session
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from moderation.accounts import factors, passkeys
from moderation.db import db
from moderation.web import entering, guards, proving, reauth, sessions
from moderation.web.proving import ProofForm

bp = Blueprint("confirm", __name__, url_prefix="/account/confirm")
bp.before_request(guards.signed_in_by_password)


@bp.get("/")
def ask() -> AnyResponse:
    """Ask for one proof."""
    return _page(ProofForm())


@bp.post("/")
def check() -> AnyResponse:
    """Check it, go on under a new id, and lead back."""
    form, account = ProofForm(), guards.account()
    if not (form.code.data or form.recovery.data or form.answer.data):
        if proving.by_password(account.email, form.password.data or "") is None:
            return _page(form, password_error=gettext("That is not your password."))
    elif proving.by_factor(account, form, passkeys.Purpose.CONFIRM) is None:
        return _page(form, error=proving.fault(form))
    db.session.commit()
    reauth.note_proof()
    sessions.rotate(session)
    return redirect(reauth.safe(request.args.get("next", "")), 303)


def _page(form: ProofForm, *, error: str = "", password_error: str = "") -> AnyResponse:
    account = guards.account()
    known = factors.of(account)
    options = passkeys.options_to_prove(passkeys.Purpose.CONFIRM, account, entering.place(), now=guards.clock())
    said = {"error": error, "password_error": password_error, "factors": known, "options": options}
    page = render_template("account/confirm.html", form=form, back=reauth.safe(request.args.get("next", "")), **said)
    return make_response(page, 422 if error or password_error else 200)
