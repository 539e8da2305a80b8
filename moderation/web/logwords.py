"""How the log's templates say who did what, through which door, and what the numbers come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from flask import Flask
from flask_babel import format_date, format_datetime, gettext, ngettext

from moderation import retention
from moderation.models import Action, Kind, Via
from moderation.review.history import INSTALLATION, Hand, Line, Page
from moderation.review.numbers import Day
from moderation.web import actwords, factorwords, logplots, wording
from moderation.web.logforms import kept

#: Values and their words.
Choices: TypeAlias = list[tuple[str, str]]


def init_app(app: Flask) -> None:
    """Give templates the words."""
    app.jinja_env.filters.update(
        happened=happened,
        hand=hand,
        through=through,
        minute=minute,
        weekday=weekday,
        short_day=short_day,
        tick=tick,
        arrivals_said=arrivals_said,
        decisions_said=decisions_said,
        waits_said=waits_said,
    )
    app.jinja_env.globals.update(kept=kept, log_options=options, log_chosen=chosen, plots=logplots)


def happened(line: Line) -> str:
    """Say what an entry tells."""
    entry = line.entry
    if entry.kind is Kind.SIGN_IN:
        return factorwords.happened(entry)
    if entry.kind is Kind.ERASURE:
        return {
            retention.TEXTS: gettext("Refused texts forgotten on schedule"),
            retention.ADDRESSES: gettext("E-mail addresses forgotten on schedule"),
            retention.NETWORKS: gettext("Networks forgotten on schedule"),
        }.get(entry.rule or "", gettext("Forgotten"))
    if entry.kind is Kind.PEOPLE or (entry.rule or "").startswith("role:"):
        return _of_people(line)
    if entry.kind is not Kind.SETTING:
        return done(entry.action)
    if (said := factorwords.changed(entry)) is not None:
        return said
    if entry.subject.startswith("thread:"):
        return gettext("Page closed") if entry.rule == "closed" else gettext("Page opened")
    if entry.rule in ("export", "import:wordpress"):
        return gettext("Comments exported") if entry.rule == "export" else gettext("Import begun")
    if entry.subject.startswith("site:"):
        return gettext("Site added") if entry.action is Action.CREATE else gettext("Site changed")
    match entry.rule:
        case "operator:on":
            return gettext("%(name)s made operator", name=line.whom or "?")
        case "operator:off":
            return gettext("%(name)s no longer operator", name=line.whom or "?")
        case "password":
            return gettext("Password of %(name)s changed", name=line.whom or "?")
    return gettext("Account added") if entry.action is Action.CREATE else gettext("Account changed")


def _of_people(line: Line) -> str:
    """Say what was done about a site's people."""
    role, name = (line.entry.rule or "").removeprefix("role:"), line.whom or "?"
    match line.entry.action:
        case Action.CHANGE:
            return {
                "owner": gettext("%(name)s made owner", name=name),
                "moderator": gettext("%(name)s made moderator", name=name),
                "reader": gettext("%(name)s made reader", name=name),
            }[role]
        case Action.INVITE:
            return {
                "owner": gettext("Invited an owner"),
                "moderator": gettext("Invited a moderator"),
                "reader": gettext("Invited a reader"),
            }[role]
        case Action.JOIN:
            return {
                "owner": gettext("Joined as owner"),
                "moderator": gettext("Joined as moderator"),
                "reader": gettext("Joined as reader"),
            }[role]
        case Action.REMOVE:
            return gettext("%(name)s removed", name=name)
    return done(line.entry.action)


def done(action: Action) -> str:
    """Say what was done; who did it stands beside it."""
    return {
        Action.EDIT: gettext("Edited"),
        Action.WITHDRAW: gettext("Withdrawn"),
        Action.RESUME: gettext("Sent again"),
    }.get(action) or actwords.done(action)


def hand(value: Hand) -> str:
    """Say who acted, where it was no account."""
    return {
        Hand.AUTHORS: gettext("its author"),
        Hand.IMPORTS: gettext("imported"),
        Hand.SERVICE: gettext("the service"),
    }[value]


