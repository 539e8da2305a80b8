"""Second factors: codes by time from an app, codes for the day it is lost, and who needs one.

The app's secret is encrypted and the codes are hashed, both with a key from the instance folder: the database alone
proves nobody. What encrypts is loaded when somebody asks for it; most requests never do.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, SQLColumnExpression, delete, exists, func, or_, select, update

from moderation.accounts import noting
from moderation.db import db
from moderation.models import Account, Action, Membership, Passkey, RecoveryCode, Site, Totp, Via

if TYPE_CHECKING:
    from cryptography.fernet import Fernet
    from passlib.totp import TOTP

#: How an authenticator app names the service.
ISSUER = "Leave a Reply"
#: How many recovery codes there are, and what they are written with: no letters that look like others.
CODES, LETTERS = 10, "23456789abcdefghjkmnpqrstvwxyz"
#: Their length: 58 bits, behind a throttle and a keyed hash.
CODE_LENGTH = 12
#: Seconds a code of the app may be early or late.
TOLERANCE = 30


class Needed(Exception):
    """The last second factor of an account that needs one is not removed."""


@dataclass(frozen=True)
class Factors:
    """What an account proves itself with, beside its password."""

    totp: Totp | None
    passkeys: list[Passkey]
    #: How many recovery codes are left.
    codes: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor at all."""
        return self.totp is not None or bool(self.passkeys)


def of(account: Account) -> Factors:
    """Return an account's second factors."""
    passkeys = select(Passkey).where(Passkey.account_id == account.id).order_by(Passkey.id)
    codes = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.account_id == account.id)
    return Factors(
        totp=db.session.get(Totp, account.id, populate_existing=True),
        passkeys=list(db.session.scalars(passkeys)),
        codes=db.session.scalars(codes).one(),
    )


def has_second(account: Account) -> bool:
    """Whether an account has a second factor."""
    of_account = [exists().where(table.account_id == account.id) for table in (Totp, Passkey)]
    return bool(db.session.scalar(select(or_(*of_account))))


def is_required(account: Account, *, everywhere: bool) -> bool:
    """Whether an account needs a second factor: the operator asks it of everybody, or a site of its staff."""
    return everywhere or bool(db.session.scalar(select(asked_by_a_site(account.fs_uniquifier))))


def asked_by_a_site(uniquifier: str | SQLColumnExpression[str | None]) -> ColumnElement[bool]:
    """Ask, as a part of a question, whether a site wants a second factor of the account with this mark."""
    return exists().where(
        Account.fs_uniquifier == uniquifier,
        Membership.account_id == Account.id,
        Membership.site_id == Site.id,
        Site.require_second.is_(True),
    )


def new_secret() -> str:
    """Make a secret for an authenticator app, in base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def seal(secret: str, *, key: str) -> str:
    """Encrypt a secret, for the database or for the browser that is setting it up."""
    return _fernet(key).encrypt(secret.encode()).decode()


def unseal(sealed: str, *, key: str, most_age: int | None = None) -> str | None:
    """Decrypt a secret; None where this key did not encrypt it, or longer ago than so many seconds."""
    from cryptography.fernet import InvalidToken  # loaded when it is needed: see above

    try:
        return _fernet(key).decrypt(sealed.encode(), ttl=most_age).decode()
    except (InvalidToken, UnicodeError):
        return None


def address_of(secret: str, account: Account) -> str:
    """Return what an authenticator app reads from the picture."""
    return str(_totp(secret).to_uri(label=account.email.replace(":", ""), issuer=ISSUER))


def add_totp(account: Account, secret: str, code: str, *, key: str, now: datetime) -> bool:
    """Add the app to an account, in place of the one before, provided it shows the right code."""
    step = _step_of(secret, code, after=None, now=now)
    if step is None:
        return False
    there = db.session.get(Totp, account.id, populate_existing=True)
    if there is None:
        there = Totp(account_id=account.id)
        db.session.add(there)
    there.sealed, there.last_step, there.created_at = seal(secret, key=key), step, now
    db.session.flush()
    noting.note_factor(Action.ADD, account, factor="totp", now=now)
    return True


def check_totp(account: Account, code: str, *, key: str, now: datetime) -> bool:
    """Whether this is the app's code of now; it counts once, of two at the same time for one."""
    row = db.session.get(Totp, account.id, populate_existing=True)
    secret = unseal(row.sealed, key=key) if row else None
    if row is None or secret is None:
        return False
    step = _step_of(secret, code, after=row.last_step, now=now)
    if step is None:
        return False
    unused = update(Totp).where(Totp.account_id == account.id, Totp.last_step < step).values(last_step=step)
    return bool(db.session.execute(unused).rowcount)  # type: ignore[attr-defined]


