"""How forms refuse a new password: in words, at its field."""

from flask_babel import gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField, ValidationError

from moderation import accounts


class NewPasswordForm(FlaskForm):
    """A new password for an account, and the present one where it is asked for."""

    present = PasswordField()
    password = PasswordField()


def refuse_weak(password: str, *, email: str, name: str) -> None:
    """Raise `ValidationError` for a password that is short, long or easily guessed."""
    if fault := accounts.password_fault(password, email=email, name=name):
        raise ValidationError(words(fault))


def words(fault: str) -> str:
    """Say what is wrong with a new password."""
    if fault == "short":
        return gettext("At least %(number)s characters, please.", number=accounts.LEAST_PASSWORD)
    if fault == "long":
        return gettext("At most %(number)s characters, please.", number=accounts.MOST_PASSWORD)
    return gettext("That would be guessed at once. A sentence is fine.")
