"""The page with the tag: what is to be pasted, and the button that asks a page of the site whether it is there."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from urllib3.util import connection

from moderation.notify import outward
from tests.conftest import BASE_URL
from tests.notify.heard import Heard, listening
from tests.web.asking import Page, change_site
from tests.web.test_settings import ines

__all__ = ["ines"]

GOOD = f'<script src="{BASE_URL}/embed.js" async></script><leave-a-reply site="courier"></leave-a-reply>'


@pytest.fixture
def page(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """Serve the site's page on this machine, reached by its public name as if it were out in the network."""
    find = socket.getaddrinfo

    def found(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host != "courier.example":
            return find(host, port, *rest, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    with listening() as server:
        connect = connection.create_connection

        def connected(address: tuple[str, int], *rest: Any, **more: Any) -> Any:
            there = server.server_address if address[0] == "93.184.216.34" else address
            return connect((str(there[0]), int(there[1])), *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", found)
        monkeypatch.setattr(connection, "create_connection", connected)
        change_site(app, origins=["http://courier.example"])
        yield server


def check(client: FlaskClient, page: str = "http://courier.example/news") -> Any:
    token = Page(client.get("/settings/courier/snippet")).fields["csrf_token"]
    return client.post("/settings/courier/snippet", data={"page": page, "csrf_token": token})


def test_the_tag_names_site_and_service_and_the_preview_is_the_thing_itself(ines: FlaskClient) -> None:
    shown = Page(ines.get("/settings/courier/snippet"))
    assert f'<script src="{BASE_URL}/embed.js" async></script>\n<leave-a-reply site="courier">' in shown.by_id["tag"]
    assert f"{BASE_URL}/sites/courier/thread?page=https://courier.example/this-article" in shown.by_id["frame"]
    previews = [attributes for tag, attributes in shown.tags if tag == "leave-a-reply"]
    assert previews == [{"site": "courier", "page": "https://courier.example/"}]
    assert shown.unbalanced == []


def test_a_page_with_the_tag_is_live(ines: FlaskClient, page: Heard) -> None:
    page.body = GOOD.encode()
    answer = check(ines)
    assert answer.status_code == 200
    assert "It is live." in Page(answer).words
    assert page.asked == [("GET", "/news", "courier.example", b"")]


def test_what_is_missing_and_what_is_in_the_way_is_said(ines: FlaskClient, page: Heard) -> None:
    page.body = GOOD.replace("courier", "harbour").encode()
    page.headers = {"Content-Security-Policy": "default-src 'self'; connect-src *"}
    words = Page(check(ines)).words
    assert "The tag names the site “harbour”" in words
    assert f"add {BASE_URL} to script-src" in words
    assert "connect-src" not in words


@pytest.mark.parametrize(("status", "said"), [(302, "It said: 302."), (404, "It said: 404."), (500, "It said: 500.")])
def test_a_page_that_answers_otherwise_is_not_judged(ines: FlaskClient, page: Heard, status: int, said: str) -> None:
    page.status, page.headers = status, {"Location": "http://127.0.0.1/"}
    words = Page(check(ines)).words
    assert said in words
    assert len(page.asked) == 1


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "x",
        "http://evil.example/",
        "http://127.0.0.1/",
        "file:///etc/passwd",
        "http://courier.example\\@evil/",
        "\0",
    ],
)
def test_only_pages_of_the_site_are_asked(ines: FlaskClient, page: Heard, typed: str) -> None:
    answer = check(ines, typed)
    assert answer.status_code == 422
    assert "not the address of a page of the site" in Page(answer).by_id["page-wrong"]
    assert page.asked == []


def test_a_site_on_somebody_s_own_network_is_not_asked(ines: FlaskClient, page: Heard, app: Flask) -> None:
    change_site(app, origins=[f"http://localhost:{page.server_address[1]}"])
    words = Page(check(ines, f"http://localhost:{page.server_address[1]}/")).words
    assert "the host is not on the public network" in words
    assert page.asked == []


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\0" * 100, b"<" * 70_000, b"<leave-a-reply site='" + b"x" * 70_000])
def test_whatever_a_page_says_there_is_an_answer(ines: FlaskClient, page: Heard, body: bytes) -> None:
    page.body = body
    answer = check(ines)
    assert answer.status_code == 200
    assert Page(answer).unbalanced == []
    assert outward.MOST_READ == 65_536
