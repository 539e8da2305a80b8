"""Forgetting, on a schedule: what the service no longer needs to know."""

from datetime import datetime, timedelta

from sqlalchemy import delete

from moderation.db import db
from moderation.models import SubmissionKey, WebSession

#: A caller that retries later than this sends a new reply.
KEEP_KEYS = timedelta(days=7)


def sweep(*, now: datetime) -> None:
    """Remove used submission keys and sessions that have ended."""
    db.session.execute(delete(SubmissionKey).where(SubmissionKey.created_at < now - KEEP_KEYS))
    db.session.execute(delete(WebSession).where(WebSession.expires_at < now))
