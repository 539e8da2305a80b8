"""No room, no database, no connection: 503 and when to try again, nothing half done, and all is well afterwards."""

import http.client
import json
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import Engine, event, func, select
from sqlalchemy.engine import make_url

from moderation import audit
from moderation.db import db
from moderation.models import Comment
from tests import server
from tests.conftest import ORIGIN, PAGE, PASSWORD, csrf, make_account, make_site, new_app, signed_in, token_in
from tests.faults.scene import JSON

pytestmark = pytest.mark.faults

READ = f"/sites/courier/thread.json?page={PAGE}"
#: SQLite's own most: four thousand million pages.
ROOM = 4294967294


def send(client: FlaskClient, number: int) -> Any:
    """Send a reply of three pages of the database's, so that a little room is soon used up."""
    fields = {
        "comment": f"Reply {number}. " + "A long story, told slowly. " * 170,
        "author": "Margit",
        "email": "margit@home.example",
        "page": PAGE,
        "key": f"{number:020}",
    }
    return client.post("/sites/courier/replies", data=fields, headers=JSON)


def assert_unavailable(answer: Any) -> None:
    """Fail unless the answer says that nothing was done, and when to try again."""
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["X-Request-ID"]
    assert "Nothing was stored" in answer.get_data(as_text=True) or answer.json["title"] == "The service is busy"


def stored(app: Flask) -> int:
    with app.app_context():
        assert [proof.chain for proof in audit.verify() if proof.faults] == []
        return db.session.scalar(select(func.count(Comment.id)))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Flask]:
    """Return an app on a SQLite file of its own, that may break."""
    app = new_app(f"sqlite:///{tmp_path / 'small.sqlite'}", tmp_path, REPLY_PAUSE="0")
    with app.app_context():
        upgrade()
    make_site(app, "courier", ORIGIN)
    yield app
    with app.app_context():
        db.engine.dispose()


@contextmanager
def full_disk(app: Flask) -> Iterator[None]:
    """Give the database not one page more than it has."""
    limits = [str(1)]

    def limit(connection: Any, *_: Any) -> None:
        # Less than there is means: as much as there is.
        connection.execute(f"PRAGMA max_page_count={limits[0]}")

    with app.app_context():
        engine: Engine = db.engine
    event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        limits[0] = str(ROOM)
        with engine.connect():
            event.remove(engine, "checkout", limit)


def test_a_full_disk_takes_no_reply_loses_none_and_keeps_reading(small: Flask) -> None:
    client = small.test_client()
    with full_disk(small):
        answers = [send(client, number) for number in range(40)]
        taken = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code != 201]
        assert refused, "the disk was never full"
        for answer in refused:
            assert_unavailable(answer)
        assert client.get(READ).status_code == 200
        assert stored(small) == len(taken)
    # With room again, what was refused is taken, and what was taken is not taken twice.
    again = [send(client, number) for number in range(40)]
    assert [answer.status_code for answer in again] == [201] * 40
    assert [answer.json for answer, first in zip(again, answers, strict=True) if first.status_code == 201] == [
        answer.json for answer in taken
    ]
    assert stored(small) == 40


def first_refused(ask: Callable[[int], Any]) -> Any:
    """Ask until the last free bytes inside the file's own pages are used up, and return the answer to that."""
    return next(answer for answer in map(ask, range(100)) if answer.status_code >= 400)


def test_a_full_disk_decides_nothing_and_signs_nobody_in(small: Flask) -> None:
    ana = signed_in(small, make_account(small, "Ana", courier="moderator"))
    token, client = csrf(ana), small.test_client()
    assert send(client, 0).status_code == 201

    def decide(turn: int) -> Any:
        action = ("approve", "reopen")[turn % 2]
        return ana.post("/queue/decisions", data={"action": action, "revision": f"1:{turn}", "csrf_token": token})

    with full_disk(small):
        assert_unavailable(first_refused(lambda number: send(client, number + 1)))
        assert_unavailable(first_refused(decide))
        # Looking writes nothing, so it works.
        assert small.test_client().get("/account/sign-in").status_code == 200
        stored(small)
    assert small.test_client().get("/account/sign-in").status_code == 200
    assert ana.get("/queue/").status_code == 200


