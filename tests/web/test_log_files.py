"""The log as a file, and its proof: nothing is left out, nothing is active, and what was changed shows."""

import csv
import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from moderation.db import db
from moderation.models import Entry, LogHead
from moderation.web import logexport
from tests.conftest import csrf, decide, make_account, signed_in
from tests.web.asking import Page, dump
from tests.web.test_log import numbers

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("https://evil.example")', "\t=1", "\r=1"]
PLAIN = ["Tom", "", "'quoted'", 'say "no"', "one\ntwo", "1-1", "ünï", " =1"]


def rows(answer: Any) -> list[dict[str, str]]:
    """Read a CSV file as a spreadsheet does."""
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))


@pytest.mark.parametrize("value", FORMULAS)
def test_a_formula_becomes_a_text(value: str) -> None:
    assert logexport.inert(value) == f"'{value}"


@pytest.mark.parametrize("value", PLAIN)
def test_what_is_no_formula_stays_as_it_is(value: str) -> None:
    assert logexport.inert(value) == value


def test_both_files_tell_what_the_list_tells(app: Flask, ana: FlaskClient, reply: Any) -> None:
    reply(author="=cmd|' /C calc'!A0")
    assert decide(ana, "reject", "1:0", reason="3", note='+Third\r\ntime, "again" ü').status_code == 200
    table, array = ana.get("/log/export.csv"), ana.get("/log/export.json")
    for answer, kind in ((table, "text/csv; charset=utf-8"), (array, "application/json")):
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        assert answer.headers["Cache-Control"] == "no-store"
    cells, values = rows(table)[0], array.json[0]
    assert cells["author"] == "'=cmd|' /C calc'!A0"
    assert values["author"] == "=cmd|' /C calc'!A0"
    assert cells["note"] == '\'+Third\r\ntime, "again" ü'
    assert values["note"] == '+Third\r\ntime, "again" ü'
    expected = {
        "site": "courier", "kind": "decision", "action": "reject", "who": "Ana", "page": "/news/mill-lane",
        "subject": "comment:1", "from": "pending", "to": "rejected", "reason": "Advertising", "via": "queue",
    }  # fmt: skip
    assert {name: values[name] for name in expected} == expected
    assert {name: cells[name] for name in expected} == expected
    assert (values["revision"], cells["revision"], values["rule"], cells["rule"]) == (1, "1", None, "")
    assert [entry["id"] for entry in array.json] == [int(row["id"]) for row in rows(table)] == numbers(ana)
    with app.app_context():
        assert values["hash"] == db.session.get_one(Entry, values["id"]).hash
    for line in table.get_data(as_text=True).replace("\r\ntime", "").splitlines():
        assert line.startswith('"')
        assert line.endswith('"')


@pytest.mark.sqlite_only
def test_a_file_is_written_in_batches(app: Flask, ana: FlaskClient, reply: Any, monkeypatch: Any) -> None:
    for number in range(9):
        reply(f"Reply {number}.", email=f"a{number}@home.example")
    everything = numbers(ana)
    for size in (1, 3, len(everything), 500):
        monkeypatch.setattr(logexport, "BATCH", size)
        assert [entry["id"] for entry in ana.get("/log/export.json").json] == everything, size
        assert [int(row["id"]) for row in rows(ana.get("/log/export.csv"))] == everything, size
    assert ana.get("/log/export.json?site=nowhere").json == []
    assert rows(ana.get("/log/export.csv?site=nowhere")) == []


@pytest.mark.sqlite_only
def test_a_file_that_nobody_reads_to_its_end_holds_nothing(ana: FlaskClient, reply: Any, monkeypatch: Any) -> None:
    reply("One.")
    monkeypatch.setattr(logexport, "BATCH", 1)
    answer = ana.get("/log/export.json")
    next(iter(answer.response))
    assert reply("Two.", email="two@home.example").status_code == 201
    assert len(numbers(ana)) > 2
    answer.close()


def prove(client: FlaskClient) -> Page:
    """Press the button."""
    answer = client.post("/log/verify", data={"csrf_token": csrf(client)})
    assert answer.status_code == 200
    page = Page(answer)
    assert page.unbalanced == []
    return page


def test_a_whole_log_is_proven_with_its_head(app: Flask, ana: FlaskClient, reply: Any) -> None:
    reply()
    decide(ana, "approve", "1:0", note="Fine.")
    with app.app_context():
        head = db.session.query(LogHead.hash).filter(LogHead.site_id.is_not(None)).scalar()
        db.session.rollback()
    words = " ".join(prove(ana).words.split())
    assert f"Whole Courier Entries {len(numbers(ana))} Forgotten on request 0 Faults 0" in words
    assert head in words


def test_what_was_changed_is_named(app: Flask, ana: FlaskClient, reply: Any) -> None:
    reply()
    decide(ana, "approve", "1:0", note="Fine.")
    with app.app_context():
        db.session.execute(text("UPDATE entry SET note = 'Not so fine.' WHERE note = 'Fine.'"))
        db.session.execute(text("UPDATE log_head SET pending = 7 WHERE site_id IS NOT NULL"))
        db.session.commit()
    words = " ".join(prove(ana).words.split())
    assert "Broken Courier" in words
    assert "its words changed since they were written" in words
    assert "pending: 7 counted, 0 there" in words


def test_proving_needs_the_forms_token_and_writes_nothing(app: Flask, ana: FlaskClient, reply: Any) -> None:
    reply()
    assert ana.post("/log/verify").status_code == 400
    assert ana.get("/log/verify").status_code == 405
    before = dump(app, besides=("web_session",))
    prove(ana)
    assert dump(app, besides=("web_session",)) == before


def test_an_account_without_a_site_has_nothing(app: Flask, client: FlaskClient, reply: Any) -> None:
    reply()
    make_account(app, "Nora")
    nora = signed_in(app, "nora@staff.example")
    assert numbers(nora) == []
    assert nora.get("/log/export.json").json == []
    assert "You work on no site." in prove(nora).words
    assert nora.get("/log/numbers").status_code == 200
