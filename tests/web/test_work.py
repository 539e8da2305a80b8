"""A proof of work: asked where a site says so, or in a flood; good once; and people without it get through."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import work
from moderation.db import db
from moderation.models import Revision
from tests.conftest import NOW, PAGE, make_site
from tests.web.asking import change_site

SECRET = "s" * 32
FORM = "/sites/courier/form"
JSON = {"Accept": "application/json"}


def number_of(asked: dict[str, Any]) -> int:
    """Find the number, as a browser does."""
    tries = range(asked["maxnumber"])
    return next(n for n in tries if hashlib.sha256(f"{asked['salt']}{n}".encode()).hexdigest() == asked["challenge"])


def packed(answer: object) -> str:
    return base64.b64encode(json.dumps(answer).encode()).decode()


def solve(asked: dict[str, Any], **changes: Any) -> str:
    kept = {name: asked[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return packed(kept | {"number": number_of(asked)} | changes)


ASKED = work.ask("courier", secret=SECRET, now=NOW).as_json()
OTHERS = work.ask("courier", secret="o" * 32, now=NOW).as_json()
FOR_GAZETTE = work.ask("gazette", secret=SECRET, now=NOW).as_json()


@pytest.mark.parametrize(
    ("answer", "after", "fits"),
    [
        (solve(ASKED), 0, True),
        (solve(ASKED), 86_399, True),
        (solve(ASKED), 86_401, False),
        (solve(ASKED, number=number_of(ASKED) + 1), 0, False),
        (solve(ASKED, number=str(number_of(ASKED))), 0, False),
        (solve(ASKED, number=True), 0, False),
        (solve(ASKED, number=-1), 0, False),
        (solve(ASKED, number=2**70), 0, False),
        (solve(ASKED, salt=str(ASKED["salt"]).replace("courier", "gazette")), 0, False),
        (solve(ASKED, salt=None), 0, False),
        (solve(ASKED, signature="0" * 64), 0, False),
        (solve(ASKED, signature="ü"), 0, False),
        # A number that one hid oneself.
        (packed({**ASKED, "number": 1, "challenge": hashlib.sha256(b"x1").hexdigest(), "salt": "x"}), 0, False),
        (solve(OTHERS), 0, False),
        (solve(FOR_GAZETTE), 0, False),
        ("", 0, False),
        ("undefined", 0, False),
        ("%%%", 0, False),
        (packed([]), 0, False),
        (packed("x"), 0, False),
        (packed(None), 0, False),
        (base64.b64encode(b"[" * 700).decode(), 0, False),
        ("A" * 1001, 0, False),
    ],
)
def test_what_is_a_proof(answer: str, after: int, fits: bool) -> None:
    found = work.solved(answer, "courier", secret=SECRET, now=NOW + timedelta(seconds=after))
    assert found == (ASKED["challenge"] if fits else None)


def findings(app: Flask) -> list[list[object]]:
    with app.app_context():
        rows = db.session.scalars(select(Revision.findings).order_by(Revision.id)).all()
    return [[finding["code"] for finding in row if finding["code"] in ("no-proof", "no-token")] for row in rows]


@pytest.fixture
def asking(app: Flask, client: FlaskClient) -> FlaskClient:
    """Return a visitor of a site that always asks."""
    change_site(app, proof="on")
    return client


def asked(client: FlaskClient) -> dict[str, Any]:
    fresh: dict[str, Any] = client.get(FORM, query_string={"page": PAGE}).get_json()
    return fresh


def test_who_brings_the_proof_is_held_without_a_word(
    app: Flask, asking: FlaskClient, reply: Callable[..., Any]
) -> None:
    fresh = asked(asking)
    answer = reply(token=fresh["token"], key=fresh["key"], proof=solve(fresh["work"]))
    assert (answer.status_code, findings(app)) == (201, [[]])


def test_a_program_without_it_is_told_at_the_field_and_nothing_is_held(
    app: Flask, asking: FlaskClient, reply: Callable[..., Any]
) -> None:
    answer = reply(proof="undefined")
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {"proof": ["Please wait a moment, then try again."]}
    assert findings(app) == []


def test_a_proof_is_good_once_but_a_retry_gets_its_first_answer(
    app: Flask, asking: FlaskClient, reply: Callable[..., Any]
) -> None:
    fresh = asked(asking)
    sent = {"token": fresh["token"], "key": fresh["key"], "proof": solve(fresh["work"])}
    first, again = reply(**sent), reply(**sent)
    assert (first.status_code, again.status_code, again.get_json()) == (201, 201, first.get_json())
    other = reply("Another text.", author="Bo", email="bo@home.example", proof=sent["proof"], key="k" * 20)
    assert other.status_code == 422
    assert findings(app) == [[]]


def hidden(html: str) -> dict[str, str]:
    """Read the first form's hidden fields."""
    form = html.split("<form", 1)[1].split("</form>", 1)[0]
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in fields}


