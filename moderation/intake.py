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
from enum import StrEnum

from sqlalchemy import Integer, String, bindparam, exists, func, select

from moderation import lifecycle, markup, triage
from moderation.db import UTCDateTime, db, dialect, table_of
from moderation.models import Account, Comment, Membership, Revision, Site, Status, SubmissionKey, Thread, Via
from moderation.models.pagekey import page_key
from moderation.publishing import closing
from moderation.statements import Prepared, insert_now, insert_rows, stored

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
    #: Whether a proof of work was asked for and not given.
    unproven: bool = False
    #: Seconds since our form was made; None without its mark.
    written_in: float | None = None

    @property
    def html(self) -> str:
        """The text as it would be published."""
        return markup.render(self.comment, self.format)

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
    known = _look_around(draft, site=site, pause=pause, now=now)
    if known.answered is not None:
        return _answered_before(draft, known.answered, site=site)
    if known.thread is not None and closing.is_closed(known.thread, site=site, now=now):
        raise Closed
    thread = known.thread or _new_thread(draft, site=site)
    parent = _parent_of(draft, thread)
    if known.said:
        raise Duplicate
    if known.last is not None:
        raise TooFast(math.ceil((known.last + pause - now).total_seconds()))
    comment = Comment(
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
            html=draft.html,
            url=draft.url,
            alike=known.alike,
            trapped=draft.trapped,
            unproven=draft.unproven,
            written_in=draft.written_in,
            author=draft.author,
            staff=_staff_of(site),
            watch=triage.Watch(site.watched_words, site.watched_hosts, author=draft.author, website=draft.url),
        )
    )
    words = lifecycle.Words(draft.comment, draft.format, draft.html, [finding.stored() for finding in findings])
    lifecycle.submit(comment, words, on=thread, by=lifecycle.By(via=draft.via, at=now))
    _remember(draft, comment, site=site, now=now)
    return comment


def knows(draft: Draft, *, site: Site) -> bool:
    """Whether this reply was answered before, by its key: a retry is refused by no limit."""
    return draft.key is not None and db.session.get(SubmissionKey, (site.id, _hash(draft.key))) is not None


class FormKind(StrEnum):
    """Which form of ours a mark belongs to."""

    REPLY = "form"
    #: The page that shows a reply once more.
    CONFIRM = "confirm"


def new_token(site_key: str, page: str, *, secret: str, now: datetime, kind: FormKind = FormKind.REPLY) -> str:
    """Mark a form with the time it was made, bound to site and page (by `page_key`)."""
    made = int(now.timestamp() * 1000)
    return f"{made:x}.{_mark(kind, site_key, page, made, secret=secret)}"


def token_age(
    token: str, site_key: str, page: str, *, secret: str, now: datetime, kind: FormKind = FormKind.REPLY
) -> float | None:
    """Return the seconds since the form was made; None for a mark that is not ours, not yet valid, or too old."""
    stamp, _, mark = token.partition(".")
    if not (stamp.isascii() and stamp.isalnum() and 0 < len(stamp) < 16 and mark.isascii()):
        return None
    try:
        made = int(stamp, 16)
    except ValueError:
        return None
    if not hmac.compare_digest(mark, _mark(kind, site_key, page, made, secret=secret)):
        return None
    age = now.timestamp() - made / 1000
    return age if 0 <= age <= TOKEN_LIFE.total_seconds() else None


