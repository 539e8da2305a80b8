"""Who may do what on which site: the one place that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import aliased, contains_eager, selectinload

from moderation.db import db
from moderation.models import Account, LogHead, Membership, Role, Site
from moderation.statements import Prepared


class Right(StrEnum):
    """What may be done on a site."""

    #: See the queue and the log.
    READ = "read"
    #: Decide, take back, leave notes, hand over, answer; and be seen doing so.
    DECIDE = "decide"
    #: Settings, people, erasure.
    MANAGE = "manage"


#: What each role may do on its site. This table is the policy; an operator may on every site what an owner may.
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.READER: frozenset({Right.READ}),
    Role.MODERATOR: frozenset({Right.READ, Right.DECIDE}),
    Role.OWNER: frozenset({Right.READ, Right.DECIDE, Right.MANAGE}),
}


class Denied(Exception):
    """The account works on the site, but its role may not do this there."""

    def __init__(self, right: Right) -> None:
        super().__init__(str(right))
        self.right = right


@dataclass(frozen=True)
class Standing:
    """An account's role on a site: by its membership, or an operator's without one."""

    account: Account
    site: Site
    role: Role

    @property
    def account_id(self) -> int:
        """The account's number."""
        return self.account.id

    @property
    def site_id(self) -> int:
        """The site's number."""
        return self.site.id

    def may(self, right: Right) -> bool:
        """Whether the role may do this."""
        return right in RIGHTS[self.role]


def may(account: Account, right: Right, site_id: int) -> bool:
    """Whether an account may do this on a site."""
    role = role_on(account, site_id)
    return role is not None and right in RIGHTS[role]


def role_on(account: Account, site_id: int) -> Role | None:
    """Return what an account is on a site; None where it is nobody."""
    if account.operator:
        return Role.OWNER
    return next((role for (role,) in _ROLE.all(account=account.id, site=site_id)), None)


_ROLE = Prepared(
    select(Membership.role).where(
        Membership.account_id == bindparam("account"), Membership.site_id == bindparam("site")
    )
)


def reach(account: Account, right: Right) -> Select[int]:
    """Select the numbers of the sites on which an account may do this: `may`, for a query."""
    if account.operator:
        return select(Site.id)
    roles = [role for role, rights in RIGHTS.items() if right in rights]
    return select(Membership.site_id).where(Membership.account_id == account.id, Membership.role.in_(roles))


def sites_of(account: Account, right: Right = Right.READ) -> list[Site]:
    """Return the sites on which an account may do this, by name."""
    return list(db.session.scalars(select(Site).where(Site.id.in_(reach(account, right))).order_by(Site.name, Site.id)))


def standings_of(account: Account) -> list[Standing]:
    """Return an account's roles with their sites and the sites' reasons, by the sites' names."""
    if account.operator:
        return _everywhere(account)
    rows = db.session.scalars(
        select(Membership)
        .join(Membership.site)
        .where(Membership.account_id == account.id)
        .order_by(Site.name, Site.id)
        .options(contains_eager(Membership.site).selectinload(Site.reasons))
    )
    return [Standing(account, each.site, each.role) for each in rows]


def staff_around(account: Account) -> list[Standing]:
    """Return everybody's roles on the sites that an account works on, its own included, by name and site."""
    query = (
        select(Membership)
        .join(Membership.account)
        .join(Membership.site)
        .order_by(Account.name, Account.id, Site.name, Site.id)
        .options(contains_eager(Membership.account), contains_eager(Membership.site).selectinload(Site.reasons))
    )
    if account.operator:
        others = db.session.scalars(query.where(Membership.account_id != account.id))
        found = [*_everywhere(account), *(Standing(each.account, each.site, each.role) for each in others)]
        return sorted(found, key=lambda each: (each.account.name, each.account_id, each.site.name, each.site_id))
    mine = aliased(Membership)
    beside = (mine.site_id == Membership.site_id) & (mine.account_id == account.id)
    return [Standing(each.account, each.site, each.role) for each in db.session.scalars(query.join(mine, beside))]


def hold(site_id: int | None) -> None:
    """Hold a site's chain, or the installation's: whoever changes its people does so one after the other.

    What was read before is read afresh behind it: rights that ended meanwhile have ended.
    """
    db.session.scalars(select(LogHead).where(LogHead.site_id == site_id).with_for_update(of=LogHead)).one()
    db.session.expire_all()


def _everywhere(operator: Account) -> list[Standing]:
    sites = db.session.scalars(select(Site).order_by(Site.name, Site.id).options(selectinload(Site.reasons)))
    return [Standing(operator, each, Role.OWNER) for each in sites]
