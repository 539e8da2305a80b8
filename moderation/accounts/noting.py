"""What the installation's log says of how accounts sign in, and what an account is shown of it."""

from datetime import datetime

from sqlalchemy import select

from moderation import audit
from moderation.db import db
from moderation.models import Account, Action, Entry, Kind, Via

#: So many of its sign-ins an account is shown.
RECENT = 10


def note_sign_in(account: Account, *, how: str, now: datetime) -> None:
    """Log that somebody signed in, and by which proofs, as in "password+totp"."""
    _note(Action.SIGN_IN, Kind.SIGN_IN, account, rule=f"with:{how}", now=now)


def note_sign_out(account: Account, *, now: datetime) -> None:
    """Log that somebody signed out."""
    _note(Action.SIGN_OUT, Kind.SIGN_IN, account, now=now)


def note_ended(account: Account, *, rule: str, now: datetime) -> None:
    """Log that an account ended others of its sessions: "one" or "others"."""
    _note(Action.SIGN_OUT, Kind.SIGN_IN, account, rule=f"sessions:{rule}", now=now)


def note_failed(account: Account, *, factor: str, now: datetime) -> None:
    """Log a second factor that was wrong: whoever gave it had the password."""
    _note(Action.FAIL, Kind.SIGN_IN, account, rule=f"factor:{factor}", now=now)


def note_factor(action: Action, account: Account, *, factor: str, now: datetime, via: Via = Via.WEB) -> None:
    """Log that a factor was added, removed or made anew."""
    _note(action, Kind.SETTING, account, rule=f"factor:{factor}", now=now, via=via)


def note_password(account: Account, *, rule: str, now: datetime, via: Via = Via.WEB) -> None:
    """Log what was done about a password: "password" changed, "reset" with a link, "link" made for it."""
    _note(Action.CHANGE, Kind.SETTING, account, rule=f"password:{rule}", now=now, via=via)


def recent(account: Account) -> list[Entry]:
    """Return an account's last sign-ins, and the tries whose second factor was wrong, newest first."""
    return list(
        db.session.scalars(
            select(Entry)
            .where(
                # The installation's chain alone: its decisions may be a hundred thousand.
                Entry.site_id.is_(None),
                Entry.action.in_((Action.SIGN_IN, Action.FAIL)),
                Entry.account_id == account.id,
            )
            .order_by(Entry.id.desc())
            .limit(RECENT)
        )
    )


def _note(
    action: Action, kind: Kind, account: Account, *, now: datetime, rule: str | None = None, via: Via = Via.WEB
) -> None:
    # On the command line it is the operator who acts, and no account.
    by = account.id if via is Via.WEB else None
    subject = f"account:{account.id}"
    audit.record(audit.Event(kind=kind, action=action, subject=subject, via=via, at=now, account_id=by, rule=rule))