def through(via: Via) -> str:
    """Say through which door something came."""
    return {
        Via.FORM: gettext("form"),
        Via.API: gettext("program"),
        Via.QUEUE: gettext("queue"),
        Via.RECEIPT: gettext("receipt"),
        Via.MAIL: gettext("mail"),
        Via.CLI: gettext("command line"),
        Via.IMPORT: gettext("import"),
        Via.WORKER: gettext("on schedule"),
        Via.WEB: gettext("web page"),
    }[via]


def minute(line: Line) -> str:
    """Say the time of an entry below its day, in UTC."""
    return str(format_datetime(line.entry.at, "HH:mm", rebase=False))


def weekday(day: date) -> str:
    """Say a day with its weekday."""
    return str(format_date(day, "EEEE, d MMMM y"))


def short_day(day: date) -> str:
    """Say a day where there is little room."""
    return str(format_date(day, "d MMM"))


@dataclass(frozen=True)
class Options:
    """What each filter of the log can be chosen from: the value and its words."""

    who: Choices
    action: Choices
    site: Choices
    reason: Choices
    via: Choices
    chain: Choices


def options(page: Page) -> Options:
    """Say what can be chosen on an account's sites."""
    return Options(
        who=[
            (str(Hand.AUTHORS), gettext("Authors")),
            (str(Hand.IMPORTS), gettext("Imports")),
            *((str(one.id), one.name) for one in page.people),
        ],
        action=[(str(action), done(action)) for action in Action],
        site=[(each.site.key, each.site.name) for each in page.memberships],
        reason=[(str(digit), f"{digit}. {' / '.join(labels)}") for digit, labels in page.reasons.items()],
        via=[(str(via), through(via)) for via in Via],
        chain=[(INSTALLATION, gettext("Sign-ins and accounts"))],
    )


def chosen(page: Page) -> Choices:
    """Name each filter that is asked for, by its field."""
    wanted, known = page.wanted, options(page)
    said = {
        "chain": dict(known.chain).get(wanted.chain, wanted.chain),
        "site": dict(known.site).get(wanted.site, wanted.site),
        "who": dict(known.who).get(wanted.who, wanted.who),
        "action": dict(known.action).get(wanted.action, wanted.action),
        "reason": wanted.reason and gettext("reason %(digit)s", digit=wanted.reason),
        "since": wanted.since and gettext("from %(day)s", day=wanted.since.isoformat()),
        "until": wanted.until and gettext("to %(day)s", day=wanted.until.isoformat()),
        "via": wanted.via and gettext("via %(door)s", door=dict(known.via).get(wanted.via, wanted.via)),
        "batch": wanted.batch and gettext("press %(batch)s", batch=wanted.batch),
    }
    return [(name, str(text)) for name, text in said.items() if text]


def arrivals_said(days: Sequence[Day]) -> str:
    """Sum up what came."""
    total = sum(day.arrivals for day in days)
    if not total:
        return gettext("Nothing came on these days.")
    most = max(days, key=lambda day: day.arrivals)
    came = ngettext("%(num)d reply came.", "%(num)d replies came.", total)
    peak = gettext("Most on %(day)s: %(number)s.", day=short_day(most.day), number=most.arrivals)
    return f"{came} {peak}"


def decisions_said(days: Sequence[Day]) -> str:
    """Sum up what was decided."""
    return gettext(
        "%(approved)s approved, %(rejected)s rejected, %(spam)s marked as spam.",
        approved=sum(day.approved for day in days),
        rejected=sum(day.rejected for day in days),
        spam=sum(day.spam for day in days),
    )


def waits_said(days: Sequence[Day]) -> str:
    """Sum up how long replies waited."""
    longest = max((day.longest for day in days if day.longest is not None), default=None)
    if longest is None:
        return gettext("Nothing was decided on these days.")
    return gettext("The longest wait: %(length)s.", length=wording.span(longest))


def tick(minutes: int) -> str:
    """Say a mark on the scale of waits, in one unit."""
    if minutes >= 1440:
        return gettext("%(days)s d", days=minutes // 1440)
    if minutes >= 60:
        return gettext("%(hours)s h", hours=minutes // 60)
    return gettext("%(minutes)s min", minutes=minutes)
