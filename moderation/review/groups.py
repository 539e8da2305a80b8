"""Texts that are best looked at together: made after one pattern, leading to one host, or from one network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, literal, select, union_all

from moderation.db import db
from moderation.models import Comment, Revision, Status, Thread, Trait
from moderation.review.cards import MOST_BESIDE, Card, leading_as

#: So many other names with the same host make a group; a pattern shared by two is one already.
LEAST_OTHERS = 2
#: Behind one network stand a school, a firm, a country's mobile phones: only so many names in so short a time are one.
LEAST_NAMES, SHORT_TIME = 3, timedelta(minutes=10)


class Bond(StrEnum):
    """What holds a group together."""

    SHAPE = "shape"
    HOST = "host"
    NETWORK = "network"


#: How many other names each bond takes.
LEAST_NAMES_OF = {Bond.SHAPE: 0, Bond.HOST: LEAST_OTHERS, Bond.NETWORK: LEAST_NAMES}


@dataclass(frozen=True)
class Member:
    """One more text of a group."""

    revision_id: int
    turn: int
    author: str
    html: str
    page: str
    page_key: str
    waiting_since: datetime

    @property
    def seen(self) -> str:
        """What a decision on it carries: id and turn."""
        return f"{self.revision_id}:{self.turn}"


@dataclass(frozen=True)
class Group:
    """The texts that go with a card: it is the first of them."""

    bond: Bond
    members: Sequence[Member]
    #: On how many pages they stand, the card's included.
    pages: int
    #: Whether there are more than are named here.
    more: bool

    @property
    def size(self) -> int:
        """How many texts are named, the card's included."""
        return len(self.members) + 1


def gather(cards: Sequence[Card]) -> tuple[list[Card], dict[int, Group]]:
    """Put what goes together behind its first card; return the cards that are left, and the groups by their card."""
    bonds = {card.revision.id: bond for card in cards if (bond := _bond_of(card))}
    members = _members([(card, bonds[card.revision.id]) for card in cards if card.revision.id in bonds])
    left: list[Card] = []
    groups: dict[int, Group] = {}
    behind: set[int] = set()
    for card in cards:
        if card.revision.id in behind:
            continue
        left.append(card)
        mine = [one for one in members.get(card.revision.id, []) if one.revision_id not in behind | groups.keys()]
        bond = bonds.get(card.revision.id)
        # One person with a website, who writes often, is no group.
        names = {one.author for one in mine} - {card.comment.author}
        if bond is None or not mine or len(names) < LEAST_NAMES_OF[bond]:
            continue
        named = mine[:MOST_BESIDE]
        behind |= {one.revision_id for one in named}
        pages = {one.page_key for one in named} | {card.comment.thread.page_key}
        groups[card.revision.id] = Group(bond, named, len(pages), len(mine) > MOST_BESIDE)
    return left, groups


def _bond_of(card: Card) -> Bond | None:
    around = card.around
    if card.revision.status is not Status.PENDING:
        return None
    if around.same_shape:
        return Bond.SHAPE
    if around.same_host >= LEAST_OTHERS:
        return Bond.HOST
    return Bond.NETWORK if around.same_network >= LEAST_NAMES else None


def _members(firsts: Sequence[tuple[Card, Bond]]) -> dict[int, list[Member]]:
    """Read in one question what goes with each of these cards, oldest first."""
    if not firsts:
        return {}
    parts = [select(_alike(card.revision, bond).subquery()) for card, bond in firsts]
    found = union_all(*parts).subquery()
    # Column by column: of the texts themselves there may be a thousand, with all that was noticed about them.
    what = (Revision.id, Revision.turn, Revision.html, Revision.waiting_since, Comment.author)
    rows = db.session.execute(
        select(found.c.first, *what, Comment.title, Thread.title, Thread.page_key)
        .join(Revision, Revision.id == found.c.id)
        .join(Comment, Comment.id == Revision.comment_id)
        .join(Thread, Thread.id == Revision.thread_id)
        .order_by(Revision.waiting_since, Revision.id)
    )
    members: dict[int, list[Member]] = {}
    for first, id_, turn, html, since, author, sent, title, key in rows:
        page = title or sent or "/" + key.partition("/")[2]
        members.setdefault(first, []).append(Member(id_, turn, author, html, page, key, since))
    return members


def _alike(first: Revision, bond: Bond) -> Select[int, int]:
    query = select(Revision.id.label("id"), literal(first.id).label("first")).where(
        Revision.site_id == first.site_id, Revision.status == Status.PENDING, Revision.comment_id != first.comment_id
    )
    match bond:
        case Bond.SHAPE:
            query = query.where(Revision.shape == first.shape)
        case Bond.NETWORK:
            since, until = first.waiting_since - SHORT_TIME, first.waiting_since + SHORT_TIME
            query = query.where(Revision.network == first.network, Revision.waiting_since.between(since, until))
        case Bond.HOST:
            # Joined, not asked for whether it is among them: the reading ends where enough are found.
            query = query.join(Trait, Trait.revision_id == Revision.id)
            query = query.where(*leading_as(first.id, first.site_id)).distinct()
    return query.limit(MOST_BESIDE + 1)
