"""What the log is asked, and how an address says it."""

from flask import request
from wtforms import StringField

from moderation.review.history import Wanted
from moderation.review.numbers import SPANS
from moderation.web import guards
from moderation.web.queueforms import SiftForm, day_in, digit_in

#: What an address of the log may carry beside where its page begins.
ASKED = ("site", "who", "action", "reason", "since", "until", "via", "batch", "chain")


class LogForm(SiftForm):
    """Which entries of the log."""

    who = StringField()
    action = StringField()
    via = StringField()
    batch = StringField()
    chain = StringField()

    def wanted(self) -> Wanted:
        """Return what was asked for; what does not read is left out."""
        return Wanted(
            site=self.site.data or "",
            chain=self.chain.data or "",
            who=self.who.data or "",
            action=self.action.data or "",
            reason=digit_in(self.reason.data),
            since=day_in(self.since.data),
            until=day_in(self.until.data),
            via=self.via.data or "",
            batch=self.batch.data or "",
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is asked for that stands behind "More filters"."""
        return any(self[name].data for name in ("reason", "since", "until", "via", "batch", "chain"))

    def first_error(self) -> str:
        """Return the first thing that is wrong."""
        return next((str(field.errors[0]) for field in self if field.errors), "")


def begins_after() -> int | None:
    """Return the entry that a page begins after; what does not read begins at the start."""
    number = request.args.get("after", "")
    readable = number.isascii() and number.isdigit() and len(number) < 19
    return guards.row_number(number) if readable and int(number) else None


def span() -> int:
    """Return for how many days numbers are asked; what is no such span is the middle one."""
    return next((days for days in SPANS if str(days) == request.args.get("days")), SPANS[1])


def kept(**changes: object) -> dict[str, str]:
    """Return the address' filters with some changed; what becomes empty is left out, and a list begins at its start."""
    asked = {name: text for name, text in request.args.items() if name in ASKED}
    asked |= {name: str(value) for name, value in changes.items()}
    return {name: text for name, text in asked.items() if text}
