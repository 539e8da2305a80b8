"""The lists of the queue: each view, each filter, in both orders; nothing that is asked is an error."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from moderation.db import clock, db
from moderation.models import Revision, Role
from tests.conftest import ORIGIN, PAGE, account_of, decide, make_account, make_site, signed_in
from tests.web.asking import JSON, TYPED, Page, change_site

Reply = Callable[..., Any]
OTHER = f"{ORIGIN}/news/other"


def listed(client: FlaskClient, **query: str) -> list[int]:
    """Return the numbers of the revisions that a list shows, in order."""
    answer = client.get("/queue/", query_string=query)
    assert answer.status_code == 200
    return [int(str(tag["id"])[1:]) for name, tag in Page(answer).tags if name == "article"]


def count_of(client: FlaskClient, view: str, **query: str) -> str:
    """Return the number beside a view."""
    page = client.get("/queue/", query_string=query).get_data(as_text=True)
    return page.split(f'data-view="{view}"')[1].split('class="num"')[1].split(">")[1].split("<")[0]


@pytest.fixture
def filled(app: Flask, ana: FlaskClient, piet: FlaskClient, reply: Reply) -> FlaskClient:
    """Fill the queue: 1 to 6 wait, 7 is approved, 8 rejected for reason 3, 9 spam by Piet, 10 withdrawn."""
    change_site(app, required=["author"])
    reply("Wider is good news.", author="Margit")
    reply("See https://shop.example/prams for more", author="Tom", email="tom@home.example", address="198.51.100.7")
    reply("The ramp is steep.", author="Margit", email="", page=OTHER)
    reply("A hidden field is filled.", author="Robot", email="r@robots.example", topic="x", address="198.51.100.8")
    reply("An answer about café culture.", author="Zoë", email="zoe@home.example")
    reply("Late thoughts.", author="Edith", email="edith@home.example")
    for number, words in enumerate(("Seven.", "Eight.", "Nine."), start=7):
        reply(words, author=f"Writer {number}", email=f"w{number}@home.example")
    decide(ana, "approve", "7:0")
    decide(ana, "reject", "8:0", reason="3")
    decide(piet, "spam", "9:0")
    receipt = reply("Ten.", author="Writer 10", email="w10@home.example").json["receipt"]
    ana.post(receipt.removeprefix("http://127.0.0.1:8000") + "/withdraw", headers=JSON, data={})
    with app.app_context():
        for number in range(1, 11):
            since = clock() - timedelta(days=20 - number)
            db.session.execute(update(Revision).where(Revision.id == number).values(waiting_since=since))
        db.session.commit()
    return ana


WAITING = [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, WAITING),
        ({"order": "newest"}, WAITING[::-1]),
        ({"view": "approved"}, [7]),
        ({"view": "rejected"}, [8]),
        ({"view": "spam"}, [9]),
        ({"view": "mine"}, []),
        ({"view": "all"}, list(range(10, 0, -1))),
        ({"view": "all", "order": "oldest"}, list(range(1, 11))),
        ({"site": "courier"}, WAITING),
        ({"site": "nowhere"}, []),
        ({"page": OTHER}, [3]),
        ({"page": f"{OTHER}/?utm_source=x"}, [3]),
        ({"page": "https://evil.example/"}, []),
        ({"page": "x"}, []),
        ({"author": "Margit"}, [1, 3]),
        ({"author": "margit@home.example"}, [1]),
        ({"author": " MARGIT@home.example "}, [1]),
        ({"author": "nobody"}, []),
        ({"finding": "links"}, [2]),
        ({"finding": "trap"}, [4]),
        ({"finding": "none-such"}, []),
        ({"host": "shop.example"}, [2]),
        ({"host": "SHOP.example"}, [2]),
        ({"q": "wider"}, [1]),
        ({"q": "cafe"}, [5]),
        ({"q": "margit"}, [1, 3]),
        ({"q": "margit", "order": "newest"}, [3, 1]),
        ({"q": "other"}, [3]),
        ({"q": "none of these"}, []),
        ({"q": "*"}, []),
        ({"view": "all", "by": "me"}, [8, 7]),
        ({"view": "rejected", "by": "me"}, [8]),
        ({"view": "all", "reason": "3"}, [8]),
        ({"view": "all", "reason": "4"}, []),
        ({"view": "all", "by": "99"}, []),
        ({"author": "Margit", "q": "steep"}, [3]),
        ({"finding": "links", "author": "Tom"}, [2]),
    ],
    ids=str,
)
def test_a_list_holds_what_was_asked_for(filled: FlaskClient, query: dict[str, str], expected: list[int]) -> None:
    assert listed(filled, **query) == expected


def test_days_bound_a_list_on_both_sides(filled: FlaskClient) -> None:
    days = {number: (clock() - timedelta(days=20 - number)).date().isoformat() for number in range(1, 11)}
    assert listed(filled, since=days[3]) == [3, 4, 5, 6]
    assert listed(filled, until=days[3]) == [1, 2, 3]
    assert listed(filled, since=days[2], until=days[4]) == [2, 3, 4]


def test_a_network_is_listed_by_its_tag(app: Flask, filled: FlaskClient) -> None:
    with app.app_context():
        tag = db.session.get_one(Revision, 2).network
    assert listed(filled, network=str(tag)) == [2, 4]


@pytest.mark.sqlite_only
def test_counts_stand_beside_each_view(filled: FlaskClient) -> None:
    assert [count_of(filled, view) for view in ("waiting", "approved", "rejected", "spam", "all")] == [*"6111", "10"]
    assert [count_of(filled, view, q="writer") for view in ("waiting", "approved", "spam", "all")] == [*"011", "4"]


@pytest.mark.sqlite_only
def test_a_filtered_list_is_counted_no_further_than_it_helps(
    filled: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.review.MOST_COUNTED", 3)
    monkeypatch.setattr("moderation.review.listing.MOST_COUNTED", 3)
    assert count_of(filled, "waiting", since="2000-01-01") == "3+"
    assert count_of(filled, "approved", since="2000-01-01") == "1"
    assert count_of(filled, "waiting") == "6"


PAGED: list[tuple[dict[str, str], int]] = [
    ({"q": "words"}, 45),
    ({"author": "Tom"}, 23),
    ({"view": "all"}, 45),
    ({"order": "newest"}, 45),
]


def test_a_filtered_list_goes_on_page_by_page(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    change_site(app, required=["author"])
    for number in range(1, 46):
        name = "Tom" if number % 2 else f"Writer {number}"
        reply(f"Words of {number}.", author=name, email="", address=f"198.51.{number}.7")
    for query, length in (
        ({"q": "words"}, 45),
        ({"author": "Tom"}, 23),
        ({"view": "all"}, 45),
        ({"order": "newest"}, 45),
    ):
        shown: list[int] = []
        answer = ana.get("/queue/", query_string=query)
        while True:
            page = Page(answer)
            shown += [int(str(tag["id"])[1:]) for name, tag in page.tags if name == "article"]
            more = next((tag["href"] for _, tag in page.tags if tag.get("rel") == "next"), None)
            if more is None:
                break
            answer = ana.get(str(more))
        assert len(shown) == length, query
        assert sorted(shown, reverse="order" in query or "view" in query) == shown, query


HOSTILE = ["\0", "\ud800", "'", "%", "x" * 5000, "١", "-1", "9" * 40, "1.5", "\u202e", "0", "{}", "[1]", "null", "../"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "name",
    [
        *("view", "order", "site", "page", "author", "finding", "host", "network", "shape"),
        *("since", "until", "reason", "by", "q", "after", "nonsense"),
    ],
)
def test_no_filter_is_an_error(filled: FlaskClient, name: str) -> None:
    for value in HOSTILE:
        query = f"{name}={value}".encode("utf-8", "surrogatepass")
        answer = filled.get("/queue/", environ_overrides={"QUERY_STRING": query.decode("latin-1")})
        assert answer.status_code == 200, value


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"since": "yesterday"}, "A day looks like 2026-11-22."),
        ({"until": "2026-13-01"}, "A day looks like 2026-11-22."),
        ({"since": "2026-11-22", "until": "2026-11-20"}, "The last day is before the first."),
        ({"reason": "x"}, "A reason is a digit from 1 to 9."),
    ],
)
def test_what_does_not_read_is_said_at_its_field(filled: FlaskClient, query: dict[str, str], says: str) -> None:
    page = Page(filled.get("/queue/", query_string=query | {"q": "wider"}))
    assert says in page.words
    [typed] = [form for form in page.forms if "q" in form]
    assert typed["q"] == "wider"
    for name, value in query.items():
        assert name == "reason" or typed[name] == value


@pytest.mark.sqlite_only
def test_the_order_is_remembered(filled: FlaskClient) -> None:
    token = Page(filled.get("/queue/")).fields["csrf_token"]
    fields = {"order": "newest", "csrf_token": token, "list": "q=wider&evil=x&after=y"}
    chosen = filled.post("/queue/order", data=fields)
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/queue/?q=wider&after=y")
    assert listed(filled) == WAITING[::-1]
    assert listed(filled, order="oldest") == WAITING
    filled.post("/queue/order", data={"order": "oldest", "csrf_token": token})
    assert listed(filled) == WAITING


def test_of_two_sites_the_one_at_risk_comes_first(app: Flask, client: FlaskClient, reply: Reply) -> None:
    make_site(app, "harbour", "https://harbour.example", target_hours=1)
    both = signed_in(app, make_account(app, "Both", courier=Role.MODERATOR, harbour=Role.MODERATOR))
    reply("First, with four hours.")
    body = {**TYPED, "page": "https://harbour.example/"}
    client.post("/sites/harbour/replies", data=body, headers=JSON)
    reply("Third, with four hours.", email="tom@home.example")
    assert listed(both) == [2, 1, 3]
    assert listed(both, site="courier") == [1, 3]
    assert listed(both, site="harbour") == [2]


def test_a_list_is_walled_off(app: Flask, filled: FlaskClient) -> None:
    make_site(app, "harbour", "https://harbour.example")
    stranger = signed_in(app, make_account(app, "Eve", harbour=Role.OWNER))
    with app.app_context():
        ana = account_of("ana@staff.example").id
    for query in (
        {},
        {"view": "all"},
        {"q": "wider"},
        {"site": "courier"},
        {"page": PAGE},
        {"view": "all", "by": str(ana)},
    ):
        assert listed(stranger, **query) == []
