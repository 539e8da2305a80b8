"""How the log and an account's own page say sign-ins, factors and passwords."""

from flask import Flask
from flask_babel import gettext

from moderation.models import Action, Entry
from moderation.web import actwords


def init_app(app: Flask) -> None:
    """Give templates the filter."""
    app.jinja_env.filters.update(signed_in_with=happened)


def happened(entry: Entry) -> str:
    """Say what an entry tells of a sign-in or its end."""
    what, _, which = (entry.rule or "").partition(":")
    if entry.action is Action.SIGN_IN and what == "with":
        proofs = ", ".join(_proof(one) for one in which.split("+"))
        return gettext("Signed in with %(proofs)s", proofs=proofs)
    if entry.action is Action.FAIL:
        return gettext("Right password, but wrong: %(factor)s", factor=_proof(which))
    if what == "sessions":
        return gettext("Ended another session") if which == "one" else gettext("Ended all other sessions")
    return actwords.done(entry.action)


def changed(entry: Entry) -> str | None:
    """Say what an entry tells of a factor or a password; None where it is about something else."""
    what, _, which = (entry.rule or "").partition(":")
    if what == "password":
        return {
            "password": gettext("Password changed"),
            "reset": gettext("Password chosen with a link"),
            "link": gettext("Link made for a new password"),
        }.get(which, gettext("Password changed"))
    if what != "factor":
        return None
    if entry.action is Action.ADD:
        return gettext("Set up: %(factor)s", factor=_proof(which))
    return gettext("Removed: %(factor)s", factor=_proof(which))


def _proof(name: str) -> str:
    return {
        "password": gettext("password"),
        "totp": gettext("app's code"),
        "recovery": gettext("recovery code"),
        "passkey": gettext("passkey"),
        "team": gettext("team's sign-in"),
        "all": gettext("every second factor"),
    }.get(name, name)
