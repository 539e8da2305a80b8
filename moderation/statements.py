"""Statements of what happens at every reply: put into words once, and then given to the driver as they are.

SQLAlchemy works out for each execution what is the same each time, and that takes it several times as long as the
database needs. It still says what a statement is, on both databases, and which way values go in and out.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast

from sqlalchemy import BindParameter, Dialect, Integer, SQLColumnExpression, String, any_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql import ColumnElement, Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeDecorator, TypeEngine

from moderation.db import Base, db, table_of

Row: TypeAlias = Sequence[Any]
Upsert: TypeAlias = sqlite.Insert | postgresql.Insert
Thing = TypeVar("Thing", bound=Base)
#: What a value goes through on its way; None for nothing.
Process: TypeAlias = Callable[[Any], Any] | None


@dataclass(frozen=True)
class _Words:
    """A statement in the words of one database."""

    said: str
    #: What goes in, in the order of its marks.
    takes: tuple[tuple[str, Process], ...]
    #: What stands there when nothing is given.
    constants: dict[str, object]
    #: What comes out of each column; empty where none needs anything.
    gives: tuple[Process, ...]
    #: Whether the driver takes values by name.
    named: bool

    def filled(self, values: Mapping[str, Any]) -> Any:
        """Return the values as the driver takes them. Raises `KeyError` where one is missing."""
        given = {**self.constants, **values} if self.constants else values
        ready = tuple(process(given[name]) if process else given[name] for name, process in self.takes)
        return {name: value for (name, _), value in zip(self.takes, ready, strict=True)} if self.named else ready


class Prepared:
    """A statement that is put into words once for each database.

    It raises what SQLAlchemy raises of the same, and is heard by who listens to SQLAlchemy's statements. It takes part
    in the session's transaction, but sees nothing that the session has not flushed. In place of `IN` there is `among`:
    other words for each number of values would be other statements.
    """

    def __init__(self, make: Executable | Callable[[str], Executable]) -> None:
        self._make = make
        self._words: dict[str, _Words] = {}

    def all(self, on: Connection | None = None, /, **values: object) -> list[Row]:
        """Return the rows, as they are asked for on the session's connection or on another."""
        rows, words = self._run(on or _connection(), [values], fetch=True)
        if not words.gives:
            return rows  # type: ignore[no-any-return]
        return [
            tuple(process(value) if process else value for process, value in zip(words.gives, row, strict=True))
            for row in rows
        ]

    def one(self, **values: object) -> Row:
        """Return the only row. Raises `ValueError` where there is another number of them."""
        [row] = self.all(**values)
        return row

    def change(self, *rows: Mapping[str, object]) -> int:
        """Run it for each row of values; return how many rows of the table that changed."""
        return int(self._run(_connection(), rows, fetch=False)[0]) if rows else 0

    def _run(self, connection: Connection, rows: Sequence[Mapping[str, object]], *, fetch: bool) -> tuple[Any, _Words]:
        words = self._words.get(connection.dialect.name) or self._put(connection.dialect)
        cursor = connection.connection.cursor()
        values, many = [words.filled(row) for row in rows], len(rows) > 1
        for hear in connection.dispatch.before_cursor_execute:
            hear(connection, cursor, words.said, values if many else values[0], None, many)
        try:
            if many:
                cursor.executemany(words.said, values)
            else:
                cursor.execute(words.said, values[0])
            return cursor.fetchall() if fetch else cursor.rowcount, words
        except connection.dialect.loaded_dbapi.Error as error:
            raise _raised(error, words.said, connection, cursor) from error
        finally:
            cursor.close()

    def _put(self, dialect: Dialect) -> _Words:
        statement: Any = self._make if isinstance(self._make, Executable) else self._make(dialect.name)
        compiled: SQLCompiler = statement.compile(dialect=dialect)
        types = {name: one.type for one, name in compiled.bind_names.items()}
        constants = {name: one.value for one, name in compiled.bind_names.items() if not one.required}
        names = compiled.positiontup if compiled.positional else list(types)
        takes = tuple((name, _going_in(types[name], dialect)) for name in names or ())
        gives = tuple(_coming_out(one, dialect) for one in getattr(statement, "exported_columns", ()))
        words = _Words(str(compiled), takes, constants, gives if any(gives) else (), not compiled.positional)
        self._words[dialect.name] = words
        return words


#: Where a session keeps its last transaction that was asked for its connection, and this.
_LAST = "connection of the last transaction"


def _connection() -> Connection:
    """Return the connection of the session's transaction; the session works it out anew for each statement."""
    session = db.session()
    current, (last, connection) = session.get_transaction(), session.info.get(_LAST, (None, None))
    if current is None or current is not last or not current.is_active:
        connection = session.connection()
        session.info[_LAST] = session.get_transaction(), connection
    return cast("Connection", connection)


