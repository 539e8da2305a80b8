"""The channel every installation has: one line in the service's own journal, ids only."""

import structlog

from moderation.models import OutboxMessage

log = structlog.get_logger()


def send(message: OutboxMessage) -> None:
    """Write the news as one structured line, for the operator's log pipeline to count or alert on."""
    log.info(f"reply.{message.kind}", site=message.site_id, **message.payload)
