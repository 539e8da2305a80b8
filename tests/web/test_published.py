"""What the public reads: approved comments in their places, under bytes that name themselves."""

import gzip
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from moderation.db import db
from tests.conftest import ORIGIN, PAGE, decide, make_site
from tests.web.asking import JSON, REPLIES, TYPED, Page, change_site, dump, get, public, set_status, stored

Reply = Callable[..., Any]
ATOM = "{http://www.w3.org/2005/Atom}"
CACHED = "public, max-age=10, stale-while-revalidate=30, stale-if-error=600"


def test_a_page_nobody_replied_to_is_an_empty_thread_and_no_row(app: Flask, client: FlaskClient) -> None:
    before = dump(app)
    answer = get(client, "thread.json")
    assert answer.status_code == 200
    assert {name: answer.json[name] for name in ("site", "page", "title", "count", "closed", "comments")} == {
        "site": "courier",
        "page": "courier.example/news/mill-lane",
        "title": "/news/mill-lane",
        "count": 0,
        "closed": False,
        "comments": [],
    }
    assert answer.json["settings"] == {
        "name": "Courier",
        "locale": "en",
        "accent": "#2c52a0",
        "radius": 4,
        "required": ["comment", "author", "email"],
        "guidelines": [],
        "max": {"comment": 5000, "author": 245, "email": 100, "url": 200},
    }
    assert answer.json["strings"]["heading"] == "No replies yet"
    for name in ("thread", "thread.html", "thread.atom", "counts.json"):
        assert get(client, name).status_code == 200
    assert dump(app) == before


def test_a_comment_is_published_with_name_website_and_text_alone(app: Flask, client: FlaskClient, reply: Reply) -> None:
    network = {"environ_overrides": {"REMOTE_ADDR": "198.51.100.77"}}
    client.post(REPLIES, data={**TYPED, "page": PAGE, "title": "Mill Lane"}, headers=JSON, **network)
    public(client, 1)
    (comment,) = get(client, "thread.json").json["comments"]
    assert comment.pop("at").endswith("+00:00")
    assert comment == {
        "id": 1,
        "anchor": "comment-1",
        "parent": None,
        "depth": 0,
        "place": "public",
        "author": "Margit",
        "url": "https://margit.example/",
        "body": [["p", "Wider is ", ["em", "good"], " news."]],
    }
    with app.app_context():
        tag = db.session.execute(db.text("SELECT network, author_key FROM comment")).one()[0]
    everything = b"".join(
        get(client, name).data
        for name in ("thread", "thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json")
    ).decode()
    for private in ("home.example", "margit@", "198.51.100", tag, tag[:12], "gravatar", "no-token"):
        assert private not in everything
    assert everything.count("Margit") == 9


@pytest.mark.sqlite_only
def test_a_nameless_comment_is_anonymous(client: FlaskClient, reply: Reply) -> None:
    change_site(client.application, required=[])
    reply(author="", email="")
    public(client, 1)
    assert get(client, "thread.json").json["comments"][0]["url"] is None
    assert "Anonymous" in Page(get(client, "thread")).words
    ET.fromstring(get(client, "thread.atom").data)


def _chain(client: FlaskClient, reply: Reply, length: int) -> None:
    """Make a thread in which every comment answers the one before."""
    parent = ""
    for number in range(1, length + 1):
        reply(f"Reply {number}.", parent=parent)
        public(client, number)
        parent = str(number)


def test_replies_are_indented_six_deep_and_stand_after_what_they_answer(client: FlaskClient, reply: Reply) -> None:
    _chain(client, reply, 9)
    for number, parent in ((10, "1"), (11, ""), (12, "2"), (13, "8")):
        reply(f"Reply {number}.", parent=parent)
        public(client, number)
    comments = get(client, "thread.json").json["comments"]
    order = [(comment["id"], comment["depth"], comment["parent"]) for comment in comments]
    assert order == [
        (1, 0, None),
        (2, 1, 1),
        (3, 2, 2),
        (4, 3, 3),
        (5, 4, 4),
        (6, 5, 5),
        (7, 5, 6),
        (8, 5, 7),
        (9, 5, 8),
        (13, 5, 8),
        (12, 2, 2),
        (10, 1, 1),
        (11, 0, None),
    ]
    page = Page(get(client, "thread"))
    assert page.unbalanced == []
    articles = [attributes["id"] for tag, attributes in page.tags if tag == "article"]
    assert articles == [f"comment-{id_}" for id_, _, _ in order]
    assert Page(get(client, "thread.html")).unbalanced == []


