"""The hands of the lifecycle: hold rows, make a revision, move one by compare-and-swap; each writes its entry."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from itertools import count

from sqlalchemy import select, update
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from moderation import audit, markup, notify
from moderation.db import db
from moderation.lifecycle.table import AlreadyDecided, By, Words
from moderation.models import Action, Comment, Entry, Kind, Revision, Status, Thread


def hold(comment_ids: Iterable[int]) -> list[Comment]:
    """Lock comments, then their threads, each in id order, and read them and their revisions afresh."""
    ids = sorted(set(comment_ids))
    comments = db.session.scalars(
        select(Comment)
        .where(Comment.id.in_(ids))
        .order_by(Comment.id)
        .options(selectinload(Comment.revisions))
        .with_for_update(of=Comment, key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    threads = sorted({comment.thread_id for comment in comments})
    db.session.scalars(
        select(Thread)
        .where(Thread.id.in_(threads))
        .order_by(Thread.id)
        .with_for_update(of=Thread, key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    return list(comments)


def move(revision: Revision, target: Status, *, action: Action, kind: Kind, by: By) -> Entry:
    """Move a revision by compare-and-swap, and write the entry. Raises `AlreadyDecided`."""
    was, seen = revision.status, revision.turn
    db.session.flush()
    moved = db.session.execute(
        update(Revision)
        .where(Revision.id == revision.id, Revision.turn == seen, Revision.status == was)
        .values(status=target, turn=seen + 1)
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount == 0:  # type: ignore[attr-defined]
        raise AlreadyDecided(revision)
    set_committed_value(revision, "status", target)
    set_committed_value(revision, "turn", seen + 1)
    return audit.record(event(revision, action, kind, was=was, by=by))


def make(comment: Comment, words: Words, *, number: int, waiting_since: datetime, by: By, kind: Kind) -> Revision:
    """Store a text as a pending revision, with its entry and the news of it."""
    revision = first_text(comment, words, waiting_since=waiting_since)
    if number > 1:
        revision.number, revision.submitted_at = number, by.at
    db.session.add(revision)
    db.session.flush()
    action = Action.SUBMIT if number == 1 else Action.EDIT
    entry = audit.record(event(revision, action, kind, was=None, by=by))
    notify.tell(entry, due=by.at)
    return revision


def first_text(comment: Comment, words: Words, *, waiting_since: datetime) -> Revision:
    """Make, but do not store, a comment's first revision."""
    return Revision(
        comment=comment,
        site_id=comment.site_id,
        number=1,
        source=words.source,
        format=words.format,
        html=words.html,
        text_hash=fingerprint(words.html),
        status=Status.PENDING,
        turn=0,
        waiting_since=waiting_since,
        submitted_at=comment.received_at,
        findings=list(words.findings),
    )


def free_anchor(comment: Comment) -> str:
    """Name a comment's place on its page; an imported one keeps its own name if it is free there."""
    wish = name = f"comment-{comment.source_id or comment.id}"
    tries = count(1)
    while db.session.scalars(
        select(Comment.id).where(Comment.thread_id == comment.thread.id, Comment.anchor == name)
    ).first():
        name = f"{wish}-{next(tries)}"
    return name


def fingerprint(html: str) -> str:
    """Hash a text without regard to case and spacing: the same words by anybody."""
    folded = " ".join(markup.plain_text(html).casefold().split())
    return hashlib.sha256(folded.encode()).hexdigest()[:32]


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
