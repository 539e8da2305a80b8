"""The one form class of a reply: it serves the browser's form and flat JSON alike."""

import json
from collections.abc import Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import Request
from flask_babel import gettext, ngettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from wtforms import Field, StringField, TextAreaField, ValidationError

from moderation import intake, markup
from moderation.models import Site, Via
from moderation.models.pagekey import is_web_address
from moderation.models.site import MAX_COMMENT_BYTES
from moderation.web import guards

MOST = {"author": 245, "email": 100, "url": 200, "page": 2000, "token": 200}
#: WordPress' names for ours; comment, author, email and url are the same.
FROM_WORDPRESS = {"comment_parent": "parent", "comment_post_ID": "post"}
#: Fields that JSON may give as numbers.
NUMBERS = ("parent", *FROM_WORDPRESS)


class ReplyForm(FlaskForm):
    """A reply, field by field, checked against what its site requires."""

    class Meta:
        """There is no session to ride on here: a token in the form would set a cookie for visitors."""

        csrf = False

    comment = TextAreaField()
    author = StringField()
    email = StringField()
    url = StringField()
    page = StringField(filters=[lambda page: (page or "").strip()])
    parent = StringField()
    title = StringField()
    key = StringField()
    token = StringField()
    format = StringField()
    #: What the browser worked out, where that was asked.
    proof = StringField()
    #: People do not see it. Whoever fills it is a program, and is held like everybody else.
    topic = StringField()

    def __init__(self, fields: Mapping[str, str], site: Site) -> None:
        super().__init__(formdata=MultiDict(fields))
        self.site = site

    def validate_comment(self, field: Field) -> None:
        """Refuse nothing to read, and more than the site takes."""
        text = markup.tidy_text(_clean(field))
        if len(text) > self.site.max_comment:
            raise ValidationError(
                ngettext(
                    "That is %(num)d character too long; %(most)s are possible.",
                    "That is %(num)d characters too long; %(most)s are possible.",
                    len(text) - self.site.max_comment,
                    most=self.site.max_comment,
                )
            )
        if len(text.encode()) > MAX_COMMENT_BYTES:
            raise ValidationError(gettext("That is more than can be stored."))
        # Last, so that what is too long is not rendered.
        if not markup.tidy_name(markup.plain_text(markup.render(text, self.markup_format))):
            raise ValidationError(gettext("Please write a comment."))

    def validate_author(self, field: Field) -> None:
        """Refuse an empty name where one is required, and one that is too long."""
        name = markup.tidy_name(_clean(field))
        if not name and "author" in self.site.required:
            raise ValidationError(gettext("Please enter a name. A nickname is fine."))
        _short_enough(name, "author")

    def validate_email(self, field: Field) -> None:
        """Refuse what is no e-mail address, without asking the DNS."""
        address = _clean(field).strip()
        if not address:
            if "email" in self.site.required:
                raise ValidationError(gettext("Please enter an email address. It is not published."))
            return
        _short_enough(address, "email")
        try:
            validate_email(address, check_deliverability=False)
        except EmailNotValidError as error:
            raise ValidationError(gettext("An address looks like name@example.org.")) from error

    def validate_url(self, field: Field) -> None:
        """Refuse a website that is not http or https."""
        address = _clean(field).strip()
        if not address:
            if "url" in self.site.required:
                raise ValidationError(gettext("Please enter a website."))
            return
        _short_enough(address, "url")
        if not is_web_address(address):
            raise ValidationError(gettext("A website begins with http:// or https://, as in https://example.org."))

    def validate_page(self, field: Field) -> None:
        """Refuse a reply that does not say to which page it belongs."""
        if not _clean(field):
            raise ValidationError(gettext("The page this reply belongs to is missing."))
        _short_enough(field.data or "", "page")

    def validate_parent(self, field: Field) -> None:
        """Refuse a parent that is no number; 0 is none."""
        given = _clean(field).strip()
        if given and not (given.isascii() and given.isdigit() and len(given) < 19):
            raise ValidationError(gettext("This is not the number of a reply."))

    def validate_key(self, field: Field) -> None:
        """Refuse a key that could not be one."""
        key = _clean(field)
        allowed = all(c.isascii() and (c.isalnum() or c in "_-") for c in key)
        if key and not (16 <= len(key) <= 64 and allowed):
            raise ValidationError(gettext("A key has 16 to 64 of A-Z a-z 0-9 _ -."))

    def validate_format(self, field: Field) -> None:
        """Refuse a format that is neither plain nor Markdown."""
        if _clean(field) not in {"", markup.Format.PLAIN, markup.Format.MARKDOWN}:
            raise ValidationError(gettext("Write plain or markdown."))

    def validate_title(self, field: Field) -> None:
        """Refuse what no database can keep."""
        _clean(field)

    def validate_token(self, field: Field) -> None:
        """Refuse what no database can keep."""
        _clean(field)

    validate_topic = validate_proof = validate_token

    @property
    def faults(self) -> dict[str, list[str]]:
        """What is wrong, field by field."""
        return {field.name: [str(text) for text in field.errors] for field in self if field.errors}

    @property
    def markup_format(self) -> markup.Format:
        """How the text is written: Markdown unless it says plain."""
        return markup.Format.PLAIN if self.format.data == markup.Format.PLAIN else markup.Format.MARKDOWN

    @property
    def parent_id(self) -> int | None:
        """The comment answered, if any."""
        return guards.row_number((self.parent.data or "").strip() or "0") or None

    def draft(self, *, network: str, via: Via, written_in: float | None) -> intake.Draft:
        """Return the checked reply."""
        title = markup.tidy_name(self.title.data or "")
        return intake.Draft(
            comment=markup.tidy_text(self.comment.data or ""),
            author=markup.tidy_name(self.author.data or ""),
            email=(self.email.data or "").strip(),
            url=(self.url.data or "").strip(),
            page=self.page.data or "",
            parent=self.parent_id,
            # Not the author's words: one that is too long is left out, and the page is named by its path.
            title=title if 0 < len(title) <= 300 else None,
            key=self.key.data or None,
            format=self.markup_format,
            network=network,
            via=via,
            trapped=bool((self.topic.data or "").strip()),
            written_in=written_in,
        )


