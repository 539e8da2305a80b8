"""The database handle: engine pragmas, transaction modes, the UTC time type and the naming convention."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Dialect, Engine, MetaData, Table, event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from moderation import disk

NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

#: What is thrown where the database is away, full, locked for too long, or has no connection left: try again later.
UNAVAILABLE = (OperationalError, InterfaceError, NoConnection)

#: True while a GET or HEAD is answered: its transactions only read. Everything else begins as a writer.
_reading: ContextVar[bool] = ContextVar("reading", default=False)


#: An option of the engine: whether there are caches in front that are told when a thread's version rises.
TELLS_CACHES = "tells_caches"
#: The largest number of a row that both databases hold.
MOST_ROWS = 2**31 - 1


def clock() -> datetime:
    """Return the time now, aware, in UTC: asked for in doors only, rooms get it as an argument."""
    return datetime.now(UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times with `ValueError`; SQLite keeps what is left without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all stored things share."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={datetime: UTCDateTime, list[str]: JSON, dict[str, object]: JSON},
    )


db = SQLAlchemy(
    model_class=Base,
    # What a door has committed can be printed without a new transaction.
    session_options={"expire_on_commit": False},
    # An error of the database names the statement, never the words that were in it: errors are logged.
    engine_options={"hide_parameters": True},
)


@contextmanager
def reading() -> Iterator[None]:
    """Begin transactions as readers inside this block: deferred and read-only."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


@contextmanager
def writing() -> Iterator[None]:
    """Begin transactions as writers inside this block."""
    token = _reading.set(False)
    try:
        yield
    finally:
        _reading.reset(token)


def set_reading(only_reads: bool) -> None:
    """Choose the mode for what follows in this thread, as a request does at its start and end."""
    _reading.set(only_reads)


def dialect() -> str:
    """Name the database in use: `sqlite` or `postgresql`."""
    return db.session.get_bind().dialect.name


def table_of(of: type[Base]) -> Table:
    """Return the table that a kind of thing is kept in."""
    return cast("Table", of.__table__)


@event.listens_for(Engine, "connect")
def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=15000")
        [journal] = cursor.execute("PRAGMA journal_mode=WAL").fetchone()
        syncs = journal == "wal" and isinstance(connection, disk.Connection)
        for pragma in (
            # Left out where the connection syncs by itself, after the commit and once for several.
            f"synchronous={'NORMAL' if syncs else 'FULL'}",
            "foreign_keys=ON",
            # Kilobytes for each of the many connections: what one writes empties the others' caches anyway.
            "cache_size=-500",
            "journal_size_limit=67108864",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    """Choose the mode where the transaction begins: on SQLite an upgrade from reader to writer fails at once."""
    only_reads = _reading.get()
    if connection.dialect.name == "sqlite":
        try:
            _begin_sqlite(cast("sqlite3.Connection", connection.connection.driver_connection), only_reads=only_reads)
        except sqlite3.OperationalError as error:
            raise OperationalError("BEGIN", None, error) from error
    elif only_reads:
        # One snapshot for the whole answer: versions and rows are read as of one moment.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _begin_sqlite(driver: sqlite3.Connection, *, only_reads: bool) -> None:
    driver.execute(f"PRAGMA query_only={'ON' if only_reads else 'OFF'}")
    if not isinstance(driver, disk.Connection):
        driver.execute("BEGIN" if only_reads else "BEGIN IMMEDIATE")
        return
    driver.reads = only_reads
    if only_reads:
        driver.execute("BEGIN")
    else:
        driver.begin_writing()