class _Listed(TypeDecorator[Sequence[int]]):
    """Numbers as a text of JSON."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Sequence[int] | None, _: Dialect) -> str:
        """Write the numbers down."""
        return json.dumps(value)


def among(column: SQLColumnExpression[int], name: str, *, dialect: str) -> ColumnElement[bool]:
    """Ask whether a number is one of those that are given by this name, however many there are."""
    if dialect == "sqlite":
        return column.in_(select(func.json_each(bindparam(name, type_=_Listed)).table_valued("value").c.value))
    return column == any_(bindparam(name, type_=postgresql.ARRAY(Integer)))


def _going_in(type_: TypeEngine[Any], dialect: Dialect) -> Process:
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _coming_out(column: ColumnElement[Any], dialect: Dialect) -> Process:
    return column.type.dialect_impl(dialect).result_processor(dialect, None)


def _raised(error: Exception, said: str, connection: Connection, cursor: DBAPICursor) -> BaseException:
    """Return an error of the driver as SQLAlchemy raises it: without the values, for errors are logged.

    A connection that the database has closed is not used again: there is nothing on it to roll back.
    """
    dialect = connection.dialect
    raised = DBAPIError.instance(said, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect)
    if dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor):  # type: ignore[arg-type]
        connection.invalidate(error)
    return raised


def insert_rows(of: type[Base], rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows, all with the same columns, at once and ahead of the unit of work."""
    if rows:
        _insert(of, tuple(rows[0])).change(*rows)


def insert_now(things: Sequence[Base]) -> None:
    """Insert new things of one kind at once; then they know their numbers, and are as if read from the database.

    For what is written often: the unit of work takes several times as long.
    """
    if not things:
        return
    of = type(things[0])
    blank = _blank(of)
    rows = [blank | {name: value for name, value in vars(thing).items() if name in blank} for thing in things]
    if len(rows) == 1:
        [numbers] = _insert(of, tuple(blank), returning=True).all(**rows[0])
    else:
        insert = table_of(of).insert().returning(table_of(of).c.id, sort_by_parameter_order=True)
        numbers = tuple(db.session.connection().execute(insert, rows).scalars())
    for thing, row, number in zip(things, rows, numbers, strict=True):
        as_stored(thing, {"id": number, **row})


def as_stored(thing: Thing, values: Mapping[str, object]) -> Thing:
    """Let a thing be, in the session, what a row of the database holds."""
    vars(thing).update(values)
    make_transient_to_detached(thing)
    db.session.add(thing)
    return thing


def stored(of: type[Thing], row: Row, *, afresh: bool = False) -> Thing:
    """Return the thing that a row is, which holds all columns of its table in their order.

    One that the session knows already stays as it is, unless it is to be read afresh.
    """
    values = dict(zip(table_of(of).c.keys(), row, strict=True))
    known: Thing | None = db.session.identity_map.get(identity_key(of, values["id"]))
    if known is None:
        return as_stored(of(), values)
    if afresh:
        for name, value in values.items():
            set_committed_value(known, name, value)
    return known


def read_afresh(of: type[Thing], ids: Iterable[int]) -> dict[int, Thing]:
    """Read things as they are stored now; return them by their numbers, in the order of these."""
    place = list(table_of(of).c.keys()).index("id")
    return {row[place]: stored(of, row, afresh=True) for row in _by_number(of).all(ids=sorted(ids))}


@cache
def _by_number(of: type[Base]) -> Prepared:
    table = table_of(of)
    return Prepared(lambda it: select(table).where(among(table.c.id, "ids", dialect=it)).order_by(table.c.id))


@cache
def _insert(of: type[Base], names: tuple[str, ...], *, returning: bool = False) -> Prepared:
    table = table_of(of)
    defaults = {name: default for name, default in _blank(of).items() if default is not None}
    values: dict[str, BindParameter[Any]] = {
        name: bindparam(name, defaults[name]) if name in defaults else bindparam(name)
        for name in dict.fromkeys((*names, *defaults))
    }
    insert = table.insert().values(values)
    return Prepared(insert.returning(table.c.id) if returning else insert)


@cache
def _blank(of: type[Base]) -> dict[str, object]:
    """Return what the columns of a table hold, but its number, where nobody says anything of them."""
    return {
        column.name: column.default.arg if isinstance(column.default, ScalarElementColumnDefault) else None
        for column in table_of(of).c
        if column.name != "id"
    }


def upsert(of: type[Base], *, dialect: str) -> Upsert:
    """Return an insert that can say what is to be done where the row is there already; both databases say it alike."""
    return sqlite.insert(table_of(of)) if dialect == "sqlite" else postgresql.insert(table_of(of))
