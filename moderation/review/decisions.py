"""The answer to many decisions at once, and the way back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select

from moderation import accounts, lifecycle
from moderation.accounts import Right
from moderation.db import db
from moderation.models import Account, Action, Entry, Kind, Reason, Revision, Via
from moderation.statements import Prepared, among

#: Revisions one press may decide.
MOST_AT_ONCE = 1000
#: How long one's own newest decision can be undone without naming it.
LAST = timedelta(hours=1)


@dataclass(frozen=True)
class Choice:
    """One revision a moderator ticked, at the turn it was seen."""

    revision_id: int
    seen: int


class UnknownReason(Exception):
    """A site has no reason on the digit pressed."""


@dataclass(frozen=True)
class Skipped:
    """A choice that could not be carried out, with the revision as it is now and who moved it last."""

    revision: Revision
    why: lifecycle.Conflict
    last: Entry | None
    who: str | None

    @property
    def newer(self) -> bool:
        """Whether the author has sent a newer text since."""
        return self.revision is not self.revision.comment.newest

    @property
    def has_no_way(self) -> bool:
        """Whether the table leads nowhere from the revision's status by what was asked."""
        return isinstance(self.why, lifecycle.NotAllowed)


@dataclass
class Outcome:
    """What one press did."""

    action: Action
    batch: str
    entries: list[Entry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    #: On sites that the account works on, but decides nothing on.
    denied: list[Revision] = field(default_factory=list)
    unknown: int = 0


def decide_all(
    action: Action,
    choices: Iterable[Choice],
    *,
    by: Account,
    now: datetime,
    batch: str,
    digit: int | None = None,
    note: str | None = None,
) -> Outcome:
    """Carry out one press on one or many revisions; what cannot be is skipped and named, the rest is done.

    A reason is looked up by its digit on each revision's own site. Revisions of other people's sites are unknown.
    Raises `UnknownReason` when a site has no reason on that digit: then nothing is decided.
    """
    seen = {choice.revision_id: choice.seen for choice in choices}
    outcome = Outcome(action, batch)
    chosen = [_Chosen(*row) for row in _CHOSEN.all(ids=list(seen))]
    sites = {one.site_id for one in chosen}
    reading, deciding = ({id_ for id_ in sites if accounts.may(by, right, id_)} for right in (Right.READ, Right.DECIDE))
    mine = [one for one in chosen if one.site_id in reading]
    known = [one for one in mine if one.site_id in deciding]
    outcome.denied = _revisions([one.id for one in mine if one.site_id not in deciding])
    outcome.unknown = len(seen) - len(mine)
    # All rows are held before the first moves: comments, then threads, each in id order, then the heads.
    held = lifecycle.hold(one.comment_id for one in known)
    by_id = {revision.id: revision for comment in held for revision in comment.revisions}
    revisions = [by_id[one.id] for one in known]
    reasons = _reasons_by_site({revision.site_id for revision in revisions}, digit)
    if digit is not None and any(revision.site_id not in reasons for revision in revisions):
        raise UnknownReason
    deciders = {
        site_id: lifecycle.decider(by, via=Via.QUEUE, at=now, batch=batch, reason=reasons.get(site_id), note=note)
        for site_id in {revision.site_id for revision in revisions}
    }
    presses = [lifecycle.Press(one, seen[one.id], deciders[one.site_id]) for one in revisions]
    for revision, answer in zip(revisions, lifecycle.decide_held(action, presses), strict=True):
        if isinstance(answer, Entry):
            outcome.entries.append(answer)
        else:
            outcome.skipped.append(skipped(revision, answer))
    if outcome.entries and all(entry.batch != batch for entry in outcome.entries):
        # The same press came twice: its undo is the first one's.
        outcome.batch = outcome.entries[0].batch or batch
    return outcome


class _Chosen(NamedTuple):
    """Which revision was chosen, and where it stands."""

    id: int
    comment_id: int
    site_id: int


_CHOSEN = Prepared(
    lambda it: (
        select(Revision.id, Revision.comment_id, Revision.site_id)
        .where(among(Revision.id, "ids", dialect=it))
        .order_by(Revision.site_id, Revision.id)
    )
)


def _revisions(ids: Sequence[int]) -> list[Revision]:
    return list(db.session.scalars(select(Revision).where(Revision.id.in_(ids)).order_by(Revision.id))) if ids else []


def skipped(revision: Revision, why: lifecycle.Conflict) -> Skipped:
    """Name who moved a revision last, what they did and when."""
    row = db.session.execute(
        select(Entry, Account.name)
        .outerjoin(Account, Account.id == Entry.account_id)
        .where(Entry.revision_id == revision.id)
        .order_by(Entry.id.desc())
        .limit(1)
    ).first()
    return Skipped(revision, why, row[0] if row else None, row[1] if row else None)


def undo(batch: str | None, *, by: Account, now: datetime) -> lifecycle.Undone:
    """Take back one of the account's own batches; without a name its newest of the last hour.

    Raises `accounts.Denied` where all that might be taken back is on sites that the account now only reads.
    """
    name = batch or _newest_batch(by, now=now)
    site_ids = {site.id for site in accounts.sites_of(by, Right.DECIDE)}
    reading = {site.id for site in accounts.sites_of(by)} - site_ids
    pressed = select(Entry.site_id).where(Entry.account_id == by.id, Entry.batch == name).distinct()
    pressed_on = set(db.session.scalars(pressed)) if name else set()
    if reading and not site_ids & (pressed_on or site_ids):
        raise accounts.Denied(Right.DECIDE)
    if name is None:
        return lifecycle.Undone("", [], [])
    return lifecycle.undo(name, by=lifecycle.By(via=Via.QUEUE, at=now, account_id=by.id), site_ids=site_ids)


def _newest_batch(by: Account, *, now: datetime) -> str | None:
    """Return one's own newest batch of the last hour that one has not taken back yet."""
    taken_back = select(Entry.batch).where(
        Entry.account_id == by.id, Entry.kind == Kind.UNDO, Entry.at > now - 2 * LAST
    )
    return db.session.scalars(
        select(Entry.batch)
        .where(
            Entry.account_id == by.id,
            Entry.kind == Kind.DECISION,
            Entry.at > now - LAST,
            Entry.batch.not_in(taken_back),
        )
        .order_by(Entry.id.desc())
        .limit(1)
    ).first()


def _reasons_by_site(site_ids: set[int], digit: int | None) -> dict[int, Reason]:
    if digit is None:
        return {}
    found = db.session.scalars(select(Reason).where(Reason.site_id.in_(site_ids), Reason.digit == digit))
    return {reason.site_id: reason for reason in found}
