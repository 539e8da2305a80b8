"""The hands of the lifecycle: hold rows, make a revision, move one by compare-and-swap; each writes its entry."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import count

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm.attributes import set_committed_value

from moderation import audit, markup, notify, search
from moderation.db import db, dialect, table_of
from moderation.lifecycle.table import AlreadyDecided, By, Words
from moderation.models import Action, Comment, Entry, Kind, Revision, Site, Status, Thread, Trait, TraitKind
from moderation.statements import Prepared, among, insert_now, insert_rows, read_afresh, stored

#: Hosts one text is listed by; it may name more.
MOST_HOSTS, MOST_VALUE = 8, 253
#: Shorter texts are alike by chance.
LEAST_WORDS = 4


def hold(comment_ids: Iterable[int]) -> list[Comment]:
    """Lock comments, then their threads, each in id order, and read them and their revisions afresh."""
    ids = sorted(set(comment_ids))
    # On SQLite whoever writes is alone anyway.
    if dialect() != "sqlite":
        _lock(ids)
    db.session.flush()
    comments = read_afresh(Comment, ids)
    threads = read_afresh(Thread, {comment.thread_id for comment in comments.values()})
    sites = read_afresh(Site, {thread.site_id for thread in threads.values()})
    texts: dict[int, list[Revision]] = {id_: [] for id_ in comments}
    # A session forgets what nobody holds on to, and would ask for each anew: these hold on to one another.
    for row in _TEXTS.all(ids=ids):
        revision = stored(Revision, row, afresh=True)
        set_committed_value(revision, "comment", comments[revision.comment_id])
        texts[revision.comment_id].append(revision)
    for thread in threads.values():
        set_committed_value(thread, "site", sites[thread.site_id])
    for id_, comment in comments.items():
        set_committed_value(comment, "thread", threads[comment.thread_id])
        set_committed_value(comment, "revisions", texts[id_])
    return list(comments.values())


_TEXTS = Prepared(
    lambda it: (
        select(table_of(Revision))
        .where(among(Revision.comment_id, "ids", dialect=it))
        .order_by(Revision.comment_id, Revision.number)
    )
)


def _lock(ids: Sequence[int]) -> None:
    """Wait for rows before anything of them is read: what is joined to a row is read as it was before the wait."""
    comments = select(Comment.id, Comment.thread_id).where(Comment.id.in_(ids)).order_by(Comment.id)
    held = db.session.execute(comments.with_for_update(key_share=True)).all()
    threads = select(Thread.id).where(Thread.id.in_({thread_id for _, thread_id in held})).order_by(Thread.id)
    db.session.execute(threads.with_for_update(key_share=True)).all()


@dataclass(frozen=True)
class Move:
    """One revision's way to another status, and how it is to stand in the log."""

    revision: Revision
    target: Status
    action: Action
    kind: Kind
    by: By


def move(revision: Revision, target: Status, *, action: Action, kind: Kind, by: By) -> Entry:
    """Move one revision; see `move_all`."""
    return move_all([Move(revision, target, action, kind, by)])[0]


def move_all(moves: Sequence[Move]) -> list[Entry]:
    """Move revisions by compare-and-swap, and write their entries in this order. Raises `AlreadyDecided`.

    What is approved moves last: the text that it replaces has left by then, for one alone may be public.
    """
    db.session.flush()
    was = [one.revision.status for one in moves]
    for approved in (False, True):
        _swap([one for one in moves if (one.target is Status.APPROVED) is approved])
    for one in moves:
        set_committed_value(one.revision, "turn", one.revision.turn + 1)
        set_committed_value(one.revision, "status", one.target)
    events = [
        event(one.revision, one.action, one.kind, was=before, by=one.by) for one, before in zip(moves, was, strict=True)
    ]
    # One chain after the other, in the order of the sites: two presses that need several heads take them alike.
    written: dict[int, Entry] = {}
    for site_id in sorted({one.revision.site_id for one in moves}):
        places = [place for place, one in enumerate(moves) if one.revision.site_id == site_id]
        written |= zip(places, audit.record_all([events[place] for place in places]), strict=True)
    return [written[place] for place in range(len(moves))]


def _swap(moves: Sequence[Move]) -> None:
    rows = [
        {
            "of": one.revision.id,
            "seen": one.revision.turn,
            "was": one.revision.status,
            "target": one.target,
            "next": one.revision.turn + 1,
        }
        for one in moves
    ]
    if rows and _SWAP.change(*rows) != len(rows):
        raise AlreadyDecided(moves[0].revision)


_REVISION = table_of(Revision).c
_SWAP = Prepared(
    update(table_of(Revision))
    .where(_REVISION.id == bindparam("of"), _REVISION.turn == bindparam("seen"), _REVISION.status == bindparam("was"))
    .values(status=bindparam("target"), turn=bindparam("next"))
)