@pytest.mark.sqlite_only
def test_a_thread_a_hundred_deep_is_shown_and_no_deeper_one_taken(client: FlaskClient, reply: Reply) -> None:
    _chain(client, reply, 101)
    assert len(get(client, "thread.json").json["comments"]) == 101
    assert Page(get(client, "thread")).unbalanced == []
    answer = reply("Too deep.", parent="101")
    assert (answer.status_code, answer.json["errors"]) == (422, {"parent": ["Nobody can reply this deep."]})


PLACES = {
    "pending": ("not-public", "This reply is not public."),
    "rejected": ("not-public", "This reply is not public."),
    "spam": ("not-public", "This reply is not public."),
    "returned": ("not-public", "This reply is not public."),
    "withdrawn": ("withdrawn", "This reply was withdrawn by its author."),
}


def test_a_place_is_kept_where_something_public_stands_below(client: FlaskClient, reply: Reply) -> None:
    _chain(client, reply, 3)
    for status, (place, words) in PLACES.items():
        for number in (1, 2):
            set_status(client.application, number, status)
        found = get(client, "thread.json").json
        assert found["comments"][:2] == [
            {"id": 1, "anchor": "comment-1", "parent": None, "depth": 0, "place": place},
            {"id": 2, "anchor": "comment-2", "parent": 1, "depth": 1, "place": place},
        ]
        assert (found["count"], [comment["id"] for comment in found["comments"]]) == (1, [1, 2, 3])
        page = Page(get(client, "thread"))
        assert page.by_id["comment-1"].strip() == words
        assert "Reply 1." not in page.html
    set_status(client.application, 3, "pending")
    assert get(client, "thread.json").json["comments"] == []


@pytest.mark.sqlite_only
def test_held_rejected_and_spam_places_are_the_same_bytes(client: FlaskClient, reply: Reply) -> None:
    _chain(client, reply, 2)
    seen: dict[str, set[bytes]] = {}
    for status in ("pending", "rejected", "spam", "returned"):
        set_status(client.application, 1, status)
        for name in ("thread.json", "thread.html", "thread.atom", "counts.json", "comments.atom"):
            answer = get(client, name)
            seen.setdefault(name, set()).add(answer.data + answer.headers["ETag"].encode())
    assert {name: len(bytes_) for name, bytes_ in seen.items()} == dict.fromkeys(seen, 1)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("name", ["thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json"])
def test_public_bytes_may_be_kept_and_name_themselves(app: Flask, client: FlaskClient, reply: Reply, name: str) -> None:
    for number in range(1, 6):
        reply(f"Reply {number}, long enough to be worth packing.")
        public(client, number)
    page = PAGE if name != "counts.json" else None
    query = {"page": [f"{ORIGIN}/news/{number}" for number in range(40)] if page is None else page}

    def ask(**headers: str) -> Any:
        return client.get(f"/sites/courier/{name}", query_string=query, headers=headers)

    plain, packed = ask(), ask(**{"Accept-Encoding": "gzip"})
    for answer in (plain, packed):
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, CACHED)
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert "Content-Encoding" not in ask(**{"Accept-Encoding": "gzip;q=0, identity"}).headers
    for kept, headers in ((plain, {}), (packed, {"Accept-Encoding": "gzip"})):
        for tag in (kept.headers["ETag"], f'"x", {kept.headers["ETag"]}', f"W/{kept.headers['ETag']}", "*"):
            again = ask(**{"If-None-Match": tag, **headers})
            assert (again.status_code, again.data) == (304, b"")
            assert again.headers["ETag"] == kept.headers["ETag"]
            assert again.headers["Cache-Control"] == CACHED
        assert ask(**{"If-None-Match": '"x"', **headers}).status_code == 200


