"""How the tests sign in and prove themselves: by form, by an app's code, and by a passkey made of software."""

import base64
import hashlib
import json
import re
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from cbor2 import dumps
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient
from passlib.totp import TOTP
from sqlalchemy import select

from moderation.db import clock, db
from moderation.models import Entry
from tests.conftest import PASSWORD, token_in
from tests.web.asking import Page

SIGN_IN = "/account/sign-in"
SECOND = "/account/sign-in/second"
ANA = "ana@staff.example"


def post(client: FlaskClient, path: str, *, seen: str = "", **fields: str) -> Any:
    """Send a form, with the token of the page it stands on, and from it."""
    token = token_in(client, seen or path)
    headers = {"Referer": f"http://localhost{seen or path}"}
    return client.post(path, data={"csrf_token": token, **fields}, headers=headers)


def sign_in(client: FlaskClient, email: str = ANA, password: str = PASSWORD, **fields: str) -> Any:
    """Give the first proof."""
    return post(client, SIGN_IN, email=email, password=password, **fields)


def set_up_app(client: FlaskClient) -> tuple[str, Any]:
    """Set up an authenticator app, and return its secret and the page that came."""
    page = Page(client.get("/account/app"))
    secret = re.search(r'class="secret"[^>]*>([A-Z2-7 ]+)<', page.html)[1].replace(" ", "")  # type: ignore[index]
    form = next(form for form in page.forms if "sealed" in form)
    answer = client.post("/account/app", data={**form, "code": code(secret, steps=-1)})
    return secret, answer


def code(secret: str, *, steps: int = 0) -> str:
    """Return the app's code of now, or so many steps away."""
    return str(TOTP(key=secret).generate(time=int(clock().timestamp()) + 30 * steps).token)


def recovery_codes(answer: Any) -> list[str]:
    """Read the codes from the page that shows them."""
    return re.findall(r"<li><code>([a-z2-9-]+)</code>", answer.get_data(as_text=True))


def entries(app: Flask) -> list[tuple[str, str | None]]:
    """Return what the installation's chain says was done, and by which rule, oldest first."""
    with app.app_context():
        rows = db.session.scalars(select(Entry).where(Entry.site_id.is_(None)).order_by(Entry.id))
        return [(str(row.action), row.rule) for row in rows]


@dataclass
class Authenticator:
    """A passkey in software, as a browser answers with it."""

    origin: str = "http://localhost:8000"
    verifies: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user: str = ""
    uses: int = 0

    def make(self, options: str) -> str:
        """Answer `navigator.credentials.create`."""
        asked = json.loads(options)
        self.user = asked["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        public = dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = b"\0" * 16 + struct.pack(">H", len(self.id)) + self.id + public
        data = self._data(asked["rp"]["id"], 0x41) + attested
        return self._answer(
            clientDataJSON=self._client("webauthn.create", asked["challenge"]),
            attestationObject=dumps({"fmt": "none", "attStmt": {}, "authData": data}),
        )

    def prove(self, options: str) -> str:
        """Answer `navigator.credentials.get`."""
        asked = json.loads(options)
        self.uses += 1
        data, client = self._data(asked["rpId"], 0x01), self._client("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=client, authenticatorData=data, signature=signature, userHandle=_bytes(self.user)
        )

    def _data(self, rp_id: str, flags: int) -> bytes:
        flags |= 0x04 if self.verifies else 0
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", self.uses)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> str:
        told = {name: _text(raw) for name, raw in response.items()}
        return json.dumps({"id": _text(self.id), "rawId": _text(self.id), "type": "public-key", "response": told})


def options_in(client: FlaskClient, path: str) -> str:
    """Return what a page asks the browser for."""
    found = [
        attributes["data-options"] for tag, attributes in Page(client.get(path)).tags if "data-options" in attributes
    ]
    assert found, path
    return str(found[0])


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
