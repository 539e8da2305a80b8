"""Threads that go round in circles, or down without end."""

import json

import pytest

from moderation import intake
from tests.attacks.conftest import Place
from tests.attacks.wire import FORM
from tests.transfer import wxr


@pytest.mark.parametrize(
    "parents",
    [{1: 1}, {1: 2, 2: 1}, {1: 2, 2: 3, 3: 1}, {2: 3, 1: 2}, {1: 999}, {1: -1}, {1: 2**63}, {1: "x"}],
    ids=[
        "itself",
        "each other",
        "three in a ring",
        "a parent that comes later",
        "none",
        "below 0",
        "2^63",
        "no number",
    ],
)
def test_an_import_cuts_circles(place: Place, parents: dict[int, object]) -> None:
    page, base = place.page(), 10_000 + 10 * next(place.numbers)
    comments = [
        wxr.comment(base + id_, base + above if isinstance(above, int) and 0 < above < 4 else above)
        for id_ in (1, 2, 3)
        for above in (parents.get(id_, 0),)
    ]
    place.bring(wxr.export(wxr.item(*comments, link=page, id_=base)))
    thread = place.read("thread.json", page).json
    assert thread["count"] == 3
    above = {item["id"]: item["parent"] for item in thread["comments"]}
    for id_ in above:
        seen: set[int | None] = set()
        at: int | None = id_
        while at is not None:
            assert at not in seen
            seen.add(at)
            at = above.get(at)
    for name in ("thread", "thread.html", "thread.atom"):
        assert place.read(name, page).status == 200


def test_a_thread_of_a_thousand_below_each_other_is_imported_and_shown(place: Place) -> None:
    page, base = place.page(), 200_000
    comments = [wxr.comment(base + at, base + at - 1 if at else 0, content=f"Deep {at}.") for at in range(1000)]
    place.bring(wxr.export(wxr.item(*comments, link=page, id_=base)))
    rows = place.stored(page)
    assert len(rows) == 1000
    above = {row["id"]: row["parent"] for row in rows}
    depth: dict[int | None, int] = {None: -1}
    for id_ in sorted(above):
        depth[id_] = depth[above[id_]] + 1
    assert max(depth.values()) <= intake.MOST_DEPTH
    for name in ("thread", "thread.json", "thread.html", "thread.atom"):
        answer = place.read(name, page)
        assert answer.status == 200
        assert answer.text.count("<ol") < 100


NESTED = {
    "json": b'{"comment":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
}


@pytest.mark.parametrize("kind", NESTED)
def test_a_body_that_goes_down_without_end_is_refused(place: Place, kind: str) -> None:
    headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
    for path in ("replies", "preview", "wp-comments-post.php"):
        assert place.ask("POST", f"/sites/courier/{path}", headers, NESTED[kind]).status in {400, 422}


@pytest.mark.parametrize("text", ["> " * 5000 + "x", "- " * 5000 + "x", "* 1. " * 3000 + "x", "**_" * 5000 + "x"])
def test_a_text_that_goes_down_without_end_is_flat(place: Place, text: str) -> None:
    page = place.page()
    place.widen(65_525)
    place.public(text, page=page)
    deepest = 0
    nodes = [(node, 1) for item in place.read("thread.json", page).json["comments"] for node in item["body"]]
    while nodes:
        node, depth = nodes.pop()
        deepest = max(deepest, depth)
        if isinstance(node, list):
            nodes += [(child, depth + 1) for child in node[1:]]
    assert 0 < deepest <= 25
    json.dumps(place.read("thread.json", page).json)


def test_a_page_is_not_its_own_parent(place: Place) -> None:
    page = place.page()
    number = place.public(page=page)
    body = f"comment=Up&parent={number}".encode()
    assert place.ask("POST", f"{place.receipt(number)}/edit", [("Content-Type", FORM)], body).status == 303
    assert place.row(number)["parent"] is None
