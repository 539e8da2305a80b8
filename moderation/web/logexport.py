"""The log as a file: written while it is read, a batch at a time, so that it may be of any length.

It is written when the request is over: all that it knows of it are the values it was begun with.
"""

import csv
import io
import json
from collections.abc import Iterator

from flask import Flask

from moderation import db
from moderation.review import history
from moderation.review.history import Line, Reach, Wanted

#: Entries read at once.
BATCH = 500
#: A cell that begins with one of these is a formula to spreadsheets.
ACTIVE = ("=", "+", "-", "@", "\t", "\r")
#: What a file tells of an entry, in this order. The last three prove it: see `audit`.
COLUMNS = (
    *("id", "at", "site", "kind", "action", "who", "account", "author", "page", "subject", "revision", "from", "to"),
    *("reason", "note", "via", "batch", "rule", "sealed", "previous", "hash"),
)


def as_csv(app: Flask, reach: Reach, wanted: Wanted) -> Iterator[bytes]:
    """Write the entries as CSV, every cell quoted and none of them active."""
    yield _row(list(COLUMNS))
    for batch in _batches(app, reach, wanted):
        yield b"".join(_row([inert(value) for value in _told(line).values()]) for line in batch)


def as_json(app: Flask, reach: Reach, wanted: Wanted) -> Iterator[bytes]:
    """Write the entries as one JSON array, an entry a line."""
    before = "[\n"
    for batch in _batches(app, reach, wanted):
        yield (before + ",\n".join(json.dumps(_told(line), ensure_ascii=False) for line in batch)).encode()
        before = ",\n"
    yield b"\n]\n" if before == ",\n" else b"[]\n"


def inert(value: str | int | None) -> str:
    """Write a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(ACTIVE) else text


def _batches(app: Flask, reach: Reach, wanted: Wanted) -> Iterator[list[Line]]:
    after, full = None, True
    while full:
        batch = _batch(app, reach, wanted, after)
        full = len(batch) == BATCH
        if batch:
            yield batch
            after = batch[-1].entry.id


def _batch(app: Flask, reach: Reach, wanted: Wanted, after: int | None) -> list[Line]:
    """Read one batch in a transaction of its own: whoever reads slowly, or leaves, holds none open."""
    with app.app_context(), db.reading():
        return history.lines(reach, wanted, after=after, most=BATCH)


def _told(line: Line) -> dict[str, str | int | None]:
    entry = line.entry
    values = (
        *(entry.id, entry.at.isoformat().replace("+00:00", "Z"), line.site_key, entry.kind, entry.action),
        *(line.who or line.hand, entry.account_id, line.author, line.page, entry.subject, entry.revision_id),
        *(entry.from_status, entry.to_status, line.reason, entry.note, entry.via, entry.batch, entry.rule),
        *(entry.sealed, entry.previous, entry.hash),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _row(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(cells)
    return text.getvalue().encode()
