"""Bodies of every size and shape: what cannot be a reply is refused, and nothing ever breaks."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ORIGIN, PAGE
from tests.web.asking import JSON, REPLIES, TYPED, dump, site_id, stored

Reply = Callable[..., Any]
HUGE = 50 * 1024 * 1024
ADDRESSES = (
    REPLIES,
    "/sites/courier/preview",
    "/sites/courier/wp-comments-post.php",
    "/account/sign-in",
    "/queue/undo",
)
TYPES = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "application/json",
    "text/plain",
    "application/octet-stream",
    "",
)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("path", ADDRESSES)
def test_a_declared_50_mb_body_is_refused_before_it_is_read(client: FlaskClient, path: str, content_type: str) -> None:
    answer = client.post(
        path,
        input_stream=_Unread(),
        content_type=content_type,
        headers={"Content-Length": str(HUGE), **JSON},
        environ_overrides={"CONTENT_LENGTH": str(HUGE)},
    )
    assert (answer.status_code, answer.json["title"]) == (413, "That is too long")
    assert answer.content_type == "application/problem+json"


class _Unread:
    """A body nobody may read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")

    readline = readlines = read

    def tell(self, *_: int) -> int:
        """The client looks how long it is; the length that counts is declared."""
        return 0

    seek = tell

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", ADDRESSES)
def test_a_body_without_a_length_is_411(client: FlaskClient, path: str) -> None:
    answer = client.open(
        path,
        method="POST",
        input_stream=_Unread(),
        headers={"Transfer-Encoding": "chunked", **JSON},
        environ_overrides={"wsgi.input_terminated": True},
        content_type="application/x-www-form-urlencoded",
    )
    assert (answer.status_code, answer.json["title"]) == (411, "The length is missing")
    page = client.open(path, method="POST", input_stream=_Unread(), headers={"Transfer-Encoding": "chunked"})
    assert (page.status_code, page.mimetype) == (411, "text/html")


@pytest.mark.sqlite_only
@pytest.mark.parametrize("status", [411, 413])
def test_the_site_s_pages_may_read_that_a_body_is_refused(client: FlaskClient, status: int) -> None:
    length = {"CONTENT_LENGTH": str(HUGE)} if status == 413 else {"HTTP_TRANSFER_ENCODING": "chunked"}
    for origin, readable in ((ORIGIN, ORIGIN), ("https://evil.example", None)):
        headers = {"Origin": origin, **JSON}
        answer = client.post(REPLIES, input_stream=_Unread(), headers=headers, environ_overrides=length)
        assert answer.status_code == status
        assert answer.headers.get("Access-Control-Allow-Origin") == readable


@pytest.mark.sqlite_only
def test_just_over_the_limit_is_413(app: Flask, client: FlaskClient) -> None:
    body = b"comment=" + b"a" * (655_360 - 8)
    fits = client.post(REPLIES, data=body, headers=JSON, content_type="application/x-www-form-urlencoded")
    assert fits.status_code == 422
    over = client.post(REPLIES, data=body + b"a", headers=JSON, content_type="application/x-www-form-urlencoded")
    assert over.status_code == 413
    many = {f"field{number}": "x" for number in range(1101)}
    assert client.post(REPLIES, data=many, content_type="multipart/form-data").status_code == 413
    assert stored(app) == []


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/html", "application/xml", "application/octet-stream", "application/problem+json", "x", None],
)
def test_other_content_is_415(app: Flask, client: FlaskClient, content_type: str | None) -> None:
    body = json.dumps({**TYPED, "page": PAGE})
    answer = client.post(REPLIES, data=body, content_type=content_type, headers=JSON)
    assert (answer.status_code, answer.json["title"]) == (415, "This kind of content is not taken")
    assert client.post(REPLIES, data=body, content_type=content_type).status_code == 415
    assert stored(app) == []


