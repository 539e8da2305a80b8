"""What scripts on the site's pages may read, what visitors are given, and what a form asks for when it is touched."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation import intake
from moderation.db import clock
from tests.conftest import BASE_URL, ORIGIN, PAGE, make_site
from tests.web.asking import JSON, REPLIES, TYPED, dump, receipt_path, send_form, stored

GOOD = {**TYPED, "page": PAGE}
EVIL = "https://evil.example"
#: Requests of every kind of answer: method, path, body, status for the site's own pages.
ASKED: list[tuple[str, str, dict[str, Any], int]] = [
    ("POST", REPLIES, {"data": GOOD}, 201),
    ("POST", REPLIES, {"data": {"comment": ""}}, 422),
    ("POST", REPLIES, {"data": {**GOOD, "page": "https://elsewhere.example/"}}, 403),
    ("POST", REPLIES, {"data": {**GOOD, "page": "x"}}, 422),
    ("POST", REPLIES, {"data": {**GOOD, "parent": "77"}}, 404),
    ("POST", REPLIES, {"data": "x", "content_type": "text/plain"}, 415),
    ("POST", REPLIES, {"data": "[1]", "content_type": "application/json"}, 400),
    ("POST", "/sites/courier/wp-comments-post.php", {"data": TYPED}, 422),
    ("POST", "/sites/courier/preview", {"data": {"comment": "*x*"}}, 200),
    ("POST", "/sites/courier/preview", {"data": {"comment": ""}}, 422),
    ("GET", f"/sites/courier/form?page={PAGE}", {}, 200),
    ("GET", "/sites/courier/form?page=x", {}, 422),
    ("GET", "/sites/courier/form?page=https://elsewhere.example/", {}, 403),
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("method", "path", "body", "status"), ASKED)
def test_every_answer_can_be_read_by_the_site_s_own_pages_only(
    client: FlaskClient, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    for origin in (ORIGIN, BASE_URL):
        answer = client.open(path, method=method, headers={**JSON, "Origin": origin}, **body)
        assert answer.status_code == (409 if status == 201 and origin == BASE_URL else status)
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
    for origin in (EVIL, "null", f"{ORIGIN}.evil.example", "http://courier.example"):
        answer = client.open(path, method=method, headers={**JSON, "Origin": origin}, **body)
        assert answer.status_code == (403 if method == "POST" else status)
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control-")]
        assert "Origin" in answer.headers["Vary"]


def test_429_can_be_read_with_its_wait(app: Flask, client: FlaskClient) -> None:
    app.config["REPLY_PAUSE"] = 15
    send_form(client)
    answer = client.post(REPLIES, data={**GOOD, "comment": "Again."}, headers={**JSON, "Origin": ORIGIN})
    assert answer.status_code == 429
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", [REPLIES, "/sites/courier/preview", "/sites/courier/wp-comments-post.php"])
def test_a_preflight_is_answered_for_the_site_s_own_pages(client: FlaskClient, path: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = client.options(path, headers={"Origin": ORIGIN, **asked})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    foreign = client.options(path, headers={"Origin": EVIL, **asked})
    assert not [name for name in dict(foreign.headers) if name.startswith("Access-Control-")]


@pytest.mark.sqlite_only
def test_no_visitor_is_given_a_cookie(app: Flask, client: FlaskClient) -> None:
    receipt = receipt_path(client.post(REPLIES, data=GOOD, headers=JSON))
    paths = [
        f"/sites/courier/thread?page={PAGE}",
        f"/sites/courier/thread.json?page={PAGE}",
        f"/sites/courier/thread.html?page={PAGE}",
        f"/sites/courier/thread.atom?page={PAGE}",
        "/sites/courier/comments.atom",
        f"/sites/courier/counts.json?page={PAGE}",
        "/sites/courier/accent.css",
        "/sites/courier/thread?page=x",
        "/sites/nowhere/thread",
        "/embed.js",
        "/static/embed.css",
        "/robots.txt",
        "/healthz",
        "/nothing",
        receipt,
        f"{receipt}/edit",
        "/receipts/1.x",
        "/queue/",
    ]
    answers = [client.get(path, buffered=True) for path in paths]
    answers += [
        client.post(REPLIES, data=GOOD),
        client.post(REPLIES, data={"comment": ""}),
        send_form(client, comment="Another."),
    ]
    answers += [client.post(f"{receipt}/edit", data={"comment": "Changed."}), client.post(f"{receipt}/withdraw")]
    assert [answer.request.path for answer in answers if "Set-Cookie" in answer.headers] == []
    # What is behind sign-in, and what is nowhere, depends on who asks.
    told = [answer.request.path for answer in answers if "Cookie" in answer.headers.get("Vary", "")]
    assert told == ["/nothing", "/queue/"]
    assert dump(app)["web_session"] == []


def test_a_preview_is_the_server_s_own_rendering_and_stores_nothing(app: Flask, client: FlaskClient) -> None:
    before = dump(app)
    text = "Wider is *good* [news](https://margit.example/) <script>x</script>"
    answer = client.post("/sites/courier/preview", data={"comment": text})
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == {
        "body": [
            [
                "p",
                "Wider is ",
                ["em", "good"],
                " ",
                ["a", {"href": "https://margit.example/"}, "news"],
                " <script>x</script>",
            ]
        ]
    }
    plain = client.post("/sites/courier/preview", json={"comment": "*x*", "format": "plain"})
    assert plain.json == {"body": [["p", "*x*"]]}
    assert dump(app) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"comment": ""}, {"comment"}),
        ({"comment": "a\0b"}, {"comment"}),
        ({"comment": "a" * 5001}, {"comment"}),
        ({"comment": "x", "format": "html"}, {"format"}),
    ],
)
def test_a_preview_says_what_is_wrong_with_the_text_alone(
    client: FlaskClient, fields: dict[str, str], wrong: set[str]
) -> None:
    answer = client.post("/sites/courier/preview", data=fields)
    assert (answer.status_code, set(answer.json["errors"])) == (422, wrong)


@pytest.mark.sqlite_only
def test_previews_are_limited_by_network(app: Flask, client: FlaskClient) -> None:
    most = app.config["PREVIEWS_PER_MINUTE"]
    ask = {"data": {"comment": "x"}, "headers": {**JSON, "Origin": ORIGIN}}
    answers = [client.post("/sites/courier/preview", **ask) for _ in range(most + 1)]
    assert [answer.status_code for answer in answers] == [200] * most + [429]
    assert answers[-1].headers["Retry-After"] == "60"
    assert answers[-1].headers["Access-Control-Allow-Origin"] == ORIGIN
    other = client.post("/sites/courier/preview", environ_overrides={"REMOTE_ADDR": "198.51.100.9"}, **ask)
    assert other.status_code == 200


def test_a_form_asks_for_what_must_be_fresh(app: Flask, client: FlaskClient) -> None:
    before = dump(app)
    first, second = (client.get("/sites/courier/form", query_string={"page": PAGE}) for _ in range(2))
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-store")
    assert set(first.json) == {"token", "key", "wait"}
    assert first.json["wait"] == {"half": None, "most": None}
    assert first.json["key"] != second.json["key"]
    secret = app.config["FORM_KEY"]
    ages = [
        intake.token_age(first.json["token"], site, page, secret=secret, now=clock())
        for site, page in [
            ("courier", "courier.example/news/mill-lane"),
            ("harbour", "courier.example/news/mill-lane"),
            ("courier", "courier.example/news/other"),
        ]
    ]
    assert (ages[0] is not None and 0 <= ages[0] < 60, ages[1:]) == (True, [None, None])
    assert dump(app) == before
    sent = client.post(REPLIES, data={**GOOD, "token": first.json["token"], "key": first.json["key"]})
    assert sent.status_code == 303
    assert stored(app)[0]["findings"] in (["hurried", "website"], ["website"])


@pytest.mark.sqlite_only
def test_a_moderator_s_cookie_gives_a_reply_no_rights(app: Flask, ana: FlaskClient) -> None:
    answer = ana.post(REPLIES, data={**GOOD, "comment": "<b>As a moderator</b>"}, headers=JSON)
    assert answer.status_code == 201
    assert (stored(app)[0]["status"], stored(app)[0]["findings"]) == ("pending", ["no-token", "website"])
    assert "&lt;b&gt;" in ana.get(receipt_path(answer)).get_data(as_text=True)


@pytest.mark.sqlite_only
def test_a_site_with_two_origins_takes_from_both(app: Flask, client: FlaskClient) -> None:
    make_site(app, "two", "https://a.example", "https://b.example:8443")
    for origin in ("https://a.example", "https://b.example:8443"):
        body = {**TYPED, "page": f"{origin}/page"}
        answer = client.post("/sites/two/replies", data=body, headers={**JSON, "Origin": origin})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (201, origin)
