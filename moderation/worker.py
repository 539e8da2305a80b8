"""The loop that empties the outbox, and does by the hour what nobody asks for.

Every server process stands by, and one works: whoever holds the lock on a file, which ends with its holder.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog
from flask import Flask, current_app
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from moderation import db, lifecycle, notify, publishing, retention
from moderation.models import LogHead, OutboxMessage, Thread, Via
from moderation.notify import journal, purge
from moderation.review import waits

log = structlog.get_logger()

#: Seconds between two looks at the outbox, and between two rounds of housekeeping.
LOOK, HOUSEKEEPING = 1.0, 3600.0
#: In the instance folder; holds the id of the process that works.
LOCK = "worker.lock"


def stand_by(app: Flask, stop: threading.Event) -> None:
    """Work as soon as no other process of this installation does, until told to stop."""
    path = Path(app.config["INSTANCE_PATH"]) / LOCK
    while not stop.is_set():
        try:
            with _alone(path) as is_alone:
                if is_alone:
                    log.info("worker.began", process=os.getpid())
                    run(app, stop)
        except OSError:  # a disk that is full, say, may have room again
            log.exception("worker.failed")
        stop.wait(LOOK)


def run(app: Flask, stop: threading.Event) -> None:
    """Work until told to stop. A failing round is logged and tried again: the outbox keeps what is due."""
    last = -HOUSEKEEPING
    while not stop.wait(LOOK):
        try:
            with app.app_context():
                # All of what is due, some at a time: nobody's news waits for the next look.
                while deliver(now=db.clock()) and not stop.is_set():
                    pass
                if time.monotonic() - last >= HOUSEKEEPING:
                    keep_house(now=db.clock())
                    last = time.monotonic()
        except Exception:  # the loop outlives a database that is away
            log.exception("worker.failed")


def deliver(*, now: datetime) -> int:
    """Send what is due. A worker that dies between sending and noting it leaves the message to be sent again."""
    with db.reading():
        waiting = notify.any_due(now=now)
        db.db.session.rollback()
    if not waiting:
        # An empty outbox takes no write lock.
        return 0
    messages = notify.claim(now=now)
    db.db.session.commit()
    # What is away once is away for all: a cache that does not answer must not keep the others waiting.
    away: set[str] = set()
    for message in messages:
        sent = message.kind not in away and _sent(message)
        if not sent and message.kind == notify.PURGE:
            away.add(message.kind)
        notify.settle(message, sent=sent, now=now)
    db.db.session.commit()
    return len(messages)


def keep_house(*, now: datetime) -> None:
    """Forget what is due, bring back what was returned, and say the waits anew."""
    retention.sweep(now=now)
    db.db.session.commit()
    for _ in retention.forget(now=now):
        db.db.session.commit()
    for revision in waits.overdue_returns(now=now):
        lifecycle.bring_back(revision, by=lifecycle.By(via=Via.WORKER, at=now, rule="return-days"))
        # One by one: whoever holds a log's head must not wait for the next comment.
        db.db.session.commit()
    for site_id in db.db.session.scalars(select(LogHead.site_id).where(LogHead.site_id.is_not(None))).all():
        half, most = waits.honest_wait(site_id or 0, now=now)
        db.db.session.execute(update(LogHead).where(LogHead.site_id == site_id).values(wait_half=half, wait_most=most))
        db.db.session.commit()


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Take the lock, unless another process has it. It is the kernel's, which takes it back from whoever is killed."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield True


def _sent(message: OutboxMessage) -> bool:
    try:
        if message.kind == notify.PURGE:
            _purge(message)
        else:
            journal.send(message)
    except Exception:  # whatever a channel throws, the message is tried again
        log.exception("outbox.failed", message=message.id)
        return False
    return True


def _purge(message: OutboxMessage) -> None:
    """Tell the cache in front about a page; nobody, where none is set any more."""
    settings = current_app.config
    if not settings["PURGE_URL"]:
        return
    # Read on a connection of its own: no transaction is open while the cache is asked.
    with db.reading(), Session(db.db.engine) as session:
        thread = session.get(Thread, message.payload["thread"])
        told = publishing.copies_of(thread.site, thread, service=settings["BASE_URL"]) if thread else []
    purge.send(told, template=settings["PURGE_URL"], method=settings["PURGE_METHOD"].upper())
