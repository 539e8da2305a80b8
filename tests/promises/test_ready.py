"""What is kept ready keeps the promises: nothing held shows, a takedown is gone in time, an outage is outlived."""

import gzip
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import brotli
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from moderation import accounts
from moderation.db import clock, db
from moderation.models import Via
from moderation.publishing.ready import MOST_ALIASES, OUTAGE, Store
from tests import postgres
from tests.conftest import ORIGIN, PAGE, _empty, decide, make_site, new_app, site_of
from tests.environment import CLUSTER
from tests.publishing.forest import plant
from tests.web.asking import change_site, public, receipt_path

Reply = Callable[..., Any]
Asked = tuple[str, dict[str, Any]]

#: Every kind of answer that is kept, and every parameter that makes another one.
KINDS: tuple[Asked, ...] = (
    ("thread.json", {"page": PAGE}),
    ("thread.json", {"page": PAGE, "part": "2"}),
    ("thread.json", {"page": PAGE, "sort": "newest"}),
    ("thread.json", {"page": PAGE, "at": "comment-1"}),
    ("thread.json", {"page": PAGE, "at": "comment-2"}),
    ("thread.json", {"page": PAGE, "lang": "xx, en"}),
    ("thread.html", {"page": PAGE}),
    ("thread.html", {"page": PAGE, "sort": "newest", "part": "2"}),
    ("thread.html", {"page": PAGE, "at": "comment-2"}),
    ("thread.atom", {"page": PAGE}),
    ("thread.atom", {"page": PAGE, "lang": "en-GB"}),
    ("comments.atom", {}),
    ("counts.json", {"page": [PAGE, f"{ORIGIN}/other"]}),
)
UNPACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}


class Time:
    """The store's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def time(app: Flask) -> Iterator[Time]:
    """Let the app's store look at versions once a second, by a clock that the test moves."""
    store: Store = app.extensions["ready"]
    before = store.clock
    store.clock, store.age = Time(), 1.0
    yield store.clock
    store.clock, store.age = before, 0.0


def ask(client: FlaskClient, asked: Asked, **headers: str) -> Any:
    name, query = asked
    return client.get(f"/sites/courier/{name}", query_string=query, headers=headers)


def all_of(client: FlaskClient) -> dict[str, tuple[int, str, bytes]]:
    """Return every kind of answer, in every encoding: status, tag and bytes."""
    found = {}
    for asked in KINDS:
        for encoding in ("", "gzip", "br"):
            answer = ask(client, asked, **{"Accept-Encoding": encoding})
            found[f"{asked} {encoding}"] = (answer.status_code, answer.headers.get("ETag", ""), answer.data)
    return found


def words_of(answers: dict[str, tuple[int, str, bytes]]) -> bytes:
    """Return all bytes of answers, unpacked."""
    return b"".join(body for name, (_, _, body) in answers.items() if name.endswith(" "))


def test_nothing_that_is_held_changes_a_byte_of_what_is_kept(
    app: Flask, client: FlaskClient, ana: FlaskClient, reply: Reply
) -> None:
    change_site(app, page_size=1, close_days=5)
    receipt = receipt_path(reply("Public words."))
    reply("Others.", email="tom@home.example")
    assert decide(ana, "approve", "1:0", "2:0").status_code == 200
    before = all_of(client)
    assert {status for status, _, _ in before.values()} == {200}

    def unchanged() -> bool:
        kept = all_of(client)
        app.extensions["ready"].clear()
        # From memory and built anew.
        return kept == before == all_of(client)

    assert ask(client, KINDS[1]).json["part"] == 2
    assert reply("Held words.", parent="1", email="two@home.example").status_code == 201
    assert unchanged()
    assert client.post(f"{receipt}/edit", data={"comment": "Edited words."}).status_code == 303
    assert unchanged()
    assert decide(ana, "reject", "4:0", reason="3").status_code == 200
    assert unchanged()
    assert decide(ana, "spam", "3:0").status_code == 200
    assert unchanged()


def test_a_held_place_is_asked_for_as_one_that_never_was(app: Flask, client: FlaskClient, reply: Reply) -> None:
    change_site(app, page_size=1)
    for number in (1, 2, 3):
        reply(f"Reply {number}.", email=f"{number}@home.example")
    public(client, 1)
    public(client, 3)
    assert ask(client, ("thread.json", {"page": PAGE, "at": "comment-3"})).json["part"] == 2
    for name in ("thread.json", "thread.html"):
        never, held = (ask(client, (name, {"page": PAGE, "at": at})) for at in ("comment-999", "comment-2"))
        assert (never.data, never.headers["ETag"]) == (held.data, held.headers["ETag"])