def make(comment: Comment, words: Words, *, number: int, waiting_since: datetime, by: By, kind: Kind) -> Revision:
    """Store a text as a pending revision, with its entry and the news of it."""
    revision = first_text(comment, words, waiting_since=waiting_since)
    if number > 1:
        revision.number, revision.submitted_at = number, by.at
    insert_now([revision])
    # A session forgets what nobody holds on to, and would ask for each anew: these hold on to one another.
    set_committed_value(revision, "comment", comment)
    if number == 1 or "revisions" in vars(comment):
        set_committed_value(comment, "revisions", [*(comment.revisions if number > 1 else ()), revision])
    make_findable([revision])
    action = Action.SUBMIT if number == 1 else Action.EDIT
    arrival = event(revision, action, kind, was=None, by=by)
    audit.record_rows([arrival])
    notify.tell(arrival, due=by.at)
    return revision


def first_text(comment: Comment, words: Words, *, waiting_since: datetime) -> Revision:
    """Make, but do not store, a comment's first revision."""
    return Revision(
        comment_id=comment.id,
        site_id=comment.site_id,
        thread_id=comment.thread_id,
        author_key=comment.author_key,
        network=comment.network,
        number=1,
        source=words.source,
        format=words.format,
        html=words.html,
        text_hash=fingerprint(words.html),
        shape=shape(words.html),
        status=Status.PENDING,
        turn=0,
        waiting_since=waiting_since,
        submitted_at=comment.received_at,
        findings=list(words.findings),
    )


def make_findable(revisions: Sequence[Revision]) -> None:
    """Let stored texts be searched, and be listed by what was noticed about them and by where they lead."""
    insert_rows(
        Trait,
        [
            {"revision_id": revision.id, "site_id": revision.site_id, "kind": kind, "value": value}
            for revision in revisions
            for kind, value in sorted(_traits(revision))
        ],
    )
    search.keep(revisions)


def _traits(revision: Revision) -> set[tuple[TraitKind, str]]:
    hosts = markup.link_hosts(revision.html)[:MOST_HOSTS]
    hosts += [markup.host_of(revision.comment.url)] if revision.comment.url else []
    found = {(TraitKind.FINDING, str(finding["code"])) for finding in revision.findings}
    return found | {(TraitKind.HOST, host[:MOST_VALUE]) for host in hosts}


def name_place(comment: Comment) -> None:
    """Name a new comment's place on its page after its number, or nearly so: one from elsewhere may bear that name."""
    for name in _names(f"comment-{comment.id}"):
        if _NAME_IF_FREE.change({"of": comment.id, "on": comment.thread_id, "name": name}):
            set_committed_value(comment, "anchor", name)
            return


_THERE = table_of(Comment).alias()
_NAME_IF_FREE = Prepared(
    update(table_of(Comment))
    .where(
        table_of(Comment).c.id == bindparam("of"),
        ~exists().where(_THERE.c.thread_id == bindparam("on"), _THERE.c.anchor == bindparam("name")),
    )
    .values(anchor=bindparam("name"))
)


def free_anchor(comment: Comment) -> str:
    """Return a name for the place of a comment from elsewhere, near to the one it had there."""
    taken = select(Comment.id).where(Comment.thread_id == comment.thread.id)
    return next(
        name
        for name in _names(f"comment-{comment.source_id}")
        if db.session.scalars(taken.where(Comment.anchor == name)).first() is None
    )


def _names(wish: str) -> Iterator[str]:
    yield wish
    yield from (f"{wish}-{number}" for number in count(1))


# Asked for twice: by what looks for the same words, and by what keeps it.
@lru_cache(maxsize=32)
def fingerprint(html: str) -> str:
    """Hash a text without regard to case and spacing: the same words by anybody."""
    folded = " ".join(markup.plain_text(html).casefold().split())
    return hashlib.sha256(folded.encode()).hexdigest()[:32]


def shape(html: str) -> str:
    """Hash a text's words, each once, without links, numbers and punctuation: texts made after one pattern share it."""
    chunks = markup.plain_text(html).casefold().split()
    spoken = " ".join(chunk for chunk in chunks if not re.search(r"://|\w\.\w", chunk))
    words = sorted(set(re.findall(r"[^\W\d_]+", spoken)))
    # Of one word or two, "Great article!", half the world is the author.
    kept = " ".join(words) if len(words) >= LEAST_WORDS else html
    return hashlib.sha256(kept.encode()).hexdigest()[:32]


def event(revision: Revision, action: Action, kind: Kind, *, was: Status | None, by: By) -> audit.Event:
    """Say what happened to a revision, for the log."""
    return audit.Event(
        kind=kind,
        action=action,
        subject=f"comment:{revision.comment_id}",
        site_id=revision.site_id,
        revision_id=revision.id,
        from_status=was,
        to_status=revision.status,
        turn=revision.turn,
        via=by.via,
        at=by.at,
        account_id=by.account_id,
        rule=by.rule,
        batch=by.batch,
        reason_id=by.reason_id if action is Action.REJECT else None,
        note=by.note,
        words=audit.words_of(revision) if action in audit.SENT else (),
    )
