"""How the queue's templates say lists, filters, numbers and keys, in the current locale."""

from datetime import datetime
from urllib.parse import urlsplit

from flask import Flask, request
from flask_babel import format_datetime, format_decimal, gettext, ngettext

from moderation import review, triage
from moderation.models import Status
from moderation.review import View, Wanted
from moderation.review.groups import Bond, Group
from moderation.web import actwords
from moderation.web.queueforms import PLACE, place


def init_app(app: Flask) -> None:
    """Give templates the filters."""
    app.jinja_env.filters.update(view=view, capped=capped, beside=beside, rate=rate, hour=hour, together=together)
    app.jinja_env.globals.update(
        filters=filters,
        place=place,
        chosen=chosen,
        key_table=key_table,
        finding_names=triage.names,
        queue_words=queue_words,
    )


def view(value: View) -> str:
    """Say which list it is."""
    return {
        View.WAITING: gettext("Waiting"),
        View.MINE: gettext("Mine"),
        View.APPROVED: gettext("Approved"),
        View.REJECTED: gettext("Rejected"),
        View.SPAM: gettext("Spam"),
        View.ALL: gettext("All"),
    }[value]


def capped(number: int) -> str:
    """Say how many a list has: what was counted no further says so."""
    if number > review.MOST_COUNTED and request.args.keys() & (set(PLACE) - {"view", "order", "after"}):
        return gettext("%(number)s+", number=format_decimal(review.MOST_COUNTED))
    return str(format_decimal(number))


def beside(number: int) -> str:
    """Say a number that was counted only so far."""
    return gettext("%(number)s+", number=review.MOST_BESIDE) if number > review.MOST_BESIDE else str(number)


def rate(number: float) -> str:
    """Say how many an hour."""
    return str(format_decimal(round(number, 1) if number < 10 else round(number)))


def hour(at: datetime) -> str:
    """Say a time of today or tomorrow, in UTC."""
    return gettext("%(time)s UTC", time=format_datetime(at, "HH:mm", rebase=False))


def together(group: Group) -> str:
    """Say what holds a group together."""
    size = f"{group.size}+" if group.more else str(group.size)
    match group.bond:
        case Bond.SHAPE:
            said = gettext("%(size)s alike", size=size)
        case Bond.HOST:
            said = gettext("%(size)s that lead to the same host", size=size)
        case Bond.NETWORK:
            said = gettext("%(size)s from the same network", size=size)
    pages = ngettext("on %(num)d page", "on %(num)d pages", group.pages)
    return gettext("%(what)s %(where)s", what=said, where=pages)


def filters(**changes: object) -> dict[str, str]:
    """Return the address' filters with some changed; what becomes empty is left out, and a list begins at its start."""
    kept = {name: text for name, text in request.args.items() if name in PLACE and name != "after"}
    kept |= {name: str(value) for name, value in changes.items()}
    return {name: text for name, text in kept.items() if text}


def chosen(wanted: Wanted) -> list[tuple[str, str]]:
    """Name each filter that is asked for, by its field."""
    days = {"since": wanted.since, "until": wanted.until}
    said = {
        "q": wanted.words,
        "site": wanted.site,
        "page": urlsplit(wanted.page).path or wanted.page,
        "author": wanted.author,
        "finding": dict(triage.names()).get(wanted.finding, wanted.finding),
        "host": wanted.host,
        "network": wanted.network and gettext("network %(tag)s", tag=wanted.network[:8]),
        "shape": wanted.shape and gettext("made after one pattern"),
        "since": days["since"] and gettext("from %(day)s", day=days["since"].isoformat()),
        "until": days["until"] and gettext("to %(day)s", day=days["until"].isoformat()),
        "reason": wanted.reason and gettext("reason %(digit)s", digit=wanted.reason),
        "by": wanted.by is not None and gettext("decided by one moderator"),
    }
    return [(name, str(text)) for name, text in said.items() if text]


def queue_words() -> dict[str, object]:
    """Return what the queue's script says; braces mark what it fills in."""
    return {
        "did": {
            "approve": gettext("Approved by you"),
            "reject": gettext("Rejected by you"),
            "spam": gettext("Marked as spam by you"),
            "reopen": gettext("Put back to waiting by you"),
        },
        "status": {str(status): actwords.status(status) for status in Status},
        "count": {
            "approve": gettext("Approved: {n}."),
            "reject": gettext("Rejected: {n}."),
            "spam": gettext("Marked as spam: {n}."),
            "reopen": gettext("Put back to waiting: {n}."),
        },
        "left": gettext("Left as they are: {n}."),
        "undone": gettext("Taken back: {n}."),
        "gone_out": gettext("What was sent about it cannot be unsent: {n}."),
        "undo": gettext("Undo"),
        "again": gettext("Put back to waiting"),
        "away": gettext("No connection: this list may be out of date. It goes on by itself."),
        "offline": gettext("The service does not answer. Nothing was changed; try again."),
        "fresh": gettext("{n} new"),
        "reload": gettext("Much has changed: load the queue again"),
        "here": gettext("Here too: {names}"),
        "reads": gettext("{names} has this open"),
        "noted": gettext("Noted."),
        "handed": gettext("Handed over."),
        "answered": gettext("Approved, and the answer is published."),
        "loading": gettext("Loading…"),
        "drawer": gettext("Beside the queue"),
        "own_page": gettext("Open as a page"),
        "close": gettext("Close"),
    }


def key_table() -> list[tuple[str, list[tuple[tuple[str, ...], str]]]]:
    """Say what every key does, by what it is for."""
    return [
        (
            gettext("Move"),
            [
                (("J", "K"), gettext("Next, previous")),
                (("C",), gettext("Context: thread, author, what was decided alike")),
                (("O",), gettext("Open the page")),
                (("N",), gettext("Show what is new")),
                (("/",), gettext("Search")),
                (("G", "W"), gettext("Go to Waiting; then M Mine, A Approved, R Rejected, S Spam, L All")),
            ],
        ),
        (
            gettext("Decide this one"),
            [
                (("A",), gettext("Approve")),
                (("D", "1"), gettext("Reject, with reason 1 to 9; 0 without one")),
                (("S",), gettext("Spam")),
                (("U",), gettext("Put back to waiting")),
                (("R",), gettext("Answer as the site, and approve")),
                (("M",), gettext("Note to colleagues, or hand over")),
            ],
        ),
        (
            gettext("Decide many"),
            [
                (("X",), gettext("Tick")),
                (("⇧X",), gettext("Tick from the last tick to here")),
                (("⇧A", "⇧D", "⇧S"), gettext("Approve, reject, spam all ticked")),
            ],
        ),
        (gettext("Take back"), [(("Z",), gettext("Undo the last decision, one or many"))]),
    ]
