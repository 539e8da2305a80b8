"""Run migrations: each upgrade is one transaction on both databases, after a copy of the SQLite file."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from alembic import context
from sqlalchemy import Connection, Engine, inspect

from moderation.db import UTCDateTime, db


def copy_before(engine: Engine) -> None:
    """Keep a copy of a SQLite database that holds something, beside it."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or not Path(name).exists():
        return
    with engine.connect() as connection:
        if not inspect(connection).has_table("site"):
            return
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM INTO ?", (f"{name}.before-{stamp}",))
    finally:
        raw.close()


def configure(connection: Connection) -> None:
    """Tell Alembic what it works on, and how."""
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
        include_name=is_a_models,
        render_item=render,
    )


def is_a_models(name: str | None, kind: str, _: object) -> bool:
    """Leave out the index of words: a virtual table and what SQLite keeps behind it are no model's."""
    return not (kind == "table" and name is not None and name.startswith("revision_words"))


def is_change() -> bool:
    """Whether there is anything to do: a start that changes nothing copies nothing."""
    return context.get_context().get_current_revision() != context.get_revision_argument()


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Let SQLite make a table anew that others point to; what points to nothing afterwards is an error.

    The switch works outside transactions only, so it is thrown on the bare connection, before any begins.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    bare = connection.connection.dbapi_connection
    assert bare is not None  # noqa: S101 - it is open
    bare.cursor().execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        if lost := bare.cursor().execute("PRAGMA foreign_key_check").fetchall():
            raise RuntimeError(f"rows point to nothing: {lost[:5]}")
    finally:
        bare.cursor().execute("PRAGMA foreign_keys=ON")


def render(kind: str, item: object, _: object) -> str | Literal[False]:
    """Write our time type into new migrations as what it is in the database."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTCDateTime) else False


def run() -> None:
    """Upgrade or downgrade the app's database."""
    with db.engine.connect() as connection:
        configure(connection)
        wanted = is_change()
    if wanted:
        copy_before(db.engine)
    with db.engine.connect() as connection, without_foreign_keys(connection):
        configure(connection)
        with context.begin_transaction():
            context.run_migrations()


run()
