"""Long threads come in parts: whole branches where they fit, each place in one part, and a way to every place."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from moderation.db import db
from moderation.publishing.outline import MOST_IN_PART
from tests.conftest import PAGE
from tests.publishing.forest import chain, plant
from tests.web.asking import Page, change_site, get


def ask(client: FlaskClient, name: str = "thread.json", **query: Any) -> Any:
    return client.get(f"/sites/courier/{name}", query_string={"page": PAGE, **query})


def ids(client: FlaskClient, **query: Any) -> list[int]:
    return [comment["id"] for comment in ask(client, **query).json["comments"]]


#: Five replies to the page; the second has a branch of three.
GROVE = [(1, None), (2, None), (3, 2), (4, 3), (5, 2), (6, None), (7, None), (8, None)]


@pytest.fixture
def grove(app: Flask, client: FlaskClient) -> FlaskClient:
    """Return a visitor of a site that shows two replies to the page in a part."""
    change_site(app, page_size=2)
    plant(app, GROVE)
    return client


def test_a_part_holds_so_many_replies_to_the_page_with_all_below_them(grove: FlaskClient) -> None:
    assert [ids(grove, part=part) for part in (1, 2, 3)] == [[1, 2, 3, 4, 5], [6, 7], [8]]
    first = ask(grove).json
    assert {name: first[name] for name in ("count", "sort", "part", "parts", "above")} == {
        "count": 8,
        "sort": "oldest",
        "part": 1,
        "parts": 3,
        "above": [],
    }


@pytest.mark.parametrize("sort", ["oldest", "newest"])
def test_a_page_without_public_replies_is_empty_in_both_orders(client: FlaskClient, reply: Any, sort: str) -> None:
    before = {way: ask(client, way, sort=sort).data for way in ("thread.json", "thread.html")}
    assert json.loads(before["thread.json"])["comments"] == []
    reply()
    assert {way: ask(client, way, sort=sort).data for way in before} == before


def test_newest_first_turns_the_replies_to_the_page_around_and_nothing_below_them(grove: FlaskClient) -> None:
    assert [ids(grove, sort="newest", part=part) for part in (1, 2, 3)] == [[8, 7], [6, 2, 3, 4, 5], [1]]
    assert ask(grove, sort="newest").json["sort"] == "newest"
    assert ask(grove, sort="loudest").json["sort"] == "oldest"


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("part", "answered"),
    [("", 1), ("0", 1), ("1", 1), ("3", 3), ("4", 3), ("9" * 5000, 3), ("-1", 1), ("x", 1), ("٣", 1), ("02", 2)],
)
def test_a_part_that_is_none_is_the_last_or_the_first(grove: FlaskClient, part: str, answered: int) -> None:
    assert ask(grove, part=part).json["part"] == answered


def test_a_place_is_found_in_its_part_in_either_order(grove: FlaskClient) -> None:
    found = {at: ask(grove, at=f"comment-{at}", part=1).json["part"] for at in (1, 4, 6, 8)}
    assert found == {1: 1, 4: 1, 6: 2, 8: 3}
    turned = {at: ask(grove, at=f"comment-{at}", sort="newest").json["part"] for at in (1, 4, 6, 8)}
    assert turned == {1: 3, 4: 2, 6: 2, 8: 1}


@pytest.mark.parametrize("at", ["comment-99", "comment-8x", "\x00", "x" * 5000, "comment-9"])
def test_an_anchor_that_is_not_public_opens_the_first_part(app: Flask, grove: FlaskClient, at: str) -> None:
    plant(app, [(9, None)], hidden=[9])
    first = ask(grove, part=1)
    for part in ("", "3"):
        answer = ask(grove, at=at, part=part)
        assert (answer.data, answer.headers["ETag"]) == (first.data, first.headers["ETag"])


def test_a_long_branch_is_cut_and_says_what_it_goes_on_from(app: Flask, client: FlaskClient) -> None:
    plant(app, [*chain(1, 2), *chain(3, MOST_IN_PART, parent=2), (400, 1), (401, None)], hidden=[1])
    first, second = (ask(client, part=part).json for part in (1, 2))
    assert (len(first["comments"]), first["parts"]) == (MOST_IN_PART, 2)
    assert [comment["id"] for comment in second["comments"]] == [301, 302, 400, 401]
    assert [(comment["depth"], comment["parent"]) for comment in second["comments"]] == [
        (5, 300),
        (5, 301),
        (1, 1),
        (0, None),
    ]
    above = second["above"]
    assert [place["id"] for place in above] == list(range(1, 301))
    assert above[0] == {"id": 1, "anchor": "comment-1", "depth": 0, "place": "not-public", "author": ""}
    assert above[-1] == {"id": 300, "anchor": "comment-300", "depth": 5, "place": "public", "author": "Author 300"}
    page = Page(ask(client, "thread", part=2))
    assert page.unbalanced == []
    assert "In answer to Author 300" in page.words
    assert "Author 299" not in page.words
    links = [attributes["href"] or "" for tag, attributes in page.tags if tag == "a"]
    assert any("at=comment-300" in link and link.endswith("#comment-300") for link in links)
    # Of what is hidden only its place is named.
    assert any("at=comment-1" in link and link.endswith("#comment-1") for link in links)
    assert "Author 1<" not in page.html


def test_every_place_stands_in_exactly_one_part(app: Flask, client: FlaskClient) -> None:
    change_site(app, page_size=3)
    places = [(number, None if number % 5 == 0 else number - number % 5 or None) for number in range(1, 60)]
    plant(app, places, hidden=[7, 20, 25])
    for sort in ("oldest", "newest"):
        parts = ask(client, sort=sort).json["parts"]
        seen = [id_ for part in range(1, parts + 1) for id_ in ids(client, sort=sort, part=part)]
        # 20 and 25 keep their places above what is public, 7 has nothing below it.
        assert sorted(seen) == [number for number in range(1, 60) if number != 7]


def test_the_page_leads_to_every_part_and_order_without_a_script(grove: FlaskClient) -> None:
    page = Page(ask(grove, "thread", part=2, sort="newest"))
    links = {attributes["href"]: attributes for tag, attributes in page.tags if tag == "a"}
    service, page_ = "http://127.0.0.1:8000/sites/courier", "page=https://courier.example/news/mill-lane"
    for turn in (1, 3):
        assert f"{service}/thread?part={turn}&sort=newest&{page_}" in links
    assert links[f"{service}/thread?{page_}"]["rel"] == "nofollow"
    assert "aria-current" not in links[f"{service}/thread?{page_}"]
    assert links[f"{service}/thread?sort=newest&{page_}"]["aria-current"] == "true"
    assert "Earlier replies" in page.words
    assert "Show more replies" in page.words
    assert links[f"{service}/thread.atom?{page_}"]["type"] == "application/atom+xml"
    # A link to one place opens its part.
    assert "comment-8" in Page(ask(grove, "thread", at="comment-8")).by_id


def test_a_long_branch_can_be_folded_away(app: Flask, client: FlaskClient) -> None:
    plant(app, [*chain(1, 8), (9, None), *chain(10, 3, parent=9)])
    page = Page(get(client, "thread"))
    assert page.unbalanced == []
    assert [attributes for tag, attributes in page.tags if tag == "details"] == [{"class": "branch", "open": None}]
    assert "7 replies" in page.words


def test_a_reply_is_answered_from_whichever_part_it_stands_in(grove: FlaskClient) -> None:
    page = Page(ask(grove, "thread", parent="8"))
    assert page.fields["parent"] == "8"
    assert "Leave a Reply to Author 8" in " ".join(page.words.split())


@pytest.mark.sqlite_only
def test_the_outline_of_a_thread_is_read_once_for_all_its_parts(app: Flask, client: FlaskClient) -> None:
    change_site(app, page_size=10)
    plant(app, [(number, None) for number in range(1, 41)])
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        for part in (1, 2, 3):
            ask(client, part=part)
            ask(client, "thread.html", part=part)
        outlines = [statement for statement in asked if "revision.thread_id = " in statement]
        assert len(outlines) == 1
        plant(app, [(41, None)])
        assert ids(client, part=5) == [41]
        assert len([statement for statement in asked if "revision.thread_id = " in statement]) == 2
    finally:
        event.remove(engine, "before_cursor_execute", note)
