"""Invitations: a link that gives a role on a site, once, to whoever opens it within a week."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import joinedload

from moderation.accounts import people, roles
from moderation.accounts.roles import Denied, Right
from moderation.db import db
from moderation.models import Account, Action, Invitation, Membership, Role, Site, Via

#: A link that nobody opened for so long leads nowhere.
LASTS = timedelta(days=7)
#: So many may be open at a time; a site with more has handed out links it does not look after.
MOST_OPEN = 50


class Gone(Exception):
    """The link leads nowhere: it was never one, was used or taken back, or is too old."""


class TooMany(Exception):
    """There are so many open ones already."""


class ForSomebodyElse(Exception):
    """The invitation names another address."""


class NothingMore(Exception):
    """Who would accept may already do all that the invitation gives."""


def invite(
    to: Site, role: Role, *, email: str = "", now: datetime, via: Via, by: Account | None = None
) -> tuple[Invitation, str]:
    """Make an invitation, and return it with its token, which nobody can read again; `by` nobody is the command line.

    Raises `TooMany`, and `Denied` where the rights of who invites have ended meanwhile.
    """
    roles.hold(to.id)
    if by is not None and not roles.may(by, Right.MANAGE, to.id):
        raise Denied(Right.MANAGE)
    number = select(func.count(Invitation.id)).where(*_works(now), Invitation.site_id == to.id)
    if db.session.scalars(number).one() >= MOST_OPEN:
        raise TooMany
    token = secrets.token_urlsafe(32)
    made = Invitation(
        site_id=to.id,
        role=role,
        email=email.strip().lower(),
        token_hash=_hash(token),
        invited_by_id=by.id if by else None,
        created_at=now,
        expires_at=now + LASTS,
    )
    db.session.add(made)
    db.session.flush()
    subject, note = f"invitation:{made.id}", made.email or None
    people.record(Action.INVITE, subject, to, now=now, via=via, by=by, rule=f"role:{role}", note=note)
    return made, token


def open_to(site: Site, *, now: datetime) -> list[Invitation]:
    """List a site's invitations that can still be accepted, oldest first."""
    query = select(Invitation).where(*_works(now), Invitation.site_id == site.id).order_by(Invitation.id)
    return list(db.session.scalars(query.options(joinedload(Invitation.invited_by))))


def revoke(invitation_id: int, of: Site, *, now: datetime, via: Via, by: Account | None = None) -> None:
    """Take an invitation back. Raises `Gone`, and `Denied` where the rights of who does it have ended meanwhile."""
    roles.hold(of.id)
    if by is not None and not roles.may(by, Right.MANAGE, of.id):
        raise Denied(Right.MANAGE)
    those = update(Invitation).where(*_works(now), Invitation.id == invitation_id, Invitation.site_id == of.id)
    if db.session.execute(those.values(revoked_at=now)).rowcount == 0:  # type: ignore[attr-defined]
        raise Gone
    people.record(Action.REVOKE, f"invitation:{invitation_id}", of, now=now, via=via, by=by)


def find(token: str, *, now: datetime) -> Invitation:
    """Return the invitation that a link is for. Raises `Gone`."""
    query = select(Invitation).where(*_works(now), Invitation.token_hash == _hash(token))
    found = db.session.scalars(query.options(joinedload(Invitation.site), joinedload(Invitation.invited_by)))
    invitation = found.one_or_none()
    if invitation is None:
        raise Gone
    return invitation


def fault(invitation: Invitation, account: Account) -> type[ForSomebodyElse | NothingMore] | None:
    """Say why an account cannot accept an invitation; None if it can."""
    if invitation.email and invitation.email != account.email:
        return ForSomebodyElse
    membership = db.session.get(Membership, (account.id, invitation.site_id))
    gives = roles.RIGHTS[invitation.role]
    return NothingMore if membership and gives <= roles.RIGHTS[membership.role] else None


def accept(token: str, account: Account, *, now: datetime) -> Invitation:
    """Give an account the role it is invited to; of two at once one gets it.

    Raises `Gone`, `ForSomebodyElse`, `NothingMore`; then the link stays as it is.
    """
    invitation = find(token, now=now)
    roles.hold(invitation.site_id)
    if why := fault(invitation, account):
        raise why
    mine = update(Invitation).where(*_works(now), Invitation.id == invitation.id)
    if db.session.execute(mine.values(used_at=now, used_by_id=account.id)).rowcount == 0:  # type: ignore[attr-defined]
        raise Gone
    subject = f"invitation:{invitation.id}"
    people.put(account, invitation.site, invitation.role, Action.JOIN, subject, now=now, via=Via.WEB, by=account)
    return invitation


def _works(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Invitation.used_at.is_(None), Invitation.revoked_at.is_(None), Invitation.expires_at > now


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