def fields_of(request: Request) -> dict[str, str]:
    """Read the fields of a request, form-encoded or flat JSON; of a repeated one the first counts.

    Raises `BadRequest` for JSON that is not a flat object, `UnsupportedMediaType` for anything else,
    `NotText` for a value that is no text.
    """
    if request.mimetype == "application/json":
        return _flat(request.get_data())
    if request.mimetype not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        raise UnsupportedMediaType
    return request.form.to_dict()


class NotText(Exception):
    """A field whose value is neither a text nor null."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def _flat(body: bytes) -> dict[str, str]:
    try:
        value: Any = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest from error
    if not isinstance(value, dict):
        raise BadRequest
    texts = {}
    for name, text in value.items():
        if isinstance(text, str):
            texts[name] = text
        elif name in NUMBERS and isinstance(text, int) and not isinstance(text, bool):
            # The number of a comment comes as a number in thread.json, so it may come back as one.
            texts[name] = str(text)
        elif text is not None and (name in vars(ReplyForm) or name in FROM_WORDPRESS):
            raise NotText(name)
    return texts


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _clean(field: Field) -> str:
    """Return a field's text. Raises `ValidationError` for what neither database can keep."""
    text = field.data or ""
    if markup.unprintable(text):
        raise ValidationError(gettext("There is a character in it that cannot be stored."))
    return text


def _short_enough(text: str, name: str) -> None:
    if len(text) > MOST[name]:
        raise ValidationError(
            ngettext("At most %(num)d character, please.", "At most %(num)d characters, please.", MOST[name])
        )
