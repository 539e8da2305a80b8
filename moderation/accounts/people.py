"""Who works on a site: roles given, changed and taken away. A site is never left without an owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update

from moderation import audit
from moderation.accounts import roles
from moderation.accounts.roles import Denied, Right
from moderation.db import db
from moderation.models import Account, Action, Entry, Handing, Invitation, Kind, Membership, Role, Site, Via


class LastOwner(Exception):
    """Nobody else owns the site: first somebody else has to."""


class Unknown(Exception):
    """There is no such person on the site."""


@dataclass(frozen=True)
class Person:
    """Somebody who works on a site, and when they were last seen to do anything for it, or to sign in."""

    account: Account
    role: Role
    seen: datetime | None


def people_of(site: Site) -> list[Person]:
    """List who works on a site, by name."""
    last = (
        select(Entry.at)
        .where(Entry.account_id == Account.id, or_(Entry.site_id == site.id, Entry.kind == Kind.SIGN_IN))
        .order_by(Entry.at.desc())
        .limit(1)
        .correlate(Account)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Account, Membership.role, last)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.site_id == site.id)
        .order_by(Account.name, Account.id)
    )
    return [Person(account, role, seen) for account, role, seen in rows]


def only_owner(people: Sequence[Person]) -> int | None:
    """Name the account that alone owns a site; None where several do."""
    owners = [one.account.id for one in people if one.role is Role.OWNER and one.account.active]
    return owners[0] if len(owners) == 1 else None


def owned_alone(account: Account) -> set[int]:
    """Name the sites that an account alone owns."""
    others = (
        select(Membership.site_id)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.role == Role.OWNER, Membership.account_id != account.id, Account.active)
    )
    mine = select(Membership.site_id).where(Membership.account_id == account.id, Membership.role == Role.OWNER)
    return set(db.session.scalars(mine.where(Membership.site_id.not_in(others))))


def grant(account: Account, to: Site, role: Role, *, now: datetime, via: Via, by: Account | None = None) -> None:
    """Give an account a role on a site, in place of the one it had; `by` nobody is the command line.

    Raises `LastOwner`, and `Denied` where the rights of who does it have ended meanwhile.
    """
    if Right.DECIDE not in roles.RIGHTS[role]:
        _hand_to_owners(account.id, to.id)
    roles.hold(to.id)
    _refuse_unless_manager(by, to)
    put(account, to, role, Action.CHANGE, f"account:{account.id}", now=now, via=via, by=by)


def put(
    account: Account, to: Site, role: Role, action: Action, subject: str, *, now: datetime, via: Via, by: Account | None
) -> None:
    """Write a role and its entry; the site is held by the caller, who has asked whether it may be."""
    membership = db.session.get(Membership, (account.id, to.id))
    if membership is None:
        db.session.add(Membership(account_id=account.id, site_id=to.id, role=role))
    elif membership.role is not role:
        if role is not Role.OWNER:
            _let_go(membership, now=now, via=via, by=by)
        membership.role = role
    db.session.flush()
    record(action, subject, to, now=now, via=via, by=by, rule=f"role:{role}")


def change(account_id: int, on: Site, role: Role, *, now: datetime, via: Via, by: Account | None = None) -> Account:
    """Give somebody who works on a site another role there. Raises `Unknown`, `LastOwner`, `Denied`."""
    membership = db.session.get(Membership, (account_id, on.id))
    if membership is None:
        raise Unknown
    account = membership.account
    if membership.role is role:
        return account
    grant(account, on, role, now=now, via=via, by=by)
    return account


def remove(account_id: int, of: Site, *, now: datetime, via: Via, by: Account | None = None) -> Account:
    """Take somebody's role on a site away; their own they may always give up.

    Raises `Unknown`, `LastOwner`, and `Denied` where the rights of who does it have ended meanwhile.
    """
    _hand_to_owners(account_id, of.id)
    roles.hold(of.id)
    leaves = by is not None and by.id == account_id
    if not leaves:
        _refuse_unless_manager(by, of)
    membership = db.session.get(Membership, (account_id, of.id))
    if membership is None:
        raise Unknown
    account = membership.account
    _let_go(membership, now=now, via=via, by=by)
    db.session.delete(membership)
    db.session.flush()
    action = Action.LEAVE if leaves else Action.REMOVE
    record(action, f"account:{account_id}", of, now=now, via=via, by=by)
    return account


def record(
    action: Action,
    subject: str,
    on: Site,
    *,
    now: datetime,
    via: Via,
    by: Account | None,
    rule: str | None = None,
    note: str | None = None,
) -> None:
    """Log what was done about a site's people."""
    account_id = by.id if by else None
    event = audit.Event(
        Kind.PEOPLE, action, subject, via, now, site_id=on.id, account_id=account_id, rule=rule, note=note
    )
    audit.record(event)


def _refuse_unless_manager(by: Account | None, site: Site) -> None:
    if by is not None and not roles.may(by, Right.MANAGE, site.id):
        raise Denied(Right.MANAGE)


def _let_go(membership: Membership, *, now: datetime, via: Via, by: Account | None) -> None:
    """Let an owner go, if another stays; the links that they handed out lead nowhere any more."""
    if membership.role is not Role.OWNER:
        return
    owners = select(func.count()).select_from(Membership).join(Account, Account.id == Membership.account_id)
    others = owners.where(
        Membership.site_id == membership.site_id,
        Membership.role == Role.OWNER,
        Membership.account_id != membership.account_id,
        Account.active,
    )
    if not db.session.scalars(others).one():
        raise LastOwner
    theirs = select(Invitation).where(
        Invitation.site_id == membership.site_id,
        Invitation.invited_by_id == membership.account_id,
        Invitation.used_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > now,
    )
    for invitation in db.session.scalars(theirs.order_by(Invitation.id)).all():
        invitation.revoked_at = now
        db.session.flush()
        record(Action.REVOKE, f"invitation:{invitation.id}", invitation.site, now=now, via=via, by=by)


def _hand_to_owners(account_id: int, site_id: int) -> None:
    """Hand what waits in somebody's hands to the owners: before the site is held, as decisions do it."""
    theirs = (Handing.to_id == account_id, Handing.site_id == site_id)
    held = select(Handing.revision_id).where(*theirs).order_by(Handing.revision_id).with_for_update()
    if db.session.scalars(held).all():
        db.session.execute(update(Handing).where(*theirs).values(to_id=None))
