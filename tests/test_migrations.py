"""The migrations make exactly what the models say, there and back, and keep a copy of what they change."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, stamp, upgrade
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from moderation import accounts, audit, checks
from moderation.db import db
from moderation.models import Role, Via
from tests import postgres
from tests.conftest import NOW, ORIGIN, new_app


@pytest.fixture
def fresh(database: str, tmp_path: Path, worker_id: str) -> Iterator[Flask]:
    """Return an app on an empty database of its own, which nothing has migrated."""
    url = f"sqlite:///{tmp_path / 'fresh.sqlite'}"
    if database.startswith("postgresql"):
        home = Path(database.rpartition("host=")[2])
        url = postgres.create_database(home, f"migrations_{worker_id}")
    app = new_app(url, tmp_path)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def differences() -> list[object]:
    """Say what Alembic would change to make the database what the models are."""
    with db.engine.connect() as connection:
        found: list[object] = compare_metadata(
            MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "compare_server_default": True,
                    # The index of words is no model's.
                    "include_name": lambda name, kind, _: not (kind == "table" and name.startswith("revision_words")),
                },
            ),
            db.metadata,
        )
    return found


def shape() -> dict[str, list[str]]:
    """Describe every table, index and check as the database itself does."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        else:
            rows = connection.exec_driver_sql(
                "SELECT table_name || '.' || column_name, data_type || is_nullable"
                " FROM information_schema.columns WHERE table_schema = 'public'"
                " UNION SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
                " UNION SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE connamespace = 'public'::regnamespace"
            )
        # A table that was made anew names its constraints in any order.
        said = {name: sorted(line.strip(", \t)") for line in (sql or "").splitlines()) for name, sql in rows}
        return {name: lines for name, lines in said.items() if not name.startswith("alembic_version")}


def copies(app: Flask) -> list[Path]:
    return sorted(Path(app.config["INSTANCE_PATH"]).glob("*.before-*"))


def fill() -> None:
    accounts.create_site("courier", name="Courier", origins=[ORIGIN], now=NOW, via=Via.CLI)
    db.session.commit()


def test_a_fresh_upgrade_makes_what_the_models_say(fresh):
    assert checks.schema_of(fresh) == "The database is empty. Run: flask db upgrade"
    upgrade()
    assert differences() == []
    assert checks.schema_of(fresh) is None
    assert [proof.faults for proof in audit.verify()] == [[]]


def test_the_way_back_and_forth_leads_to_the_same_place(fresh):
    upgrade()
    before = shape()
    downgrade(revision="base")
    assert shape() == {}
    upgrade()
    assert shape() == before


def test_a_second_upgrade_changes_nothing_and_copies_nothing(fresh):
    upgrade()
    fill()
    before = shape()
    upgrade()
    assert (shape(), copies(fresh)) == (before, [])
    assert accounts.site("courier") is not None


def test_a_first_upgrade_has_nothing_to_copy(fresh):
    upgrade()
    assert copies(fresh) == []


