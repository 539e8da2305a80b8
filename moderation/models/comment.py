"""A thread, its comments, and their revisions: what is moderated is a revision."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Enum, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base
from moderation.markup import Format
from moderation.models.site import Site


class Status(StrEnum):
    """Where a revision stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SPAM = "spam"
    RETURNED = "returned"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


#: A comment has at most one revision in these: a partial unique index holds it.
OPEN = (Status.PENDING, Status.RETURNED)
#: Texts that were refused and are still there; written out, for a database finds an index by these very words.
REFUSED = "status IN ('rejected', 'spam') AND text_hash <> ''"


def closed_set(kind: type[StrEnum], name: str | None = None) -> Enum:
    """Return the column type of a closed set: its words, checked by the database."""
    return Enum(
        kind,
        name=name or kind.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [str(member) for member in members],
    )


class Thread(Base):
    """The comments of one page."""

    __tablename__ = "thread"
    __table_args__ = (
        UniqueConstraint("site_id", "page_key"),
        UniqueConstraint("site_id", "source", "source_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    page_key: Mapped[str] = mapped_column(String(2000))
    url: Mapped[str] = mapped_column(String(2000))
    #: Null until a reply that brought one is approved: a title is a text from a visitor too.
    title: Mapped[str | None] = mapped_column(String(300))
    closed: Mapped[bool] = mapped_column(default=False)
    #: Raised in the transaction that changes what is public.
    version: Mapped[int] = mapped_column(default=0)
    source: Mapped[str | None] = mapped_column(String(20))
    source_id: Mapped[str | None] = mapped_column(String(100))

    site: Mapped[Site] = relationship()


class Comment(Base):
    """What one author left on one page. It is public while one of its revisions is approved."""

    __tablename__ = "comment"
    __table_args__ = (
        UniqueConstraint("thread_id", "anchor"),
        UniqueConstraint("site_id", "source", "source_id"),
        Index(None, "site_id", "author_key", "received_at"),
        Index(None, "site_id", "author"),
        Index(None, "thread_id", "parent_id"),
        # The oldest public comment that brought a title, however many brought none.
        Index(
            "ix_comment_titled",
            "thread_id",
            "id",
            sqlite_where=text("title IS NOT NULL"),
            postgresql_where=text("title IS NOT NULL"),
        ),
        # Of which the network is still known: what is to be forgotten is found without reading the rest.
        Index(
            "ix_comment_with_network",
            "site_id",
            "received_at",
            sqlite_where=text("network IS NOT NULL"),
            postgresql_where=text("network IS NOT NULL"),
        ),
        # A number is never used twice: a receipt must not open another reply.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id"))
    #: How many comments stand above it in its thread.
    depth: Mapped[int] = mapped_column(default=0)
    #: Null only inside the transaction that makes it.
    anchor: Mapped[str | None] = mapped_column(String(100))
    author: Mapped[str] = mapped_column(String(245))
    email: Mapped[str] = mapped_column(String(320))
    url: Mapped[str] = mapped_column(String(2000))
    #: The e-mail address, else the name, folded: who counts as the same author.
    author_key: Mapped[str] = mapped_column(String(320))
    title: Mapped[str | None] = mapped_column(String(300))
    received_at: Mapped[datetime]
    #: Raised to make every receipt link handed out so far invalid.
    receipt_generation: Mapped[int] = mapped_column(default=0)
    #: Keyed hash of the sender's network; the address itself is never stored.
    network: Mapped[str | None] = mapped_column(String(24))
    source: Mapped[str | None] = mapped_column(String(20))
    source_id: Mapped[str | None] = mapped_column(String(100))

    thread: Mapped[Thread] = relationship()
    parent: Mapped["Comment | None"] = relationship(remote_side=[id])
    revisions: Mapped[list["Revision"]] = relationship(back_populates="comment", order_by="Revision.number")

    @property
    def newest(self) -> "Revision":
        """The text sent last."""
        return self.revisions[-1]

    @property
    def approved(self) -> "Revision | None":
        """The text that is public, if any."""
        return next((revision for revision in self.revisions if revision.status is Status.APPROVED), None)

    @property
    def is_public(self) -> bool:
        """Whether an approved revision exists: there is no second truth."""
        return self.approved is not None


class Revision(Base):
    """One text of a comment."""

    __tablename__ = "revision"
    __table_args__ = (
        UniqueConstraint("comment_id", "number"),
        Index(
            "uq_revision_one_open",
            "comment_id",
            unique=True,
            sqlite_where=text("status IN ('pending', 'returned')"),
            postgresql_where=text("status IN ('pending', 'returned')"),
        ),
        Index(
            "uq_revision_one_approved",
            "comment_id",
            unique=True,
            sqlite_where=text("status = 'approved'"),
            postgresql_where=text("status = 'approved'"),
        ),
        # The queue is read along one of these, whatever lies behind it: a list, and the list under one filter.
        # The comment stands in them too, so that what stands beside a text is counted without reading it.
        Index(None, "site_id", "status", "waiting_since", "id"),
        Index(None, "site_id", "waiting_since", "id"),
        Index("ix_revision_of_thread", "thread_id", "status", "waiting_since", "id", "comment_id"),
        Index("ix_revision_of_author", "site_id", "author_key", "status", "waiting_since", "id", "comment_id"),
        Index("ix_revision_of_network", "site_id", "network", "status", "waiting_since", "id", "comment_id"),
        Index("ix_revision_of_shape", "site_id", "shape", "status", "waiting_since", "id", "comment_id"),
        Index(None, "site_id", "text_hash"),
        Index(
            "ix_revision_refused",
            "site_id",
            "waiting_since",
            "id",
            sqlite_where=text(REFUSED),
            postgresql_where=text(REFUSED),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"))
    # What never changes of the comment stands here too, for the lists of the queue.
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"))
    author_key: Mapped[str] = mapped_column(String(320))
    network: Mapped[str | None] = mapped_column(String(24))
    number: Mapped[int]
    source: Mapped[str]
    format: Mapped[Format] = mapped_column(closed_set(Format))
    html: Mapped[str]
    #: Hash of the folded text: the same words by anybody; empty once the text is forgotten.
    text_hash: Mapped[str] = mapped_column(String(32))
    #: Hash of its words without links, numbers and punctuation: texts made after one pattern share it.
    shape: Mapped[str] = mapped_column(String(32))
    status: Mapped[Status] = mapped_column(closed_set(Status))
    #: Raised by every change of status: what a decision is compared against.
    turn: Mapped[int] = mapped_column(default=0)
    waiting_since: Mapped[datetime]
    submitted_at: Mapped[datetime]
    #: What the checks noticed: `[{"code": ..., "values": {...}}]`.
    findings: Mapped[list[dict[str, object]]] = mapped_column(JSON)

    comment: Mapped[Comment] = relationship(back_populates="revisions")
    handing: Mapped["Handing | None"] = relationship()

    @property
    def is_forgotten(self) -> bool:
        """Whether its words are gone: it stays where it stands, and nobody publishes it."""
        return not self.text_hash


class TraitKind(StrEnum):
    """What a text can be listed by, beside its author and page."""

    FINDING = "finding"
    HOST = "host"


class Trait(Base):
    """One thing a text can be listed by: the code of a finding, or the host of a link."""

    __tablename__ = "trait"
    __table_args__ = (Index(None, "site_id", "kind", "value", "revision_id"),)

    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"), primary_key=True)
    kind: Mapped[TraitKind] = mapped_column(closed_set(TraitKind), primary_key=True)
    value: Mapped[str] = mapped_column(String(253), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))


class Handing(Base):
    """A waiting text that a moderator has handed to a colleague, or to the site's owners, for a second opinion."""

    __tablename__ = "handing"

    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    #: Null: whoever owns the site.
    to_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime]


class SubmissionKey(Base):
    """A key a caller sent with a reply, so that a retry gets the first answer; kept 7 days."""

    __tablename__ = "submission_key"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"))
    created_at: Mapped[datetime] = mapped_column(index=True)
