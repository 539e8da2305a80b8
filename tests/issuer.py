"""A small OpenID Connect issuer, on this machine: it vouches for whoever the test says."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "reply", "s3cret of the client"


@dataclass
class Issuer:
    """What it knows, and what a test bends of it."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    #: Claims that the next tokens say otherwise; None leaves one out.
    bent: dict[str, Any] = field(default_factory=dict)
    #: What its own description says otherwise.
    described: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    signs_with: RSAKey | None = None
    #: HS256 signs with the public key, none not at all.
    algorithm: str = "RS256"
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    def authorize(self, query: dict[str, str]) -> str:
        """Let the person in at once; return where the browser is led back to."""
        assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", CLIENT, "S256")
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.url})}"

    def tokens(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Change a code for tokens, once, for who began and knows the secrets."""
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        told = base64.b64encode(f"{CLIENT}:s3cret+of+the+client".encode()).decode()
        if asked is None or challenge.rstrip("=") != asked["code_challenge"] or authorization != f"Basic {told}":
            return None
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= {"email_verified": True, **self.person, **self.bent}
        kept = {name: value for name, value in claims.items() if value is not None}
        return {
            "access_token": "x",
            "token_type": "Bearer",
            "id_token": self._signed(kept),
        }

    def _signed(self, claims: dict[str, Any]) -> str:
        header = {"alg": self.algorithm, "kid": "1"}
        if self.algorithm == "RS256":
            return jwt.encode(header, claims, self.signs_with or self.key)
        said = ".".join(_text(json.dumps(part).encode()) for part in (header, claims))
        # By what everybody knows, as if it were a shared secret.
        mark = (
            hmac.digest(self.key.as_pem(private=False), said.encode(), "sha256") if self.algorithm == "HS256" else b""
        )
        return f"{said}.{_text(mark)}"


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@contextmanager
def issuer() -> Iterator[Issuer]:
    """Serve one until the block ends."""
    made = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            made.asked.append(parts.path)
            if made.is_down:
                self._say(503, {})
            elif parts.path == "/.well-known/openid-configuration":
                names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
                said = {name: f"{made.url}/{path}" for name, path in names.items()}
                self._say(200, {"issuer": made.url, **said, **made.described})
            elif parts.path == "/keys":
                self._say(200, {"keys": [made.key.as_dict(private=False)]})
            else:
                self.send_response(303)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_header("Location", made.authorize(query))
                self.end_headers()

        def do_POST(self) -> None:
            made.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            found = made.tokens(form, self.headers.get("Authorization", ""))
            self._say(200 if found else 400, found or {"error": "invalid_grant"})

        def _say(self, status: int, document: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
