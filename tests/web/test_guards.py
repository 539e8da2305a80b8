"""Every door is behind sign-in or listed here as public; every answer carries its guards; every error has a page."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from moderation.db import db
from moderation.web import guards, owning
from tests.conftest import ORIGIN, PAGE, make_account, new_app, token_in
from tests.web.asking import JSON, REPLIES, TYPED, Page, press, receipt_path

#: What anybody may ask. A new route is behind sign-in, or somebody writes it down here.
PUBLIC = {
    "static",
    "operations.front",
    "operations.alive",
    "operations.ready",
    "operations.robots",
    "demo.article",
    "submissions.take",
    "submissions.take_wordpress",
    "submissions.preview",
    "submissions.fresh",
    "published.thread",
    "published.thread_json",
    "published.thread_fragment",
    "published.thread_atom",
    "published.comments_atom",
    "published.counts",
    "published.accent",
    "published.embed",
    "receipts.show",
    "receipts.edit_form",
    "receipts.edit",
    "receipts.withdraw",
    "receipts.resume",
    "account.sign_in",
    "account.do_sign_in",
    "account.do_sign_in_by_passkey",
    "account.second",
    "account.do_second",
    "account.sign_out",
    "oidc.begin",
    "oidc.finish",
    "reset.choose",
    "reset.do_choose",
    "account.start",
    "account.do_start",
    "invitations.show",
    "invitations.accept",
    "invitations.sign_in",
    "openapi.describe",
}
#: Blueprints that let nobody past who has not signed in.
BEHIND_SIGN_IN = {
    "queue": guards.signed_in,
    "together": guards.signed_in,
    "log": guards.signed_in,
    "profile": guards.signed_in,
    "operating": guards.signed_in,
    "people": guards.signed_in,
    # These ask for the role too.
    "settings": owning.only_owners,
    "moving": owning.only_owners,
    # The same, but for who still has to set up a second factor: these are where it is done.
    "factors": guards.signed_in_by_password,
    "passkeys": guards.signed_in_by_password,
    "confirm": guards.signed_in_by_password,
}
#: What is framed by the pages of a site.
FRAMED = {"submissions", "receipts"}
#: What no cache keeps and no other site reads.
UNCACHED = {*BEHIND_SIGN_IN, "account", "oidc", "reset", "invitations", "receipts", "submissions"}
FRAMED_ROUTES = {"published.thread"}
#: What is kept ready for everybody, and is no page.
DATA = {f"published.{name}" for name in ("thread_json", "thread_atom", "comments_atom", "counts", "accent", "embed")}


def _rules(app: Flask) -> list[Any]:
    return sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint)


def _path(rule: Any, receipt: str) -> str:
    values = {
        "key": "courier",
        "revision_id": "1",
        "concern": "site",
        "account_id": "1",
        "invitation_id": "1",
        "token": receipt.removeprefix("/receipts/"),
        "filename": "embed.css",
    }
    return re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda found: values[found[1]], rule.rule)


def test_every_route_is_behind_sign_in_or_listed_as_public(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in _rules(app)}
    behind = {endpoint for endpoint in endpoints if endpoint.split(".")[0] in BEHIND_SIGN_IN}
    assert endpoints - behind == PUBLIC
    for blueprint, guard in BEHIND_SIGN_IN.items():
        assert guard in app.before_request_funcs[blueprint]


def test_nobody_gets_behind_sign_in_without_it(app: Flask, client: FlaskClient) -> None:
    token = token_in(client, "/account/sign-in")
    for rule in _rules(app):
        if rule.endpoint.split(".")[0] in BEHIND_SIGN_IN:
            for method in rule.methods - {"OPTIONS"}:
                answer = client.open(
                    _path(rule, ""), method=method, data={"csrf_token": token} if method == "POST" else None
                )
                assert answer.status_code in {303, 403}, (rule.endpoint, method)
                assert answer.headers.get("Location", "/account/sign-in") == "/account/sign-in"


@pytest.fixture
def receipt(client: FlaskClient) -> str:
    """Hold a reply and return its receipt."""
    return receipt_path(client.post(REPLIES, data={**TYPED, "page": PAGE}, headers=JSON))


@pytest.mark.sqlite_only
@pytest.mark.parametrize("who", ["visitor", "moderator"])
def test_every_answer_carries_its_guards(
    app: Flask, client: FlaskClient, ana: FlaskClient, receipt: str, who: str
) -> None:
    asked = client if who == "visitor" else ana
    for rule in _rules(app):
        for method in rule.methods & {"GET", "POST"}:
            options: dict[str, Any] = {"query_string": {"page": PAGE}, "buffered": True}
            answer = (
                asked.get(_path(rule, receipt), **options)
                if method == "GET"
                else asked.post(_path(rule, receipt), data={"x": "y"}, **options)
            )
            where = (rule.endpoint, method)
            assert answer.status_code < 500, where
            headers = answer.headers
            assert headers["X-Content-Type-Options"] == "nosniff", where
            assert re.fullmatch(r"[0-9a-f]{16}", headers["X-Request-ID"]), where
            policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
            assert policy["default-src"] == "'none'", where
            if answer.status_code == 200 and rule.endpoint in DATA and answer.mimetype != "text/html":
                # Data for everybody: it is no document, and refers to nothing.
                assert policy.keys() == {"default-src", "frame-ancestors"}, where
            else:
                assert headers["Referrer-Policy"] == "same-origin", where
                assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
                assert headers["Permissions-Policy"], where
                assert policy["base-uri"] == "'none'", where
            assert "unsafe" not in headers["Content-Security-Policy"], where
            framed = rule.endpoint.split(".")[0] in FRAMED or rule.endpoint in FRAMED_ROUTES
            assert policy["frame-ancestors"] == (ORIGIN if framed else "'none'"), where
            if rule.endpoint.split(".")[0] in UNCACHED:
                assert headers["Cache-Control"] == "no-store", where
                assert "Access-Control-Allow-Origin" not in headers, where


@pytest.mark.sqlite_only
def test_no_page_holds_script_or_style_of_its_own(client: FlaskClient, ana: FlaskClient, receipt: str) -> None:
    paths = [
        "/queue/",
        "/queue/1",
        "/log/",
        "/log/numbers",
        "/account/sites",
        "/account/sign-in",
        "/account/",
        "/account/app",
        receipt,
        f"{receipt}/edit",
        "/nothing",
    ]
    paths += [f"/sites/courier/thread?page={PAGE}", "/sites/courier/thread?page=x", "/account/sites"]
    for path in paths:
        page = Page(ana.get(path))
        assert page.unbalanced == [], path
        for tag, attributes in page.tags:
            assert tag != "style", path
            is_data = attributes.get("type") == "application/json"
            assert tag != "script" or is_data or str(attributes.get("src")).startswith("/static/"), path
            assert "style" not in attributes, path
            assert not [name for name in attributes if name.startswith("on")], path
            for name in {"src", "href"} & attributes.keys():
                assert tag not in {"link", "script", "img"} or str(attributes[name]).startswith("/"), path


#: How each error is provoked.
ROOT = Path(__file__).resolve().parents[2]

ERRORS: list[tuple[int, str, str, dict[str, Any], str]] = [
    (400, "POST", "/account/sign-out", {"data": {"x": "y"}}, "The page was open too long"),
    (404, "GET", "/nothing", {}, "There is nothing here"),
    (404, "GET", "/sites/nowhere/thread", {}, "There is nothing here"),
    (404, "GET", "/queue/0", {}, "There is nothing here"),
    (404, "GET", "/queue/01", {}, "There is nothing here"),
    (404, "GET", "/queue/١", {}, "There is nothing here"),
    (404, "GET", "/sites/COURIER/thread", {}, "There is nothing here"),
    (404, "GET", "/static/../config.py", {}, "There is nothing here"),
    (404, "GET", "/static/%2e%2e/config.py", {}, "There is nothing here"),
    (405, "GET", "/queue/decisions", {}, "This address does not work that way"),
    (405, "POST", "/healthz", {"data": {"x": "y"}}, "This address does not work that way"),
    (405, "DELETE", "/sites/courier/replies", {"data": {"x": "y"}}, "This address does not work that way"),
    (
        411,
        "POST",
        "/sites/courier/replies",
        {"environ_overrides": {"HTTP_TRANSFER_ENCODING": "chunked"}},
        "The length is missing",
    ),
    (413, "POST", "/sites/courier/replies", {"data": b"x" * 655_361}, "That is too long"),
    (415, "POST", "/sites/courier/replies", {"data": b"x", "content_type": "text/x"}, "This kind of content"),
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("status", "method", "path", "options", "title"), ERRORS)
def test_every_error_is_a_page_for_people_and_a_problem_for_programs(
    client: FlaskClient, status: int, method: str, path: str, options: dict[str, Any], title: str
) -> None:
    page = client.open(path, method=method, **options)
    shown = Page(page)
    assert (page.status_code, page.mimetype, shown.unbalanced) == (status, "text/html", [])
    assert title in shown.words
    assert f"Error {status}" in shown.words
    problem = client.open(path, method=method, headers=JSON, **options)
    assert (problem.status_code, problem.content_type) == (status, "application/problem+json")
    assert problem.json["title"].startswith(title)
    assert (problem.json["status"], problem.json["type"]) == (status, "about:blank")
    for answer in (page, problem):
        assert answer.headers["Cache-Control"] == "no-store"
        assert ("Allow" in answer.headers) is (status == 405)
        assert "Set-Cookie" not in answer.headers


@pytest.mark.sqlite_only
def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    assert set(client.get("/queue/undo").headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert set(client.put("/healthz", data={"x": "y"}).headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Collect what the service writes to standard error; afterwards it writes where it did."""
    before = structlog.get_config()
    lines = io.StringIO()
    monkeypatch.setattr("sys.stderr", lines)
    yield lines
    structlog.configure(**before)


