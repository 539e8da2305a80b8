"""Statuses, actions and the transition table: the only maker and mover of revisions.

Every movement goes through `moving.move`: compare-and-swap on the turn the mover saw, and one entry of the log.
Whoever moves a comment's revisions holds the comment first (`hold`), comments before threads, each in id order,
the log's head last: so bulk decisions cannot deadlock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Select, func, select
from sqlalchemy.orm.attributes import set_committed_value

from moderation import notify, publishing
from moderation.db import db
from moderation.lifecycle.adopting import Adoption, adopt
from moderation.lifecycle.forgetting import REFUSALS, forget_addresses, forget_networks, forget_texts
from moderation.lifecycle.moving import Move, fingerprint, hold, make, move, move_all, name_place
from moderation.lifecycle.table import (
    DECISIONS,
    EDIT_KEEPS,
    TRANSITIONS,
    AlreadyDecided,
    By,
    Conflict,
    NotAllowed,
    Outdated,
    Unchanged,
    Words,
)
from moderation.lifecycle.undoing import Undone, undo
from moderation.models import OPEN, Account, Action, Comment, Entry, Kind, Reason, Revision, Status, Thread, Via
from moderation.statements import insert_now

__all__ = [
    "DECISIONS",
    "EDIT_KEEPS",
    "REFUSALS",
    "TRANSITIONS",
    "Adoption",
    "AlreadyDecided",
    "By",
    "Conflict",
    "NotAllowed",
    "Outdated",
    "Press",
    "Unchanged",
    "Undone",
    "Words",
    "adopt",
    "bring_back",
    "decide",
    "decide_held",
    "decider",
    "edit",
    "fingerprint",
    "forget_addresses",
    "forget_networks",
    "forget_texts",
    "hold",
    "resume",
    "same_words",
    "saying",
    "submit",
    "undo",
    "withdraw",
]


def submit(comment: Comment, words: Words, *, on: Thread, by: By) -> Revision:
    """Hold a new comment on a thread: the comment, its first revision and the entry that says so."""
    comment.thread_id = on.id
    insert_now([comment])
    set_committed_value(comment, "thread", on)
    name_place(comment)
    return make(comment, words, number=1, waiting_since=by.at, by=by, kind=Kind.ARRIVAL)


def edit(comment: Comment, words: Words, *, by: By, seen: tuple[int, int] | None = None) -> Revision:
    """Hold a new text of a comment; an approved one stays public until a moderator approves the new.

    `seen` is (revision id, turn) as the author saw it. Raises `AlreadyDecided`, `NotAllowed`.
    """
    newest = hold([comment.id])[0].newest
    if seen is not None and seen != (newest.id, newest.turn):
        raise AlreadyDecided(newest)
    if newest.status not in (*OPEN, *EDIT_KEEPS) or newest.is_forgotten:
        raise NotAllowed(newest)
    waiting_since = by.at
    if newest.status in OPEN:
        waiting_since = newest.waiting_since
        move(newest, Status.SUPERSEDED, action=Action.SUPERSEDE, kind=Kind.EDIT, by=by)
    return make(comment, words, number=newest.number + 1, waiting_since=waiting_since, by=by, kind=Kind.EDIT)


def decide(action: Action, revision: Revision, *, seen: int, by: By) -> Entry:
    """Carry out one moderator's decision, provided the revision is still at the turn the moderator saw.

    The same account repeating the same press gets the first entry. Raises `AlreadyDecided`, `NotAllowed`, `Outdated`.
    """
    hold([revision.comment_id])
    [answer] = decide_held(action, [Press(revision, seen, by)])
    if isinstance(answer, Conflict):
        raise answer
    return answer


@dataclass(frozen=True)
class Press:
    """One revision that a moderator decides, at the turn it was seen."""

    revision: Revision
    seen: int
    by: By


def decide_held(action: Action, presses: Sequence[Press]) -> list[Entry | Conflict]:
    """Carry out one press on revisions whose comments the caller holds, all of them; see `decide`.

    Each gets its entry, or the conflict that left it as it is.
    """
    answers: dict[int, Entry | Conflict] = {}
    going: list[int] = []
    for place, press in enumerate(presses):
        try:
            first = _first_answer(action, press) if press.revision.turn != press.seen else None
            if first is None:
                _refuse_conflict(action, press.revision)
                going.append(place)
            else:
                answers[place] = first
        except Conflict as conflict:
            answers[place] = conflict
    if going:
        answers |= zip(going, _carry_out(action, [presses[place] for place in going]), strict=True)
    return [answers[place] for place in range(len(presses))]


def withdraw(comment: Comment, *, by: By) -> None:
    """Take back all of a comment's texts, public ones too. Raises `NotAllowed` when there is nothing to take back.

    What was rejected goes with the rest: nobody publishes any text of a comment that its author withdrew.
    """
    comment = hold([comment.id])[0]
    allowed, target = TRANSITIONS[Action.WITHDRAW]
    if not any(revision.status in allowed for revision in comment.revisions):
        raise NotAllowed(comment.newest)
    for revision in comment.revisions:
        if revision.status in (target, Status.SUPERSEDED):
            continue
        move(revision, target, action=Action.WITHDRAW, kind=Kind.WITHDRAWAL, by=by)
    # Also when nothing of it was public: the empty place above a public reply says who took it away.
    publishing.follow(comment.thread, now=by.at)


def resume(comment: Comment, *, by: By) -> None:
    """Let the newest withdrawn text wait again, from now. Raises `NotAllowed` when it was not withdrawn."""
    comment = hold([comment.id])[0]
    newest = comment.newest
    allowed, target = TRANSITIONS[Action.RESUME]
    if newest.status not in allowed:
        raise NotAllowed(newest)
    newest.waiting_since = by.at
    move(newest, target, action=Action.RESUME, kind=Kind.WITHDRAWAL, by=by)
    publishing.follow(comment.thread, now=by.at)


def bring_back(revision: Revision, *, by: By) -> None:
    """Let a text that was returned to its author wait again, unchanged, when the site's days are over."""
    hold([revision.comment_id])
    if revision.status is Status.RETURNED:
        revision.waiting_since = by.at
        move(revision, Status.PENDING, action=Action.REOPEN, kind=Kind.DECISION, by=by)


