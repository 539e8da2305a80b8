"""Forgetting, on a schedule: what the service no longer needs to know."""

from datetime import datetime, timedelta

from sqlalchemy import delete

from moderation.db import db
from moderation.models import Delivery, OutboxMessage, SubmissionKey, WebSession
from moderation.notify import PURGE

#: A caller that retries later than this sends a new reply.
KEEP_KEYS = timedelta(days=7)


def sweep(*, now: datetime) -> None:
    """Remove used submission keys, sessions that have ended, and what caches were told: it is no news to anybody."""
    db.session.execute(delete(SubmissionKey).where(SubmissionKey.created_at < now - KEEP_KEYS))
    db.session.execute(delete(WebSession).where(WebSession.expires_at < now))
    told = (OutboxMessage.kind == PURGE, OutboxMessage.state.in_((Delivery.SENT, Delivery.DEAD)))
    db.session.execute(delete(OutboxMessage).where(*told, OutboxMessage.due_at < now - KEEP_KEYS))
