"""What becomes of sites and reasons that were there before their owners could set more of them, and on the way back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from moderation.db import db
from tests import postgres
from tests.conftest import new_app

SITE = (
    "INSERT INTO site (id, key, name, origins, locale, required, max_comment, accent, radius, page_size, close_days,"
    " guidelines, target_hours, undo_seconds, return_days, version, created_at) VALUES (1, 'courier', 'Courier',"
    " '[\"https://courier.example\"]', 'en', '[]', 5000, '#2c52a0', 4, 100, 0, 'Be kind.', 4, 10, 14, 3,"
    " '2026-11-22 10:00:00')"
)
REASON = (
    "INSERT INTO reason (id, site_id, digit, label, text, clause, category)"
    " VALUES (:id, 1, :id, 'Off the topic', 'Elsewhere.', '', '')"
)
ENTRY = (
    "INSERT INTO entry (site_id, kind, subject, action, reason_id, via, at, sealed, previous, hash)"
    " VALUES (1, 'decision', 'comment:1', 'reject', 1, 'queue', '2026-11-22 10:00:00', '', '', '')"
)


@pytest.fixture
def before(database: str, tmp_path: Path, worker_id: str) -> Iterator[Flask]:
    """Return an app on a database of its own as it was, with a site whose reason stands in the log."""
    url = f"sqlite:///{tmp_path / 'before.sqlite'}"
    if database.startswith("postgresql"):
        home = Path(database.rpartition("host=")[2])
        url = postgres.create_database(home, f"settings_{worker_id}")
    app = new_app(url, tmp_path)
    with app.app_context():
        upgrade(revision="0001")
        with db.engine.begin() as connection:
            connection.execute(text(SITE))
            connection.execute(text(REASON), [{"id": 1}, {"id": 2}])
            connection.execute(text(ENTRY))
        yield app
        db.session.remove()
        db.engine.dispose()


def rows(query: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_site_that_was_there_keeps_everything_until_its_owner_says_otherwise(before: Flask) -> None:
    upgrade(revision="0003")
    with db.engine.connect() as connection:
        site = connection.execute(text("SELECT * FROM site")).mappings().one()
        assert [str(site[name]) for name in ("watched_words", "watched_hosts")] == ["[]", "[]"]
        assert [site[name] for name in ("keep_network_days", "keep_email_days", "keep_refused_days")] == [0, 0, 0]
        assert (site["key"], site["guidelines"], site["version"]) == ("courier", "Be kind.", 3)
    assert rows("SELECT reason_id FROM entry") == [(1,)]


def test_a_retired_reason_is_named_by_the_log_there_and_back(before: Flask) -> None:
    upgrade(revision="0003")
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE reason SET digit = NULL"))
    downgrade(revision="0001")
    joined = "SELECT reason.id, digit, label FROM entry JOIN reason ON reason.id = entry.reason_id"
    assert rows(joined) == [(1, 101, "Off the topic")]
    assert rows("SELECT digit FROM reason ORDER BY id") == [(101,), (102,)]
    assert rows("SELECT key, guidelines, version FROM site") == [("courier", "Be kind.", 3)]