def same_words(html: str, *, site_id: int, besides: int) -> int:
    """Count the comments of the site that say the same, leaving out one comment."""
    query = saying(fingerprint(html), site_id=site_id).where(Revision.comment_id != besides)
    return db.session.scalars(query).one()


def saying(words: str | BindParameter[str], *, site_id: int | BindParameter[int]) -> Select[int]:
    """Ask how many comments of a site have a text with this fingerprint."""
    return select(func.count(Revision.comment_id.distinct())).where(
        Revision.site_id == site_id, Revision.text_hash == words
    )


def _refuse_conflict(action: Action, revision: Revision) -> None:
    if revision.status not in TRANSITIONS[action][0] or revision.is_forgotten:
        raise NotAllowed(revision)
    if action in (Action.APPROVE, Action.REOPEN, Action.RETURN) and revision is not revision.comment.newest:
        raise Outdated(revision)


def _carry_out(action: Action, presses: Sequence[Press]) -> list[Entry]:
    target = TRANSITIONS[action][1]
    before = {press.revision.comment: press.revision.comment.approved for press in presses}
    moves: list[Move] = []
    for press in presses:
        replaced = before[press.revision.comment]
        if target is Status.APPROVED and replaced is not None:
            moves.append(Move(replaced, Status.SUPERSEDED, Action.SUPERSEDE, Kind.DECISION, press.by))
        if action is Action.REOPEN:
            press.revision.waiting_since = press.by.at
        moves.append(Move(press.revision, target, action, Kind.DECISION, press.by))
    entries = [entry for entry in move_all(moves) if entry.action is action]
    changed = {comment.thread for comment, was in before.items() if comment.approved is not was}
    publishing.follow_all(changed, now=presses[0].by.at)
    notify.tell_all(
        (entry, press.by.at + timedelta(seconds=press.revision.comment.thread.site.undo_seconds))
        for press, entry in zip(presses, entries, strict=True)
    )
    return entries


def _first_answer(action: Action, press: Press) -> Entry:
    """Return the entry of the same press by the same account, if it still stands; else raise `AlreadyDecided`."""
    first = db.session.scalars(
        select(Entry).where(
            Entry.revision_id == press.revision.id,
            Entry.account_id == press.by.account_id,
            Entry.kind == Kind.DECISION,
            Entry.action == action,
            Entry.turn == press.seen + 1,
        )
    ).first()
    if first is None or first.turn != press.revision.turn:
        raise AlreadyDecided(press.revision)
    return first


def decider(
    account: Account, *, via: Via, at: datetime, batch: str, reason: Reason | None = None, note: str | None = None
) -> By:
    """Name the moderator behind a decision."""
    return By(
        via=via, at=at, account_id=account.id, batch=batch, reason_id=reason.id if reason else None, note=note or None
    )