def _mark(kind: FormKind, site_key: str, page: str, made: int, *, secret: str) -> str:
    digest = hmac.digest(secret.encode(), f"{kind}\0{site_key}\0{page}\0{made}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:18]).decode()


def _one_at_a_time(site: Site) -> None:
    """Take the site's replies one after the other: keys, duplicates, pauses and new threads cannot race."""
    # On SQLite whoever writes is alone anyway.
    if dialect() != "sqlite":
        db.session.execute(select(Site.id).where(Site.id == site.id).with_for_update(key_share=True))


@dataclass(frozen=True)
class _Known:
    """What is there already when a reply arrives."""

    #: The page's thread, if it has one.
    thread: Thread | None
    #: What was answered under the same key: a hash of the reply, and its comment.
    answered: tuple[str, int] | None
    #: Whether the author has sent this text on this page.
    said: bool
    #: How many comments of the site say the same.
    alike: int
    #: When the author's last reply came, if the pause after it is not over.
    last: datetime | None


def _look_around(draft: Draft, *, site: Site, pause: timedelta, now: datetime) -> _Known:
    asked = {
        "site": site.id,
        "page": page_key(draft.page, site.origins),
        "key": _hash(draft.key) if draft.key is not None else None,
        "words": lifecycle.fingerprint(draft.html),
        "author": draft.author_key,
        "network": draft.network,
        "pause_began": now - pause,
        "now": now,
    }
    said, alike, last, body_hash, comment_id, *thread = _AROUND.one(**asked)
    return _Known(
        thread=stored(Thread, thread) if thread[0] is not None else None,
        answered=(body_hash, comment_id) if comment_id is not None else None,
        said=said,
        alike=alike,
        last=last,
    )


def _around() -> Prepared:
    site, words = bindparam("site", type_=Integer), bindparam("words", type_=String)
    author, network = bindparam("author", type_=String), bindparam("network", type_=String)
    said = exists().where(
        Revision.site_id == site,
        Revision.text_hash == words,
        Revision.thread_id == Thread.id,
        Revision.author_key == author,
        # Of the nameless, only who writes from the same network may be the same.
        (author != "") | Revision.network.is_not_distinct_from(network),
        (Revision.status == Status.PENDING) | (Revision.status == Status.APPROVED),
    )
    # A second reply within the pause is a double click or a program, not a second thought.
    last = select(func.max(Comment.received_at)).where(
        Comment.site_id == site,
        Comment.author_key == author,
        Comment.network.is_not_distinct_from(network),
        Comment.received_at > bindparam("pause_began", type_=UTCDateTime),
        Comment.received_at <= bindparam("now", type_=UTCDateTime),
    )
    return Prepared(
        select(
            said,
            lifecycle.saying(words, site_id=site).scalar_subquery(),
            last.scalar_subquery(),
            SubmissionKey.body_hash,
            SubmissionKey.comment_id,
            table_of(Thread),
        )
        .select_from(Site)
        .outerjoin(Thread, (Thread.site_id == Site.id) & (Thread.page_key == bindparam("page")))
        .outerjoin(SubmissionKey, (SubmissionKey.site_id == Site.id) & (SubmissionKey.key_hash == bindparam("key")))
        .where(Site.id == site)
    )


#: One question for all that a reply is checked against.
_AROUND = _around()


def _answered_before(draft: Draft, kept: tuple[str, int], *, site: Site) -> Comment:
    body_hash, comment_id = kept
    if body_hash != draft.body_hash(site):
        raise KeyReused
    return db.session.get_one(Comment, comment_id)


def _remember(draft: Draft, comment: Comment, *, site: Site, now: datetime) -> None:
    if draft.key is not None:
        kept = {"key_hash": _hash(draft.key), "body_hash": draft.body_hash(site), "comment_id": comment.id}
        insert_rows(SubmissionKey, [kept | {"site_id": site.id, "created_at": now}])


def _new_thread(draft: Draft, *, site: Site) -> Thread:
    thread = Thread(site_id=site.id, page_key=page_key(draft.page, site.origins), url=draft.page)
    insert_now([thread])
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


def _staff_of(site: Site) -> list[str]:
    """Name those who act for the site."""
    return [name for (name,) in _STAFF.all(site=site.id)]


_STAFF = Prepared(
    select(Account.name)
    .join(Membership)
    .where(Membership.site_id == bindparam("site"), Account.active)
    .order_by(Account.id)
)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
