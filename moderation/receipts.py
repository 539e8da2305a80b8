"""What the commenter may see and ask: the private page of one reply."""

import base64
import hmac
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from moderation import lifecycle, markup, triage
from moderation.db import MOST_ROWS, db
from moderation.models import OPEN, Action, Comment, Entry, Reason, Revision, Site, Status, Thread, Via
from moderation.publishing import address_of

#: Texts one comment may have: a program may send thousands, a person corrects a few times.
MOST_TEXTS = 100
TOKEN = re.compile(r"([1-9][0-9]{0,17})\.([A-Za-z0-9_-]{22})", re.ASCII)


class State(StrEnum):
    """What became of a reply, as its author may know it."""

    HELD = "held"
    PUBLISHED = "published"
    REJECTED = "rejected"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Receipt:
    """What the page says: the state of the newest text, and beside it what is public."""

    comment: Comment
    site: Site
    state: State
    newest: Revision
    public: Revision | None
    since: datetime
    decided_at: datetime | None
    reason: Reason | None
    page_url: str
    wait_half: int | None
    wait_most: int | None

    @property
    def can_edit(self) -> bool:
        """Whether another text may be sent."""
        return self.newest.status in (*OPEN, *lifecycle.EDIT_KEEPS) and not self.newest.is_forgotten

    @property
    def can_withdraw(self) -> bool:
        """Whether there is anything to take back."""
        allowed = lifecycle.TRANSITIONS[Action.WITHDRAW][0]
        return any(revision.status in allowed for revision in self.comment.revisions)

    @property
    def is_edit(self) -> bool:
        """Whether another text is public while this one waits or was refused."""
        return self.public is not None and self.public is not self.newest


def token_of(comment: Comment, *, secret: str) -> str:
    """Make a comment's receipt token; the same each time, so that a retry and a later mail can make it again."""
    return f"{comment.id}.{_mark(comment.id, comment.receipt_generation, secret=secret)}"


def comment_of(token: str, *, secret: str) -> Comment | None:
    """Return the comment a token opens; None for every token that opens nothing."""
    match = TOKEN.fullmatch(token)
    if match is None:
        return None
    comment = db.session.scalars(
        select(Comment)
        .where(Comment.id == min(int(match[1]), MOST_ROWS))
        .options(
            joinedload(Comment.thread).joinedload(Thread.site).joinedload(Site.head), selectinload(Comment.revisions)
        )
    ).one_or_none()
    # The mark is made for an unknown comment too: both answers take the same work.
    expected = _mark(int(match[1]), comment.receipt_generation if comment else 0, secret=secret)
    return comment if hmac.compare_digest(match[2], expected) and comment else None


def look(comment: Comment) -> Receipt:
    """Gather what a comment's receipt says."""
    newest, site = comment.newest, comment.thread.site
    decision = db.session.scalars(
        select(Entry)
        .where(Entry.revision_id == newest.id, Entry.turn == newest.turn, Entry.to_status == newest.status)
        .order_by(Entry.id.desc())
    ).first()
    rejected = newest.status is Status.REJECTED and decision is not None and decision.reason_id
    return Receipt(
        comment=comment,
        site=site,
        state=_state(newest.status),
        newest=newest,
        public=comment.approved,
        since=newest.waiting_since,
        decided_at=decision.at if decision and newest.turn else None,
        reason=db.session.get(Reason, decision.reason_id) if rejected and decision else None,
        page_url=address_of(site, comment.thread.page_key),
        wait_half=site.head.wait_half,
        wait_most=site.head.wait_most,
    )


class TooSoon(Exception):
    """The author sent another text a moment ago."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"wait {wait} s")
        self.wait = wait


def send_edit(
    comment: Comment, text: str, *, seen: tuple[int, int] | None, pause: timedelta, now: datetime
) -> Revision:
    """Hold an author's new text; the first one at once, another after the pause.

    Raises `TooSoon`, and `lifecycle.Conflict`: as its kind `Unchanged` when it is the same text, as `NotAllowed`
    after `MOST_TEXTS`.
    """
    newest = comment.newest
    if newest.number >= MOST_TEXTS:
        raise lifecycle.NotAllowed(newest)
    if newest.number > 1 and newest.submitted_at > now - pause:
        raise TooSoon(math.ceil((newest.submitted_at + pause - now).total_seconds()))
    if text == newest.source:
        raise lifecycle.Unchanged(newest)
    format_ = newest.format
    html = markup.render(text, format_)
    public = comment.approved
    findings = triage.examine(
        triage.Evidence(
            html=html,
            url="",
            alike=lifecycle.same_words(html, site_id=comment.site_id, besides=comment.id),
            replaces=public.html if public else None,
            from_form=False,
            watch=triage.Watch(
                comment.thread.site.watched_words,
                comment.thread.site.watched_hosts,
                author=comment.author,
                website=comment.url,
            ),
        )
    )
    words = lifecycle.Words(text, format_, html, [finding.stored() for finding in findings])
    return lifecycle.edit(comment, words, seen=seen, by=lifecycle.By(via=Via.RECEIPT, at=now))


def withdraw(comment: Comment, *, now: datetime) -> None:
    """Take the reply back. Raises `lifecycle.NotAllowed`."""
    lifecycle.withdraw(comment, by=lifecycle.By(via=Via.RECEIPT, at=now))


def resume(comment: Comment, *, now: datetime) -> None:
    """Let a withdrawn reply wait again. Raises `lifecycle.NotAllowed`."""
    lifecycle.resume(comment, by=lifecycle.By(via=Via.RECEIPT, at=now))


def _state(status: Status) -> State:
    match status:
        case Status.PENDING:
            return State.HELD
        case Status.APPROVED:
            return State.PUBLISHED
        case Status.RETURNED:
            return State.RETURNED
        case Status.WITHDRAWN:
            return State.WITHDRAWN
    # Spam reads as a rejection without a reason: who sends it learns nothing from the receipt.
    return State.REJECTED


def _mark(comment_id: int, generation: int, *, secret: str) -> str:
    digest = hmac.digest(secret.encode(), f"receipt\0{comment_id}\0{generation}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode()[:22]