@pytest.fixture
def throwaway(app: Flask, site: str, tmp_path: Path, journal: io.StringIO) -> Iterator[Flask]:
    """Make an app of its own on the same database, with a door that fails and a journal that is read."""
    made = new_app(app.config["DATABASE_URL"], tmp_path, LOG_LEVEL="info")
    made.add_url_rule("/fails", "fails", _fail)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def _fail() -> str:
    secret_of_somebody = "margit@home.example"
    raise RuntimeError(f"in {__file__}" if secret_of_somebody else "")


@pytest.mark.sqlite_only
def test_a_failure_says_nothing_but_its_number(throwaway: Flask, journal: io.StringIO) -> None:
    client = throwaway.test_client()
    page = client.get("/fails?secret=xyzzy")
    shown = Page(page)
    assert (page.status_code, "Something went wrong" in shown.words) == (500, True)
    assert page.headers["X-Request-ID"] in shown.words
    problem = client.get("/fails", headers=JSON)
    assert (problem.status_code, problem.json) == (
        500,
        {"type": "about:blank", "title": "Something went wrong", "status": 500},
    )
    for answer in (page, problem):
        for inside in (b"RuntimeError", b"Traceback", b"test_guards", str(ROOT).encode()):
            assert inside not in answer.data
        assert answer.headers["Content-Security-Policy"]
    logged = [json.loads(line) for line in journal.getvalue().splitlines()]
    failed = [line for line in logged if line["event"] == "request.failed"]
    assert [line["request_id"] for line in failed] == [page.headers["X-Request-ID"], problem.headers["X-Request-ID"]]
    assert failed[0]["exception"][0]["exc_type"] == "RuntimeError"
    assert "margit@home.example" not in journal.getvalue()
    assert "xyzzy" not in journal.getvalue()