GOOD = {**TYPED, "page": PAGE}
#: Bodies that are no reply, what is answered, and at which field.
HOSTILE: list[tuple[str, bytes, int, set[str] | None]] = [
    ("number as name", json.dumps({**GOOD, "author": 5}).encode(), 422, {"author"}),
    ("number alone", b'{"author":5}', 422, {"author"}),
    ("list", b"[1]", 400, None),
    ("text", b'"x"', 400, None),
    ("number", b"5", 400, None),
    ("null", b"null", 400, None),
    ("nothing", b" ", 400, None),
    ("cut", b'{"comment": "x', 400, None),
    ("100,000 brackets", b"[" * 100_000, 400, None),
    ("100,000 brackets in a field", b'{"comment":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, None),
    ("100,000 braces", b'{"a":' * 40_000, 400, None),
    ("NaN", b'{"comment": NaN}', 400, None),
    ("infinite parent", b'{"parent": Infinity}', 400, None),
    ("a long number", b'{"parent": ' + b"9" * 10_000 + b"}", 400, None),
    ("a large parent", json.dumps({**GOOD, "parent": 10**30}).encode(), 422, {"parent"}),
    ("a broken parent", json.dumps({**GOOD, "parent": 1.5}).encode(), 422, {"parent"}),
    ("a true parent", json.dumps({**GOOD, "parent": True}).encode(), 422, {"parent"}),
    ("NUL", json.dumps({**GOOD, "comment": "a\0b"}).encode(), 422, {"comment"}),
    ("NUL in the name", json.dumps({**GOOD, "author": "a\0b"}).encode(), 422, {"author"}),
    ("NUL in the page", json.dumps({**GOOD, "page": PAGE + "\0"}).encode(), 422, {"page"}),
    ("lone surrogate", b'{"comment": "\\ud800"}', 422, {"comment", "author", "email", "page"}),
    ("lone surrogate in the name", json.dumps({**GOOD, "author": "\udfff"}).encode(), 422, {"author"}),
    ("lone surrogate in the e-mail", json.dumps({**GOOD, "email": "\udfff@x.example"}).encode(), 422, {"email"}),
    ("lone surrogate in the website", json.dumps({**GOOD, "url": "https://x.example/\udfff"}).encode(), 422, {"url"}),
    ("lone surrogate in the page", json.dumps({**GOOD, "page": PAGE + "\udfff"}).encode(), 422, {"page"}),
    ("lone surrogate in the title", json.dumps({**GOOD, "title": "\udfff"}).encode(), 422, {"title"}),
    ("lone surrogate in the key", json.dumps({**GOOD, "key": "\udfff" * 16}).encode(), 422, {"key"}),
    ("lone surrogate in the mark", json.dumps({**GOOD, "token": "1.\udfff"}).encode(), 422, {"token"}),
    ("nested", json.dumps({**GOOD, "comment": {"text": "x"}}).encode(), 422, {"comment"}),
    ("list of texts", json.dumps({**GOOD, "comment": ["x", "y"]}).encode(), 422, {"comment"}),
    ("true", json.dumps({**GOOD, "comment": True}).encode(), 422, {"comment"}),
    ("not UTF-8", b'{"comment": "\xff"}', 400, None),
    ("two byte order marks", b"\xef\xbb\xbf\xef\xbb\xbf{}", 400, None),
]


@pytest.mark.parametrize(
    ("body", "status", "fields"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_json_that_is_no_reply_is_refused(
    app: Flask, client: FlaskClient, body: bytes, status: int, fields: set[str] | None
) -> None:
    for path in (REPLIES, "/sites/courier/wp-comments-post.php"):
        query = {"page": PAGE} if path != REPLIES and fields and "page" not in fields else None
        answer = client.post(path, data=body, content_type="application/json", query_string=query)
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
        if path == REPLIES:
            assert set(answer.json.get("errors", {})) == (fields or set())
    assert stored(app) == []


OTHERS: dict[str, Any] = {
    "status": "approved",
    "id": "1000",
    "comment_id": "1000",
    "site": "other",
    "site_id": "2",
    "ip": "198.51.100.1",
    "network": "x",
    "created": "1999-01-01",
    "received_at": "1999-01-01",
    "turn": "9",
    "findings": "[]",
    "html": "<script>alert(1)</script>",
    "anchor": "reply",
    "depth": "7",
    "source": "wordpress",
    "author_key": "x",
    "receipt_generation": "7",
    "validate_comment": "x",
    "meta": "x",
    "_fields": "x",
    "csrf_token": "x",
}


@pytest.mark.parametrize(
    "send",
    [
        {"data": {**GOOD, **OTHERS}, "headers": JSON},
        {"json": {**GOOD, **OTHERS}},
        {"json": {**GOOD, "id": 1, "depth": 7, "approved": True, "html": {"a": [1]}, "site": ["other"]}},
    ],
)
def test_other_fields_than_the_form_s_are_ignored(app: Flask, client: FlaskClient, send: dict[str, Any]) -> None:
    answer = client.post(REPLIES, **send)
    assert (answer.status_code, answer.json["comment"]) == (201, 1)
    (found,) = stored(app)
    assert (found["status"], found["turn"], found["site"]) == ("pending", 0, site_id(app, "courier"))
    assert found["findings"] == ["no-token", "website"]
    assert client.get(f"/sites/courier/thread.json?page={PAGE}").json["count"] == 0


@pytest.mark.sqlite_only
def test_bytes_that_are_no_utf_8_break_nothing(app: Flask, client: FlaskClient) -> None:
    # Escapes that are no UTF-8 stay as they were written.
    body = b"comment=%FF%FE%80&author=%C3%28&email=a%40b.example&page=https%3A%2F%2Fcourier.example%2F"
    answer = client.post(REPLIES, data=body, content_type="application/x-www-form-urlencoded", headers=JSON)
    assert answer.status_code == 201
    assert (stored(app)[0]["text"], stored(app)[0]["author"]) == ("%FF%FE%80", "%C3(")
    raw = client.post(REPLIES, data=body + b"&x=\xff", content_type="application/x-www-form-urlencoded", headers=JSON)
    assert raw.status_code == 422


FIELDS = ("comment", "author", "email", "url", "page", "parent", "title", "key", "token", "format", "topic", "x")
ANYTHING = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["", "0", "1", "\0", "\ud800", PAGE, "a@b.example", "https://x.example/", "k" * 16, "plain", "\u202e", "*_[](<>)`"]
)


@pytest.mark.parametrize("kind", ["json", "form"])
def test_any_texts_get_an_answer_and_never_a_failure(app: Flask, client: FlaskClient, kind: str) -> None:
    before = dump(app)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
    def any_texts(fields: dict[str, str]) -> None:
        if kind == "json":
            answer = client.post(REPLIES, json=fields)
            allowed = {201}
        else:
            plain = {name: text.encode("utf-8", "replace").decode() for name, text in fields.items()}
            answer = client.post(REPLIES, data=plain)
            allowed = {200, 303}
        assert answer.status_code in allowed or 400 <= answer.status_code < 500, fields

    any_texts()
    assert dump(app)["site"] == before["site"]
