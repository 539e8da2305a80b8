"""What doors answer by roles: the sites somebody may work on, and a plain word where a role is not enough."""

import structlog
from flask import Flask, Response
from flask_babel import gettext
from werkzeug.exceptions import NotFound

from moderation import accounts
from moderation.accounts import Right
from moderation.db import db
from moderation.models import Site
from moderation.web import answers, guards

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Answer what a role may not do."""
    app.register_error_handler(accounts.Denied, _denied)


def site_to(right: Right, key: str) -> Site:
    """Return a site on which who is signed in may do this.

    One that is not theirs is unknown; on their own, a role that is too little raises `accounts.Denied`.
    """
    site = accounts.site(key)
    if site is None or not accounts.may(guards.account(), Right.READ, site.id):
        raise NotFound
    if not accounts.may(guards.account(), right, site.id):
        raise accounts.Denied(right)
    return site


def _denied(denied: accounts.Denied) -> Response:
    db.session.rollback()
    log.info("role.denied", right=str(denied.right))
    if denied.right is Right.DECIDE:
        title = gettext("Nothing was decided: you may only read here")
        return answers.error_page(403, title, gettext("An owner of the site can make you a moderator."))
    return answers.error_page(403, gettext("Only owners may do this"), gettext("Nothing was done. Ask an owner."))