@pytest.mark.sqlite_only
def test_the_journal_has_a_line_for_every_request_and_no_secret(throwaway: Flask, journal: io.StringIO) -> None:
    client = throwaway.test_client()
    receipt = receipt_path(client.post(REPLIES, data={**TYPED, "page": PAGE}, headers=JSON))
    token = receipt.removeprefix("/receipts/")
    answers = [client.get(receipt), client.get(f"{receipt}/edit"), press(client, f"{receipt}/withdraw")]
    answers += [client.get(f"/receipts/{token[:-1]}"), client.get(f"/receipts/{token}/nothing")]
    answers += [client.get(f"/sites/courier/thread?page={PAGE}"), client.post(receipt, data={"x": "y"})]
    answers += [client.get("/account/start?code=plugh"), client.get("/receipts/" + token + "x" * 100)]
    written = journal.getvalue()
    lines = [json.loads(line) for line in written.splitlines()]
    requests = {line["request_id"]: line for line in lines if line["event"] == "request"}
    for answer in answers:
        line = requests[answer.headers["X-Request-ID"]]
        assert (line["status"], line["method"]) == (answer.status_code, answer.request.method)
    assert requests[answers[0].headers["X-Request-ID"]]["route"] == "/receipts/<token:token>"
    for secret in (token, token[2:14], "home.example", "Margit", "mill-lane", "plugh", "127.0.0.1", TYPED["comment"]):
        assert secret not in written


