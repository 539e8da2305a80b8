"""The loop that empties the outbox, and does by the hour what nobody asks for."""

import threading
import time
from datetime import datetime

import structlog
from flask import Flask
from sqlalchemy import select, update

from moderation import db, lifecycle, notify, retention
from moderation.models import LogHead, OutboxMessage, Via
from moderation.notify import journal
from moderation.review import waits

log = structlog.get_logger()

#: Seconds between two looks at the outbox, and between two rounds of housekeeping.
LOOK, HOUSEKEEPING = 1.0, 3600.0


def run(app: Flask, stop: threading.Event) -> None:
    """Work until told to stop. A failing round is logged and tried again: the outbox keeps what is due."""
    last = -HOUSEKEEPING
    while not stop.wait(LOOK):
        try:
            with app.app_context():
                deliver(now=db.clock())
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
    for message in messages:
        notify.settle(message, sent=_sent(message), now=now)
    db.db.session.commit()
    return len(messages)


def keep_house(*, now: datetime) -> None:
    """Forget what is due, bring back what was returned, and say the waits anew."""
    retention.sweep(now=now)
    db.db.session.commit()
    for revision in waits.overdue_returns(now=now):
        lifecycle.bring_back(revision, by=lifecycle.By(via=Via.WORKER, at=now, rule="return-days"))
        # One by one: whoever holds a log's head must not wait for the next comment.
        db.db.session.commit()
    for site_id in db.db.session.scalars(select(LogHead.site_id).where(LogHead.site_id.is_not(None))).all():
        half, most = waits.honest_wait(site_id or 0, now=now)
        db.db.session.execute(update(LogHead).where(LogHead.site_id == site_id).values(wait_half=half, wait_most=most))
        db.db.session.commit()


def _sent(message: OutboxMessage) -> bool:
    try:
        journal.send(message)
    except Exception:  # whatever a channel throws, the message is tried again
        log.exception("outbox.failed", message=message.id)
        return False
    return True
