"""The way back: one press, single or bulk, undone to exactly what it replaced."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from moderation import notify, publishing
from moderation.db import db
from moderation.lifecycle.moving import Move, hold, move_all
from moderation.lifecycle.table import By
from moderation.models import OPEN, Action, Comment, Entry, Kind, Revision, Status


@dataclass(frozen=True)
class Undone:
    """What an undo put back, and what it had to leave because it changed since."""

    batch: str
    entries: list[Entry]
    skipped: list[Revision]
    #: How many messages about it had been sent, and cannot be unsent.
    gone_out: int = 0


def undo(batch: str, *, by: By, site_ids: Collection[int]) -> Undone:
    """Put everything of one account's batch back to exactly what it replaced.

    A comment of which anything changed since is left alone and named in `skipped`.
    """
    # Whose it is is asked of what was found: a database might look through all that somebody decided instead.
    pressed = db.session.scalars(select(Entry).where(Entry.batch == batch, Entry.kind == Kind.DECISION))
    mine = [each for each in pressed if each.account_id == by.account_id and each.site_id in site_ids]
    decided = sorted(mine, key=lambda entry: entry.id, reverse=True)
    revisions = {revision.id: revision for revision in _revisions_of(decided)}
    comments = {comment.id: comment for comment in hold(revision.comment_id for revision in revisions.values())}
    by_comment: dict[int, list[Entry]] = defaultdict(list)
    for entry in decided:
        if entry.revision_id is not None:
            by_comment[revisions[entry.revision_id].comment_id].append(entry)
    going: list[Entry] = []
    moves: list[Move] = []
    skipped: list[Revision] = []
    standing = _standing(decided)
    for comment_id in sorted(by_comment):
        comment, entries = comments[comment_id], by_comment[comment_id]
        stands = all(entry.id in standing for entry in entries)
        if stands and _has_room(comment, entries) and _has_a_way(comment, entries, revisions):
            going += entries
            moves += _ways_back(comment, entries, revisions, by=replace(by, batch=batch))
        else:
            skipped.append(comment.newest)
    if not moves:
        return Undone(batch, [], skipped)
    public = {move.revision.comment: move.revision.comment.approved for move in moves}
    undone = move_all(moves)
    changed = {comment.thread for comment, was in public.items() if comment.approved is not was}
    publishing.follow_all(changed, now=by.at)
    return Undone(batch, undone, skipped, gone_out=notify.untell(going))


def _revisions_of(entries: Sequence[Entry]) -> Sequence[Revision]:
    ids = [entry.revision_id for entry in entries if entry.revision_id is not None]
    return db.session.scalars(select(Revision).where(Revision.id.in_(ids))).all()


def _standing(decided: Sequence[Entry]) -> set[int]:
    """Return the ids of those entries after which nothing happened to their revisions that was not undone itself."""
    since: dict[int, list[Entry]] = {entry.revision_id: [] for entry in decided if entry.revision_id is not None}
    later = db.session.scalars(
        select(Entry)
        .where(Entry.revision_id.in_(since), Entry.id >= min((entry.id for entry in decided), default=0))
        .order_by(Entry.id)
    )
    for entry in later:
        open_ = since[entry.revision_id or 0]
        if entry.kind is Kind.UNDO and open_ and open_[-1].batch == entry.batch:
            open_.pop()
        else:
            open_.append(entry)
    return {entries[-1].id for entries in since.values() if entries}


def _has_room(comment: Comment, entries: list[Entry]) -> bool:
    """Whether a text that goes back to approved is the only one: another may have been approved since."""
    moving = {entry.revision_id for entry in entries}
    back = any(entry.from_status is Status.APPROVED for entry in entries)
    return not (back and any(one.status is Status.APPROVED for one in comment.revisions if one.id not in moving))


def _has_a_way(comment: Comment, entries: list[Entry], revisions: dict[int, Revision]) -> bool:
    """Whether a text that goes back to waiting is the newest, or the newest waits: else nobody could decide it.

    Of a text that was forgotten meanwhile there is nothing to put back.
    """
    back = [revisions[entry.revision_id or 0] for entry in entries if entry.from_status in OPEN]
    return all(one is comment.newest or comment.newest.status in OPEN for one in back) and not any(
        revisions[entry.revision_id or 0].is_forgotten for entry in entries
    )


def _ways_back(comment: Comment, entries: list[Entry], revisions: dict[int, Revision], *, by: By) -> list[Move]:
    moves = []
    for entry in entries:
        revision, before = revisions[entry.revision_id or 0], Status(entry.from_status or Status.PENDING)
        newer = next((one for one in comment.revisions if one.status in OPEN and one is not revision), None)
        if before in OPEN and newer is not None:
            # The author has edited since. Had nobody decided, that edit would have superseded this text and kept
            # its place in the queue.
            before, newer.waiting_since = Status.SUPERSEDED, revision.waiting_since
        moves.append(Move(revision, before, Action.UNDO, Kind.UNDO, by))
    return moves
