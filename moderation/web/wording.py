"""How templates say times, waits, findings and statuses: Jinja filters, in the current locale."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask
from flask_babel import format_datetime, get_locale, gettext, ngettext
from markupsafe import Markup

from moderation import markup, triage
from moderation.models import Action, Status
from moderation.models.pagekey import is_web_address
from moderation.web import letter
from moderation.web.guards import clock


def init_app(app: Flask) -> None:
    """Give templates the filters."""
    app.jinja_env.filters.update(
        moment=moment,
        iso=iso,
        day=day,
        span=span,
        steps=steps,
        host=host,
        described=triage.describe,
        letter=letter.letter,
        plainly=letter.plainly,
        trusted=trusted,
        plain=plain,
        status=status,
        done=done,
    )
    app.jinja_env.globals.update(clock=clock, locale=get_locale)


def moment(at: datetime) -> str:
    """Say a time to the minute, in UTC."""
    return gettext("%(time)s UTC", time=format_datetime(at, "d MMM y, HH:mm", rebase=False))


def day(at: datetime) -> str:
    """Say a day."""
    return str(format_datetime(at, "d MMM y", rebase=False))


def iso(at: datetime) -> str:
    """Write a time for machines."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def span(length: timedelta) -> str:
    """Say how long something takes, in its two largest units."""
    minutes = max(0, int(length.total_seconds() // 60))
    days, hours = divmod(minutes, 1440)[0], minutes // 60 % 24
    if days:
        return gettext("%(days)s d %(hours)s h", days=days, hours=hours)
    if hours:
        return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60)
    return gettext("%(minutes)s min", minutes=minutes)


def steps(minutes: int) -> str:
    """Say an honest wait."""
    if minutes < 60:
        return ngettext("%(num)d minute", "%(num)d minutes", minutes)
    if minutes < 1440:
        return ngettext("%(num)d hour", "%(num)d hours", minutes // 60)
    if minutes <= 2880:
        return ngettext("%(num)d day", "%(num)d days", minutes // 1440)
    return gettext("longer than 2 days")


def host(address: str) -> str:
    """Name where an address really leads; nothing for what is no web address and must not be a link."""
    return (urlsplit(address).hostname or "") if is_web_address(address) else ""


def trusted(html: str) -> Markup:
    """Mark HTML that `markup.render` made, and the sanitiser saw last, as ready to print."""
    return Markup(html)  # noqa: S704


def plain(html: str) -> str:
    """Take the words out of rendered HTML, on one line."""
    return " ".join(markup.plain_text(html).split())


def status(value: Status) -> str:
    """Say a status."""
    return {
        Status.PENDING: gettext("Waiting"),
        Status.APPROVED: gettext("Approved"),
        Status.REJECTED: gettext("Rejected"),
        Status.SPAM: gettext("Spam"),
        Status.RETURNED: gettext("Returned to its author"),
        Status.SUPERSEDED: gettext("Replaced by a newer text"),
        Status.WITHDRAWN: gettext("Withdrawn by its author"),
    }[value]


def done(action: str) -> str:
    """Say what was done."""
    return {
        Action.SUBMIT: gettext("Sent"),
        Action.APPROVE: gettext("Approved"),
        Action.REJECT: gettext("Rejected"),
        Action.SPAM: gettext("Marked as spam"),
        Action.REOPEN: gettext("Put back to waiting"),
        Action.RETURN: gettext("Returned to its author"),
        Action.SUPERSEDE: gettext("Replaced by a newer text"),
        Action.EDIT: gettext("Edited by its author"),
        Action.WITHDRAW: gettext("Withdrawn by its author"),
        Action.RESUME: gettext("Sent again by its author"),
        Action.UNDO: gettext("Undone"),
        Action.NOTE: gettext("Note"),
        Action.HAND: gettext("Handed over"),
        Action.SIGN_IN: gettext("Signed in"),
        Action.CREATE: gettext("Added"),
        Action.CHANGE: gettext("Changed"),
    }.get(Action(action), action)