def test_without_a_script_one_reads_it_once_more_and_it_is_held_with_a_finding(app: Flask, asking: FlaskClient) -> None:
    fresh = asked(asking)
    typed = {"comment": "Wider is *good* news.", "author": "Margit", "email": "margit@home.example", "page": PAGE}
    once_more = asking.post("/sites/courier/replies", data={**typed, "token": fresh["token"], "proof": ""})
    assert once_more.status_code == 200
    assert findings(app) == []
    fields = hidden(once_more.text)
    assert {name: fields[name] for name in typed} == typed
    held = asking.post("/sites/courier/replies", data=fields)
    assert (held.status_code, findings(app)) == (303, [["no-proof"]])


def test_with_a_script_the_page_that_shows_it_once_more_proves_it(app: Flask, asking: FlaskClient) -> None:
    typed = {"comment": "Wider.", "author": "Margit", "email": "margit@home.example", "page": PAGE}
    once_more = asking.post("/sites/courier/replies", data=typed).text
    question = json.loads(unescape(re.search(r'data-work="([^"]*)"', once_more)[1]))  # type: ignore[index]
    held = asking.post("/sites/courier/replies", data={**hidden(once_more), "proof": solve(question)})
    assert (held.status_code, findings(app)) == (303, [[]])


@pytest.mark.parametrize(("says", "asks"), [("auto", [False, False, True]), ("off", [False] * 3), ("on", [True] * 3)])
def test_a_flood_lets_it_be_asked(
    app: Flask,
    client: FlaskClient,
    reply: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    says: str,
    asks: list[bool],
) -> None:
    monkeypatch.setitem(app.config, "PROOF_FROM_PER_MINUTE", 2)
    change_site(app, proof=says)
    seen = []
    for number in range(3):
        fresh = asked(client)
        answer = reply(f"Text {number}.", author=f"A{number}", email=f"a{number}@home.example", token=fresh["token"])
        assert answer.status_code == (422 if "work" in fresh else 201)
        seen.append("work" in fresh)
    assert seen == asks
    make_site(app, "gazette", "https://gazette.example")
    elsewhere = client.get("/sites/gazette/form", query_string={"page": "https://gazette.example/a"}).get_json()
    assert "work" not in elsewhere


def test_nothing_but_our_pages_asks_the_browser_to_work(asking: FlaskClient) -> None:
    page = asking.get("/sites/courier/thread", query_string={"page": PAGE}).text
    assert json.loads(unescape(re.search(r'data-work="([^"]*)"', page)[1]))["algorithm"] == "SHA-256"  # type: ignore[index]
    assert "data-work" not in asking.get("/sites/courier/thread.html", query_string={"page": PAGE}).text
    with asking.get("/static/work.js") as script:
        assert script.headers["Access-Control-Allow-Origin"] == "*"
        assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
