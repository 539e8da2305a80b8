"""Fills an installation with the workload, through the import: a program of its own.

What it loads must not be shared, and so halved, with the servers whose memory is measured.
"""

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from flask_migrate import upgrade

from benchmarks import workload
from moderation import accounts, create_app, transfer
from moderation.db import clock, db
from moderation.models import Role, Via
from moderation.transfer.record import Kind, PageRecord, Record, State

FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)


def main() -> None:
    """Fill the folder that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instance", type=Path)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    app = create_app({"MODERATION_INSTANCE_PATH": str(asked.instance), "MODERATION_LOG_LEVEL": "error"})
    with app.app_context():
        upgrade()
        fill(workload.QUICK if asked.quick else workload.WHOLE)
        db.engine.dispose()
    with closing(sqlite3.connect(asked.instance / "moderation.sqlite")) as connection:
        connection.execute("ANALYZE")


def fill(size: workload.Size) -> None:
    """Make a site with its comments, and a moderator who can sign in."""
    now = clock()
    hashed = accounts.hashed(workload.PASSWORD)
    site = accounts.create_site(workload.SITE, name="Courier", origins=[workload.ORIGIN], now=now, via=Via.CLI)
    ana = accounts.create_account(workload.MODERATOR, name="Ana", password_hash=hashed, now=now, via=Via.CLI)
    accounts.grant(ana, site, Role.MODERATOR, now=now, via=Via.CLI)
    db.session.commit()
    report = transfer.Report()
    for _ in transfer.bring_in(records(size), site=site, source="bench", now=now, report=report):
        db.session.commit()
        # Of what is stored nothing is needed again.
        db.session.expunge_all()
    if report.new.total() != size.comments + size.held:
        sys.exit(f"not all of the workload was taken: {report}")


def records(size: workload.Size) -> Iterator[Record]:
    """Write the workload as an import reads it."""
    for said in chain(workload.published(size), workload.held(size)):
        yield Record(
            page=PageRecord(str(said.page), workload.ORIGIN + workload.path(said.page), None),
            source_id=str(said.number),
            parent_source_id=str(said.parent) if said.parent else None,
            author=said.author,
            email=said.email,
            url=None,
            text=said.text,
            at=FIRST + timedelta(minutes=said.number),
            state=State.HELD if said.held else State.APPROVED,
            kind=Kind.COMMENT,
        )


if __name__ == "__main__":
    main()
