"""Caches in front are told of every new version, by the worker alone, and a decision waits for none of it."""

import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from flask import Flask
from sqlalchemy import select

from moderation import worker
from moderation.db import clock, db
from moderation.models import Delivery, OutboxMessage, Role
from moderation.publishing import closing as pages
from moderation.retention import KEEP_KEYS, sweep
from tests.conftest import ORIGIN, PAGE, decide, make_account, make_site, new_app, signed_in, site_of, undo
from tests.notify.heard import Heard, listening

SERVICE = "http://127.0.0.1:8000"
COPIES = [
    *(f"/sites/courier/{name}?page={quote(PAGE, safe='')}" for name in ("thread.json", "thread.html", "thread.atom")),
    "/sites/courier/comments.atom",
]
JSON = {"Accept": "application/json"}
REPLY = {"comment": "Wider is good news.", "author": "Margit", "email": "margit@home.example", "page": PAGE}


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Return a cache that is told what to forget."""
    with listening() as server:
        yield server


def app_with(database: str, instance: Path, **settings: str) -> Flask:
    app = new_app(database, instance, REPLY_PAUSE="0", **settings)
    make_site(app, "courier", ORIGIN)
    make_account(app, "Ana", courier=Role.MODERATOR)
    return app


@pytest.fixture
def front(app: Flask, database: str, tmp_path: Path, heard: Heard) -> Iterator[Flask]:
    """Return an app on the emptied database, with a cache in front of it."""
    made = app_with(database, tmp_path, PURGE_URL=heard.url + "{path}")
    yield made
    with made.app_context():
        db.engine.dispose()


def deliver(app: Flask, *, after: float = 0) -> int:
    with app.app_context():
        return worker.deliver(now=clock() + timedelta(seconds=after))


def purges(app: Flask) -> list[tuple[Delivery, str]]:
    with app.app_context():
        rows = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "purge").order_by(OutboxMessage.id))
        return [(row.state, row.dedupe_key) for row in rows]


def test_a_takedown_is_told_at_once_for_every_address_and_not_taken_back(front: Flask, heard: Heard) -> None:
    ana = signed_in(front, "ana@staff.example")
    assert front.test_client().post("/sites/courier/replies", data=REPLY, headers=JSON).status_code == 201
    deliver(front)
    # What is held is no news to a cache.
    assert (purges(front), heard.asked) == ([], [])
    assert decide(ana, "approve", "1:0").status_code == 200
    assert decide(ana, "reject", "1:1").status_code == 200
    # Nobody waited for the cache: it has not heard yet.
    assert heard.asked == []
    assert purges(front) == [(Delivery.WAITING, "purge:1:1"), (Delivery.WAITING, "purge:1:2")]
    assert undo(ana).status_code == 200
    deliver(front)
    assert [state for state, _ in purges(front)] == [Delivery.SENT] * 3
    assert [(method, path) for method, path, _, _ in heard.asked] == 3 * [("PURGE", path) for path in COPIES]
    assert deliver(front) == 0


def test_a_page_closed_by_hand_is_told_too_and_addresses_can_be_encoded(
    app: Flask, database: str, tmp_path: Path, heard: Heard
) -> None:
    front = app_with(database, tmp_path, PURGE_URL=heard.url + "/forget?address={url}&x=1", PURGE_METHOD="post")
    with front.app_context():
        pages.set_closed(site_of("courier"), PAGE, closed=True, now=clock(), via="cli")
        db.session.commit()
    deliver(front)
    named = [(method, unquote(path.split("address=")[1].split("&")[0])) for method, path, _, _ in heard.asked]
    assert named == [("POST", SERVICE + path) for path in COPIES]
    with front.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("answer", [500, 405, 302])
def test_what_a_cache_refuses_is_told_again_and_what_it_never_had_is_not(
    front: Flask, heard: Heard, answer: int
) -> None:
    with front.app_context():
        for number in range(3):
            pages.set_closed(site_of("courier"), f"{PAGE}/{number}", closed=True, now=clock(), via="cli")
        db.session.commit()
    heard.status = answer
    deliver(front)
    assert [state for state, _ in purges(front)] == [Delivery.WAITING] * 3
    # The first refusal was enough for this round.
    assert len(heard.asked) == 1
    heard.status = 404
    deliver(front, after=61)
    assert [state for state, _ in purges(front)] == [Delivery.SENT] * 3
    assert len(heard.asked) == 1 + 3 * len(COPIES)


def test_a_cache_that_is_away_keeps_nothing_else_waiting(app: Flask, database: str, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    front = app_with(database, tmp_path, PURGE_URL=f"http://127.0.0.1:{port}{{path}}")
    with front.app_context():
        pages.set_closed(site_of("courier"), PAGE, closed=True, now=clock(), via="cli")
        db.session.commit()
        pages.set_closed(site_of("courier"), PAGE, closed=False, now=clock(), via="cli")
        db.session.commit()
    assert front.test_client().post("/sites/courier/replies", data=REPLY, headers=JSON).status_code == 201
    assert deliver(front) == 3
    with front.app_context():
        states = dict(db.session.execute(select(OutboxMessage.dedupe_key, OutboxMessage.state)).all())
        db.session.rollback()
        db.engine.dispose()
    assert states == {
        "purge:1:1": Delivery.WAITING,
        "purge:1:2": Delivery.WAITING,
        "held:1:pending": Delivery.SENT,
    }


def test_without_a_cache_nothing_is_kept_for_one(app: Flask, site: str) -> None:
    with app.app_context():
        pages.set_closed(site_of("courier"), PAGE, closed=True, now=clock(), via="cli")
        db.session.commit()
    assert purges(app) == []


def test_what_was_told_is_forgotten_after_a_while(front: Flask) -> None:
    with front.app_context():
        pages.set_closed(site_of("courier"), PAGE, closed=True, now=clock(), via="cli")
        db.session.commit()
    deliver(front)
    for passed, left in ((timedelta(), 1), (KEEP_KEYS + timedelta(hours=1), 0)):
        with front.app_context():
            sweep(now=clock() + passed)
            db.session.commit()
        assert len(purges(front)) == left
