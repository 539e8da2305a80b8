"""The mark and the key that our own forms carry."""

import secrets

from flask import current_app

from moderation import intake
from moderation.models import Site
from moderation.models.pagekey import page_key
from moderation.web.guards import clock


def mark(site: Site, page: str) -> dict[str, str]:
    """Return the mark and the key of a form for one page. Raises `BadAddress`."""
    token = intake.new_token(site.key, page_key(page, site.origins), secret=current_app.config["FORM_KEY"], now=clock())
    return {"token": token, "key": secrets.token_urlsafe(18)}