COOKIES = ['remember_token="1|\\303\\251"', "remember_token=1|x", "session=x", "session=.x", "told=x", "=", ";;", "é=é"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("cookie", COOKIES)
def test_a_cookie_of_anybody_s_making_breaks_nothing(client: FlaskClient, cookie: str) -> None:
    public = (f"/sites/courier/thread?page={PAGE}", "/static/console.css", "/account/sign-in")
    for path, status in [*((path, 200) for path in public), ("/queue/", 303)]:
        answer = client.get(path, environ_overrides={"HTTP_COOKIE": cookie}, buffered=True)
        assert answer.status_code == status


@pytest.mark.sqlite_only
def test_a_request_id_is_ours(client: FlaskClient) -> None:
    answers = [client.get("/healthz", headers={"X-Request-ID": "evil"}) for _ in range(2)]
    assert len({answer.headers["X-Request-ID"] for answer in answers} | {"evil"}) == 3


@pytest.mark.sqlite_only
def test_a_text_names_its_encoding(ana: FlaskClient, receipt: str) -> None:
    published = ("thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json", "accent.css")
    paths = [f"/sites/courier/{name}?page={PAGE}" for name in published]
    paths += ["/queue/", "/embed.js", "/static/queue.js", "/static/console.css", "/log/log.csv", receipt, "/robots.txt"]
    for path in [*paths, "/healthz", "/openapi.json", "/nothing"]:
        kind = ana.get(path, buffered=True).headers["Content-Type"]
        encoded = kind.startswith("text/") or "xml" in kind
        assert kind.endswith("; charset=utf-8") if encoded else kind.endswith("json"), (path, kind)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "path", ["/", "/queue/", "/healthz", "/static/console.css", f"/sites/courier/thread?page={PAGE}"]
)
@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND"])
def test_methods_that_nobody_needs_do_nothing(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(path, method=method, headers={"X-Secret": "xyzzy"})
    assert (answer.status_code, b"xyzzy" in answer.data) == (405, False)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", ["/static/", "/static", "/static/embed/", "/static/.git/config", "/.git/config"])
def test_no_folder_is_listed(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.sqlite_only
def test_a_proof_that_was_wrong_is_a_line_of_the_journal(throwaway: Flask, journal: io.StringIO) -> None:
    email, client = make_account(throwaway, "Ana"), throwaway.test_client()
    for address in (email, "nobody@staff.example"):
        form = {"email": address, "password": "not hers at all", "csrf_token": token_in(client, "/account/sign-in")}
        assert client.post("/account/sign-in", data=form).status_code == 422
    lines = [json.loads(line) for line in journal.getvalue().splitlines()]
    failed = [line for line in lines if line["event"] == "proof.failed"]
    assert [(line["factor"], line["account"]) for line in failed] == [("password", 1), ("password", None)]
    assert all(re.fullmatch(r"[0-9a-f]{24}", line["network"]) and line["timestamp"].endswith("Z") for line in failed)
    assert email not in journal.getvalue()
    assert "not hers" not in journal.getvalue()
