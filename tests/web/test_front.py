"""What is answered ahead of Flask is what Flask would have answered, header by header, and nothing else is."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation.publishing.ready import Store
from tests.conftest import ORIGIN, PAGE, make_site, new_app
from tests.publishing.forest import plant
from tests.web.asking import asset

ADDRESSES = (
    f"/sites/courier/thread.json?page={PAGE}",
    f"/sites/courier/thread.json?page={PAGE}&sort=newest&part=2",
    f"/sites/courier/thread.html?page={PAGE}",
    f"/sites/courier/thread.atom?page={PAGE}",
    "/sites/courier/comments.atom",
    f"/sites/courier/counts.json?page={PAGE}&page={ORIGIN}/other",
    "/sites/courier/accent.css",
    "/embed.js",
    asset("console.css"),
    asset("favicon.svg"),
)


@pytest.fixture
def reader(app: Flask, client: FlaskClient) -> FlaskClient:
    """Return a visitor of a site with a page of some length."""
    plant(app, [(number, None) for number in range(1, 30)])
    return client


def headers_of(answer: Any) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name != "X-Request-ID"}


def is_from_memory(answer: Any) -> bool:
    """Whether an answer passed Flask by: Flask gives each request a number."""
    return "X-Request-ID" not in answer.headers


@pytest.mark.sqlite_only
@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000", "https://reply.example"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_answer_from_memory_is_flask_s_header_by_header(
    app: Flask, reader: FlaskClient, address: str, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "BASE_URL", base_url)
    store: Store = app.extensions["ready"]
    for encoding in ("", "gzip", "br"):
        for method in ("GET", "HEAD"):
            store.clear()
            first, second = (
                reader.open(address, method=method, headers={"Accept-Encoding": encoding}, buffered=True) for _ in "12"
            )
            assert (is_from_memory(first), is_from_memory(second)) == (False, True)
            assert (first.status, headers_of(first), first.data) == (second.status, headers_of(second), second.data)
            assert (method == "HEAD") is (second.data == b"")
            assert ("Strict-Transport-Security" in second.headers) is base_url.startswith("https")
        store.clear()
        named = {"Accept-Encoding": encoding, "If-None-Match": first.headers["ETag"]}
        first, second = (reader.get(address, headers=named, buffered=True) for _ in "12")
        assert (is_from_memory(first), is_from_memory(second)) == (False, True)
        assert (first.status_code, headers_of(first), first.data) == (304, headers_of(second), b"")
        assert second.status_code == 304
        assert not {"Content-Type", "Content-Length", "Content-Encoding"} & set(dict(second.headers))
        assert {"ETag", "Vary", "Cache-Control", "Content-Security-Policy"} <= set(dict(second.headers))


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("", ""),
        ("identity", ""),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0.1, gzip;q=0.9", "gzip"),
        ("br;q=0, gzip;q=0", ""),
        ("gzip;q=0, identity", ""),
        ("identity;q=0", ""),
        ("*", "br"),
        ("*;q=0", ""),
        ("gzip;q=0, *", "br"),
        ("gzip;q=x, ,;", ""),
        ("zstd", ""),
        ("gzip, " * 2000, "gzip"),
    ],
)
def test_the_encoding_is_the_smallest_of_those_liked_best(reader: FlaskClient, accepted: str, encoding: str) -> None:
    plain = reader.get(ADDRESSES[0])
    for _ in "12":
        answer = reader.get(ADDRESSES[0], headers={"Accept-Encoding": accepted})
        assert answer.headers.get("Content-Encoding", "") == encoding
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        unpack: Callable[[bytes], bytes] = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}[encoding]
        assert unpack(answer.data) == plain.data
        assert (answer.headers["ETag"] == plain.headers["ETag"]) is (encoding == "")


@pytest.mark.sqlite_only
def test_a_tag_names_the_bytes_of_one_encoding(reader: FlaskClient) -> None:
    tags = {name: reader.get(ADDRESSES[0], headers={"Accept-Encoding": name}).headers["ETag"] for name in ("", "br")}
    fits = [tags["br"], f"W/{tags['br']}", f'"x", W/"y",{tags["br"]}', "*"]
    fits_not = [tags[""], '"x"', tags["br"].strip('"') + "x", "", '"', "W/", ", ,"]
    for given, status in [*((tag, 304) for tag in fits), *((tag, 200) for tag in fits_not)]:
        answer = reader.get(ADDRESSES[0], headers={"Accept-Encoding": "br", "If-None-Match": given})
        assert (answer.status_code, is_from_memory(answer)) == (status, True), given


@pytest.mark.sqlite_only
def test_what_is_no_reading_is_answered_by_flask(reader: FlaskClient) -> None:
    reader.get(ADDRESSES[0])
    assert is_from_memory(reader.get(ADDRESSES[0]))
    for method, status in (("POST", 405), ("OPTIONS", 200), ("PUT", 405)):
        answer = reader.open(ADDRESSES[0], method=method)
        assert (answer.status_code, is_from_memory(answer)) == (status, False)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("host", ["a b", "x" * 254, "evil.example:x", "[::1", ""])
def test_an_odd_host_is_refused_ahead_of_what_is_kept(reader: FlaskClient, host: str) -> None:
    reader.get(ADDRESSES[0])
    refused = reader.get(ADDRESSES[0], environ_overrides={"HTTP_HOST": host})
    assert (refused.status_code, b"names no host" in refused.data) == (400, True)


@pytest.mark.sqlite_only
def test_behind_a_proxy_the_answers_are_the_same(reader: FlaskClient, database: str, tmp_path: Path) -> None:
    app = new_app(database, tmp_path, PROXY_HOPS="1")
    forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    client = app.test_client()
    first, second = (client.get(ADDRESSES[0], headers=forwarded) for _ in "12")
    assert (is_from_memory(first), is_from_memory(second)) == (False, True)
    assert (headers_of(second), second.data) == (headers_of(first), reader.get(ADDRESSES[0]).data)


@pytest.mark.sqlite_only
def test_answers_from_memory_are_counted(app: Flask, reader: FlaskClient) -> None:
    store: Store = app.extensions["ready"]
    before = store.served
    for _ in range(5):
        reader.get(ADDRESSES[0])
    assert store.served == before + 4


@pytest.mark.sqlite_only
def test_a_file_that_changes_is_read_again(app: Flask, tmp_path: Path) -> None:
    make_site(app, "courier", ORIGIN)
    other = new_app(f"sqlite:///{tmp_path / 'own.sqlite'}", tmp_path)
    other.static_folder = str(tmp_path)
    script = tmp_path / "embed.js"
    script.write_text("first()")
    client = other.test_client()
    assert client.get("/embed.js").data == b"first()"
    script.write_text("second()")
    assert client.get("/embed.js").data == b"second()"
