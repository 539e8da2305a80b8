"""What is stored: one file a subject. `create_app` and the migrations see all of it through here."""

from moderation.models.account import Account, Invitation, Membership, Role, WebSession
from moderation.models.comment import (
    OPEN,
    REFUSED,
    Comment,
    Handing,
    Revision,
    Status,
    SubmissionKey,
    Thread,
    Trait,
    TraitKind,
)
from moderation.models.log import Action, Entry, Kind, Via
from moderation.models.outbox import Delivery, Endpoint, OutboxMessage, Subscription
from moderation.models.site import LogHead, Reason, Site, Tally

__all__ = [
    "OPEN",
    "REFUSED",
    "Account",
    "Action",
    "Comment",
    "Delivery",
    "Endpoint",
    "Entry",
    "Handing",
    "Invitation",
    "Kind",
    "LogHead",
    "Membership",
    "OutboxMessage",
    "Reason",
    "Revision",
    "Role",
    "Site",
    "Status",
    "SubmissionKey",
    "Subscription",
    "Tally",
    "Thread",
    "Trait",
    "TraitKind",
    "Via",
    "WebSession",
]
