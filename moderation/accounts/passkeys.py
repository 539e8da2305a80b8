"""Passkeys (WebAuthn): as the second factor, and as the only one where the device asks for a finger, face or PIN.

A challenge is made of nothing stored: it says for what and for whom it is, until when, and that we made it. It is
remembered when it was answered, so that no answer counts twice. The library is loaded when somebody asks for it.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from moderation.accounts import noting
from moderation.db import db
from moderation.models import Account, Action, Passkey, UsedChallenge

#: A page may be open for so long before its passkey is asked for.
GOOD_FOR = timedelta(hours=1)
#: An account has at most so many.
MOST = 20
#: More than any browser answers.
MOST_ANSWER = 30_000
NAME = "Leave a Reply"


class BadAnswer(Exception):
    """What the browser answered proves nothing: too old, used, of somebody else, or wrong."""


class Purpose(StrEnum):
    """What a challenge is for; an answer to one is no answer to another."""

    ADD = "add"
    #: The first and only factor: the device has asked who holds it.
    SIGN_IN = "sign-in"
    SECOND = "second"
    CONFIRM = "confirm"


@dataclass(frozen=True)
class Place:
    """Where passkeys are good: the service's own address, and the key its challenges are made with."""

    base_url: str
    key: str

    @property
    def rp_id(self) -> str:
        """Return the host's name."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def has_passkeys(self) -> bool:
        """Whether browsers make passkeys here: for a name, not a number, over https or on this machine."""
        try:
            ipaddress.ip_address(self.rp_id)
        except ValueError:
            return self.base_url.startswith("https://") or self.rp_id == "localhost"
        return False


def options_to_add(account: Account, place: Place, *, now: datetime) -> str:
    """Return what the browser is to be asked to make a passkey, as JSON."""
    known = db.session.scalars(select(Passkey.credential).where(Passkey.account_id == account.id))
    return json.dumps(
        {
            "challenge": _text(_challenge(place, Purpose.ADD, account.id, now)),
            "rp": {"id": place.rp_id, "name": NAME},
            "user": {"id": _text(_handle(account, place)), "name": account.email, "displayName": account.name},
            "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in (-8, -7, -257)],
            "excludeCredentials": [{"type": "public-key", "id": credential} for credential in known],
            "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
            "attestation": "none",
            "timeout": 300_000,
        }
    )


def options_to_prove(purpose: Purpose, account: Account | None, place: Place, *, now: datetime) -> str:
    """Return what the browser is to be asked to prove somebody, as JSON; without an account anybody it knows."""
    of_account = select(Passkey.credential).where(Passkey.account_id == account.id) if account else None
    known = db.session.scalars(of_account) if of_account is not None else ()
    return json.dumps(
        {
            "challenge": _text(_challenge(place, purpose, account.id if account else 0, now)),
            "rpId": place.rp_id,
            "allowCredentials": [{"type": "public-key", "id": credential} for credential in known],
            "userVerification": "required" if purpose is Purpose.SIGN_IN else "preferred",
            "timeout": 300_000,
        }
    )


def add(account: Account, answer: str, place: Place, *, name: str, now: datetime) -> Passkey:
    """Add the passkey that the browser has made. Raises `BadAnswer`."""
    from webauthn import verify_registration_response  # loaded when it is needed: see above

    challenge = _challenge_in(answer)
    _spend(challenge, place, Purpose.ADD, account.id, now=now)
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=place.rp_id,
            expected_origin=place.base_url,
            require_user_verification=False,
        )
    except Exception as error:  # Whatever a hostile answer breaks in the library: it proves nothing.
        raise BadAnswer from error
    credential = _text(made.credential_id)
    there = db.session.scalars(select(Passkey.id).where(Passkey.credential == credential)).first()
    mine = db.session.scalars(select(Passkey.id).where(Passkey.account_id == account.id)).all()
    if there is not None or len(mine) >= MOST:
        raise BadAnswer
    passkey = Passkey(
        account_id=account.id,
        credential=credential,
        public_key=_text(made.credential_public_key),
        sign_count=made.sign_count,
        name=name,
        created_at=now,
    )
    db.session.add(passkey)
    db.session.flush()
    noting.note_factor(Action.ADD, account, factor="passkey", now=now)
    return passkey


def prove(purpose: Purpose, account: Account | None, answer: str, place: Place, *, now: datetime) -> Account:
    """Return whom the browser's answer proves: the account that was asked for, or whose passkey it is.

    Raises `BadAnswer`.
    """
    from webauthn import verify_authentication_response  # loaded when it is needed: see above

    challenge = _challenge_in(answer)
    _spend(challenge, place, purpose, account.id if account else 0, now=now)
    passkey = _passkey_in(answer)
    owner = db.session.get_one(Account, passkey.account_id)
    if (account is not None and owner.id != account.id) or not owner.active or not _names(answer, owner, place):
        raise BadAnswer
    try:
        proven = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=place.rp_id,
            expected_origin=place.base_url,
            credential_public_key=_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=purpose is Purpose.SIGN_IN,
        )
    except Exception as error:  # Whatever a hostile answer breaks in the library: it proves nothing.
        raise BadAnswer from error
    passkey.sign_count, passkey.used_at = proven.new_sign_count, now
    db.session.flush()
    return owner


def _challenge(place: Place, purpose: Purpose, account_id: int, now: datetime) -> bytes:
    said = secrets.token_bytes(16) + struct.pack(">Q", int((now + GOOD_FOR).timestamp()))
    return said + _sign(place, purpose, account_id, said)


def _sign(place: Place, purpose: Purpose, account_id: int, said: bytes) -> bytes:
    return hmac.digest(place.key.encode(), f"passkey:{purpose}:{account_id}:".encode() + said, "sha256")


def _spend(challenge: bytes, place: Place, purpose: Purpose, account_id: int, *, now: datetime) -> None:
    """Take a challenge as answered. Raises `BadAnswer` for one that is not ours, not for this, too old, or spent."""
    said, signed = challenge[:24], challenge[24:]
    if len(said) != 24 or not hmac.compare_digest(signed, _sign(place, purpose, account_id, said)):
        raise BadAnswer
    (until,) = struct.unpack(">Q", said[16:])
    if until < now.timestamp():
        raise BadAnswer
    db.session.execute(delete(UsedChallenge).where(UsedChallenge.until <= now))
    spent = {"hash": hashlib.sha256(challenge).hexdigest(), "until": now + GOOD_FOR}
    try:
        with db.session.begin_nested():
            db.session.execute(insert(UsedChallenge).values(spent))
    except IntegrityError as error:
        raise BadAnswer from error


def _passkey_in(answer: str) -> Passkey:
    credential = _object(answer).get("id")
    if not isinstance(credential, str) or not credential.isascii():
        raise BadAnswer
    held = select(Passkey).where(Passkey.credential == credential.rstrip("=")).with_for_update()
    passkey = None if "\0" in credential else db.session.scalars(held).one_or_none()
    if passkey is None:
        raise BadAnswer
    return passkey


def _names(answer: str, owner: Account, place: Place) -> bool:
    """Whether an authenticator that says whose passkey it is names its owner; one that asks for it by id need not."""
    response = _object(answer).get("response")
    named = response.get("userHandle") if isinstance(response, dict) else None
    return not named or named == _text(_handle(owner, place))


def _challenge_in(answer: str) -> bytes:
    """Return the challenge that the browser says it answers; that it was this one is proven by the signature."""
    response = _object(answer).get("response")
    told = response.get("clientDataJSON") if isinstance(response, dict) else None
    if not isinstance(told, str):
        raise BadAnswer
    try:
        challenge = _object(_bytes(told).decode()).get("challenge")
        return _bytes(challenge) if isinstance(challenge, str) else b""
    except ValueError as error:
        raise BadAnswer from error


def _object(text: str) -> dict[str, object]:
    if len(text) > MOST_ANSWER:
        raise BadAnswer
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadAnswer from error
    if not isinstance(found, dict):
        raise BadAnswer
    return found


def _handle(account: Account, place: Place) -> bytes:
    """Name an account to authenticators, by nothing that says who it is."""
    return hmac.digest(place.key.encode(), f"passkey-user:{account.id}".encode(), "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
