"""Everything that happens when a reply arrives.

`receive` is the whole way: known key, thread, refusals, rendering, findings, holding, the key. It adds and flushes;
the door commits, and only then answers.
"""

import base64
import hashlib
import hmac
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from moderation import lifecycle, markup, triage
from moderation.db import db
from moderation.models import Comment, Revision, Site, Status, SubmissionKey, Thread, Via
from moderation.models.pagekey import page_key
from moderation.publishing import closing

#: Comments may stand this deep below one another; what would go deeper is refused.
MOST_DEPTH = 100
#: A form left open longer than this is asked to be looked at once more.
TOKEN_LIFE = timedelta(days=1)


class Refused(Exception):
    """A reply that is not taken; nothing is stored."""


class Closed(Refused):
    """The thread takes no more replies."""


class UnknownParent(Refused):
    """There is no such public comment on the page: a held one, a removed one and none at all are the same."""


class TooDeep(Refused):
    """The parent stands as deep as replies go."""


class Duplicate(Refused):
    """The author has sent this text on this page already."""


class KeyReused(Refused):
    """The key came before, with another reply."""


class TooFast(Refused):
    """The author replied a moment ago."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"wait {wait} s")
        self.wait = wait


@dataclass(frozen=True)
class Draft:
    """A reply as the door took it: checked field by field, not yet stored."""

    comment: str
    author: str
    email: str
    url: str
    page: str
    parent: int | None = None
    title: str | None = None
    key: str | None = None
    format: markup.Format = markup.Format.MARKDOWN
    network: str | None = None
    via: Via = Via.FORM
    #: Whether the field that people do not see was filled.
    trapped: bool = False
    #: Seconds since our form was made; None without its mark.
    written_in: float | None = None

    @property
    def author_key(self) -> str:
        """Who counts as the same author: the e-mail address, else the name."""
        return (self.email or self.author).strip().casefold()[:320]

    def body_hash(self, site: Site) -> str:
        """Hash what was said, not how: a retry may carry a fresh mark, and the page another title or campaign."""
        page = page_key(self.page, site.origins)
        said = (self.comment, self.author, self.email, self.url, page, str(self.parent), self.format)
        return hashlib.sha256("\0".join(said).encode()).hexdigest()


def receive(draft: Draft, *, site: Site, pause: timedelta, now: datetime) -> Comment:
    """Hold a reply, once for each key. Raises `Refused` and its kinds, `pagekey.BadAddress`."""
    _one_at_a_time(site)
    if earlier := _answered_before(draft, site=site):
        return earlier
    thread = _thread_for(draft, site=site, now=now)
    parent = _parent_of(draft, thread)
    html = markup.render(draft.comment, draft.format)
    _refuse_duplicate(draft, thread, said=lifecycle.fingerprint(html))
    _refuse_haste(draft, site=site, pause=pause, now=now)
    comment = Comment(
        thread=thread,
        site_id=site.id,
        parent_id=parent.id if parent else None,
        depth=parent.depth + 1 if parent else 0,
        author=draft.author,
        email=draft.email,
        url=draft.url,
        author_key=draft.author_key,
        title=draft.title,
        received_at=now,
        network=draft.network,
    )
    findings = triage.examine(
        triage.Evidence(
            html=html,
            url=draft.url,
            alike=lifecycle.same_words(html, site_id=site.id),
            trapped=draft.trapped,
            written_in=draft.written_in,
            watch=triage.Watch(site.watched_words, site.watched_hosts, author=draft.author, website=draft.url),
        )
    )
    words = lifecycle.Words(draft.comment, draft.format, html, [finding.stored() for finding in findings])
    lifecycle.submit(comment, words, by=lifecycle.By(via=draft.via, at=now))
    _remember(draft, comment, site=site, now=now)
    return comment


def new_token(site_key: str, page: str, *, secret: str, now: datetime) -> str:
    """Mark a form with the time it was made, bound to site and page (by `page_key`)."""
    made = int(now.timestamp() * 1000)
    return f"{made:x}.{_mark(site_key, page, made, secret=secret)}"


def token_age(token: str, site_key: str, page: str, *, secret: str, now: datetime) -> float | None:
    """Return the seconds since the form was made; None for a mark that is not ours, not yet valid, or too old."""
    stamp, _, mark = token.partition(".")
    if not (stamp.isascii() and stamp.isalnum() and 0 < len(stamp) < 16 and mark.isascii()):
        return None
    try:
        made = int(stamp, 16)
    except ValueError:
        return None
    if not hmac.compare_digest(mark, _mark(site_key, page, made, secret=secret)):
        return None
    age = now.timestamp() - made / 1000
    return age if 0 <= age <= TOKEN_LIFE.total_seconds() else None


def _mark(site_key: str, page: str, made: int, *, secret: str) -> str:
    digest = hmac.digest(secret.encode(), f"form\0{site_key}\0{page}\0{made}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:15]).decode()


def _one_at_a_time(site: Site) -> None:
    """Take the site's replies one after the other: keys, duplicates, pauses and new threads cannot race."""
    db.session.execute(select(Site.id).where(Site.id == site.id).with_for_update(key_share=True))


