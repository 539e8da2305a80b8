"""What is to be told: messages that commit together with what they tell of."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from moderation.db import Base
from moderation.models.comment import closed_set


class Delivery(StrEnum):
    """Where an outbox message stands."""

    WAITING = "waiting"
    CANCELLED = "cancelled"
    SENT = "sent"
    DEAD = "dead"


class OutboxMessage(Base):
    """One thing to tell. The payload holds ids only: what is told is read when it is sent."""

    __tablename__ = "outbox_message"
    __table_args__ = (Index(None, "state", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, object]]
    state: Mapped[Delivery] = mapped_column(closed_set(Delivery))
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    #: Until then it belongs to the worker that claimed it; after it, anybody may try again.
    leased_until: Mapped[datetime | None]
    #: Two messages with one key are one message.
    dedupe_key: Mapped[str] = mapped_column(String(120), unique=True)


class Endpoint(Base):
    """Where a site wants to be told over HTTP (Standard Webhooks)."""

    __tablename__ = "endpoint"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    url: Mapped[str] = mapped_column(String(2000))
    kinds: Mapped[list[str]]
    secret: Mapped[str] = mapped_column(String(100))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class Subscription(Base):
    """Who is written to about what: an account about its site, or an author about one comment."""

    __tablename__ = "subscription"
    __table_args__ = (UniqueConstraint("site_id", "account_id", "kind"), UniqueConstraint("comment_id", "kind"))

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id"))
    kind: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
