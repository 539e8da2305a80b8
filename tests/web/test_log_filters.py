"""What the log's filters find, page by page, at a cost that does not grow."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import audit
from moderation.db import db
from moderation.models import Action, Entry, Kind, Role, Via
from moderation.review import history
from moderation.review.history import LINES, Reach, Wanted
from tests.conftest import NOW, account_of, make_account, make_site, signed_in, site_of
from tests.web.asking import Page
from tests.web.test_log import numbers
from tests.web.test_queue_pages import counted, next_page

#: Each of so many hours brings an entry of another kind.
KINDS: list[tuple[Kind, Action, Via, str | None]] = [
    (Kind.ARRIVAL, Action.SUBMIT, Via.FORM, None),
    (Kind.DECISION, Action.REJECT, Via.QUEUE, "ana"),
    (Kind.EDIT, Action.EDIT, Via.RECEIPT, None),
    (Kind.IMPORT, Action.SUBMIT, Via.IMPORT, None),
    (Kind.DECISION, Action.APPROVE, Via.QUEUE, "piet"),
    (Kind.DECISION, Action.REOPEN, Via.WORKER, None),
    (Kind.ARRIVAL, Action.SUBMIT, Via.QUEUE, "ana"),
]


def write(app: Flask, number: int, *keys: str) -> None:
    """Write so many entries, an hour apart, on each of the sites in turn. The chain is not what is looked at."""
    with app.app_context():
        people = {name: account_of(f"{name}@staff.example").id for name in ("ana", "piet")}
        sites = [site_of(key) for key in keys]
        for each in range(number):
            kind, action, via, who = KINDS[each % len(KINDS)]
            site = sites[each % len(sites)]
            rejected = action is Action.REJECT
            audit.record(
                audit.Event(
                    kind,
                    action,
                    "comment:1",
                    via,
                    NOW + timedelta(hours=each),
                    site_id=site.id,
                    account_id=people[who] if who else None,
                    reason_id=site.reasons[each % 3].id if rejected else None,
                    batch=f"b{each // 5}" if who else None,
                )
            )
        db.session.commit()


@pytest.fixture
def ana(app: Flask, site: str) -> FlaskClient:
    """Return a moderator of two sites, signed in; a colleague works on the first of them."""
    make_site(app, "harbour", "https://harbour.example")
    make_account(app, "Ana", courier=Role.MODERATOR, harbour=Role.MODERATOR)
    make_account(app, "Piet", courier=Role.MODERATOR)
    return signed_in(app, "ana@staff.example")


def fitting(app: Flask, fits: Callable[[Entry, dict[str, int]], bool]) -> list[int]:
    """Return which of the sites' entries fit, newest first, by looking at each."""
    with app.app_context():
        known = {key: site_of(key).id for key in ("courier", "harbour")}
        known |= {name: account_of(f"{name}@staff.example").id for name in ("ana", "piet")}
        entries = db.session.scalars(select(Entry).where(Entry.site_id.is_not(None)).order_by(Entry.id.desc()))
        found = [entry.id for entry in entries if fits(entry, known)]
        db.session.rollback()
    return found


BY_AUTHORS = (Kind.ARRIVAL, Kind.EDIT, Kind.WITHDRAWAL)
FILTERS: list[tuple[dict[str, str], Callable[[Entry, dict[str, int]], bool]]] = [
    ({}, lambda e, _: True),
    ({"site": "harbour"}, lambda e, known: e.site_id == known["harbour"]),
    ({"who": "ana"}, lambda e, known: e.account_id == known["ana"]),
    ({"who": "ana", "site": "courier"}, lambda e, known: (e.account_id, e.site_id) == (known["ana"], known["courier"])),
    ({"who": "authors"}, lambda e, _: e.account_id is None and e.kind in BY_AUTHORS),
    ({"who": "imports"}, lambda e, _: e.kind is Kind.IMPORT),
    ({"action": "reject"}, lambda e, _: e.action is Action.REJECT),
    ({"action": "submit", "who": "ana"}, lambda e, known: (e.action, e.account_id) == (Action.SUBMIT, known["ana"])),
    ({"reason": "2"}, lambda e, _: e.reason_id is not None and e.reason_id % 5 == 2),
    ({"via": "worker"}, lambda e, _: e.via is Via.WORKER),
    ({"batch": "b3"}, lambda e, _: e.batch == "b3"),
    ({"since": "2026-11-23"}, lambda e, _: e.at.date() >= date(2026, 11, 23)),
    ({"until": "2026-11-22"}, lambda e, _: e.at.date() <= date(2026, 11, 22)),
    ({"since": "2026-11-23", "until": "2026-11-23"}, lambda e, _: e.at.date() == date(2026, 11, 23)),
    ({"since": "2026-11-23", "via": "queue"}, lambda e, _: e.at.date() >= date(2026, 11, 23) and e.via is Via.QUEUE),
    ({"since": "2030-01-01"}, lambda e, _: False),
    ({"site": "nowhere"}, lambda e, _: False),
    ({"who": "999999"}, lambda e, _: False),
    ({"who": "somebody"}, lambda e, _: False),
    ({"action": "burn"}, lambda e, _: False),
    ({"via": "window"}, lambda e, _: False),
    ({"batch": "none"}, lambda e, _: False),
    ({"chain": "courier"}, lambda e, _: False),
    ({"reason": "9"}, lambda e, _: False),
]