def test_a_takedown_is_seen_by_every_kind_of_answer_within_a_second_in_every_process(
    app: Flask, client: FlaskClient, ana: FlaskClient, reply: Reply, time: Time, database: str, tmp_path: Path
) -> None:
    other = new_app(database, tmp_path)
    other.extensions["ready"].clock, other.extensions["ready"].age = time, 1.0
    readers = (client, other.test_client())
    reply("Regrettable words.", title="Regrettable title")
    decide(ana, "approve", "1:0")
    before = [all_of(reader) for reader in readers]
    decide(ana, "reject", "1:1")
    time.now += 0.9
    assert [all_of(reader) for reader in readers] == before
    time.now += 0.1
    for reader, then in zip(readers, before, strict=True):
        after = all_of(reader)
        assert b"Regrettable" in words_of(then)
        assert b"Regrettable" not in words_of(after)
        assert [name for name in then if then[name][1] == after[name][1]] == []
    with other.app_context():
        db.engine.dispose()


def test_a_page_s_first_approval_and_a_site_s_settings_are_noticed(
    app: Flask, client: FlaskClient, ana: FlaskClient, reply: Reply, time: Time
) -> None:
    nobody = all_of(client)
    reply("First words.")
    time.now += 2
    assert all_of(client) == nobody
    decide(ana, "approve", "1:0")
    time.now += 1
    assert ask(client, KINDS[0]).json["count"] == 1
    with app.app_context():
        accounts.change_site(site_of("courier"), accounts.Changes(accent="#7a1f2b"), now=clock(), via=Via.CLI)
        db.session.commit()
    time.now += 1
    assert ask(client, KINDS[0]).json["settings"]["accent"] == "#7a1f2b"
    assert client.get("/sites/courier/accent.css").data.startswith(b":root{--lar-accent:#7a1f2b")


def test_many_first_readers_build_each_answer_once(app: Flask, client: FlaskClient, time: Time) -> None:
    plant(app, [(number, None) for number in range(1, 60)])
    store: Store = app.extensions["ready"]
    kinds = [KINDS[0], KINDS[6], KINDS[9], KINDS[11], KINDS[12]]
    built = store.built
    for asked in kinds:
        together, said = threading.Barrier(8), []

        def read(asked: Asked = asked, together: threading.Barrier = together, said: list[Any] = said) -> None:
            reader = app.test_client()
            together.wait(timeout=30)
            said.append(ask(reader, asked).data)

        readers = [threading.Thread(target=read) for _ in range(8)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout=30)
        assert (len(said), len(set(said))) == (8, 1)
    assert store.built - built == len(kinds)


def test_while_one_looks_the_others_are_served_and_the_closing_moment_is_kept(
    app: Flask, client: FlaskClient, reply: Reply, time: Time
) -> None:
    reply("Words.")
    public(client, 1)
    # The page closes ten seconds from now.
    with app.app_context():
        db.session.execute(db.text("UPDATE comment SET received_at = :at"), {"at": _at(clock(), days=-1, seconds=10)})
        db.session.commit()
    change_site(app, close_days=1)
    found = ask(client, KINDS[0]).json
    assert (found["closed"], found["closes"] is not None) == (False, True)
    store: Store = app.extensions["ready"]
    kept = store.aliases["/sites/courier/thread.json", "page=https://courier.example/news/mill-lane"]
    time.now += 5
    with kept.checking:
        assert store.may_serve(kept)
        assert ask(client, KINDS[0]).json == found
        # Not even the one who waits is given an open page that is closed by now.
        time.now += 6
        assert not store.may_serve(kept)


def _at(now: Any, **later: float) -> str:
    return (now + timedelta(**later)).isoformat(sep=" ")


@dataclass
class Own:
    """An app with a database of its own that can be taken away."""

    app: Flask
    take_away: Callable[[], None]
    time: Time


@pytest.fixture
def own(database: str, tmp_path: Path) -> Iterator[Own]:
    """Return an app whose database nobody else uses, with one public reply."""
    if database.startswith("sqlite"):
        file = tmp_path / "own.sqlite"
        app = new_app(f"sqlite:///{file}", tmp_path, REPLY_PAUSE="0")

        def take_away() -> None:
            file.rename(tmp_path / "elsewhere.sqlite")
            file.mkdir()
    else:
        home = Path(os.environ[CLUSTER])
        app = new_app(postgres.create_database(home, "taken_away"), tmp_path, REPLY_PAUSE="0")

        def take_away() -> None:
            with psycopg.connect(postgres.url(home, "postgres"), autocommit=True) as connection:
                connection.execute("DROP DATABASE taken_away WITH (FORCE)")

    with app.app_context():
        upgrade()
        _empty()
    make_site(app, "courier", ORIGIN)
    plant(app, [(1, None)])
    time = Time()
    app.extensions["ready"].clock, app.extensions["ready"].age = time, 1.0

    def gone() -> None:
        with app.app_context():
            db.engine.dispose()
        take_away()

    yield Own(app, gone, time)
    with app.app_context():
        db.engine.dispose()