PATHS = ("thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json")


def _bytes(client: FlaskClient) -> dict[str, tuple[bytes, str]]:
    found = {}
    for name in PATHS:
        answer = get(client, name)
        found[name] = (answer.data, answer.headers["ETag"])
    shown = Page(get(client, "thread"))
    for chance in (shown.fields["token"], shown.fields["key"]):
        shown.html = shown.html.replace(chance, "")
    return {**found, "thread": (shown.html.encode(), "")}


def test_held_means_held(app: Flask, client: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    secret = {"title": "Schadenfreude", "author": "Xanthippe", "url": "https://zymurgy.example/"}
    before = _bytes(client)
    assert reply("Quixotic words.", **secret).status_code == 201
    assert _bytes(client) == before
    decide(ana, "reject", "1:0", reason="3")
    assert _bytes(client) == before
    decide(ana, "approve", "1:1")
    approved = _bytes(client)
    assert all(approved[name] != before[name] for name in (*PATHS, "thread") if name != "x")
    assert get(client, "thread.json").json["title"] == "Schadenfreude"
    decide(ana, "spam", "1:2")
    assert _bytes(client) == before


def test_a_held_reply_beside_a_public_one_changes_nothing(client: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    reply()
    decide(ana, "approve", "1:0")
    before = _bytes(client)
    reply("Quixotic words.", title="Schadenfreude", parent="1", author="Xanthippe", email="x@y.example")
    assert _bytes(client) == before
    for name in (*PATHS, "thread"):
        for hidden in (b"Quixotic", b"Schadenfreude", b"Xanthippe"):
            assert hidden not in before[name][0]


def test_counts_are_asked_for_by_address(client: FlaskClient, reply: Reply) -> None:
    reply()
    reply("Second.")
    reply("Third, held.")
    for number in (1, 2):
        public(client, number)
    asked = [PAGE, f"{PAGE}/?utm_source=x", "http://www.courier.example/news/mill-lane#x", f"{ORIGIN}/none", "x", ""]
    asked += ["https://evil.example/", PAGE, "\x00", "\ufffe" * 10]
    answer = client.get("/sites/courier/counts.json", query_string={"page": asked})
    assert answer.json == {"counts": {asked[0]: 2, asked[1]: 2, asked[2]: 2, asked[3]: 0}}
    assert client.get("/sites/courier/counts.json").json == {"counts": {}}
    many = {"page": [f"{ORIGIN}/{number}" for number in range(150)]}
    refused = client.get("/sites/courier/counts.json", query_string=many)
    assert (refused.status_code, refused.json["title"]) == (422, "At most 100 pages at once.")
    assert (
        len(client.get("/sites/courier/counts.json", query_string={"page": many["page"][:100]}).json["counts"]) == 100
    )


def test_sites_are_walled_off(app: Flask, client: FlaskClient, reply: Reply) -> None:
    make_site(app, "same", ORIGIN)
    reply()
    public(client, 1)
    query = {"page": PAGE}
    assert client.get("/sites/same/thread.json", query_string=query).json["comments"] == []
    assert client.get("/sites/same/counts.json", query_string=query).json == {"counts": {PAGE: 0}}
    assert len(ET.fromstring(client.get("/sites/same/comments.atom").data).findall(f"{ATOM}entry")) == 0


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("https://evil.example/", 403),
        ("https://courier.example:8443/", 403),
        ("x", 422),
        ("", 422),
        ("javascript:alert(1)", 422),
        ("https://courier.example/\0", 422),
        ("https://courier.example\\@evil.example/", 422),
        (PAGE + "a" * 2000, 422),
    ],
)
def test_a_page_that_is_none_of_the_site_s_is_refused(client: FlaskClient, page: str, status: int) -> None:
    for name in ("thread", "thread.json", "thread.html", "thread.atom"):
        answer = get(client, name, page)
        assert answer.status_code == status
        assert answer.headers["Cache-Control"] == "no-store"
        is_json = name == "thread.json"
        assert answer.mimetype == ("application/problem+json" if is_json else "text/html")
        if len(page) > 1:
            assert page.encode() not in answer.data
    missing = get(client, "thread.json", None)
    assert (missing.status_code, missing.json["title"]) == (422, "Which page?")


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "query",
    [
        b"page=https://courier.example/%FF%FE",
        b"page=https://courier.example/\xff",
        b"page=https://courier.example/&\xff=\xe9",
    ],
)
def test_bytes_that_are_no_utf_8_in_the_query_break_nothing(client: FlaskClient, query: bytes) -> None:
    for name in ("thread", "thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json", "form"):
        raw = {"QUERY_STRING": query.decode("latin-1")}
        answer = client.get(f"/sites/courier/{name}", environ_overrides=raw)
        assert answer.status_code in {200, 422}, name


