"""The service answers by its own names alone, whatever it answers, and tells nothing to other names."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import create_environ, run_wsgi_app

from moderation.web.hosts import names_of
from tests.conftest import ORIGIN, PAGE, make_site, new_app

PATHS = ("/", "/queue/", "/sites/courier/thread.json", "/static/embed.css", "/embed.js", "/receipts/x", "/no/such")


def ask(app: Flask, path: str, host: str | None, **headers: str) -> tuple[int, bytes, Any]:
    """Ask past the test client, which reads the host itself."""
    environ = create_environ(path, headers=headers)
    del environ["HTTP_HOST"]
    if host is not None:
        environ["HTTP_HOST"] = host
    body, status, answered = run_wsgi_app(app, environ, buffered=True)
    return int(status.split()[0]), b"".join(body), answered


HOSTS = ["a..b", "..", "x" * 64, "xn--a", "a b", "a/b", "évil.example", "", "localhost:port", "[::1", "a" * 300]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_none_is_400(client: FlaskClient, host: str) -> None:
    for path in (*PATHS, "/healthz"):
        status, body, headers = ask(client.application, path, host)
        assert (status, body) == (400, b"This request names no host.\n")
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.sqlite_only
@pytest.mark.parametrize("host", ["evil.example", "reply.example:8000", "10.0.0.1", "127.0.0.1.evil.example"])
def test_a_name_of_others_is_421_ahead_of_every_door(client: FlaskClient, host: str) -> None:
    for path in PATHS:
        client.get(path, buffered=True)
        status, body, headers = ask(client.application, path, host)
        assert (status, host.encode() in body) == (421, False)
        assert b'href="http://127.0.0.1:8000/"' in body
        assert (headers["Cache-Control"], "Set-Cookie" in headers, "Location" in headers) == ("no-store", False, False)
    status, body, headers = ask(client.application, "/queue/", host, Accept="application/json")
    assert (status, headers["Content-Type"]) == (421, "application/problem+json")


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("reply.example", 200),
        ("REPLY.example", 200),
        ("reply.example.", 200),
        ("reply.example:443", 200),
        # A proxy may name the port at which it listens, or none.
        ("reply.example:8443", 200),
        ("inner.example", 200),
        ("[2001:db8::7]:8000", 200),
        (None, 200),
        ("reply.example.evil.example", 421),
        ("www.reply.example", 421),
        ("localhost", 421),
        ("127.0.0.1:8000", 421),
    ],
)
def test_the_public_address_and_what_the_operator_adds(
    app: Flask, database: str, tmp_path: Path, host: str | None, status: int
) -> None:
    made = new_app(database, tmp_path, BASE_URL="https://reply.example", HOSTS="inner.example, [2001:db8::7]")
    make_site(app, "courier", ORIGIN)
    for _ in "12":
        assert ask(made, f"/sites/courier/thread.json?page={PAGE}", host)[0] == status


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("host", "status"), [("10.2.3.4:8000", 200), ("localhost", 200), ("[::1]:9", 200), ("evil.example", 421)]
)
def test_machines_that_watch_may_ask_by_the_number(database: str, tmp_path: Path, host: str, status: int) -> None:
    made = new_app(database, tmp_path, BASE_URL="https://reply.example")
    assert [ask(made, path, host)[0] for path in ("/healthz", "/readyz")] == [status] * 2
    assert ask(made, "/account/sign-in", host)[0] == 421


@pytest.mark.parametrize(
    ("base_url", "more", "names"),
    [
        ("http://127.0.0.1:8000", "", {"127.0.0.1", "localhost", "[::1]"}),
        ("http://[::1]:8000", "", {"127.0.0.1", "localhost", "[::1]"}),
        ("http://0.0.0.0:8000", "", {"0.0.0.0", "127.0.0.1", "localhost", "[::1]"}),
        ("https://reply.example:8443", "A.example,b.example,", {"reply.example", "a.example", "b.example"}),
    ],
)
def test_names(base_url: str, more: str, names: set[str]) -> None:
    assert names_of(base_url, more=more) == names


@pytest.mark.sqlite_only
def test_a_redirect_repeats_no_host(client: FlaskClient) -> None:
    answer = client.get("/queue?view=spam", headers={"Host": "localhost:1"})
    assert (answer.status_code, answer.headers["Location"]) == (308, "/queue/?view=spam")
