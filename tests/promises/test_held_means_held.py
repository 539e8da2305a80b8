"""Promises 1 and 7: no byte of what nobody approved leaves, and nothing about a person but what they gave."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from http.cookiejar import CookieJar
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from moderation.db import db
from tests import server
from tests.conftest import ORIGIN, PAGE, PASSWORD, decide
from tests.promises.public import QUIET_PAGE, answers, betrayals, disguises
from tests.transfer import wxr

JSON = {"Accept": "application/json"}
#: Stands in everything that is not public, and in nothing else.
MARK = "xyzzy"
PUBLIC_EMAIL = "margit.public@home.example"
NETWORK = "203.0.113.77"


@pytest.fixture
def send(client: FlaskClient) -> Callable[..., Any]:
    """Return a function that sends a reply in which every field is marked, and returns id, receipt and answer."""

    def send_(name: str, *, marked: bool = True, **fields: Any) -> tuple[int, str]:
        mark = f"{MARK}{name}" if marked else name
        body = {
            "comment": f"The words {mark} in **{mark}**, see https://{mark}.example/{mark}",
            "author": f"Author {mark}",
            "email": f"{mark}@mail.example",
            "url": f"https://{mark}-url.example/",
            "title": f"Title {mark}",
            "page": PAGE,
        } | fields
        answer = client.post("/sites/courier/replies", data=body, headers=JSON, environ_base={"REMOTE_ADDR": NETWORK})
        assert answer.status_code == 201, answer.json
        return answer.json["comment"], "/receipts/" + answer.json["receipt"].rpartition("/")[2]

    return send_


@pytest.fixture
def approved(send: Callable[..., Any], ana: FlaskClient) -> int:
    """Publish one comment, with everything its author may be known by."""
    comment, _ = send("public", marked=False, email=PUBLIC_EMAIL)
    assert decide(ana, "approve", "1:0").status_code == 200
    return comment


def hide_some(app: Flask, client: FlaskClient, ana: FlaskClient, send: Callable[..., Any]) -> None:
    """Bring marked texts into every state that is not public: only arrivals, edits and refusals."""
    newest = [1]

    def take(name: str, *, presses: tuple[str, ...] = (), **fields: Any) -> tuple[int, str]:
        comment, receipt = send(name, **fields)
        newest[0] += 1
        for turn, action in enumerate(presses):
            assert decide(ana, action, f"{newest[0]}:{turn}", note=f"{MARK}note").status_code == 200
        return comment, receipt

    take("pending")
    take("quiet", page=QUIET_PAGE)
    take("child", parent=1)
    take("rejected", presses=("reject",))
    take("spam", presses=("spam",))
    take("returned", presses=("return",))
    _, receipt = take("withdrawn")
    assert client.post(f"{receipt}/withdraw", data={"sent": "1"}).status_code == 303
    _, receipt = take("superseded")
    assert client.post(f"{receipt}/edit", data={"comment": f"{MARK}edited"}).status_code == 303
    with app.app_context():
        for id_, state in enumerate(("0", "spam", "trash"), start=1):
            told = {"author": f"{MARK}import", "author_email": f"{MARK}import@mail.example", "content": f"{MARK}import"}
            page = wxr.item(wxr.comment(id_, approved=state, **told), id_=id_, link=f"{ORIGIN}/i/{id_}")
            wxr.bring(wxr.export(page))
        draft = wxr.item(
            wxr.comment(9, approved="1", content=f"{MARK}draft", author=f"{MARK}draft"),
            id_=9,
            status="draft",
            title=f"{MARK}draft",
            link=f"{ORIGIN}/plugh/draft",
        )
        wxr.bring(wxr.export(draft))


def test_what_arrives_and_is_not_approved_changes_no_public_byte(
    app: Flask, client: FlaskClient, ana: FlaskClient, send: Callable[..., Any], approved: int
) -> None:
    ids = list(range(1, 12))
    before = answers(app, ids)
    hide_some(app, client, ana, send)
    after = answers(app, ids)
    assert betrayals(after, [MARK, NETWORK, *disguises(PUBLIC_EMAIL)]) == []
    assert [answer.asked for answer in after if b"plugh" in answer.bytes and "plugh" not in answer.asked] == []
    # ETags, statuses and bytes; not one differs.
    changed = [now.asked for then, now in zip(before, after, strict=True) if then.lasting != now.lasting]
    assert changed == []
    # The search finds what is there: the public words are on the page, and the feed was asked for.
    assert len(betrayals(after, ["the words public"])) >= 10
    assert {answer.status for answer in after} >= {200, 303, 404}


def test_a_public_text_hides_its_edits_its_past_and_its_parents(
    app: Flask, client: FlaskClient, ana: FlaskClient, send: Callable[..., Any], approved: int
) -> None:
    # An edit waits; of another, a second text is public and the first is gone.
    _, receipt = send("a", marked=False, email=f"{MARK}.a@mail.example")
    assert decide(ana, "approve", "2:0").status_code == 200
    assert client.post(f"{receipt}/edit", data={"comment": f"{MARK} waits"}).status_code == 303
    _, receipt = send("b", marked=False, email=f"{MARK}.b@mail.example", comment=f"{MARK} was public once")
    assert decide(ana, "approve", "4:0").status_code == 200
    assert client.post(f"{receipt}/edit", data={"comment": "Calm words of b."}).status_code == 303
    assert decide(ana, "approve", "5:0").status_code == 200
    # A parent that was public is not any more; its child is.
    parent, _ = send("parent")
    assert decide(ana, "approve", "6:0").status_code == 200
    send("child", marked=False, parent=parent, email=f"{MARK}.c@mail.example", comment="A child speaks.")
    assert decide(ana, "approve", "7:0").status_code == 200
    assert decide(ana, "reject", "6:1").status_code == 200
    found = answers(app, range(1, 8))
    assert betrayals(found, [MARK]) == []
    for words in ("Calm words of b.", "A child speaks.", "This reply is not public"):
        assert betrayals(found, [words]) != []


@pytest.mark.parametrize("hidden", ["pending", "rejected", "spam", "withdrawn"])
def test_a_hidden_parent_answers_as_one_that_never_was(
    app: Flask, client: FlaskClient, ana: FlaskClient, send: Callable[..., Any], hidden: str
) -> None:
    comment, receipt = send(hidden)
    if hidden == "withdrawn":
        client.post(f"{receipt}/withdraw", data={"sent": "1"})
    elif hidden != "pending":
        assert decide(ana, {"rejected": "reject"}.get(hidden, hidden), "1:0").status_code == 200

    def answer_to(parent: int, headers: dict[str, str]) -> tuple[int, bytes]:
        token = token_in_form(client)
        body = {"comment": "And you?", "author": "Jo", "email": "jo@mail.example", "page": PAGE, "parent": parent}
        answer = client.post("/sites/courier/replies", data=body | {"token": token}, headers=headers)
        said = re.sub(rb'name="(?:token|key|parent)" value="[^"]*"', b"", answer.get_data())
        return answer.status_code, said

    for headers in (JSON, {}):
        assert answer_to(comment, headers) == answer_to(999_999, headers)
        assert answer_to(comment, headers)[0] == 404


def token_in_form(client: FlaskClient) -> str:
    return str(client.get(f"/sites/courier/form?page={PAGE}").json["token"])


def test_no_public_answer_names_a_person_by_more_than_they_gave(
    app: Flask, client: FlaskClient, send: Callable[..., Any], ana: FlaskClient, approved: int
) -> None:
    found = answers(app, [1])
    shown = betrayals(found, ["Author public", "https://public-url.example/"])
    assert shown != []
    with app.app_context():
        tag = db.session.scalar(text("SELECT network FROM comment"))
    assert tag
    assert betrayals(found, [*disguises(PUBLIC_EMAIL), NETWORK, "203.0.113", tag]) == []


@pytest.fixture
def journal() -> Iterator[StringIO]:
    """Listen to everything the service writes into its journal."""
    kept, said = structlog.get_config(), StringIO()
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(said), wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    yield said
    structlog.configure(**kept)


def test_an_error_of_the_database_is_logged_without_anybodys_words(
    app: Flask, client: FlaskClient, journal: StringIO
) -> None:
    body = {"comment": f"{MARK} words", "author": f"{MARK} name", "email": f"{MARK}@mail.example", "page": PAGE}
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("CREATE UNIQUE INDEX one_name ON comment (author)"))
    try:
        sent = [
            client.post("/sites/courier/replies", data=body | {"comment": f"{MARK} {n}"}, headers=JSON) for n in (1, 2)
        ]
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("DROP INDEX one_name"))
    assert [answer.status_code for answer in sent] == [201, 500]
    assert MARK not in sent[1].get_data(as_text=True)
    assert "IntegrityError" in journal.getvalue()
    assert MARK not in journal.getvalue()


@pytest.mark.sqlite_only
def test_neither_the_log_nor_a_stolen_database_opens_anything(tmp_path: Path) -> None:
    with server.running(tmp_path, DEMO=0, LOG_LEVEL="debug", REPLY_PAUSE=0) as running:
        settings = {"instance": tmp_path, "DEMO": 0}
        assert server.flask("site", "create", "courier", "--origin", ORIGIN, **settings).returncode == 0
        made = server.flask(
            "account",
            "create",
            "ana@staff.example",
            "--name",
            "Ana",
            "--owner-of",
            "courier",
            "--password-stdin",
            given=PASSWORD + "\n",
            **settings,
        )
        assert made.returncode == 0, made.stderr
        secrets = live_a_little(running)
        said, start = running.output, running.start_link or ""
    log = said.replace(start, "")
    assert "POST" in log, "nothing was logged"
    told = [*secrets.values(), MARK, "/receipts/", "?page", quote(PAGE, safe=""), "mail.example", "127.0.0.1, "]
    assert [secret for secret in told if secret.lower() in log.lower().replace("/receipts/<token:token>", "")] == []
    # A thief has the database, not the secrets beside it.
    with closing(sqlite3.connect(tmp_path / "moderation.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stolen = b"".join(path.read_bytes() for path in tmp_path.glob("*.sqlite*")).lower()
    assert MARK.encode() in stolen
    assert [name for name, secret in secrets.items() if secret.lower().encode() in stolen] == []
    assert b"127.0.0.1" not in stolen
    code = start.rpartition("=")[2]
    assert code
    assert code.encode() not in stolen


def live_a_little(running: server.Server) -> dict[str, str]:
    """Send, repeat, fail, look, edit, sign in and decide at a real server; return what only its owner may have."""
    jar = CookieJar()
    opener = build_opener(HTTPCookieProcessor(jar))

    def ask(path: str, fields: dict[str, str] | None = None, kind: str = "application/json") -> tuple[int, str]:
        body = urlencode(fields).encode() if fields is not None else None
        try:
            with opener.open(Request(running.url + path, body, {"Accept": kind})) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    reply = {
        "comment": f"{MARK} said this.",
        "author": f"{MARK} author",
        "email": f"{MARK}@mail.example",
        "page": PAGE,
        "key": "AKeyThatNobodyElseHas",
    }
    thread = f"/sites/courier/thread?page={quote(PAGE)}"
    form_token = json.loads(ask(f"/sites/courier/form?page={quote(PAGE)}")[1])["token"]
    status, body = ask("/sites/courier/replies", reply | {"token": form_token})
    assert status == 201
    receipt = "/receipts/" + json.loads(body)["receipt"].rpartition("/")[2]
    refused = [reply, reply | {"comment": "Another."}, reply | {"email": f"{MARK}@", "key": ""}]
    assert [ask("/sites/courier/replies", fields, "text/html")[0] for fields in refused[1:]] == [200, 422]
    assert [ask("/sites/courier/replies", fields)[0] for fields in refused] == [201, 409, 422]
    assert ask(receipt, kind="text/html")[0] == ask(thread, kind="text/html")[0] == 200
    assert ask(f"{receipt}/edit", {"comment": f"{MARK} said that."})[0] == 200
    assert ask(f"/receipts/1.{'A' * 22}", kind="text/html")[0] == 404
    password = {"email": "ana@staff.example", "password": PASSWORD}
    wrong = password | {"password": f"{MARK} is the password"}
    for fields in (wrong, password):
        page = ask("/account/sign-in", kind="text/html")[1]
        token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
        status, page = ask("/account/sign-in", fields | {"csrf_token": token}, "text/html")
    assert (status, "xyzzy" in page) == (200, True)
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    assert ask("/queue/decisions", {"action": "approve", "revision": "2:0", "csrf_token": token})[0] == 200
    cookies = {cookie.name: str(cookie.value) for cookie in jar}
    assert set(cookies) == {"session", "device"}
    return {
        "receipt": receipt.rpartition(".")[2],
        "session": cookies["session"],
        "device": cookies["device"],
        "submission key": reply["key"],
        "form token": form_token,
        "csrf token": token,
        "password": PASSWORD,
    }
