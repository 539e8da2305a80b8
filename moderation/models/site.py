"""A site, the reasons it rejects for, and the head of its log."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint, false
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base


class Proof(StrEnum):
    """When a reply has to bring a proof of work."""

    OFF = "off"
    #: While replies flood in.
    AUTO = "auto"
    ON = "on"


#: Fields a site may require of a reply; the comment itself always is.
REQUIRABLE = ("author", "email", "url")

#: The most a comment may hold, in bytes of UTF-8: what fits WordPress' own column.
MAX_COMMENT_BYTES = 65_525


class Site(Base):
    """One website whose pages have threads."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    #: Each `scheme://host[:port]`, the first being the site's main one.
    origins: Mapped[list[str]]
    locale: Mapped[str] = mapped_column(String(20), default="en")
    required: Mapped[list[str]]
    max_comment: Mapped[int] = mapped_column(default=5000)
    accent: Mapped[str] = mapped_column(String(7), default="#2c52a0")
    #: Corners of fields and boxes, in pixels.
    radius: Mapped[int] = mapped_column(default=4)
    #: Replies to the page itself that one part of a thread shows, with all that stands below them.
    page_size: Mapped[int] = mapped_column(default=100)
    #: Days after a page's first public reply at which it closes; 0: never.
    close_days: Mapped[int] = mapped_column(default=0)
    guidelines: Mapped[str] = mapped_column(default="")
    #: Hours within which a held reply should be decided.
    target_hours: Mapped[int] = mapped_column(default=4)
    #: Seconds in which a decision sends nothing that cannot be unsent.
    undo_seconds: Mapped[int] = mapped_column(default=10)
    #: Days after which a reply returned to its author waits again.
    return_days: Mapped[int] = mapped_column(default=14)
    #: When a reply has to bring a proof of work: one of `Proof`.
    proof: Mapped[str] = mapped_column(String(10), default=Proof.AUTO, server_default=Proof.AUTO)
    #: Whether everybody who works on it needs a second factor.
    require_second: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: What a held reply is looked through for: words and phrases, and hosts with all that stand below them.
    watched_words: Mapped[list[str]] = mapped_column(default=list)
    watched_hosts: Mapped[list[str]] = mapped_column(default=list)
    #: Days after which is forgotten: from which network a reply came, the e-mail address with a decided one, and what
    #: was refused; 0: never.
    keep_network_days: Mapped[int] = mapped_column(default=30)
    keep_email_days: Mapped[int] = mapped_column(default=0)
    keep_refused_days: Mapped[int] = mapped_column(default=90)
    #: Raised by every change of settings: what is kept ready of the site is made anew, and who changes them is told
    #: what somebody else changed meanwhile.
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]

    #: Those that were retired too: the log names them.
    reasons: Mapped[list["Reason"]] = relationship(order_by="Reason.digit, Reason.id", cascade="all, delete-orphan")
    head: Mapped["LogHead"] = relationship(back_populates="site")

    @property
    def active_reasons(self) -> list["Reason"]:
        """The reasons that can be given, in the order of their digits."""
        return list(self.digits.values())

    @property
    def digits(self) -> dict[int, "Reason"]:
        """What each digit stands for."""
        return {reason.digit: reason for reason in self.reasons if reason.digit is not None}


class Reason(Base):
    """Why a reply is rejected: the moderator presses the digit, the author reads the text."""

    __tablename__ = "reason"
    __table_args__ = (UniqueConstraint("site_id", "digit"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    #: Null once it is retired.
    digit: Mapped[int | None]
    label: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(String(1000))
    #: Clause of the site's guidelines, as in "3".
    clause: Mapped[str] = mapped_column(String(20), default="")
    #: Legal category for the statement of reasons; empty where a guideline suffices.
    category: Mapped[str] = mapped_column(String(100), default="")


class LogHead(Base):
    """The end of one log chain, and how many revisions of the site are in each status.

    Without a site it heads the installation's own chain. Taken FOR UPDATE as the last lock before commit.
    """

    __tablename__ = "log_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"), unique=True)
    hash: Mapped[str] = mapped_column(String(64), default="")
    pending: Mapped[int] = mapped_column(default=0)
    approved: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    spam: Mapped[int] = mapped_column(default=0)
    returned: Mapped[int] = mapped_column(default=0)
    superseded: Mapped[int] = mapped_column(default=0)
    withdrawn: Mapped[int] = mapped_column(default=0)
    #: Honest wait in minutes, rounded up to a step: by then half, and nine of ten, were decided. Null: nothing to say.
    wait_half: Mapped[int | None]
    wait_most: Mapped[int | None]

    site: Mapped[Site | None] = relationship(back_populates="head")


class Tally(Base):
    """What one hour brought to a site: how many replies came, and how many were decided."""

    __tablename__ = "tally"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)
    #: Its first moment.
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    arrivals: Mapped[int] = mapped_column(default=0)
    approved: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    spam: Mapped[int] = mapped_column(default=0)
    #: Put back to waiting, or returned to their authors.
    other: Mapped[int] = mapped_column(default=0)
    #: Decisions that were taken back in this hour, of whichever hour they are.
    undone: Mapped[int] = mapped_column(default=0)

    @hybrid_property
    def decided(self) -> int:
        """How many decisions the hour brought, less those taken back."""
        return self.approved + self.rejected + self.spam + self.other - self.undone
