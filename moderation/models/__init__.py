"""What is stored: one file a subject. `create_app` and the migrations see all of it through here."""

from moderation.models.account import Account, Membership, Role, WebSession
from moderation.models.comment import OPEN, Comment, Revision, Status, SubmissionKey, Thread
from moderation.models.log import Action, Entry, Kind, Via
from moderation.models.outbox import Delivery, Endpoint, OutboxMessage, Subscription
from moderation.models.site import LogHead, Reason, Site

__all__ = [
    "OPEN",
    "Account",
    "Action",
    "Comment",
    "Delivery",
    "Endpoint",
    "Entry",
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
    "Thread",
    "Via",
    "WebSession",
]