def _answered_before(draft: Draft, *, site: Site) -> Comment | None:
    if draft.key is None:
        return None
    kept = db.session.get(SubmissionKey, (site.id, _hash(draft.key)))
    if kept is None:
        return None
    if kept.body_hash != draft.body_hash(site):
        raise KeyReused
    return db.session.get_one(Comment, kept.comment_id)


def _remember(draft: Draft, comment: Comment, *, site: Site, now: datetime) -> None:
    if draft.key is not None:
        db.session.add(
            SubmissionKey(
                site_id=site.id,
                key_hash=_hash(draft.key),
                body_hash=draft.body_hash(site),
                comment_id=comment.id,
                created_at=now,
            )
        )
        db.session.flush()


def _thread_for(draft: Draft, *, site: Site, now: datetime) -> Thread:
    key = page_key(draft.page, site.origins)
    thread = db.session.scalars(select(Thread).where(Thread.site_id == site.id, Thread.page_key == key)).one_or_none()
    if thread is None:
        thread = Thread(site_id=site.id, page_key=key, url=draft.page)
        db.session.add(thread)
    elif closing.is_closed(thread, site=site, now=now):
        raise Closed
    return thread


def _parent_of(draft: Draft, thread: Thread) -> Comment | None:
    if draft.parent is None:
        return None
    parent = db.session.scalars(
        select(Comment)
        .join(Revision)
        .where(Comment.id == draft.parent, Comment.thread_id == thread.id, Revision.status == Status.APPROVED)
    ).one_or_none()
    if parent is None:
        raise UnknownParent
    if parent.depth >= MOST_DEPTH:
        raise TooDeep
    return parent


def _refuse_duplicate(draft: Draft, thread: Thread, *, said: str) -> None:
    same = (
        select(Revision.id)
        .join(Comment)
        .where(
            Comment.thread_id == thread.id,
            Comment.author_key == draft.author_key,
            Revision.text_hash == said,
            Revision.status.in_((Status.PENDING, Status.APPROVED)),
        )
    )
    if not draft.author_key:
        # Of the nameless, only who writes from the same network may be the same.
        same = same.where(Comment.network == draft.network)
    if db.session.scalars(same.limit(1)).first() is not None:
        raise Duplicate


def _refuse_haste(draft: Draft, *, site: Site, pause: timedelta, now: datetime) -> None:
    """Refuse a second reply within the pause: a double click or a program, not a second thought."""
    last: datetime | None = db.session.scalars(
        select(func.max(Comment.received_at)).where(
            Comment.site_id == site.id,
            Comment.author_key == draft.author_key,
            Comment.network == draft.network,
            Comment.received_at > now - pause,
            Comment.received_at <= now,
        )
    ).one()
    if last is not None and pause:
        raise TooFast(math.ceil((last + pause - now).total_seconds()))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
