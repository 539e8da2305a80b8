"""Who may do what on which site."""

import hashlib
import hmac
import ipaddress
import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import selectinload

from moderation import audit
from moderation.accounts import roles
from moderation.accounts.passwords import LEAST_PASSWORD as LEAST_PASSWORD
from moderation.accounts.passwords import MOST_PASSWORD as MOST_PASSWORD
from moderation.accounts.passwords import hashed as hashed
from moderation.accounts.passwords import password_fault as password_fault
from moderation.accounts.people import LastOwner as LastOwner
from moderation.accounts.people import grant as grant
from moderation.accounts.roles import Denied as Denied
from moderation.accounts.roles import Right as Right
from moderation.accounts.roles import Standing as Standing
from moderation.accounts.roles import may as may
from moderation.accounts.roles import reach as reach
from moderation.accounts.roles import sites_of as sites_of
from moderation.accounts.roles import staff_around as staff_around
from moderation.accounts.roles import standings_of as standings_of
from moderation.accounts.settings import BadValue as BadValue
from moderation.accounts.settings import Changes as Changes
from moderation.accounts.settings import Overtaken as Overtaken
from moderation.accounts.settings import change_site as change_site
from moderation.db import db, table_of
from moderation.models import Account, Action, Kind, LogHead, Membership, Reason, Role, Site, Via
from moderation.statements import Prepared, stored

#: What a new site rejects for: label, text for the author, clause, legal category.
DEFAULT_REASONS = (
    ("Off the topic", "Your reply is about something other than the page it was left on.", "1", ""),
    ("About a person, not the matter", "Please say it again without the remark about the other writer.", "3", ""),
    ("Advertising", "We do not publish offers or links to shops.", "4", ""),
    ("Private details of somebody else", "Your reply names or describes a private person.", "5", "privacy"),
    ("May be unlawful", "We cannot publish this, because it may be against the law.", "6", "unlawful"),
)


class Taken(Exception):
    """The key or address is in use."""


class Operator(StrEnum):
    """Whether an account runs the installation."""

    ON = "on"
    OFF = "off"


def find(email: str) -> Account | None:
    """Find an account by its address."""
    return db.session.scalars(select(Account).where(Account.email == email.strip().lower())).one_or_none()


def signed_in_as(uniquifier: str) -> Account | None:
    """Find whose session this is, by what the session holds of the account; nobody's where the account was closed."""
    return next((stored(Account, row) for row in _SIGNED_IN.all(uniquifier=uniquifier)), None)


def site(key: str) -> Site | None:
    """Find a site by its key."""
    return next((stored(Site, row) for row in _SITE.all(key=key)), None)


# Every request asks one of these, so they are put into words once.
_SIGNED_IN = Prepared(select(table_of(Account)).where(Account.fs_uniquifier == bindparam("uniquifier"), Account.active))
_SITE = Prepared(select(table_of(Site)).where(Site.key == bindparam("key")))


def any_account() -> bool:
    """Whether somebody can sign in at all."""
    return db.session.scalars(select(func.count(Account.id))).one() > 0


def start_code(secret: str) -> str:
    """Return the code of the page on which the first owner is made; worth nothing once there is one."""
    return hmac.digest(secret.encode(), b"first owner", "sha256").hex()[:32]


def create_site(key: str, *, name: str, origins: list[str], now: datetime, via: Via) -> Site:
    """Add a site with the head of its log and default reasons. Raises `Taken`."""
    if site(key) is not None:
        raise Taken
    reasons = [
        Reason(digit=digit, label=label, text=text, clause=clause, category=category)
        for digit, (label, text, clause, category) in enumerate(DEFAULT_REASONS, start=1)
    ]
    made = Site(key=key, name=name, origins=origins, required=["author", "email"], created_at=now, reasons=reasons)
    made.head = LogHead()
    db.session.add(made)
    db.session.flush()
    _log(Action.CREATE, Kind.SETTING, f"site:{made.id}", via=via, now=now, site_id=made.id)
    return made


def create_account(email: str, *, name: str, password_hash: str, now: datetime, via: Via) -> Account:
    """Add an account; hash the password before the transaction begins. Raises `Taken`."""
    # Of two with one address at once, the second finds the first.
    roles.hold(None)
    if find(email) is not None:
        raise Taken
    account = Account(
        email=email.strip().lower(),
        name=name,
        password=password_hash,
        fs_uniquifier=secrets.token_hex(16),
        created_at=now,
    )
    db.session.add(account)
    db.session.flush()
    _log(Action.CREATE, Kind.SETTING, f"account:{account.id}", via=via, now=now, account_id=account.id)
    return account


def create_first_owner(email: str, *, name: str, password_hash: str, now: datetime) -> Account:
    """Make the operator, who owns all there is, provided nobody can sign in yet. Raises `Taken`."""
    # The installation's head is held first: of two first owners at once, the second finds an account.
    roles.hold(None)
    if any_account():
        raise Taken
    account = create_account(email, name=name, password_hash=password_hash, now=now, via=Via.WEB)
    set_operator(account, Operator.ON, now=now, via=Via.WEB)
    for owned in db.session.scalars(select(Site).order_by(Site.id)).all():
        grant(account, owned, Role.OWNER, now=now, via=Via.WEB, by=account)
    return account


def set_operator(account: Account, to: Operator, *, now: datetime, via: Via) -> None:
    """Let an account run the installation, or no longer."""
    account.operator = to is Operator.ON
    db.session.flush()
    subject, rule = f"account:{account.id}", f"operator:{to}"
    _log(Action.CHANGE, Kind.SETTING, subject, via=via, now=now, account_id=account.id, rule=rule)


def everybody() -> list[Account]:
    """Return all accounts with their roles, by address."""
    memberships = selectinload(Account.memberships).joinedload(Membership.site)
    return list(db.session.scalars(select(Account).order_by(Account.email).options(memberships)))


def network_tag(address: str, *, secret: str) -> str:
    """Hash the sender's network: IPv4 by /24, IPv6 by /64. The address itself is kept nowhere."""
    return hashlib.blake2b(network_of(address).encode(), key=secret.encode()[:64], digest_size=12).hexdigest()


def network_of(address: str) -> str:
    """Name the network of an address: IPv4 by /24, IPv6 by /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        parsed = ipaddress.ip_address("::")
    # A socket for both kinds names IPv4 visitors ::ffff:a.b.c.d: in one /64 all of them would be one network.
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))


def _log(
    action: Action,
    kind: Kind,
    subject: str,
    *,
    via: Via,
    now: datetime,
    site_id: int | None = None,
    account_id: int | None = None,
    rule: str | None = None,
    note: str | None = None,
) -> None:
    audit.record(
        audit.Event(
            kind=kind,
            action=action,
            subject=subject,
            via=via,
            at=now,
            site_id=site_id,
            account_id=account_id,
            rule=rule,
            note=note,
        )
    )
