"""Many comments at once, as they were decided elsewhere: the rows and entries of one by one, in a few statements."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm.attributes import set_committed_value

from moderation import audit
from moderation.db import db
from moderation.lifecycle.moving import event, first_text, free_anchor, make_findable
from moderation.lifecycle.table import TRANSITIONS, AlreadyDecided, By, NotAllowed, Words
from moderation.models import Action, Comment, Kind, Revision, Status
from moderation.statements import insert_now


@dataclass(frozen=True)
class Adoption:
    """A new comment, its text, and what was decided about it elsewhere; without an action it is held."""

    comment: Comment
    words: Words
    action: Action | None


def adopt(adoptions: Sequence[Adoption], *, by: By) -> None:
    """Hold comments from elsewhere and decide them as they were decided there, through the table, telling nobody.

    The caller holds their threads, and lets `publishing.follow` each once when all of it is in.
    """
    _name([each.comment for each in adoptions])
    db.session.add_all([each.comment for each in adoptions])
    db.session.flush()
    revisions = [first_text(each.comment, each.words, waiting_since=by.at) for each in adoptions]
    insert_now(revisions)
    for each, revision in zip(adoptions, revisions, strict=True):
        set_committed_value(revision, "comment", each.comment)
    make_findable(revisions)
    events: list[audit.Event] = []
    moving: dict[Status, list[Revision]] = defaultdict(list)
    for each, revision in zip(adoptions, revisions, strict=True):
        events.append(event(revision, Action.SUBMIT, Kind.IMPORT, was=None, by=by))
        if each.action is not None:
            allowed, target = TRANSITIONS[each.action]
            if revision.status not in allowed:
                raise NotAllowed(revision)
            moving[target].append(revision)
            set_committed_value(revision, "status", target)
            set_committed_value(revision, "turn", 1)
            events.append(event(revision, each.action, Kind.IMPORT, was=Status.PENDING, by=by))
    for target, those in moving.items():
        _move_all(those, target)
    audit.record_all(events)


def _move_all(revisions: Sequence[Revision], target: Status) -> None:
    moved = db.session.execute(
        update(Revision)
        .where(Revision.id.in_([one.id for one in revisions]), Revision.turn == 0, Revision.status == Status.PENDING)
        .values(status=target, turn=1)
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount != len(revisions):  # type: ignore[attr-defined]
        raise AlreadyDecided(revisions[0])


def _name(comments: Sequence[Comment]) -> None:
    """Give comments the names they had, where those are free."""
    wishes = {f"comment-{comment.source_id}" for comment in comments}
    taken = {
        (thread_id, anchor)
        for thread_id, anchor in db.session.execute(
            select(Comment.thread_id, Comment.anchor).where(
                Comment.thread_id.in_({comment.thread.id for comment in comments}), Comment.anchor.in_(wishes)
            )
        )
    }
    for comment in comments:
        place = (comment.thread.id, f"comment-{comment.source_id}")
        comment.anchor = free_anchor(comment) if place in taken else place[1]
        taken.add((comment.thread.id, comment.anchor))