def new_codes(account: Account, *, key: str, now: datetime) -> list[str]:
    """Make an account's recovery codes, in place of those before. They are shown once."""
    codes = ["".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    db.session.add_all(RecoveryCode(account_id=account.id, hash=_hash(account, code, key)) for code in codes)
    db.session.flush()
    noting.note_factor(Action.ADD, account, factor="recovery", now=now)
    return ["-".join(code[at : at + 4] for at in range(0, CODE_LENGTH, 4)) for code in codes]


def use_code(account: Account, code: str, *, key: str) -> bool:
    """Whether this is one of an account's recovery codes; it is one no longer."""
    plain = "".join(code.lower().split()).replace("-", "")
    mine = (RecoveryCode.account_id == account.id, RecoveryCode.hash == _hash(account, plain, key))
    return bool(db.session.execute(delete(RecoveryCode).where(*mine)).rowcount)  # type: ignore[attr-defined]


def remove_totp(account: Account, *, needed: bool, now: datetime) -> bool:
    """Remove the app from an account. Raises `Needed` for the last factor of who needs one."""
    removed = delete(Totp).where(Totp.account_id == account.id)
    return _remove(account, removed, factor="totp", needed=needed, now=now)


def remove_passkey(account: Account, id_: int, *, needed: bool, now: datetime) -> bool:
    """Remove a passkey from an account. Raises `Needed` for the last factor of who needs one."""
    removed = delete(Passkey).where(Passkey.account_id == account.id, Passkey.id == id_)
    return _remove(account, removed, factor="passkey", needed=needed, now=now)


def remove_all(account: Account, *, now: datetime) -> int:
    """Remove every second factor of somebody who has lost them, as the operator; return how many there were."""
    found = of(account)
    for table in (Totp, Passkey, RecoveryCode):
        db.session.execute(delete(table).where(table.account_id == account.id))
    noting.note_factor(Action.REMOVE, account, factor="all", now=now, via=Via.CLI)
    return len(found.passkeys) + (found.totp is not None)


def _remove(account: Account, removed: object, *, factor: str, needed: bool, now: datetime) -> bool:
    # Held first: of the last two factors, removed at once, one stays.
    db.session.scalars(select(Account).where(Account.id == account.id).with_for_update()).one()
    if db.session.execute(removed).rowcount == 0:  # type: ignore[call-overload]
        return False
    if not has_second(account):
        if needed:
            raise Needed
        # Codes for the day that the other factor is lost: there is none.
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    noting.note_factor(Action.REMOVE, account, factor=factor, now=now)
    return True


def _step_of(secret: str, code: str, *, after: int | None, now: datetime) -> int | None:
    """Return the step of time whose code this is; None if it is wrong, or was used."""
    from passlib.exc import TokenError  # loaded when it is needed: see above

    plain = "".join(code.split())
    if not (plain.isascii() and plain.isdigit() and len(plain) == 6):
        return None
    try:
        return int(_totp(secret).match(plain, time=int(now.timestamp()), window=TOLERANCE, last_counter=after).counter)
    except TokenError:
        return None


def _totp(secret: str) -> "TOTP":
    from passlib.totp import TOTP  # loaded when it is needed: see above

    return TOTP(key=secret, format="base32")


def _fernet(key: str) -> "Fernet":
    from cryptography.fernet import Fernet  # loaded when it is needed: see above

    return Fernet(base64.urlsafe_b64encode(hmac.digest(key.encode(), b"totp", "sha256")))


def _hash(account: Account, code: str, key: str) -> str:
    said = f"recovery:{account.id}:{code}".encode("utf-8", "replace")
    return hmac.new(key.encode(), said, hashlib.sha256).hexdigest()
