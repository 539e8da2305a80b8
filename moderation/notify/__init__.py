"""Who is told what: outbox messages, which commit with what they tell of and are sent by the worker."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Select, bindparam, func, select, update

from moderation.audit import Event
from moderation.db import TELLS_CACHES, db, table_of
from moderation.models import Delivery, Entry, Kind, OutboxMessage, Thread
from moderation.statements import Prepared, Upsert, upsert

#: What is told of each kind of entry. Everything else is nobody's news.
NEWS = {Kind.ARRIVAL: "held", Kind.EDIT: "held", Kind.DECISION: "decided"}
#: What caches in front are told: a page has changed.
PURGE = "purge"


def tell(entry: Entry | Event, *, due: datetime) -> None:
    """Put the news of an entry into the outbox, for `due`; see `tell_all`."""
    tell_all([(entry, due)])


def tell_all(news: Iterable[tuple[Entry | Event, datetime]]) -> None:
    """Put the news of entries into the outbox, each for when it is due.

    Told once for one revision and outcome: what an undo cancelled is revived, what was sent stays sent.
    """
    rows = [
        {
            "site_id": entry.site_id,
            "kind": NEWS[entry.kind],
            "payload": {"revision": entry.revision_id, "subject": entry.subject, "status": entry.to_status},
            "state": Delivery.WAITING,
            "due_at": due,
            "attempts": 0,
            "dedupe_key": _key(entry),
        }
        for entry, due in news
    ]
    _TELL.change(*rows)


def _told_or_revived(dialect: str) -> Upsert:
    names = ("site_id", "kind", "payload", "state", "due_at", "attempts", "dedupe_key")
    told = upsert(OutboxMessage, dialect=dialect).values({name: bindparam(name) for name in names})
    return told.on_conflict_do_update(
        index_elements=["dedupe_key"],
        set_={"state": told.excluded.state, "due_at": told.excluded.due_at},
        where=table_of(OutboxMessage).c.state == Delivery.CANCELLED,
    )


_TELL = Prepared(_told_or_revived)


def untell(entries: Iterable[Entry]) -> int:
    """Cancel the unsent news of entries that are undone; return how many had been sent."""
    keys = [_key(entry) for entry in entries if entry.kind in NEWS]
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.dedupe_key.in_(keys), OutboxMessage.state == Delivery.WAITING)
        .values(state=Delivery.CANCELLED)
    )
    sent = select(func.count()).where(OutboxMessage.dedupe_key.in_(keys), OutboxMessage.state == Delivery.SENT)
    return db.session.scalars(sent).one()


def tell_caches(threads: Iterable[Thread], *, due: datetime) -> None:
    """Put the news that threads have new versions into the outbox, where there are caches in front to hear it.

    It commits with the version, is told once for each of them, and nothing takes it back: a copy that was fetched
    between a decision and its undo has to go too.
    """
    if not db.engine.get_execution_options().get(TELLS_CACHES):
        return
    for thread in threads:
        db.session.add(
            OutboxMessage(
                site_id=thread.site_id,
                kind=PURGE,
                payload={"thread": thread.id, "version": thread.version},
                state=Delivery.WAITING,
                due_at=due,
                dedupe_key=f"{PURGE}:{thread.id}:{thread.version}",
            )
        )


def _key(entry: Entry | Event) -> str:
    return f"{NEWS[entry.kind]}:{entry.revision_id}:{entry.to_status}"


#: A worker that has not reported by then is taken for dead, and the message is tried again.
LEASE = timedelta(seconds=60)
#: Attempts before a message is given up as dead.
ATTEMPTS = 12


def claim(*, now: datetime, limit: int = 50) -> list[OutboxMessage]:
    """Lease the messages that are due, for this worker alone."""
    messages = list(db.session.scalars(_due(now).limit(limit).with_for_update(skip_locked=True)))
    for message in messages:
        message.leased_until = now + LEASE
        message.attempts += 1
    return messages


def any_due(*, now: datetime) -> bool:
    """Whether there is anything to claim."""
    return db.session.scalars(_due(now).limit(1)).first() is not None


def settle(message: OutboxMessage, *, sent: bool, now: datetime) -> None:
    """Note how an attempt ended: sent, to be tried again later, or given up."""
    message.leased_until = None
    if sent:
        message.state = Delivery.SENT
    elif message.attempts >= ATTEMPTS:
        message.state = Delivery.DEAD
    else:
        message.due_at = now + timedelta(minutes=min(60, 2 ** (message.attempts - 1)))


def _due(now: datetime) -> Select[OutboxMessage]:
    return (
        select(OutboxMessage)
        .where(
            OutboxMessage.state == Delivery.WAITING,
            OutboxMessage.due_at <= now,
            OutboxMessage.leased_until.is_(None) | (OutboxMessage.leased_until <= now),
        )
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
    )
