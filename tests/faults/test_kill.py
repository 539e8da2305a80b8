"""kill -9 under load: what was acknowledged is stored, once, and a retry gets the first answer."""

import http.client
import json
import os
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from moderation import audit
from moderation.db import db
from moderation.models import Comment, Revision
from tests import server
from tests.conftest import ORIGIN, PAGE, new_app

pytestmark = pytest.mark.faults

CLIENTS = 8
#: The server is killed this many seconds after the first reply was acknowledged.
MOMENTS = (0.2, 2.0)
#: Five in every run, more where asked for; twenty in `make soak`.
FEW = int(os.environ.get("MODERATION_TEST_KILL_ROUNDS", "5"))
HEADERS = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Ledger:
    """What the clients sent, by key, and what they were answered."""

    sent: dict[str, str] = field(default_factory=dict)
    answered: dict[str, dict[str, object]] = field(default_factory=dict)
    other: Counter[int] = field(default_factory=Counter)
    cut_off: int = 0


def post(port: int, key: str, text: str) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with closing(connection):
        fields = {"comment": text, "author": "Margit", "email": "margit@home.example", "page": PAGE, "key": key}
        connection.request("POST", "/sites/courier/replies", urlencode(fields), HEADERS)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def reply_until_killed(port: int, name: str, ledger: Ledger, first: threading.Event) -> None:
    """Send one reply after the other until nobody answers any more."""
    for number in range(100_000):
        key, text = f"{name}-{number:06}-{'k' * 8}", f"{name} has {number} things to say."
        ledger.sent[key] = text
        try:
            status, body = post(port, key, text)
        except (OSError, http.client.HTTPException, ValueError):
            ledger.cut_off += 1
            return
        if status == 201:
            ledger.answered[key] = body
            first.set()
        else:
            ledger.other[status] += 1


def round_of(running: server.Server, number: int, ledger: Ledger) -> None:
    """Load the server, and kill its whole process group at a random moment."""
    first = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for client in range(CLIENTS):
            pool.submit(reply_until_killed, running.port, f"r{number}c{client}", ledger, first)
        assert first.wait(60), running.output
        threading.Event().wait(random.uniform(*MOMENTS))
        running.kill()


@pytest.mark.parametrize("rounds", [FEW, pytest.param(20, marks=pytest.mark.soak)])
def test_every_acknowledged_reply_survives_kill_9_once(
    tmp_path: Path, rounds: int, record_property: Callable[[str, object], None]
) -> None:
    settings = {"BIND": f"127.0.0.1:{server.free_port()}", "DEMO": 0, "REPLY_PAUSE": 0, "LOG_LEVEL": "error"}
    ledger = Ledger()
    with server.running(tmp_path, **settings) as running:
        made = server.flask("site", "create", "courier", "--origin", ORIGIN, instance=tmp_path, **settings)
        assert made.returncode == 0, made.stderr
        for number in range(rounds):
            before = set(ledger.sent)
            round_of(running, number, ledger)
            assert ledger.other == {}
            running.process = restarted(tmp_path, settings).process
            for key in set(ledger.sent) - before:
                # Whoever got no answer asks again too: now it is stored, if it was not before.
                status, body = post(running.port, key, ledger.sent[key])
                assert status == 201
                assert body == ledger.answered.setdefault(key, body)
    assert ledger.cut_off == rounds * CLIENTS
    assert_stored_once(tmp_path, ledger)
    record_property("kills", f"{rounds} rounds, {len(ledger.sent)} replies, {ledger.cut_off} cut off")


def restarted(instance: Path, settings: dict[str, object]) -> server.Server:
    """Start the server again on the same files, and wait until it is ready."""
    again = server.start(instance, **settings)

    def is_ready() -> bool:
        assert again.process.poll() is None, again.output
        try:
            return again.get("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    server.until(is_ready, lambda: again.output)
    return again


def assert_stored_once(instance: Path, ledger: Ledger) -> None:
    """Fail unless exactly what was sent is stored, each under the number its author was told, and all of it proves."""
    path = instance / "moderation.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    app = new_app(f"sqlite:///{path}", instance)
    with app.app_context():
        rows = db.session.execute(select(Comment.id, Revision.source).join(Revision)).all()
        assert Counter(text for _, text in rows) == Counter(ledger.sent.values())
        assert {text: id_ for id_, text in rows} == {
            ledger.sent[key]: body["comment"] for key, body in ledger.answered.items()
        }
        assert [(proof.chain, proof.faults) for proof in audit.verify() if proof.faults] == []
        assert next(proof.entries for proof in audit.verify() if proof.chain == "courier") == len(rows) + 1
        db.session.remove()
        db.engine.dispose()
