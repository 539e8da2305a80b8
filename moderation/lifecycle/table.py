"""Which action leads from which status to which: the whole policy, and what is said when it has no way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moderation import markup
from moderation.models import Action, Revision, Status, Via

#: What each action asks of a revision, and where it takes it. This table is the policy.
TRANSITIONS: dict[Action, tuple[frozenset[Status], Status]] = {
    Action.APPROVE: (frozenset({Status.PENDING, Status.REJECTED, Status.SPAM}), Status.APPROVED),
    Action.REJECT: (frozenset({Status.PENDING, Status.APPROVED, Status.RETURNED}), Status.REJECTED),
    Action.SPAM: (frozenset({Status.PENDING, Status.APPROVED, Status.RETURNED}), Status.SPAM),
    Action.REOPEN: (frozenset({Status.APPROVED, Status.REJECTED, Status.SPAM, Status.RETURNED}), Status.PENDING),
    Action.RETURN: (frozenset({Status.PENDING}), Status.RETURNED),
    Action.WITHDRAW: (frozenset({Status.PENDING, Status.RETURNED, Status.APPROVED}), Status.WITHDRAWN),
    Action.RESUME: (frozenset({Status.WITHDRAWN}), Status.PENDING),
}

#: What a moderator may press; `undo` is a way back, not an action of its own.
DECISIONS = (Action.APPROVE, Action.REJECT, Action.SPAM, Action.REOPEN, Action.RETURN)

#: An edit leaves these as they are; pending and returned ones it supersedes; from all others there is none.
#: Spam among them: what its author may do must not tell it from any other rejection.
EDIT_KEEPS = (Status.APPROVED, Status.REJECTED, Status.SPAM)


class Conflict(Exception):
    """What was asked does not fit what is there by now; nothing was changed."""

    def __init__(self, revision: Revision) -> None:
        super().__init__(f"revision {revision.id} is {revision.status} at turn {revision.turn}")
        self.revision = revision


class AlreadyDecided(Conflict):
    """The revision moved on since it was looked at."""


class NotAllowed(Conflict):
    """The table has no way from the revision's status by this action."""


class Outdated(Conflict):
    """The author has sent a newer text since."""


class Unchanged(Conflict):
    """The edit says what is there already."""


@dataclass(frozen=True)
class By:
    """Who moves a revision, through which door, as part of which press."""

    via: Via
    at: datetime
    account_id: int | None = None
    rule: str | None = None
    batch: str | None = None
    reason_id: int | None = None
    note: str | None = None


@dataclass(frozen=True)
class Words:
    """A text as it was sent, rendered, with what the checks noticed."""

    source: str
    format: markup.Format
    html: str
    findings: Sequence[dict[str, object]]