def test_filters_find_what_they_name(app: Flask, ana: FlaskClient) -> None:
    write(app, 40, "courier", "harbour")
    with app.app_context():
        people = {name: str(account_of(f"{name}@staff.example").id) for name in ("ana", "piet")}
    for query, fits in FILTERS:
        asked = {name: people.get(value, value) for name, value in query.items()}
        expected = fitting(app, fits)
        assert numbers(ana, **asked) == expected, query
        exported = ana.get("/log/export.json", query_string=asked).json
        assert [entry["id"] for entry in exported] == expected, query


def test_pages_follow_each_other_without_gap_or_repeat(app: Flask, ana: FlaskClient) -> None:
    write(app, 120, "courier", "harbour", "courier")
    expected = fitting(app, lambda *_: True)
    shown: list[list[int]] = []
    address = "/log/"
    while address:
        answer = ana.get(address)
        shown.append([int(str(one["id"])[1:]) for tag, one in Page(answer).tags if tag == "li" and "id" in one])
        address = str(next_page(answer) or "")
        # What comes meanwhile stands before the first page.
        write(app, 1, "courier")
    assert [len(page) for page in shown] == [LINES, LINES, len(expected) - 2 * LINES]
    assert [number for page in shown for number in page] == expected


def test_the_next_page_keeps_the_filters(app: Flask, ana: FlaskClient) -> None:
    write(app, 420, "courier")
    first = ana.get("/log/?who=imports")
    assert "who=imports" in str(next_page(first))
    assert len(numbers(ana, who="imports")) == LINES
    assert len(Page(ana.get(str(next_page(first)))).by_id) > 0


FAULTS = [
    ({"reason": "x"}, "f-reason-error", "A reason is a digit from 1 to 9."),
    ({"reason": "12"}, "f-reason-error", "A reason is a digit from 1 to 9."),
    ({"since": "yesterday"}, "f-since-error", "A day looks like 2026-11-22."),
    ({"until": "2026-02-30"}, "f-until-error", "A day looks like 2026-11-22."),
    ({"since": "2026-11-23", "until": "2026-11-22"}, "f-until-error", "The last day is before the first."),
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("query", "field", "said"), FAULTS)
def test_what_does_not_read_is_said_at_its_field_and_makes_no_file(
    ana: FlaskClient, query: dict[str, str], field: str, said: str
) -> None:
    page = Page(ana.get("/log/", query_string=query))
    assert page.by_id[field] == said
    for path in ("/log/export.csv", "/log/export.json"):
        answer = ana.get(path, query_string=query)
        assert (answer.status_code, "Content-Disposition" in answer.headers) == (422, False)


HOSTILE = ["\0", "\ud800", "x" * 5000, "9" * 5000, "-1", "0", "' OR 1=1 --", "\ufffe", "²", "1e9", "9" * 18, "%", "_"]
NAMES = ("site", "who", "action", "reason", "since", "until", "via", "batch", "chain", "after", "days")


def test_no_address_fails(app: Flask, ana: FlaskClient) -> None:
    write(app, 3, "courier")
    for value in HOSTILE:
        written = value.encode("utf-8", "surrogatepass")
        for name in NAMES:
            for path in ("/log/", "/log/numbers", "/log/export.csv", "/log/export.json"):
                answer = ana.get(path, query_string={name: written})
                refused = path.startswith("/log/export") and name in {"reason", "since", "until"}
                assert answer.status_code == (422 if refused else 200), (path, name, value[:20])
                if path == "/log/":
                    assert Page(answer).unbalanced == []


@pytest.mark.sqlite_only
def test_a_page_costs_the_same_questions_with_3_lines_and_with_50(app: Flask, ana: FlaskClient) -> None:
    asked_for = []
    for number in (3, 200):
        write(app, number, "courier", "harbour")
        ana.get("/log/")
        with counted(app) as asked:
            answer = ana.get("/log/")
        assert answer.status_code == 200
        asked_for.append(len(asked))
    assert asked_for[0] == asked_for[1] <= 8


#: What was asked for, and the index that it is read along.
PLANS: list[tuple[Wanted, str]] = [
    (Wanted(), "ix_entry_site_id_entry_id"),
    (Wanted(who="authors"), "ix_entry_site_id_entry_id"),
    (Wanted(who="imports"), "ix_entry_site_id_entry_via_entry_id"),
    (Wanted(who="1"), "ix_entry_account_id_entry_id"),
    (Wanted(action="reopen"), "ix_entry_site_id_entry_action_entry_id"),
    (Wanted(reason=3), "ix_entry_reason_id_entry_id"),
    (Wanted(via="worker"), "ix_entry_site_id_entry_via_entry_id"),
    (Wanted(batch="b1"), "ix_entry_batch"),
    (Wanted(since=date(2026, 11, 22)), "ix_entry_site_id_entry_at_entry_id"),
    (Wanted(until=date(2026, 11, 22)), "ix_entry_site_id_entry_at_entry_id"),
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("wanted", "index"), PLANS)
def test_no_list_reads_the_whole_log(app: Flask, site: str, wanted: Wanted, index: str) -> None:
    reach = Reach({1: "courier", 2: "harbour"}, {}, {(1, 3): 3, (2, 3): 8}, staff=None)
    with counted(app) as asked, app.app_context():
        history.lines(reach, wanted, after=10**6, most=LINES)
    statement = asked[0]
    with app.app_context():
        plan = [
            str(row[3])
            for row in db.session.connection().exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", tuple("1" for _ in range(statement.count("?")))
            )
        ]
        db.session.rollback()
    read = [step for step in plan if "entry" in step and "SUBQUERY" not in step]
    assert [step for step in read if step.startswith("SCAN entry")] == []
    assert any(f"INDEX {index} " in step for step in read), plan
    assert [step for step in plan if "TEMP B-TREE" in step] == []