def test_a_real_server_without_room_answers_503_and_recovers(tmp_path: Path) -> None:
    with server.running(tmp_path, DEMO=0, LOG_LEVEL="error", REPLY_PAUSE=0, WORKERS=1) as running:
        made = server.flask("site", "create", "courier", "--origin", ORIGIN, instance=tmp_path, DEMO=0)
        assert made.returncode == 0, made.stderr
        with no_file_grows(running, tmp_path / "moderation.sqlite-wal"):
            answers = [post(running.port, number) for number in range(30)]
        taken = [body for status, _, body in answers if status == 201]
        refused = [(status, retry) for status, retry, _ in answers if status != 201]
        assert set(refused) == {(503, "5")}, answers
        again = [post(running.port, number) for number in range(30)]
        assert [status for status, _, _ in again] == [201] * 30
        assert [body for body in taken if body not in [body for _, _, body in again]] == []
        assert len({body["comment"] for _, _, body in again}) == 30
        verified = server.flask("audit", "verify", instance=tmp_path, DEMO=0)
        assert (verified.returncode, "broken" in verified.stdout) == (0, False), verified.stdout


def post(port: int, number: int) -> tuple[int, str | None, dict[str, Any]]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        fields = {
            "comment": f"Reply {number}. " + "A long story. " * 300,
            "author": "Margit",
            "email": "margit@home.example",
            "page": PAGE,
            "key": f"{number:020}",
        }
        headers = JSON | {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/sites/courier/replies", urlencode(fields), headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After"), json.loads(answer.read())


@contextmanager
def no_file_grows(running: server.Server, file: Path) -> Iterator[None]:
    """Let no file of the server's processes grow beyond this one and half as much again, as on a full disk."""
    most = int(file.stat().st_size * 1.5)
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in group_of(running)}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def group_of(running: server.Server) -> list[int]:
    """Return the server's processes: their group bears the first one's number."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if group_named(pid) == running.process.pid]


def group_named(pid: int) -> int | None:
    """Return a process' group; None for one that has ended since it was listed."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def away(app: Flask) -> Callable[[], None]:
    """Take the database away, connections included, and return what brings it back."""
    with app.app_context():
        url = make_url(str(db.engine.url)) if db.engine.dialect.name == "sqlite" else db.engine.url
        engine = db.engine
    if engine.dialect.name == "sqlite":
        engine.dispose()
        path = Path(str(url.database))
        gone = path.rename(path.with_suffix(".gone"))
        path.mkdir()

        def back() -> None:
            path.rmdir()
            gone.rename(path)

        return back
    name = str(url.database)
    admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)

    def allow(yes: bool) -> None:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS {yes}')
            if not yes:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    allow(False)
    return lambda: allow(True)


def test_without_a_database_every_door_says_503_and_opens_again(app: Flask) -> None:
    make_site(app, "courier", ORIGIN)
    ana = signed_in(app, make_account(app, "Ana", courier="moderator"))
    visitor, stranger = app.test_client(), app.test_client()
    token, strangers_token = csrf(ana), token_in(stranger, "/account/sign-in")
    receipt = send(visitor, 0).json["receipt"].removeprefix(app.config["BASE_URL"])
    asked = [
        lambda: send(visitor, 1),
        lambda: visitor.get(READ),
        lambda: visitor.get("/readyz"),
        lambda: visitor.get(f"/sites/courier/thread?page={PAGE}"),
        lambda: visitor.get(receipt),
        lambda: visitor.post(f"{receipt}/withdraw", data={"sent": "1"}),
        lambda: ana.get("/queue/"),
        lambda: ana.get("/queue/", headers=JSON),
        lambda: ana.post("/queue/decisions", data={"action": "approve", "revision": "1:0", "csrf_token": token}),
        lambda: stranger.post(
            "/account/sign-in",
            data={"email": "ana@staff.example", "password": PASSWORD, "csrf_token": strangers_token},
        ),
    ]
    with ExitStack() as stack:
        stack.callback(away(app))
        for ask in asked:
            assert_unavailable(ask())
        assert visitor.get("/healthz").status_code == 200
    assert [ask().status_code for ask in asked[:7]] == [201, 200, 200, 200, 200, 303, 200]
    assert stored(app) == 2


def test_when_every_connection_is_taken_the_answer_is_503(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_site(app, "courier", ORIGIN)
    with app.app_context():
        engine = db.engine
    monkeypatch.setattr(engine.pool, "_timeout", 0.1)
    with ExitStack() as stack:
        for _ in range(engine.pool.size() + engine.pool._max_overflow):
            stack.enter_context(closing(engine.raw_connection()))
        assert_unavailable(app.test_client().get(READ))
    assert app.test_client().get(READ).status_code == 200
