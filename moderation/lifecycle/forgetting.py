"""Emptying what is no longer to be known: a text stays where it stands in lists and log, its words go.

The entries that hold those words fast give up their salt: the log's proof then says "forgotten" of them, not "broken".
"""

from collections.abc import Sequence

from sqlalchemy import delete, select, update

from moderation import audit, search
from moderation.db import db
from moderation.lifecycle.moving import hold
from moderation.lifecycle.table import By
from moderation.models import OPEN, Action, Comment, Entry, Kind, Revision, Status, Trait, TraitKind

#: Where texts stand that were refused.
REFUSALS = (Status.REJECTED, Status.SPAM)


def forget_texts(revisions: Sequence[Revision], *, by: By) -> int:
    """Empty refused texts, and what their authors sent before them; return how many.

    Of a comment of which nothing else is left, what was sent with it goes too: name, addresses, title.
    """
    wanted = {revision.id for revision in revisions}
    comments = hold(revision.comment_id for revision in revisions)
    gone = [one for comment in comments for one in _going(comment, wanted)]
    if not gone:
        return 0
    _let_go_of([one.id for one in gone])
    for one in gone:
        one.source = one.html = one.text_hash = ""
        # Alike nothing, not all that is forgotten alike.
        one.shape, one.findings = f"forgotten-{one.id}", []
    for comment in comments:
        if all(one.is_forgotten for one in comment.revisions):
            comment.author = comment.email = comment.url = ""
            comment.title = None
            # Nobody's, so that no nameless author gets the past of another.
            _call(comment, f"forgotten-{comment.id}")
    db.session.flush()
    _note(gone[0].site_id, len(gone), by=by)
    return len(gone)


def forget_addresses(comments: Sequence[Comment], *, by: By) -> int:
    """Remove e-mail addresses; from then on their authors are known by name."""
    held = [comment for comment in hold(comment.id for comment in comments) if comment.email]
    if not held:
        return 0
    revisions = [one for comment in held for one in comment.revisions]
    _let_go_of([one.id for one in revisions], words_only=True)
    for comment in held:
        comment.email = ""
        _call(comment, comment.author.strip().casefold()[:320])
    db.session.flush()
    search.keep([one for one in revisions if not one.is_forgotten])
    _note(held[0].site_id, len(held), by=by)
    return len(held)


def forget_networks(comment_ids: Sequence[int], *, by: By, site_id: int) -> int:
    """Remove the tags of the networks that comments came from."""
    ids = sorted(comment_ids)
    if not ids:
        return 0
    hold(ids)
    apart = {"synchronize_session": False}
    db.session.execute(update(Comment).where(Comment.id.in_(ids)).values(network=None), execution_options=apart)
    db.session.execute(
        update(Revision).where(Revision.comment_id.in_(ids)).values(network=None), execution_options=apart
    )
    _note(site_id, len(ids), by=by)
    return len(ids)


def _going(comment: Comment, wanted: set[int]) -> list[Revision]:
    """Return the texts of a comment that go: the refused ones asked for, and the earlier ones that they replaced."""
    gone = [one for one in comment.revisions if one.id in wanted and one.status in REFUSALS and not one.is_forgotten]
    if not gone or any(one.status is Status.APPROVED or one.status in OPEN for one in comment.revisions):
        return gone
    last = max(one.number for one in gone)
    return gone + [
        one
        for one in comment.revisions
        if one.status is Status.SUPERSEDED and one.number < last and not one.is_forgotten
    ]


def _let_go_of(revision_ids: Sequence[int], *, words_only: bool = False) -> None:
    """Forget what holds texts fast or finds them: their entries' words, the index, and what they are listed by."""
    sent = select(Entry).where(Entry.revision_id.in_(revision_ids), Entry.action.in_(audit.SENT))
    for entry in db.session.scalars(sent):
        audit.forget(entry)
    search.forget(revision_ids)
    if not words_only:
        of_them = (Trait.revision_id.in_(revision_ids), Trait.kind.in_((TraitKind.FINDING, TraitKind.HOST)))
        db.session.execute(delete(Trait).where(*of_them).execution_options(synchronize_session=False))


def _call(comment: Comment, name: str) -> None:
    comment.author_key = name
    for one in comment.revisions:
        one.author_key = name


def _note(site_id: int, number: int, *, by: By) -> None:
    audit.record(
        audit.Event(
            kind=Kind.ERASURE,
            action=Action.CHANGE,
            subject=f"site:{site_id}",
            via=by.via,
            at=by.at,
            site_id=site_id,
            rule=by.rule,
            note=str(number),
        )
    )
