"""How often somebody may ask: who counts as one, what is counted, and how a refusal is said."""

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation.scratch import FORWARDED_BY
from tests.conftest import ORIGIN, PAGE, make_site, new_app
from tests.web.asking import JSON, REPLIES, TYPED, Page, dump, press, receipt_path, send_form, stored, token

ALL = ("NETWORK_REPLIES_PER_MINUTE", "THREAD_REPLIES_PER_MINUTE", "SITE_REPLIES_PER_MINUTE")


@pytest.fixture
def limited(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets limits until the test ends; those of replies are off."""

    def set_(**limits: int) -> None:
        for name, most in (dict.fromkeys(ALL, 0) | limits).items():
            monkeypatch.setitem(app.config, name, most)

    set_()
    return set_


def send(client: FlaskClient, number: int = 0, *, peer: str = "192.0.2.7", **options: Any) -> Any:
    """Send a reply of its own as a program does."""
    page, path = options.pop("page", PAGE), options.pop("path", REPLIES)
    body = {
        "comment": f"Reply {number}",
        "author": f"Reader {number}",
        "email": f"r{number}@home.example",
        "page": page,
    }
    headers = {**JSON, **options.pop("headers", {})}
    return client.post(path, data=body | options, headers=headers, environ_overrides={"REMOTE_ADDR": peer})


FORGED = ("X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "Forwarded", "X-Client-IP", "Via")


@pytest.mark.sqlite_only
def test_sixty_submissions_with_forged_headers_count_as_one_sender_s(client: FlaskClient, limited: Any) -> None:
    limited(NETWORK_REPLIES_PER_MINUTE=10)
    answers = []
    for number in range(60):
        forged = dict.fromkeys(FORGED, f"198.51.100.{number}") | {"Forwarded": f"for=198.51.100.{number}"}
        answers.append(send(client, number, headers=forged).status_code)
    assert answers == [201] * 10 + [429] * 50
    assert send(client, 99, peer="203.0.113.5").status_code == 201


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:203.0.113.7", False),
        ("192.0.2.7", "203.0.113.7", False),
    ],
)
def test_a_network_is_a_slash_64(client: FlaskClient, limited: Any, first: str, second: str, same: bool) -> None:
    limited(NETWORK_REPLIES_PER_MINUTE=1)
    assert send(client, 1, peer=first).status_code == 201
    assert send(client, 2, peer=second).status_code == (429 if same else 201)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("limit", ["THREAD_REPLIES_PER_MINUTE", "SITE_REPLIES_PER_MINUTE"])
def test_a_page_and_a_site_bear_so_much(app: Flask, client: FlaskClient, limited: Any, limit: str) -> None:
    make_site(app, "harbour", "https://harbour.example")
    limited(**{limit: 2})
    assert [send(client, number, peer=f"192.0.{number}.1").status_code for number in range(3)] == [201, 201, 429]
    # The same page by another spelling of its address is the same thread.
    assert send(client, 4, peer="198.51.100.1", page=f"{PAGE}/?utm_source=x").status_code == 429
    other_page = send(client, 5, peer="198.51.100.1", page=f"{ORIGIN}/other").status_code
    assert other_page == (201 if limit == "THREAD_REPLIES_PER_MINUTE" else 429)
    there = {"path": "/sites/harbour/replies", "page": "https://harbour.example/"}
    assert send(client, 6, peer="198.51.100.1", **there).status_code == 201


@pytest.mark.sqlite_only
def test_who_is_refused_as_a_network_uses_up_nothing_of_the_site(client: FlaskClient, limited: Any) -> None:
    limited(NETWORK_REPLIES_PER_MINUTE=1, SITE_REPLIES_PER_MINUTE=3)
    assert [send(client, number).status_code for number in range(6)] == [201] + [429] * 5
    assert [send(client, number, peer=f"198.51.{number}.1").status_code for number in (7, 8, 9)] == [201, 201, 429]


@pytest.mark.sqlite_only
def test_a_retry_is_never_refused_and_nothing_is_stored_of_a_refusal(
    app: Flask, client: FlaskClient, limited: Any
) -> None:
    limited(NETWORK_REPLIES_PER_MINUTE=1)
    key = "k" * 20
    first = send(client, 1, key=key)
    before = dump(app)
    assert send(client, 2).status_code == 429
    again = send(client, 1, key=key)
    assert (again.status_code, again.json) == (201, first.json)
    assert dump(app) == before


@pytest.mark.sqlite_only
def test_a_refusal_is_a_page_with_the_words_and_a_problem_for_programs(client: FlaskClient, limited: Any) -> None:
    limited(NETWORK_REPLIES_PER_MINUTE=1)
    assert send_form(client, headers={"Origin": ORIGIN}).status_code == 303
    page = send_form(client, comment="Second thoughts.", author="Piet", email="p@home.example")
    shown = Page(page)
    assert (page.status_code, page.mimetype, shown.fields["comment"]) == (429, "text/html", "Second thoughts.")
    assert 0 < int(page.headers["Retry-After"]) <= 60
    assert f"Please wait {page.headers['Retry-After']} seconds, then send it again." in shown.words
    problem = send_form(
        client, headers={**JSON, "Origin": ORIGIN}, comment="Third.", author="Ines", email="i@h.example"
    )
    assert (problem.status_code, problem.content_type) == (429, "application/problem+json")
    assert 0 < int(problem.headers["Retry-After"]) <= 60
    assert problem.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Retry-After" in problem.headers["Access-Control-Expose-Headers"]
    assert len(stored(client.application)) == 1


@pytest.mark.sqlite_only
def test_a_wordpress_form_and_a_form_of_others_are_counted_too(app: Flask, client: FlaskClient, limited: Any) -> None:
    limited(NETWORK_REPLIES_PER_MINUTE=1, PREVIEWS_PER_MINUTE=2)
    path = f"/sites/courier/wp-comments-post.php?page={PAGE}"
    assert client.post(path, data={**TYPED, "token": token(app)}).status_code == 303
    assert client.post(path, data={**TYPED, "comment": "Other.", "token": token(app)}).status_code == 429
    # What is shown once more before it is sent is rendered, as a preview is.
    shown = [client.post(path, data={**TYPED, "comment": f"No mark {number}."}).status_code for number in range(3)]
    assert shown == [200, 200, 429]


@pytest.mark.sqlite_only
def test_receipts_are_limited_where_they_act(client: FlaskClient, limited: Any) -> None:
    limited(RECEIPTS_PER_MINUTE=2)
    path = receipt_path(send(client))
    answers = [press(client, f"{path}/{act}", **JSON) for act in ("withdraw", "resume", "withdraw")]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 60
    assert [client.get(path).status_code for _ in range(5)] == [200] * 5


@pytest.mark.sqlite_only
def test_the_counters_name_nobody(app: Flask, client: FlaskClient, limited: Any) -> None:
    limited(NETWORK_REPLIES_PER_MINUTE=5, SITE_REPLIES_PER_MINUTE=5)
    send(client, 1)
    client.post("/account/sign-in", data={"email": "ana@staff.example", "password": "x"})
    rows = app.extensions["scratch"].run("SELECT key FROM counter")
    assert len(rows) >= 2
    assert not [key for (key,) in rows for named in ("192.0.2", "@", "courier", "mill-lane") if named in str(key)]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("peer", "by"), [("127.0.0.1", "near"), ("10.0.0.2", "near"), ("93.184.216.34", "far")])
def test_a_header_of_a_proxy_that_is_not_counted_is_noticed_once(
    database: str, tmp_path: Path, peer: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    app = new_app(database, tmp_path, LOG_LEVEL="warning")
    for _ in range(3):
        app.test_client().get("/healthz", environ_overrides={"REMOTE_ADDR": peer})
    assert app.extensions["scratch"].noticed(FORWARDED_BY[by]) is None
    for _ in range(3):
        app.test_client().get("/healthz", headers={"X-Forwarded-For": "a"}, environ_overrides={"REMOTE_ADDR": peer})
    # Another process, and the next start, know it.
    again = new_app(database, tmp_path, LOG_LEVEL="warning")
    again.test_client().get("/healthz", headers={"Forwarded": "for=b"}, environ_overrides={"REMOTE_ADDR": peer})
    noticed = [name for name, what in FORWARDED_BY.items() if app.extensions["scratch"].noticed(what)]
    assert noticed == [by]
    assert said.getvalue().count("proxy.not_counted") == 1
    behind = new_app(database, tmp_path / "behind", LOG_LEVEL="warning", PROXY_HOPS="1")
    behind.test_client().get("/healthz", headers={"X-Forwarded-For": "192.0.2.1"})
    assert not [what for what in FORWARDED_BY.values() if behind.extensions["scratch"].noticed(what)]


@pytest.mark.sqlite_only
def test_behind_a_counted_proxy_its_word_counts_and_no_other(database: str, tmp_path: Path, app: Flask) -> None:
    make_site(app, "courier", ORIGIN)
    behind = new_app(database, tmp_path, PROXY_HOPS="1", NETWORK_REPLIES_PER_MINUTE="1", REPLY_PAUSE="0")
    client = behind.test_client()
    for number, (forwarded, status) in enumerate(
        [("203.0.113.1", 201), ("9.9.9.9, 203.0.113.1", 429), ("203.0.113.1, 198.51.100.2", 201)]
    ):
        assert send(client, number, headers={"X-Forwarded-For": forwarded}).status_code == status
