"""The queue's questions: what waits, in which order, with which context."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moderation import accounts
from moderation.accounts import Right, Standing
from moderation.models import Account
from moderation.review import decisions
from moderation.review.cards import MOST_BESIDE, Card, History, cards
from moderation.review.groups import Group, gather
from moderation.review.listing import (
    MOST_COUNTED,
    PAGE,
    Order,
    View,
    Wanted,
    all_of,
    counts,
    listed,
    place_of,
    scope_of,
)
from moderation.review.sums import Sums, sums
from moderation.review.texts import Unknown, text

__all__ = [
    "MOST_BESIDE",
    "MOST_COUNTED",
    "PAGE",
    "Card",
    "Group",
    "History",
    "Order",
    "Page",
    "View",
    "Wanted",
    "card",
    "page",
]


@dataclass(frozen=True)
class Page:
    """One page of a list; `after` names where the next begins."""

    wanted: Wanted
    #: The account's own, and everybody's on those sites.
    memberships: Sequence[Standing]
    staff: Sequence[Standing]
    cards: Sequence[Card]
    groups: dict[int, Group]
    sums: Sums
    #: How many texts each view has under the filters asked for; beyond `MOST_COUNTED` it says no more.
    counts: dict[View, int]
    after: str | None

    @property
    def number(self) -> int:
        """How many texts the list has."""
        return self.counts[self.wanted.view]

    @property
    def reasons(self) -> dict[int, list[str]]:
        """The labels of the sites' reasons, by their digits."""
        labels: dict[int, list[str]] = defaultdict(list)
        pairs = (pair for each in self.memberships for pair in each.site.digits.items())
        for digit, reason in sorted(pairs, key=lambda pair: pair[0]):
            if reason.label not in labels[digit]:
                labels[digit].append(reason.label)
        return labels

    @property
    def reads_only(self) -> list[str]:
        """The names of the sites on which the account decides nothing."""
        return [each.site.name for each in self.memberships if not each.may(Right.DECIDE)]

    @property
    def decides(self) -> bool:
        """Whether the account decides anywhere."""
        return len(self.reads_only) < len(self.memberships)

    @property
    def deciders(self) -> list[Account]:
        """Everybody who may have decided something here, by name."""
        return list({each.account_id: each.account for each in self.staff}.values())


def page(account: Account, wanted: Wanted, *, after: str | None, now: datetime) -> Page:
    """List what an account asked for, of all the sites it works on."""
    staff = accounts.staff_around(account)
    memberships = [each for each in staff if each.account_id == account.id]
    deciding = {each.site_id for each in memberships if each.may(Right.DECIDE)}
    scope = scope_of(account, wanted, memberships)
    found = listed(scope, after=after)
    shown = cards([one.revision_id for one in found[:PAGE]], deciding=deciding, now=now)
    left, groups = gather(shown) if wanted.view is View.WAITING and not wanted.is_filtered else (shown, {})
    numbers = sums(account, memberships, now=now)
    return Page(
        wanted=wanted,
        memberships=memberships,
        staff=staff,
        cards=left,
        groups=groups,
        sums=numbers,
        counts=counts(scope) if wanted.is_filtered else numbers.counts,
        after=place_of(found[PAGE - 1]) if len(found) > PAGE else None,
    )


def colleagues(staff: Sequence[Standing], card: Card, *, besides: Account) -> list[Account]:
    """Say who else may decide on a card's site."""
    return [
        each.account
        for each in staff
        if each.site_id == card.comment.site_id
        and each.may(Right.DECIDE)
        and each.account_id != besides.id
        and each.account.active
    ]


def everything(account: Account, wanted: Wanted, *, upto: int) -> list[decisions.Choice]:
    """Choose all that a list holds, as far as it was there when the page was made: later arrivals survive.

    What may only be read is not chosen.
    """
    deciding = [each for each in accounts.standings_of(account) if each.may(Right.DECIDE)]
    scope = scope_of(account, wanted, deciding)
    found = all_of(scope, upto=upto, most=decisions.MOST_AT_ONCE)
    return [decisions.Choice(revision_id, turn) for revision_id, turn in found]


def card(account: Account, revision_id: int, *, now: datetime) -> Card | None:
    """Return one revision's card; None for one that the account has nothing to do with."""
    try:
        mine = text(revision_id, by=account, right=Right.READ)
    except Unknown:
        return None
    deciding = {mine.site_id} if accounts.may(account, Right.DECIDE, mine.site_id) else set()
    return cards([mine.id], deciding=deciding, now=now)[0]