@pytest.mark.sqlite_only
def test_an_upgrade_of_a_filled_file_keeps_a_whole_copy_of_it(fresh):
    upgrade()
    fill()
    before = shape()
    db.session.remove()
    # An upgrade that has everything before it, and fails for it.
    stamp(revision="base")
    with pytest.raises(OperationalError, match="already exists"):
        upgrade()
    copy = copies(fresh)[-1]
    engine = create_engine(f"sqlite:///{copy}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("SELECT key FROM site").scalars().all() == ["courier"]
    engine.dispose()
    assert shape() == before
    assert accounts.site("courier") is not None


def test_a_database_of_a_later_version_is_refused(fresh):
    upgrade()
    stamp(revision="base")
    assert checks.schema_of(fresh) == "The database is empty. Run: flask db upgrade"
    with db.engine.begin() as connection:
        connection.execute(text("INSERT INTO alembic_version (version_num) VALUES ('9999')"))
    said = str(checks.schema_of(fresh))
    assert re.fullmatch(r"The database is at 9999, this code needs \d{4}\. Run: flask db upgrade", said)


def test_an_upgrade_that_fails_leaves_everything_as_it_was(fresh):
    """A migration is one transaction, on SQLite too."""
    with db.engine.begin() as connection:
        # In the way of the last table that the first migration makes.
        connection.execute(text("CREATE TABLE entry (id INTEGER)"))
    with pytest.raises(DBAPIError, match="entry"):
        upgrade()
    assert set(inspect(db.engine).get_table_names()) <= {"entry", "alembic_version"}


def of_before(table: str, **values: object) -> None:
    """Write a row as the version before this migration did."""
    names = ", ".join(values)
    with db.engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES (:{', :'.join(values)})"), values)


def test_people_keep_their_roles_and_the_first_of_them_runs_the_installation(fresh):
    upgrade(revision="0001")
    of_before("site", **OLD_SITE)
    for number, role in ((7, "moderator"), (9, "owner"), (8, "owner")):
        of_before("account", id=number, email=f"{number}@staff.example", fs_uniquifier=f"u{number}", **OLD_ACCOUNT)
        of_before("membership", account_id=number, site_id=1, role=role)
    upgrade()
    assert differences() == []
    with db.engine.connect() as connection:
        rows = connection.execute(text("SELECT account_id, role FROM membership ORDER BY account_id")).all()
        assert [tuple(row) for row in rows] == [(7, "moderator"), (8, "owner"), (9, "owner")]
        assert connection.execute(text("SELECT id FROM account WHERE operator")).scalars().all() == [7]
    downgrade(revision="0001")
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM membership")).scalar() == 3


def test_the_new_words_are_allowed_and_others_still_are_not(fresh):
    upgrade()
    accounts.create_site("courier", name="Courier", origins=[ORIGIN], now=NOW, via=Via.CLI)
    account = accounts.create_account("ana@staff.example", name="Ana", password_hash="x", now=NOW, via=Via.CLI)
    accounts.grant(account, accounts.site("courier"), Role.READER, now=NOW, via=Via.CLI)
    db.session.commit()
    db.session.remove()
    for change in ("UPDATE membership SET role = 'king'", "UPDATE entry SET kind = 'gossip'"):
        with pytest.raises(DBAPIError), db.engine.begin() as connection:
            connection.execute(text(change))


def test_a_log_that_tells_of_people_does_not_go_back(fresh):
    upgrade()
    fill()
    account = accounts.create_account("ana@staff.example", name="Ana", password_hash="x", now=NOW, via=Via.CLI)
    accounts.grant(account, accounts.site("courier"), Role.READER, now=NOW, via=Via.CLI)
    db.session.commit()
    db.session.remove()
    before = shape()
    with pytest.raises(DBAPIError):
        downgrade(revision="0001")
    assert shape() == before
    assert [proof.faults for proof in audit.verify()] == [[], []]
    db.session.remove()
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT role FROM membership")).scalars().all() == ["reader"]


OLD_ACCOUNT = {"name": "One", "password": "x", "active": True, "created_at": NOW}
OLD_SITE = {
    **{"id": 1, "key": "courier", "name": "Courier", "origins": f'["{ORIGIN}"]', "locale": "en", "required": "[]"},
    **{"max_comment": 5000, "accent": "#2c52a0", "radius": 4, "page_size": 100, "close_days": 0, "guidelines": ""},
    **{"target_hours": 4, "undo_seconds": 10, "return_days": 14, "version": 1, "created_at": NOW},
}
SESSION = (
    "INSERT INTO web_session (id_hash, account, data, created_at, expires_at)"
    " VALUES ('h', 'u', '{}', '2026-11-22 10:00:00', '2026-11-22 22:00:00')"
)


def test_factors_keep_sites_sessions_and_the_log(fresh):
    upgrade(revision="0001")
    with db.engine.begin() as connection:
        connection.execute(text(SITE_BEFORE))
        connection.execute(text(SESSION))
        connection.execute(text(ENTRY_BEFORE))
    upgrade(revision="0004")
    with db.engine.begin() as connection:
        assert connection.execute(text("SELECT key, require_second FROM site")).one() == ("courier", False)
        kept = connection.execute(text("SELECT browser, network, used_at = created_at FROM web_session")).one()
        assert kept == ("", "", True)
        # What was said can be said, what could not be said now can, and nothing else.
        assert connection.execute(text("SELECT id, action, note FROM entry")).one() == (7, "sign-in", "words")
        for action in ("approve", "sign-out", "fail", "add", "remove"):
            connection.execute(
                text(ENTRY_BEFORE.replace("'sign-in', 'web'", f"'{action}', 'web'").replace("7,", ":id,")),
                {"id": 100 + len(action)},
            )
    for column, wrong in (("action", "nonsense"), ("kind", "nonsense"), ("via", "nonsense")):
        with pytest.raises(DBAPIError), db.engine.begin() as connection:
            connection.execute(text(f"UPDATE entry SET {column} = '{wrong}'"))
    downgrade(revision="0003")
    with db.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM entry")).scalar_one() == 6
        assert connection.execute(text("SELECT data FROM web_session")).scalar_one() == "{}"
    upgrade(revision="0004")


SITE_BEFORE = (
    "INSERT INTO site (id, key, name, origins, locale, required, max_comment, accent, radius, page_size, close_days,"
    " guidelines, target_hours, undo_seconds, return_days, version, created_at) VALUES (1, 'courier', 'Courier', '[]',"
    " 'en', '[]', 5000, '#2c52a0', 4, 100, 0, '', 4, 10, 14, 1, '2026-11-22 10:00:00')"
)
ENTRY_BEFORE = (
    "INSERT INTO entry (id, kind, subject, action, via, at, note, sealed, previous, hash)"
    " VALUES (7, 'sign-in', 'account:1', 'sign-in', 'web', '2026-11-22 10:00:00', 'words', 's', 'p', 'h')"
)
