"""The reasons a site rejects for: written anew, moved to other digits, retired; the log goes on naming them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moderation import markup
from moderation.accounts import settings
from moderation.accounts.settings import BadValue
from moderation.db import db
from moderation.models import Account, Reason, Site, Via

CONCERN = "reasons"
#: What a reason's parts may hold at most.
MOST = {"label": 100, "text": 1000, "clause": 20}
#: A site may have so many, the retired among them.
MOST_REASONS = 60
#: Legal categories of a statement of reasons; nothing where the guidelines suffice.
CATEGORIES = (
    *("", "unlawful", "privacy", "hate", "defamation", "violence"),
    *("fraud", "copyright", "minors", "self-harm", "other"),
)


@dataclass(frozen=True)
class Draft:
    """A reason as it is to be; without an id a new one, without a digit one that is retired."""

    id: int | None
    digit: int | None
    label: str
    text: str
    clause: str
    category: str


def change_reasons(
    of: Site, drafts: Sequence[Draft], *, now: datetime, via: Via, by: Account | None = None, seen: int | None = None
) -> int:
    """Change a site's reasons to these, and log each before and after; return how many changed.

    What is not among them stays as it is. Raises `BadValue` with the place in `drafts`, as in "3.label", and
    `settings.Overtaken`; then nothing has changed.
    """
    settings.hold(of, seen=seen, concerns=[CONCERN])
    db.session.refresh(of, ["reasons"])
    there = {reason.id: reason for reason in of.reasons}
    tidied = [_tidied(place, draft, there.get(draft.id or 0)) for place, draft in enumerate(drafts)]
    _refuse_same_digits(tidied, there)
    changed: list[tuple[Reason | None, Draft]] = []
    for draft in tidied:
        before = there.get(draft.id or 0)
        if before is None or _of(before) != draft:
            changed.append((before, draft))
    if len(there) + sum(before is None for before, _ in changed) > MOST_REASONS:
        raise BadValue(f"{len(drafts) - 1}.label", f"at most {MOST_REASONS} reasons, the retired among them")
    if changed:
        said = [f"{_said(_of(before)) if before else '-'} → {_said(draft)}" for before, draft in changed]
        _store(of, changed)
        settings.note_change(of, said, concerns=[CONCERN], now=now, via=via, by=by)
        db.session.refresh(of, ["reasons"])
    return len(changed)


def _store(of: Site, changed: Sequence[tuple[Reason | None, Draft]]) -> None:
    # Digits are given up before any is taken: two that change places would meet.
    for reason, _ in changed:
        if reason is not None:
            reason.digit = None
    db.session.flush()
    for before, draft in changed:
        reason = before or Reason(site_id=of.id)
        reason.digit, reason.label, reason.text = draft.digit, draft.label, draft.text
        reason.clause, reason.category = draft.clause, draft.category
        db.session.add(reason)
    db.session.flush()


def _tidied(place: int, draft: Draft, before: Reason | None) -> Draft:
    if draft.id is not None and before is None:
        raise BadValue(f"{place}.label", "There is no such reason any more.")
    for name in ("label", "text", "clause", "category"):
        if markup.unprintable(getattr(draft, name)):
            raise BadValue(f"{place}.{name}", "There is a character in it that cannot be stored.")
    tidy = Draft(
        draft.id,
        draft.digit,
        markup.tidy_name(draft.label),
        markup.tidy_text(draft.text),
        markup.tidy_name(draft.clause),
        draft.category,
    )
    for name, most in MOST.items():
        least = 0 if name == "clause" else 1
        if not least <= len(getattr(tidy, name)) <= most:
            raise BadValue(f"{place}.{name}", f"{least} to {most} characters")
    if tidy.digit is not None and not 1 <= tidy.digit <= 9:
        raise BadValue(f"{place}.digit", "a digit from 1 to 9, or retired")
    if tidy.category not in CATEGORIES and (before is None or tidy.category != before.category):
        raise BadValue(f"{place}.category", "one of the list")
    return tidy


def _refuse_same_digits(drafts: Sequence[Draft], there: dict[int, Reason]) -> None:
    named = {draft.id for draft in drafts}
    taken = {reason.digit: reason.label for reason in there.values() if reason.id not in named and reason.digit}
    for place, draft in enumerate(drafts):
        if draft.digit is not None and draft.digit in taken:
            raise BadValue(f"{place}.digit", f"The digit {draft.digit} is that of “{taken[draft.digit]}”, too.")
        if draft.digit is not None:
            taken[draft.digit] = draft.label


def _of(reason: Reason) -> Draft:
    return Draft(reason.id, reason.digit, reason.label, reason.text, reason.clause, reason.category)


def _said(draft: Draft) -> str:
    head = f"{draft.digit or 'retired'}. {draft.label}"
    more = [f"§ {draft.clause}"] if draft.clause else []
    more += [draft.category] if draft.category else []
    return " ⏎ ".join(" | ".join([head, *more, draft.text]).splitlines())
