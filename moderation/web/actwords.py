"""How the console says statuses and what was done, in the current locale."""

from datetime import datetime

from flask import Flask
from flask_babel import gettext

from moderation.models import Action, Status
from moderation.web import wording


def init_app(app: Flask) -> None:
    """Give templates the filters."""
    app.jinja_env.filters.update(status=status, done=done)


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
        Action.INVITE: gettext("Invited"),
        Action.REVOKE: gettext("Invitation taken back"),
        Action.JOIN: gettext("Joined"),
        Action.LEAVE: gettext("Left"),
        Action.SIGN_OUT: gettext("Signed out"),
        Action.FAIL: gettext("Second factor wrong"),
        Action.ADD: gettext("Set up"),
        Action.REMOVE: gettext("Removed"),
    }.get(Action(action), action)


def said(action: Action, *, who: str | None, at: datetime) -> str:
    """Say who did what, and when."""
    words = {"what": done(action), "who": who, "when": wording.moment(at)}
    return gettext("%(what)s by %(who)s, %(when)s", **words) if who else gettext("%(what)s, %(when)s", **words)
