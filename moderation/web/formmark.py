"""What our own forms carry: the mark, the key, and what they are to prove."""

import secrets

from flask import current_app

from moderation import intake, work
from moderation.intake import FormKind
from moderation.models import Proof, Site
from moderation.models.pagekey import page_key
from moderation.web import limits
from moderation.web.guards import clock


def mark(site: Site, page: str, *, kind: FormKind = FormKind.REPLY) -> dict[str, object]:
    """Return the mark and the key of a form for one page, and the work that is asked now. Raises `BadAddress`."""
    key, now = page_key(page, site.origins), clock()
    token = intake.new_token(site.key, key, secret=current_app.config["FORM_KEY"], now=now, kind=kind)
    carried: dict[str, object] = {"token": token, "key": secrets.token_urlsafe(18)}
    if site.proof == Proof.ON or (site.proof == Proof.AUTO and limits.is_flooded(site.key)):
        carried["work"] = work.ask(site.key, secret=current_app.config["FORM_KEY"], now=now).as_json()
    return carried


def proven(site: Site, answer: str) -> bool:
    """Whether an answer does the work that is asked of a reply now, or none is asked; each is taken once."""
    asked = site.proof == Proof.ON or (site.proof == Proof.AUTO and limits.floods(site.key))
    if not asked:
        return True
    solved = work.solved(answer, site.key, secret=current_app.config["FORM_KEY"], now=clock())
    return solved is not None and limits.take_once(solved, int(work.LIFE.total_seconds()))
