"""Record, and prove, the log: append-only, one chain of hashes a site."""

import hashlib
import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from moderation.db import db, table_of
from moderation.models import Action, Entry, Kind, LogHead, Revision, Site, Status, Tally, Via
from moderation.statements import Prepared, Upsert, insert_now, insert_rows, upsert

#: What the hash covers: everything but the words (note, salt), the hash itself and the row's number.
HASHED = tuple(
    name
    for name in Entry.__table__.columns.keys()  # noqa: SIM118 - not a dict
    if name not in {"id", "note", "salt", "hash"}
)

#: The entries that hold a text fast.
SENT = (Action.SUBMIT, Action.EDIT)
#: The tally's columns for where decisions lead.
COUNTED = {Status.APPROVED: "approved", Status.REJECTED: "rejected", Status.SPAM: "spam"}
TALLIED = ("arrivals", *COUNTED.values(), "other", "undone")


@dataclass(frozen=True)
class Event:
    """What is to be recorded. `note` is the only place for names, addresses and other words."""

    kind: Kind
    action: Action
    subject: str
    via: Via
    at: datetime
    site_id: int | None = None
    revision_id: int | None = None
    from_status: Status | None = None
    to_status: Status | None = None
    turn: int | None = None
    reason_id: int | None = None
    account_id: int | None = None
    rule: str | None = None
    batch: str | None = None
    note: str | None = None
    #: What else the entry is to hold fast, as its seal alone: the text, and what is published with it.
    words: tuple[str, ...] = ()


def record(event: Event) -> Entry:
    """Append one entry to its chain; see `record_all`."""
    return record_all([event])[0]


def record_all(events: Sequence[Event]) -> list[Entry]:
    """Append entries to one site's chain, and keep the counts by status beside the chain's head.

    The head is the last lock of a transaction: call it when all other rows are held.
    """
    if not events:
        return []
    entries = [Entry(**values) for values in _chained(events)]
    insert_now(entries)
    _count(events)
    return entries


def record_rows(events: Sequence[Event]) -> None:
    """Append entries as `record_all` does, but make no objects of them: for what comes often, or by thousands."""
    if not events:
        return
    insert_rows(Entry, _chained(events))
    _count(events)


def _chained(events: Sequence[Event]) -> list[dict[str, object]]:
    """Return the entries of events, column by column, one after the other; the head is held, and moved to the last."""
    site_id = events[0].site_id
    if any(event.site_id != site_id for event in events):
        raise ValueError("an entry of another site")
    db.session.flush()
    head_id, last, *numbers = _HEAD_OF_ALL.one() if site_id is None else _HEAD.one(site=site_id)
    counts: dict[Status, int] = dict(zip(Status, numbers, strict=True))
    entries = []
    for event in events:
        entries.append(_entry(event, previous=last))
        last = str(entries[-1]["hash"])
        for status, change in ((event.from_status, -1), (event.to_status, 1)):
            if status:
                counts[status] += change
    moved: dict[str, object] = dict(counts) | {"hash": last}
    _MOVE_HEAD.change({"of": head_id} | moved)
    # Whoever has read the head in this session sees it moved.
    if head := db.session.identity_map.get(identity_key(LogHead, head_id)):
        for name, value in moved.items():
            set_committed_value(head, name, value)
    return entries


_COLUMNS = table_of(LogHead).c
_ANY_HEAD = select(*(_COLUMNS[name] for name in ("id", "hash", *Status))).with_for_update()
#: The head of a site's chain, and its lock; and that of the installation's.
_HEAD = Prepared(_ANY_HEAD.where(_COLUMNS.site_id == bindparam("site")))
_HEAD_OF_ALL = Prepared(_ANY_HEAD.where(_COLUMNS.site_id.is_(None)))
_MOVE_HEAD = Prepared(
    update(table_of(LogHead))
    .where(_COLUMNS.id == bindparam("of"))
    .values({name: bindparam(name) for name in ("hash", *Status)})
)


def _entry(event: Event, *, previous: str) -> dict[str, object]:
    salt = secrets.token_hex(16)
    values = vars(event) | {"salt": salt, "sealed": _seal(salt, event.note, event.words), "previous": previous}
    del values["words"]
    values["hash"] = _hash(values)
    return values


def words_of(revision: Revision | None) -> tuple[str, ...]:
    """Return what an arrival or an edit holds fast: the text, as sent and as published, and who is said to write."""
    if revision is None:
        return ()
    comment = revision.comment
    return (revision.source, revision.html, comment.author, comment.url, comment.email, comment.title or "")


def _count(events: Sequence[Event]) -> None:
    """Count what came and what was decided into its hour. The chain's head is held: no other writer counts here."""
    by_hour: dict[datetime, Counter[str]] = defaultdict(Counter)
    for event in events:
        if column := _counted_as(event):
            by_hour[event.at.replace(minute=0, second=0, microsecond=0)][column] += 1
    for hour, numbers in by_hour.items():
        row = {"site_id": events[0].site_id, "hour": hour} | dict.fromkeys(TALLIED, 0) | numbers
        _COUNT.change(row)


def _counted(dialect: str) -> Upsert:
    first, there = upsert(Tally, dialect=dialect), table_of(Tally).c
    more = {column: there[column] + first.excluded[column] for column in TALLIED}
    first = first.values({name: bindparam(name) for name in ("site_id", "hour", *TALLIED)})
    return first.on_conflict_do_update(index_elements=["site_id", "hour"], set_=more)


