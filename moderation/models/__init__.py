"""What is stored: one file a subject. `create_app` and the migrations see all of it through here."""

from moderation.models.account import (
    Account,
    Membership,
    Passkey,
    RecoveryCode,
    ResetLink,
    Role,
    TeamIdentity,
    Totp,
    UsedChallenge,
    WebSession,
)
from moderation.models.comment import (
    OPEN,
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
    "Account",
    "Action",
    "Comment",
    "Delivery",
    "Endpoint",
    "Entry",
    "Handing",
    "Kind",
    "LogHead",
    "Membership",
    "OutboxMessage",
    "Passkey",
    "Reason",
    "RecoveryCode",
    "ResetLink",
    "Revision",
    "Role",
    "Site",
    "Status",
    "SubmissionKey",
    "Subscription",
    "Tally",
    "TeamIdentity",
    "Thread",
    "Totp",
    "Trait",
    "TraitKind",
    "UsedChallenge",
    "Via",
    "WebSession",
]
