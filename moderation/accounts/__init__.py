"""Who may do what on which site."""

import hashlib
import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, contains_eager

from moderation import audit, languages, markup
from moderation.accounts.passwords import LEAST_PASSWORD as LEAST_PASSWORD
from moderation.accounts.passwords import MOST_PASSWORD as MOST_PASSWORD
from moderation.accounts.passwords import hashed as hashed
from moderation.accounts.passwords import password_fault as password_fault
from moderation.db import db
from moderation.models import Account, Action, Kind, LogHead, Membership, Reason, Role, Site, Via
from moderation.models.site import MAX_COMMENT_BYTES, REQUIRABLE

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


class BadValue(ValueError):
    """A value that a setting of a site cannot have; says which, and why."""

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting}: {why}")
        self.setting, self.why = setting, why


@dataclass(frozen=True)
class Changes:
    """What is to change of a site; None leaves it as it is."""

    name: str | None = None
    locale: str | None = None
    accent: str | None = None
    radius: int | None = None
    page_size: int | None = None
    close_days: int | None = None
    max_comment: int | None = None
    required: tuple[str, ...] | None = None
    require_second: bool | None = None


#: What a number of a site may be.
BOUNDS = {"radius": (0, 32), "page_size": (10, 300), "close_days": (0, 36_500), "max_comment": (100, MAX_COMMENT_BYTES)}


def sites_of(account: Account) -> list[Site]:
    """Return the sites an account works on, by name."""
    return list(
        db.session.scalars(
            select(Site).join(Membership).where(Membership.account_id == account.id).order_by(Site.name, Site.id)
        )
    )


def memberships_of(account: Account) -> list[Membership]:
    """Return an account's roles with their sites and the sites' reasons, by the sites' names."""
    return list(
        db.session.scalars(
            select(Membership)
            .join(Membership.site)
            .where(Membership.account_id == account.id)
            .order_by(Site.name, Site.id)
            .options(contains_eager(Membership.site).selectinload(Site.reasons))
        )
    )


def staff_around(account: Account) -> list[Membership]:
    """Return everybody's roles on the sites that an account works on, its own included, by name and site."""
    mine = aliased(Membership)
    return list(
        db.session.scalars(
            select(Membership)
            .join(mine, (mine.site_id == Membership.site_id) & (mine.account_id == account.id))
            .join(Membership.account)
            .join(Membership.site)
            .order_by(Account.name, Account.id, Site.name, Site.id)
            .options(contains_eager(Membership.account), contains_eager(Membership.site).selectinload(Site.reasons))
        )
    )


def find(email: str) -> Account | None:
    """Find an account by its address."""
    return db.session.scalars(select(Account).where(Account.email == email.strip().lower())).one_or_none()


def site(key: str) -> Site | None:
    """Find a site by its key."""
    return db.session.scalars(select(Site).where(Site.key == key)).one_or_none()


def any_account() -> bool:
    """Whether somebody can sign in at all."""
    return db.session.scalars(select(func.count(Account.id))).one() > 0


def start_code(secret: str) -> str:
    """Return the code of the page on which the first owner is made; worth nothing once there is one."""
    return hmac.digest(secret.encode(), b"first owner", "sha256").hex()[:24]


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


def change_site(of: Site, changes: Changes, *, now: datetime, via: Via, by: Account | None = None) -> list[str]:
    """Change a site's settings, and log what each was before and after. Raises `BadValue`; then nothing has changed.

    Returns the names of those that changed. Its version rises: they show in what the public reads.
    """
    wanted = {name: value for name, value in vars(changes).items() if value is not None}
    for name, value in wanted.items():
        if why := _site_fault(name, value):
            raise BadValue(name, why)
    if changes.required is not None:
        wanted["required"] = [name for name in REQUIRABLE if name in changes.required]
    changed = {name: value for name, value in wanted.items() if getattr(of, name) != value}
    if not changed:
        return []
    said = "\n".join(f"{name}: {_said(getattr(of, name))} → {_said(value)}" for name, value in changed.items())
    for name, value in changed.items():
        setattr(of, name, value)
    of.version += 1
    db.session.flush()
    by_id = by.id if by else None
    _log(Action.CHANGE, Kind.SETTING, f"site:{of.id}", via=via, now=now, site_id=of.id, account_id=by_id, note=said)
    return list(changed)


def create_account(email: str, *, name: str, password_hash: str, now: datetime, via: Via) -> Account:
    """Add an account; hash the password before the transaction begins. Raises `Taken`."""
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
    """Make the owner of all there is, provided nobody can sign in yet. Raises `Taken`."""
    # The installation's head is held first: of two first owners at once, the second finds an account.
    db.session.scalars(select(LogHead).where(LogHead.site_id.is_(None)).with_for_update()).one()
    if any_account():
        raise Taken
    account = create_account(email, name=name, password_hash=password_hash, now=now, via=Via.WEB)
    for owned in db.session.scalars(select(Site).order_by(Site.id)):
        grant(account, owned, Role.OWNER, now=now, via=Via.WEB)
    return account


def grant(account: Account, to: Site, role: Role, *, now: datetime, via: Via) -> None:
    """Give an account a role on a site, in place of the one it had."""
    membership = db.session.get(Membership, (account.id, to.id))
    if membership is None:
        db.session.add(Membership(account_id=account.id, site_id=to.id, role=role))
    else:
        membership.role = role
    db.session.flush()
    _log(Action.CHANGE, Kind.SETTING, f"account:{account.id}", via=via, now=now, site_id=to.id, rule=f"role:{role}")


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


def _site_fault(name: str, value: str | int | tuple[str, ...]) -> str | None:
    """Say why a setting of a site cannot be this; None where it can."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        least, most = BOUNDS[name]
        return None if least <= value <= most else f"a whole number from {least} to {most}"
    if isinstance(value, tuple):
        unknown = [one for one in value if one not in REQUIRABLE]
        return f"{unknown[0]!r} is none of {', '.join(REQUIRABLE)}" if unknown else None
    match name:
        case "accent":
            return None if re.fullmatch(r"#[0-9a-f]{6}", value) else "a colour like #2c52a0, in small letters"
        case "locale":
            return None if value in languages.LOCALES else f"none of {', '.join(languages.LOCALES)}"
    return None if 0 < len(value) <= 200 and not markup.unprintable(value) else "1 to 200 characters"


def _said(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


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