@pytest.mark.sqlite_only
def test_the_thread_page_takes_its_page_from_the_frame_s_referer(client: FlaskClient) -> None:
    answer = client.get("/sites/courier/thread", headers={"Referer": PAGE})
    assert Page(answer).fields["page"] == PAGE
    assert client.get("/sites/courier/thread", headers={"Referer": f"{ORIGIN}/"}).status_code == 422


def test_the_thread_page_is_fresh_and_framed_by_the_site_alone(app: Flask, client: FlaskClient, reply: Reply) -> None:
    make_site(app, "two", "https://a.example", "https://b.example:8443")
    answer = client.get("/sites/two/thread", query_string={"page": "https://a.example/x"})
    assert answer.headers["Cache-Control"] == "no-store"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "frame-ancestors https://a.example https://b.example:8443" in policy
    assert "X-Frame-Options" not in answer.headers
    first, second = (Page(get(client, "thread")).fields for _ in range(2))
    assert first["key"] != second["key"]
    assert client.post(REPLIES, data={**first, **TYPED}).status_code == 303


@pytest.mark.sqlite_only
def test_the_form_answers_a_public_comment_only(client: FlaskClient, reply: Reply) -> None:
    reply("Public.")
    reply("Held.", author="Xanthippe")
    public(client, 1)
    shown = {}
    for parent in ("1", "2", "3", "01", "x", "9" * 5000):
        page = Page(client.get("/sites/courier/thread", query_string={"page": PAGE, "parent": parent}))
        shown[parent] = page.fields.get("parent", "")
        assert "Xanthippe" not in page.html
    assert shown == {"1": "1", "2": "", "3": "", "01": "", "x": "", "9" * 5000: ""}


@pytest.mark.sqlite_only
def test_the_accent_and_the_embed_are_served(client: FlaskClient) -> None:
    change_site(client.application, accent="#7a1f2b")
    accent = client.get("/sites/courier/accent.css")
    assert (accent.data, accent.content_type) == (
        b":root{--lar-accent:#7a1f2b;--lar-radius:4px}\n",
        "text/css; charset=utf-8",
    )
    assert accent.headers["Cache-Control"] == CACHED
    embed = client.get("/embed.js", buffered=True)
    assert (embed.status_code, embed.mimetype) == (200, "text/javascript")
    assert embed.headers["Access-Control-Allow-Origin"] == "*"
    assert embed.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert embed.headers["Cache-Control"] == "public, max-age=300, stale-while-revalidate=86400"
    assert b"leave-a-reply" in embed.data
    assert client.get("/embed.js", headers={"If-None-Match": embed.headers["ETag"]}, buffered=True).status_code == 304


@pytest.mark.sqlite_only
@pytest.mark.parametrize("name", ["thread.json", "thread.html", "thread"])
def test_a_thread_costs_the_same_questions_whatever_its_length(
    app: Flask, client: FlaskClient, reply: Reply, name: str
) -> None:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    with app.app_context():
        engine = db.engine
    numbers = []
    event.listen(engine, "before_cursor_execute", note)
    try:
        for length in (5, 20):
            for number in range(len(stored(app)) + 1, length + 1):
                reply(f"Reply {number}.", parent="1" if number > 2 else "")
                public(client, number)
            app.extensions["ready"].clear()
            asked.clear()
            get(client, name)
            numbers.append(len(asked))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert numbers[0] == numbers[1] <= 6
    assert json.loads(get(client, "thread.json").data)["count"] == 20
