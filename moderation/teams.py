"""A team's own sign-in (OpenID Connect): what its issuer is asked, and whom it names.

The code flow with PKCE, state and nonce; what the issuer says is believed when its signature, issuer, audience, age and
nonce are right. Everything that is asked goes through the one way out. What reads signatures is loaded when somebody
signs in so.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from urllib.parse import urlencode, urlsplit

from moderation import markup
from moderation.accounts.identities import Person
from moderation.notify import outward

#: How far the issuer's clock may be off.
LEEWAY = 60
#: What the issuer says of itself is asked for again after this time.
KEPT = timedelta(minutes=10)
#: Signatures that are believed: none by a shared secret, and never "none".
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

_known: dict[str, tuple[datetime, Mapping[str, object]]] = {}


class Unavailable(Exception):
    """The issuer does not answer, or not as it should."""


class NotProven(Exception):
    """What came back proves nobody."""


@dataclass(frozen=True)
class Provider:
    """The issuer, by what name it knows the service, and for whose addresses it may speak."""

    issuer: str
    client_id: str
    client_secret: str
    #: Empty for all.
    domains: tuple[str, ...]
    redirect_uri: str


@dataclass(frozen=True)
class Attempt:
    """One try to sign in: what comes back has to fit it."""

    state: str
    nonce: str
    verifier: str


def begin(provider: Provider, *, now: datetime) -> tuple[Attempt, str]:
    """Return a new try, and the address of the issuer that the browser is led to. Raises `Unavailable`."""
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # loaded when it is needed: see above

    attempt = Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))
    query = {
        "response_type": "code",
        "scope": "openid email",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_uri,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": create_s256_code_challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    address = _endpoint(provider, "authorization_endpoint", now=now)
    return attempt, f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"


def finish(provider: Provider, attempt: Attempt, came: Mapping[str, str], *, now: datetime) -> Person:
    """Return whom the issuer names, from what came back to us. Raises `NotProven` and `Unavailable`."""
    if not hmac.compare_digest(came.get("state", "").encode(), attempt.state.encode()) or not came.get("code"):
        raise NotProven
    if came.get("iss", provider.issuer) != provider.issuer:
        # Another issuer's answer (RFC 9207).
        raise NotProven
    claims = _claims(provider, attempt, _tokens(provider, attempt, came["code"], now=now), now=now)
    email, subject = str(claims.get("email") or "").strip().lower(), str(claims["sub"])
    if provider.domains and email.rpartition("@")[2] not in provider.domains:
        raise NotProven
    if markup.unprintable(email + subject) or len(email) > 320 or not 0 < len(subject) <= 255:
        raise NotProven
    return Person(provider.issuer, subject, email, is_verified=claims.get("email_verified") is True)


def _tokens(provider: Provider, attempt: Attempt, code: str, *, now: datetime) -> Mapping[str, object]:
    """Change the code for what it stands for."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.redirect_uri,
        "client_id": provider.client_id,
        "code_verifier": attempt.verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if provider.client_secret:
        told = urlencode({"": provider.client_id})[1:] + ":" + urlencode({"": provider.client_secret})[1:]
        headers["Authorization"] = f"Basic {base64.b64encode(told.encode()).decode()}"
    address = _endpoint(provider, "token_endpoint", now=now)
    return _asked(provider, "POST", address, headers=headers, body=urlencode(form).encode())


def _claims(
    provider: Provider, attempt: Attempt, tokens: Mapping[str, object], *, now: datetime
) -> Mapping[str, object]:
    """Return what the ID token says, proven."""
    from authlib.oidc.core import CodeIDToken  # loaded when it is needed: see above
    from joserfc import jwt
    from joserfc.jwk import KeySet

    keys = _asked(provider, "GET", _endpoint(provider, "jwks_uri", now=now))
    options = {"iss": {"essential": True, "value": provider.issuer}, "aud": {"value": provider.client_id}}
    params = {"nonce": attempt.nonce, "client_id": provider.client_id}
    try:
        token = jwt.decode(str(tokens["id_token"]), KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        claims = CodeIDToken(token.claims, token.header, options, params)
        claims.validate(int(now.timestamp()), LEEWAY)
    except Exception as error:  # Whatever breaks over a token, in whichever library: it proves nobody.
        raise NotProven from error
    return dict(token.claims)


def _endpoint(provider: Provider, name: str, *, now: datetime) -> str:
    """Return an address of the issuer's, as it says itself."""
    at, document = _known.get(provider.issuer, (now - 2 * KEPT, {}))
    if not timedelta() <= now - at <= KEPT:
        document = _asked(provider, "GET", f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != provider.issuer:
            raise Unavailable("the issuer names itself otherwise")
        _known[provider.issuer] = (now, document)
    address = document.get(name)
    if not isinstance(address, str) or not _is_as_safe(address, provider):
        raise Unavailable(f"the issuer has no safe {name}")
    return address


def _is_as_safe(address: str, provider: Provider) -> bool:
    """Whether an address is over https, or on the issuer's own host as the operator has set it."""
    here, there = urlsplit(provider.issuer), urlsplit(address)
    return there.scheme == "https" or (there.scheme, there.netloc) == (here.scheme, here.netloc)


def _asked(
    provider: Provider, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Mapping[str, object]:
    """Ask, and read the answer as an object. The issuer's host is the operator's choice; others have to be public."""
    own = urlsplit(url).netloc == urlsplit(provider.issuer).netloc
    reach = outward.Reach.OPERATORS if own else outward.Reach.PUBLIC
    try:
        answer = outward.ask(outward.Call(method, url, reach, headers=headers or {}, body=body))
    except outward.Unreachable as error:
        raise Unavailable(str(error)) from error
    if answer.status == 400 and method == "POST":
        # A code that is old, used, or not ours.
        raise NotProven
    try:
        found = json.loads(answer.body) if answer.status == 200 else _no(answer.status)
    except (ValueError, RecursionError) as error:
        raise Unavailable("the issuer's answer does not read") from error
    return found if isinstance(found, dict) else _no(answer.status)


def _no(status: int) -> NoReturn:
    raise Unavailable(f"the issuer answered {status}")
