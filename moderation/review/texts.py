"""One text by its number: for whoever works on its site, and may do there what is asked."""

from sqlalchemy import select

from moderation import accounts
from moderation.accounts import Right
from moderation.db import db
from moderation.models import Account, Revision


class Unknown(Exception):
    """There is no such text on the account's sites."""


def text(revision_id: int, *, by: Account, right: Right) -> Revision:
    """Return a text. Raises `Unknown`, also for one of somebody else's site, and `accounts.Denied`."""
    mine = Revision.site_id.in_(accounts.reach(by, Right.READ))
    revision = db.session.scalars(select(Revision).where(Revision.id == revision_id, mine)).one_or_none()
    if revision is None:
        raise Unknown
    if not accounts.may(by, right, revision.site_id):
        raise accounts.Denied(right)
    return revision
