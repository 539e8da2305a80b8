"""How templates say times, waits and words of authors: Jinja filters, in the current locale."""

from datetime import datetime, timedelta
from functools import cache
from urllib.parse import urlsplit

from babel import Locale
from babel.dates import get_datetime_format
from flask import Flask
from flask_babel import format_datetime, get_locale, gettext, ngettext
from markupsafe import Markup

from moderation import markup, triage
from moderation.models.pagekey import is_web_address
from moderation.web import letter
from moderation.web.guards import clock


def init_app(app: Flask) -> None:
    """Give templates the filters."""
    app.jinja_env.filters.update(
        isolated=isolated,
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
        rendered=rendered,
    )
    app.jinja_env.globals.update(clock=clock)


def moment(at: datetime) -> str:
    """Say a time to the minute, in UTC."""
    return gettext("%(time)s UTC", time=format_datetime(at, _moment(get_locale()), rebase=False))


def day(at: datetime) -> str:
    """Say a day."""
    return str(format_datetime(at, _day(get_locale()), rebase=False))


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


def isolated(name: str) -> str:
    """Keep a name from turning the direction of the words around it, where no tag can: in titles."""
    return f"\u2068{name}\u2069"


def trusted(html: str) -> Markup:
    """Mark HTML that `markup.render` made, and the sanitiser saw last, as ready to print."""
    return Markup(html)  # noqa: S704


def rendered(text: str) -> Markup:
    """Render what a site's owner wrote, as a reply would be."""
    return trusted(markup.render(text, markup.Format.MARKDOWN))


def plain(html: str) -> str:
    """Take the words out of rendered HTML, on one line."""
    return " ".join(markup.plain_text(html).split())


@cache
def _moment(locale: Locale | None) -> str:
    """Return how a language writes a day and a time."""
    time = _skeleton(locale, "Hm") or "HH:mm"
    joined = str(get_datetime_format("medium", locale or Locale("en"))).replace("'", "")
    return joined.replace("{0}", time).replace("{1}", _day(locale))


def _day(locale: Locale | None) -> str:
    """Return how a language writes a day."""
    return _skeleton(locale, "yMMMd") or "d MMM y"


def _skeleton(locale: Locale | None, name: str) -> str:
    """Return a pattern of a language's own; nothing for English, which is written as in Britain."""
    if locale is None or locale.language == "en":
        return ""
    return str(locale.datetime_skeletons[name].pattern)