def test_an_outage_is_outlived_by_the_last_copy_for_ten_minutes_and_no_longer(own: Own) -> None:
    client = own.app.test_client()
    before = all_of(client)
    own.take_away()
    for passed in (1.0, 300.0, OUTAGE - 1):
        own.time.now = 1000.0 + passed
        assert all_of(client) == before
    own.time.now = 1000.0 + OUTAGE
    after = [ask(client, asked) for asked in KINDS]
    assert {answer.status_code for answer in after} == {503}
    assert {answer.headers["Cache-Control"] for answer in after} == {"no-store"}
    assert {answer.headers["Access-Control-Allow-Origin"] for answer in after} == {"*"}


@pytest.mark.sqlite_only
def test_a_database_that_comes_back_is_asked_again(own: Own, tmp_path: Path) -> None:
    client = own.app.test_client()
    before = ask(client, KINDS[0]).data
    own.take_away()
    own.time.now += 500
    assert ask(client, KINDS[0]).data == before
    (tmp_path / "own.sqlite").rmdir()
    (tmp_path / "elsewhere.sqlite").rename(tmp_path / "own.sqlite")
    plant(own.app, [(2, None)])
    own.time.now += 1
    assert ask(client, KINDS[0]).json["count"] == 2
    own.time.now += OUTAGE - 1
    assert ask(client, KINDS[0]).status_code == 200


@pytest.mark.sqlite_only
def test_what_is_kept_stays_within_its_bytes_and_what_is_read_stays_longest(database: str, tmp_path: Path) -> None:
    app = new_app(f"sqlite:///{tmp_path / 'own.sqlite'}", tmp_path, READY_MIB="1")
    with app.app_context():
        upgrade()
    make_site(app, "courier", ORIGIN)
    plant(app, [(number, None) for number in range(1, 40)])
    client, store = app.test_client(), app.extensions["ready"]
    for number in range(120):
        assert ask(client, ("thread.json", {"page": f"{ORIGIN}/empty/{number}"})).status_code == 200
        assert ask(client, KINDS[0]).status_code == 200
        assert 0 < store.size <= store.most < 2**20
    assert store.built == 121
    assert len(store.aliases) < 60
    store.clear()
    assert (store.size, len(store.aliases), store.outlines.size) == (0, 0, 0)
    with app.app_context():
        db.engine.dispose()


@pytest.mark.sqlite_only
def test_what_nobody_knows_in_a_query_makes_no_other_answer(app: Flask, client: FlaskClient, time: Time) -> None:
    plant(app, [(1, None)])
    store: Store = app.extensions["ready"]
    first, size = ask(client, KINDS[0]), store.size
    built = store.built
    for number in range(3 * MOST_ALIASES):
        again = ask(client, ("thread.json", {"page": f"{PAGE}/?utm_source={number}", "cb": number, "lang": "en-AU"}))
        assert (again.data, again.headers["ETag"]) == (first.data, first.headers["ETag"])
    assert store.built == built
    assert len(store.aliases) == MOST_ALIASES
    assert store.size < size + MOST_ALIASES * 1000
    counted = [
        {"page": pages} for pages in ([PAGE, f"{ORIGIN}/x"], [f"{ORIGIN}/x", PAGE, PAGE], [PAGE, f"{ORIGIN}/x", "?"])
    ]
    assert len({ask(client, ("counts.json", query)).data for query in counted}) == 1
    assert store.built == built + 1


@pytest.mark.sqlite_only
def test_a_wrong_question_is_not_kept(app: Flask, client: FlaskClient, time: Time) -> None:
    store: Store = app.extensions["ready"]
    for path in ("/sites/nobody/thread.json?page=" + PAGE, "/sites/courier/thread.json?page=https://evil.example/"):
        assert [client.get(path).status_code for _ in range(2)] in ([404, 404], [403, 403])
    assert (len(store.aliases), store.size) == (0, 0)
    make_site(app, "nobody", ORIGIN)
    assert client.get("/sites/nobody/thread.json?page=" + PAGE).status_code == 200
