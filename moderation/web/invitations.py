"""The page that an invitation's link opens: who invites, where to, as what; looked at by GET, accepted by POST."""

import hashlib

from flask import Blueprint, Response, make_response, redirect, render_template, session, url_for
from flask_babel import gettext
from flask_security import current_user
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts, markup
from moderation.accounts import invitations
from moderation.db import db
from moderation.models import Account, Invitation, Via
from moderation.web import answers, entering, guards, limits, sessions, wayback
from moderation.web.accountforms import NewAccountForm

bp = Blueprint("invitations", __name__, url_prefix="/invitations")


@bp.get("/<token:token>")
def show(token: str) -> AnyResponse:
    """Show what the link offers."""
    invitation = invitations.find(token, now=guards.clock())
    response = _page(token, invitation, NewAccountForm(data={"email": invitation.email}))
    wayback.forget(response)
    return response


@bp.post("/<token:token>")
def accept(token: str) -> AnyResponse:
    """Take the role: as who is signed in, or with a new account."""
    who = f"invitation:{hashlib.sha256(token.encode(errors='replace')).hexdigest()[:16]}"
    limits.count_sign_in(who, guards.network())
    invitation = invitations.find(token, now=guards.clock())
    answer = _join(token) if _me() else _begin(token, invitation)
    if answer.status_code == 303:
        limits.forgive_sign_in(who, guards.network())
    return answer


@bp.post("/<token:token>/sign-in")
def sign_in(token: str) -> AnyResponse:
    """Lead to the sign-in, and from there back here."""
    invitations.find(token, now=guards.clock())
    response = make_response(redirect(url_for("account.sign_in"), 303))
    wayback.keep(response, token)
    return response


@bp.errorhandler(invitations.Gone)
def _gone(_: invitations.Gone) -> Response:
    """Answer a link that was never one, was used or taken back, or is too old: always in the same words."""
    db.session.rollback()
    return answers.error_page(
        404,
        gettext("This invitation is not open any more"),
        gettext("It was accepted or taken back, or is older than a week. Ask whoever sent it for a new one."),
    )


@bp.errorhandler(invitations.ForSomebodyElse)
@bp.errorhandler(invitations.NothingMore)
def _not_for_you(_: Exception) -> Response:
    """Answer a press that the page does not offer."""
    db.session.rollback()
    return answers.error_page(
        409, gettext("Nothing was accepted"), gettext("The invitation is not for this account. Open its link again.")
    )


def _join(token: str) -> AnyResponse:
    invitation = invitations.accept(token, guards.account(), now=guards.clock())
    db.session.commit()
    # Who may more than before goes on under another id.
    sessions.rotate(session)
    response = make_response(redirect(url_for("people.mine"), 303))
    sessions.tell(response, {"people": "joined", "site": invitation.site.name})
    return response


def _begin(token: str, invitation: Invitation) -> AnyResponse:
    """Make the account, give it the role and sign it in: all of it or nothing."""
    form = NewAccountForm()
    form.email.data = invitation.email or form.email.data
    if not form.validate():
        return _page(token, invitation, form, 422)
    # Hashing takes long: not while other writers wait.
    db.session.rollback()
    hashed = accounts.hashed(form.password.data or "")
    try:
        account = accounts.create_account(
            form.email.data or "",
            name=markup.tidy_name(form.name.data or ""),
            password_hash=hashed,
            now=guards.clock(),
            via=Via.WEB,
        )
    except accounts.Taken:
        form.email.errors = [gettext("There is an account with this address. Sign in with it instead.")]
        return _page(token, invitations.find(token, now=guards.clock()), form, 422)
    invitations.accept(token, account, now=guards.clock())
    return entering.enter(account, how="password", stay=False, second=False)


def _page(token: str, invitation: Invitation, form: NewAccountForm, status: int = 200) -> AnyResponse:
    me = _me()
    fault = invitations.fault(invitation, me) if me else None
    html = render_template(
        "invitations/show.html",
        token=token,
        invitation=invitation,
        form=form,
        me=me,
        for_somebody_else=fault is invitations.ForSomebodyElse,
        nothing_more=fault is invitations.NothingMore,
    )
    return make_response(html, status)


def _me() -> Account | None:
    user = current_user._get_current_object()
    return user if isinstance(user, Account) else None
