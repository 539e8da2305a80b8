"""What every class of answer carries: who may frame it, how long it is kept, what it may load; and who may send."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation.web import guards
from tests.conftest import BASE_URL, ORIGIN, PAGE, PASSWORD, make_account, token_in
from tests.web.asking import JSON, REPLIES, TYPED, asset, receipt_path, send_form

PUBLISHED = "public, max-age=10, stale-while-revalidate=30, stale-if-error=600"
FOREVER = "public, max-age=31536000, immutable"
NOBODY = "'none'"
EVIL = "https://evil.example"
#: Class of page: path, status, who may frame it, how long it is kept. {receipt} is one of a held reply.
CLASSES = [
    ("/queue/", 200, NOBODY, "no-store"),
    ("/queue/?view=spam", 200, NOBODY, "no-store"),
    ("/queue/1", 200, NOBODY, "no-store"),
    ("/log/", 200, NOBODY, "no-store"),
    ("/account/sign-in", 200, NOBODY, "no-store"),
    ("/", 303, NOBODY, "no-store"),
    ("/no/such/page", 404, NOBODY, "no-store"),
    ("/queue/999", 404, NOBODY, "no-store"),
    ("/queue/decisions", 405, NOBODY, "no-store"),
    (f"/sites/courier/thread?page={PAGE}", 200, ORIGIN, "no-store"),
    (f"/sites/courier/form?page={PAGE}", 200, ORIGIN, "no-store"),
    ("/sites/courier/form?page=x", 422, ORIGIN, "no-store"),
    ("{receipt}", 200, ORIGIN, "no-store"),
    ("{receipt}/edit", 200, ORIGIN, "no-store"),
    ("/receipts/1.AAAAAAAAAAAAAAAAAAAAAA", 404, NOBODY, "no-store"),
    (f"/sites/courier/thread.json?page={PAGE}", 200, NOBODY, PUBLISHED),
    (f"/sites/courier/thread.html?page={PAGE}", 200, NOBODY, PUBLISHED),
    (f"/sites/courier/thread.atom?page={PAGE}", 200, NOBODY, PUBLISHED),
    ("/sites/courier/comments.atom", 200, NOBODY, PUBLISHED),
    (f"/sites/courier/counts.json?page={PAGE}", 200, NOBODY, PUBLISHED),
    ("/sites/courier/accent.css", 200, NOBODY, PUBLISHED),
    ("/sites/courier/thread.json?page=x", 422, NOBODY, "no-store"),
    ("/sites/nobody/thread.json", 404, NOBODY, "no-store"),
    ("/embed.js", 200, NOBODY, "public, max-age=300, stale-while-revalidate=86400"),
    (asset("console.css"), 200, NOBODY, FOREVER),
    ("/static/console.css?v=1", 200, NOBODY, "public, no-cache"),
    ("/static/none.css?v=1", 404, NOBODY, "no-store"),
    ("/healthz", 200, NOBODY, "no-store"),
    ("/readyz", 200, NOBODY, "no-store"),
    ("/robots.txt", 200, NOBODY, "no-store"),
]


def ancestors(answer: Any) -> str:
    """Return who may frame an answer."""
    return str(answer.headers["Content-Security-Policy"]).split("frame-ancestors ")[1].split(";")[0]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("path", "status", "framed_by", "kept"), CLASSES)
def test_each_class_of_page(ana: FlaskClient, path: str, status: int, framed_by: str, kept: str) -> None:
    receipt = receipt_path(send_form(ana.application.test_client()))
    answer = ana.get(path.format(receipt=receipt), buffered=True)
    assert (answer.status_code, ancestors(answer), answer.headers["Cache-Control"]) == (status, framed_by, kept)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert not [word for word in ("unsafe", "*", "http:", "https:;", "blob:") if word in policy]
    is_kept = not kept.endswith(("no-store", "no-cache"))
    # The shipped nginx tells copies apart by that, and looks at no Vary.
    assert not is_kept or answer.headers["Vary"] == "Accept-Encoding"
    is_data = is_kept and answer.mimetype != "text/html"
    for name in ("X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Permissions-Policy"):
        # What is no document needs no more than that nobody takes it for one.
        needed = name == "X-Content-Type-Options" or not is_data
        assert answer.headers.get(name) == (guards.SECURITY_HEADERS[name] if needed else None)
    opened = "Access-Control-Allow-Origin" in answer.headers or path.startswith(("/sites/courier/form", "{receipt}"))
    assert answer.headers["Cross-Origin-Resource-Policy"] == ("cross-origin" if opened else "same-origin")
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.sqlite_only
def test_what_the_form_of_a_thread_leads_to_is_framed_as_the_thread_is(app: Flask, client: FlaskClient) -> None:
    app.config["REPLY_PAUSE"] = 60
    answers = {
        "wrong": send_form(client, comment=""),
        "foreign page": send_form(client, page="https://elsewhere.example/"),
        "taken": send_form(client),
        "too fast": send_form(client, comment="And again."),
        "shown once more": client.post(REPLIES, data={**TYPED, "page": PAGE}),
        "too long": client.post(REPLIES, data=b"x" * 655_361),
        "no length": client.post(REPLIES, environ_overrides={"HTTP_TRANSFER_ENCODING": "chunked"}),
        "of a foreign page": client.post(REPLIES, data=TYPED, headers={"Origin": EVIL}),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "wrong": 422,
        "foreign page": 403,
        "taken": 303,
        "too fast": 429,
        "shown once more": 200,
        "too long": 413,
        "no length": 411,
        "of a foreign page": 403,
    }
    assert {name: ancestors(answer) for name, answer in answers.items()} == dict.fromkeys(answers, ORIGIN)


#: Headers that a browser adds, and whether a form that carries the right token is taken.
SENDERS: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"Origin": BASE_URL}, True),
    ({"Origin": "http://localhost"}, True),
    ({"Origin": BASE_URL, "Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Origin": EVIL}, False),
    ({"Origin": ORIGIN}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Origin": "http://127.0.0.1:8001"}, False),
    ({"Origin": "https://127.0.0.1:8000"}, False),
    ({"Origin": f"{BASE_URL}.evil.example"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Origin": BASE_URL, "Sec-Fetch-Site": "cross-site"}, False),
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("headers", "taken"), SENDERS)
def test_a_session_is_ridden_by_nobody(app: Flask, ana: FlaskClient, headers: dict[str, str], taken: bool) -> None:
    send_form(app.test_client())
    token = token_in(ana, "/queue/")
    decision = {"action": "approve", "revision": "1:0", "csrf_token": token}
    answer = ana.post("/queue/decisions", data=decision, headers={**JSON, **headers})
    assert answer.status_code == (200 if taken else 403)
    ended = ana.post("/account/sign-out", data={"csrf_token": token}, headers=headers)
    assert ended.status_code == (303 if taken else 403)
    assert ana.get("/queue/").status_code == (303 if taken else 200)


@pytest.mark.sqlite_only
def test_nobody_is_signed_in_from_elsewhere(app: Flask, client: FlaskClient) -> None:
    email = make_account(app, "Ana")
    form = {"email": email, "password": PASSWORD, "csrf_token": token_in(client, "/account/sign-in")}
    assert client.post("/account/sign-in", data=form, headers={"Origin": EVIL}).status_code == 403
    assert client.post("/account/sign-in", data=form, headers={"Origin": BASE_URL}).status_code == 303
