"""A reply as the site: approve what is answered and publish the answer, in one press."""

from dataclasses import replace
from datetime import datetime

from moderation import lifecycle, markup
from moderation.models import Account, Action, Comment, Entry, Revision, Status, Via
from moderation.review.decisions import Choice, Outcome, skipped


class TooDeep(Exception):
    """The text stands as deep as replies go."""


#: As deep as visitors' replies go.
MOST_DEPTH = 100


def publish(revision: Revision, choice: Choice, text: str, *, by: Account, now: datetime, batch: str) -> Outcome:
    """Approve a text that waits, unless it is public already, and publish an answer in the site's name below it.

    One batch: undo takes back both, and the answer waits. Raises `TooDeep`.
    """
    outcome = Outcome(Action.APPROVE, batch)
    decider = lifecycle.decider(by, via=Via.QUEUE, at=now, batch=batch)
    asked = lifecycle.hold([revision.comment_id])[0]
    if asked.depth >= MOST_DEPTH:
        raise TooDeep
    if revision.status is not Status.APPROVED or revision.turn != choice.seen:
        [answer] = lifecycle.decide_held(Action.APPROVE, [lifecycle.Press(revision, choice.seen, decider)])
        if isinstance(answer, lifecycle.Conflict):
            outcome.skipped.append(skipped(revision, answer))
            return outcome
        outcome.entries.append(answer)
    outcome.entries.append(_published(asked, text, by=decider))
    return outcome


def _published(asked: Comment, text: str, *, by: lifecycle.By) -> Entry:
    name = asked.thread.site.name
    html = markup.render(text, markup.Format.MARKDOWN)
    comment = Comment(
        site_id=asked.site_id,
        parent_id=asked.id,
        depth=asked.depth + 1,
        author=name,
        email="",
        url="",
        author_key=name.casefold()[:320],
        received_at=by.at,
    )
    words = lifecycle.Words(text, markup.Format.MARKDOWN, html, ())
    held = lifecycle.submit(comment, words, on=asked.thread, by=replace(by, note=None))
    return lifecycle.decide(Action.APPROVE, held, seen=held.turn, by=by)
