"""What somebody who is to have an account is asked: name, address, password."""

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField, ValidationError

from moderation import markup
from moderation.web import passwordform


class NewAccountForm(FlaskForm):
    """A new account."""

    name = StringField()
    email = StringField()
    password = PasswordField()

    def validate_name(self, field: StringField) -> None:
        """Refuse an empty name: colleagues see it beside decisions."""
        if not 0 < len(markup.tidy_name(field.data or "")) <= 100 or markup.unprintable(field.data or ""):
            raise ValidationError(gettext("Please enter your name, at most 100 characters."))

    def validate_email(self, field: StringField) -> None:
        """Refuse what is no e-mail address."""
        refuse_no_address(field)

    def validate_password(self, field: PasswordField) -> None:
        """Refuse a password that is short or easily guessed."""
        passwordform.refuse_weak(field.data or "", email=self.email.data or "", name=self.name.data or "")


def refuse_no_address(field: StringField) -> None:
    """Refuse what is no e-mail address, at its field."""
    try:
        validate_email(field.data or "", check_deliverability=False)
    except EmailNotValidError as error:
        raise ValidationError(gettext("An address looks like name@example.org.")) from error
