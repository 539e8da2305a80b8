"""What the queue is asked: a list with its filters, and one press on one or many texts."""

import re
from datetime import date
from urllib.parse import parse_qsl, urlencode

from flask import request
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from wtforms import Field, StringField, ValidationError

from moderation import lifecycle, markup
from moderation.models import Action
from moderation.review import Order, View, Wanted, decisions
from moderation.review.changes import Marks
from moderation.web import guards

#: A note for the log is a sentence, not an essay.
MOST_NOTE = 1000
#: What may be typed into a filter, and into the search.
MOST_FILTER = 2000

#: What an address of the queue may carry, and how much of it a form carries back.
PLACE = (
    *("view", "order", "site", "page", "author", "finding", "host", "network", "shape"),
    *("since", "until", "reason", "by", "q", "after"),
)
MOST_PLACE = 8000


class SiftForm(FlaskForm):
    """What lists are asked by: every field may be empty, and a link is as good as the form."""

    class Meta:
        """It is read from the address and changes nothing."""

        csrf = False

    site = StringField()
    since = StringField()
    until = StringField()
    reason = StringField()

    def __init__(self, asked: MultiDict[str, str] | None = None) -> None:
        super().__init__(formdata=MultiDict(request.args) if asked is None else asked)
        for field in self:
            field.data = (field.data or "").strip()
            # What no database can hold is in no list: it is shown back, and finds nothing.
            if len(field.data) > MOST_FILTER or markup.unprintable(field.data):
                field.data = field.data[:MOST_FILTER].encode(errors="replace").decode().replace("\0", "\ufffd")

    def validate_since(self, field: Field) -> None:
        """Refuse what is no day."""
        if field.data and day_in(field.data) is None:
            raise ValidationError(gettext("A day looks like 2026-11-22."))

    def validate_until(self, field: Field) -> None:
        """Refuse what is no day, and one before the first."""
        self.validate_since(field)
        first, last = day_in(self.since.data), day_in(field.data)
        if first and last and last < first:
            raise ValidationError(gettext("The last day is before the first."))

    def validate_reason(self, field: Field) -> None:
        """Refuse what is no digit."""
        if field.data and digit_in(field.data) is None:
            raise ValidationError(gettext("A reason is a digit from 1 to 9."))


class FilterForm(SiftForm):
    """Which list of the queue, of what."""

    view = StringField()
    order = StringField()
    page = StringField()
    author = StringField()
    finding = StringField()
    host = StringField()
    network = StringField()
    shape = StringField()
    by = StringField()
    q = StringField()

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is asked for that stands behind "More filters"."""
        return any(field.data for field in self if field.name not in {"view", "order", "site", "q"})

    def wanted(self, *, order: str | None) -> Wanted:
        """Return what was asked for; what does not read is left out. `order` is the one remembered."""
        view = next((view for view in View if view == self.view.data), View.WAITING)
        chosen = next((one for one in Order if one == (self.order.data or order)), None)
        return Wanted(
            view=view,
            order=chosen,
            site=self.site.data or "",
            page=self.page.data or "",
            author=self.author.data or "",
            finding=self.finding.data or "",
            host=(self.host.data or "").lower(),
            network=self.network.data or "",
            shape=self.shape.data or "",
            since=day_in(self.since.data),
            until=day_in(self.until.data),
            reason=digit_in(self.reason.data),
            by=_account(self.by.data),
            words=self.q.data or "",
        )


class DecisionForm(FlaskForm):
    """One press: what to do with which revisions, at the turn each was seen."""

    action = StringField()
    reason = StringField()
    note = StringField()

    def __init__(self) -> None:
        super().__init__(formdata=MultiDict(request.form))
        if self.reason.data and not self.action.data:
            # A reason's button is pressed to reject.
            self.action.data = Action.REJECT
        self.choices: list[decisions.Choice] = []
        self.digit: int | None = None
        #: All of the list that the press came from, up to this text, beside the choices; None: the choices alone.
        self.upto: int | None = None
        self.wanted = Wanted()

    def validate_action(self, field: StringField) -> None:
        """Refuse what is no decision."""
        if field.data not in {str(action) for action in lifecycle.DECISIONS}:
            raise ValidationError(gettext("Choose approve, reject, spam, reopen or return."))
        if everything := request.form.get("everything"):
            self.upto = choice(f"{everything}:0").revision_id
            carried = parse_qsl(request.form.get("list", "")[:MOST_PLACE])
            self.wanted = FilterForm(MultiDict(carried)).wanted(order=None)
        self.choices = [choice(text) for text in request.form.getlist("revision")]
        if not self.choices and self.upto is None:
            raise ValidationError(gettext("Tick at least one reply."))
        if len(self.choices) > decisions.MOST_AT_ONCE:
            raise ValidationError(gettext("At most %(number)s replies at once.", number=decisions.MOST_AT_ONCE))

    def validate_reason(self, field: StringField) -> None:
        """Refuse a reason that is no digit."""
        self.digit = digit_in(field.data)
        if field.data and self.digit is None:
            raise ValidationError(gettext("A reason is a digit from 1 to 9."))

    def validate_note(self, field: StringField) -> None:
        """Refuse a note that is too long, or that cannot be stored."""
        if len(field.data or "") > MOST_NOTE or markup.unprintable(field.data or ""):
            raise ValidationError(gettext("A note has at most %(number)s characters.", number=MOST_NOTE))

    def first_error(self) -> str:
        """Return the first thing that is wrong."""
        return next((str(field.errors[0]) for field in self if field.errors), "")


def choice(text: str) -> decisions.Choice:
    """Read ID:TURN. Raises `BadRequest` for anything else."""
    id_, _, turn = text.partition(":")
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (id_, turn)):
        raise BadRequest
    return decisions.Choice(guards.row_number(id_), int(turn))


def place() -> str:
    """Return which list is looked at, and where in it, as every form of the queue carries it."""
    return urlencode([(name, text) for name, text in request.args.items() if name in PLACE])


def back_to_list(start: str) -> str:
    """Return the address of the list that a press came from: `start`, with what its form carried."""
    carried = parse_qsl(request.form.get("list", "")[:MOST_PLACE])
    kept = urlencode([(name, text) for name, text in carried if name in PLACE])
    return f"{start}?{kept}" if kept else start


def written(marks: Marks) -> str:
    """Write marks as they stand in pages and addresses."""
    return "_".join(f"{site_id}.{number}" for site_id, number in sorted(marks.items()))


def marks_in(text: str) -> Marks:
    """Read them; what does not read is no mark."""
    pairs = re.findall(r"([0-9]{1,9})\.([0-9]{1,9})(?:_|\Z)", text, re.ASCII)[:1000]
    return {int(site_id): int(number) for site_id, number in pairs}


def digit_in(text: str | None) -> int | None:
    """Read a reason's digit; None for what is none."""
    return int(text) if text and len(text) == 1 and text in "123456789" else None


def day_in(text: str | None) -> date | None:
    """Read a day of the calendar; None for what is none."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if 1970 < day.year < 9000 else None


def _account(text: str | None) -> int | None:
    """Read whose decisions: "me", or an account's number; what is none of these is nobody's."""
    if not text:
        return None
    if text == "me":
        return guards.account().id
    return guards.row_number(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