_COUNT = Prepared(_counted)


def _counted_as(event: Event) -> str | None:
    """Name the column of the tally that an event is counted in; imports and what only follows count nowhere."""
    if event.kind is Kind.ARRIVAL:
        return "arrivals"
    if event.kind is Kind.DECISION and event.action is not Action.SUPERSEDE and event.account_id is not None:
        return COUNTED.get(event.to_status or Status.PENDING, "other")
    # A text that an undo gives its place back was not decided, only replaced.
    if event.kind is Kind.UNDO and event.from_status is not Status.SUPERSEDED:
        return "undone"
    return None


def forget(entry: Entry) -> None:
    """Remove an entry's words; the chain stays whole."""
    entry.note = entry.salt = None


@dataclass
class Proof:
    """What `verify` found on one chain."""

    chain: str
    entries: int = 0
    forgotten: int = 0
    #: The hash of the last entry: whoever notes it elsewhere sees later whether the log was cut off.
    head: str = ""
    faults: list[str] = field(default_factory=list)


def verify(site_ids: Collection[int] | None = None) -> list[Proof]:
    """Prove every chain, that each revision's status follows from its entries, and that its words are those held.

    With sites named, it proves theirs alone.

    Nothing is public without an approval: an approved revision needs an approving entry that it was moved by. A tail
    that was cut off together with the chain's head shows only against a head that was noted elsewhere (`Proof.head`).
    """
    sites, chains = select(Site.id, Site.key), select(LogHead).order_by(LogHead.id)
    if site_ids is not None:
        sites, chains = sites.where(Site.id.in_(site_ids)), chains.where(LogHead.site_id.in_(site_ids))
    names = dict(db.session.execute(sites).all())
    heads = db.session.scalars(chains).all()
    proofs = [_prove(head, chain=names[head.site_id] if head.site_id else "installation") for head in heads]
    headless = set(names) - {head.site_id for head in heads}
    return proofs + [Proof(chain=names[site_id], faults=["the chain's head is missing"]) for site_id in headless]


def _prove(head: LogHead, *, chain: str) -> Proof:
    proof = Proof(chain)
    last = ""
    folded: dict[int, tuple[Status | None, int | None]] = {}
    approvals: set[int] = set()
    entries = (
        select(Entry, Revision)
        .outerjoin(Revision, (Revision.id == Entry.revision_id) & Entry.action.in_(SENT))
        .options(joinedload(Revision.comment))
        .where(Entry.site_id == head.site_id)
        .order_by(Entry.id)
        .execution_options(yield_per=500)
    )
    for entry, sent in db.session.execute(entries):
        proof.entries += 1
        if entry.previous != last:
            proof.faults.append(f"entry {entry.id}: does not follow the entry before it")
        if entry.hash != _hash({name: getattr(entry, name) for name in HASHED}):
            proof.faults.append(f"entry {entry.id}: changed since it was written")
        if entry.salt is None and entry.note is None:
            proof.forgotten += 1
        elif entry.salt is None or entry.sealed != _seal(entry.salt, entry.note, words_of(sent)):
            proof.faults.append(f"entry {entry.id}: its words changed since they were written")
        last = entry.hash
        # A note moves nothing.
        if entry.revision_id is not None and entry.kind is not Kind.NOTE:
            before = folded.get(entry.revision_id, (None, None))[0]
            if entry.from_status != before:
                proof.faults.append(
                    f"entry {entry.id}: revision {entry.revision_id} was {before}, not {entry.from_status}"
                )
            folded[entry.revision_id] = (entry.to_status, entry.turn)
            if entry.action is Action.APPROVE:
                approvals.add(entry.revision_id)
    proof.head = last
    if head.hash != last:
        proof.faults.append("the chain's head is not its last entry")
    if head.site_id is not None:
        _prove_statuses(proof, head, folded, approvals)
    return proof


def _prove_statuses(
    proof: Proof, head: LogHead, folded: dict[int, tuple[Status | None, int | None]], approvals: set[int]
) -> None:
    counts: Counter[Status] = Counter()
    rows = select(Revision.id, Revision.status, Revision.turn).where(Revision.site_id == head.site_id)
    for id_, status, turn in db.session.execute(rows.execution_options(yield_per=500)):
        counts[status] += 1
        if folded.pop(id_, None) != (status, turn):
            proof.faults.append(f"revision {id_}: is {status} without an entry that says so")
        elif status is Status.APPROVED and id_ not in approvals:
            proof.faults.append(f"revision {id_}: is public without an approval")
    proof.faults.extend(f"revision {id_}: has entries but is gone" for id_ in folded)
    for status in Status:
        if getattr(head, status) != counts[status]:
            proof.faults.append(f"{status}: {getattr(head, status)} counted, {counts[status]} there")


def _seal(salt: str, note: str | None, words: tuple[str, ...] = ()) -> str:
    said = json.dumps([note or "", *words], ensure_ascii=False)
    return hashlib.sha256(f"{salt}\n{said}".encode()).hexdigest()


def _hash(entry: Mapping[str, object]) -> str:
    values = {name: _plain(entry[name]) for name in HASHED}
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{entry['previous']}\n{canonical}".encode()).hexdigest()


def _plain(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
