"""An entry of the log; a decision is an entry."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from moderation.db import Base
from moderation.models.comment import Status, closed_set


class Kind(StrEnum):
    """What happened."""

    ARRIVAL = "arrival"
    DECISION = "decision"
    UNDO = "undo"
    EDIT = "edit"
    WITHDRAWAL = "withdrawal"
    IMPORT = "import"
    SIGN_IN = "sign-in"
    SETTING = "setting"
    ERASURE = "erasure"
    NOTE = "note"
    PEOPLE = "people"


class Action(StrEnum):
    """What was done to a revision, or by an account."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    SPAM = "spam"
    REOPEN = "reopen"
    RETURN = "return"
    SUPERSEDE = "supersede"
    EDIT = "edit"
    WITHDRAW = "withdraw"
    RESUME = "resume"
    UNDO = "undo"
    SIGN_IN = "sign-in"
    CREATE = "create"
    CHANGE = "change"
    NOTE = "note"
    HAND = "hand"
    INVITE = "invite"
    REVOKE = "revoke"
    JOIN = "join"
    LEAVE = "leave"
    SIGN_OUT = "sign-out"
    FAIL = "fail"
    ADD = "add"
    REMOVE = "remove"


class Via(StrEnum):
    """Through which door it came."""

    FORM = "form"
    API = "api"
    QUEUE = "queue"
    RECEIPT = "receipt"
    MAIL = "mail"
    CLI = "cli"
    IMPORT = "import"
    WORKER = "worker"
    WEB = "web"


class Entry(Base):
    """One line of a log, append-only, chained to the one before by hash.

    Every change of a revision's status is one entry, so that folding a site's entries gives every status again.
    Names, addresses and texts never stand outside `note`, which may be forgotten.
    """

    __tablename__ = "entry"
    __table_args__ = (
        Index(None, "site_id", "id"),
        Index(None, "revision_id", "id"),
        Index(None, "account_id", "at"),
        # Whose decisions, and for which reason, newest first.
        Index(None, "account_id", "id"),
        Index(None, "reason_id", "id"),
        # Of what was pressed alone: a database would take all the rest for one press, and not look here.
        Index(None, "batch", sqlite_where=text("batch IS NOT NULL"), postgresql_where=text("batch IS NOT NULL")),
        # What was done, through which door, and on which days: the filters of the log, and its numbers.
        Index(None, "site_id", "action", "id"),
        Index(None, "site_id", "via", "id"),
        Index(None, "site_id", "at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Null: the installation's own chain.
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[Kind] = mapped_column(closed_set(Kind))
    #: What it is about, as in "comment:12" or "account:3".
    subject: Mapped[str] = mapped_column(String(60))
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revision.id"))
    action: Mapped[Action] = mapped_column(closed_set(Action))
    from_status: Mapped[Status | None] = mapped_column(closed_set(Status, "from_status"))
    to_status: Mapped[Status | None] = mapped_column(closed_set(Status, "to_status"))
    #: The revision's turn after this entry.
    turn: Mapped[int | None]
    reason_id: Mapped[int | None] = mapped_column(ForeignKey("reason.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    rule: Mapped[str | None] = mapped_column(String(60))
    via: Mapped[Via] = mapped_column(closed_set(Via))
    batch: Mapped[str | None] = mapped_column(String(24))
    at: Mapped[datetime]
    #: Words, which forgetting removes together with the salt.
    note: Mapped[str | None]
    salt: Mapped[str | None] = mapped_column(String(32))
    sealed: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
