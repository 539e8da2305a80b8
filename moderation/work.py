"""A proof of work, by ALTCHA's scheme (https://altcha.org/docs/v2/proof-of-work/): dear for a flood, a moment for one.

The service hides a number behind its hash; whoever sends finds it by trying. Nothing is stored to ask, for the question
is signed; to answer twice with the same one, a door remembers what was answered.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

#: The number is below this: half of them tried is a second on a slow phone.
MOST = 50_000
#: A question is good for as long as a form may lie open.
LIFE = timedelta(days=1)
#: An answer is shorter; what is longer is none.
MOST_LETTERS = 1000


@dataclass(frozen=True)
class Challenge:
    """What is asked: find the number for which SHA-256 of salt and number is the challenge."""

    algorithm: str
    challenge: str
    salt: str
    maxnumber: int
    signature: str

    def as_json(self) -> dict[str, object]:
        """Return it as the page's script reads it."""
        return asdict(self)


def ask(site_key: str, *, secret: str, now: datetime) -> Challenge:
    """Make a question for a form of a site."""
    until = int((now + LIFE).timestamp())
    salt = f"{secrets.token_hex(12)}?expires={until}&site={site_key}&"
    hidden = _hash(salt, secrets.randbelow(MOST))
    return Challenge("SHA-256", hidden, salt, MOST, _signature(hidden, secret))


def solved(answer: str, site_key: str, *, secret: str, now: datetime) -> str | None:
    """Return the challenge that an answer solves, which is to be taken once; None for what solves nothing of ours."""
    if not 0 < len(answer) <= MOST_LETTERS:
        return None
    try:
        given = json.loads(base64.b64decode(answer, validate=True))
        challenge, salt, number, signature = (given[name] for name in ("challenge", "salt", "number", "signature"))
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError):
        return None
    texts = all(isinstance(text, str) and text.isascii() for text in (challenge, salt, signature))
    if not texts or type(number) is not int or not 0 <= number < MOST:
        return None
    ours = hmac.compare_digest(signature, _signature(challenge, secret))
    if not ours or not hmac.compare_digest(challenge, _hash(salt, number)):
        return None
    said = dict(part.partition("=")[::2] for part in salt.partition("?")[2].split("&"))
    return challenge if said.get("site") == site_key and int(said["expires"]) > now.timestamp() else None


def _hash(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()


def _signature(challenge: str, secret: str) -> str:
    return hmac.digest(secret.encode(), f"work\0{challenge}".encode(), "sha256").hex()
