"""The proofs that people give on forms: password, code, recovery code, passkey. Counted before they are looked at."""

import structlog
from flask import current_app
from flask_babel import gettext
from flask_security.utils import verify_password
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField

from moderation import accounts, markup
from moderation.accounts import factors, noting, passkeys
from moderation.db import db
from moderation.models import Account
from moderation.web import devices, entering, guards, limits

log = structlog.get_logger()

#: Checked against when there is no such account, so that both answers take the same time.
NOBODY = "the password of nobody, never right"


class ProofForm(FlaskForm):
    """One of the proofs; the others are left empty."""

    password = PasswordField()
    code = StringField()
    recovery = StringField()
    answer = HiddenField()


def by_password(email: str, password: str) -> Account | None:
    """Return the account if the password is its own. Takes the same time for an address that has none.

    Raises `TooManyRequests`.
    """
    email = email.strip().lower()[:320]
    counted = devices.counted_as(email)
    limits.count_sign_in(counted, guards.network())
    account = _known(email)
    hashed = account.password if account else current_app.extensions["nobody"]
    # Hashing takes long: not while other writers wait.
    db.session.rollback()
    right = len(password) <= accounts.MOST_PASSWORD and verify_password(password, hashed)
    account = _known(email)
    if not (right and account and account.active and account.password == hashed):
        log.info("proof.failed", factor="password", account=account.id if account else None, network=guards.network())
        return None
    limits.forgive_sign_in(counted, guards.network())
    return account


def by_factor(account: Account, form: ProofForm, purpose: passkeys.Purpose) -> str | None:
    """Return which second factor was proven; None, and a line in the log, where none was. The caller commits.

    Each factor is counted by itself: whoever guesses codes locks no passkey out. Raises `TooManyRequests`.
    """
    factor = "passkey" if form.answer.data else "recovery" if form.recovery.data else "totp"
    counted = f"{factor}:{account.id}"
    limits.count_sign_in(counted, guards.network())
    if _is_right(factor, account, form, purpose):
        limits.forgive_sign_in(counted, guards.network())
        return factor
    db.session.rollback()
    noting.note_failed(account, factor=factor, now=guards.clock())
    db.session.commit()
    return None


def by_passkey(answer: str) -> Account | None:
    """Return whose passkey answered, where it was asked for as the only factor. Raises `TooManyRequests`."""
    # No address to count for: the network counts, twice.
    limits.count_sign_in(f"passkey:{guards.network()}", guards.network())
    try:
        account = passkeys.prove(passkeys.Purpose.SIGN_IN, None, answer, entering.place(), now=guards.clock())
    except passkeys.BadAnswer:
        db.session.rollback()
        log.info("proof.failed", factor="passkey", account=None, network=guards.network())
        return None
    limits.forgive_sign_in(f"passkey:{guards.network()}", guards.network())
    return account


def fault(form: ProofForm) -> str:
    """Say that a proof was wrong."""
    if form.answer.data:
        return gettext("That passkey was not accepted. Please try again.")
    if form.recovery.data:
        return gettext("That is none of your recovery codes, or it was used.")
    if form.code.data:
        return gettext("That is not the code of this moment. Each code counts once: wait for the next one.")
    return gettext("Please enter the code.")


def _is_right(factor: str, account: Account, form: ProofForm, purpose: passkeys.Purpose) -> bool:
    key, now = current_app.config["FACTOR_KEY"], guards.clock()
    match factor:
        case "passkey":
            try:
                passkeys.prove(purpose, account, form.answer.data or "", entering.place(), now=now)
            except passkeys.BadAnswer:
                return False
            return True
        case "recovery":
            return factors.use_code(account, form.recovery.data or "", key=key)
    return factors.check_totp(account, form.code.data or "", key=key, now=now)


def _known(email: str) -> Account | None:
    """Find an account; what no database can hold is nobody's address."""
    return None if markup.unprintable(email) else accounts.find(email)
