"""The shape of a thread as the public sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moderation.models import Site


class Place(StrEnum):
    """What stands in a place of the thread."""

    PUBLIC = "public"
    WITHDRAWN = "withdrawn"
    NOT_PUBLIC = "not-public"


class Sort(StrEnum):
    """The order of the replies to the page itself; what stands below them is always oldest first."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True)
class Wish:
    """Which part of a thread is asked for: by its number, or by a place in it."""

    sort: Sort = Sort.OLDEST
    part: int = 1
    at: str = ""


@dataclass(frozen=True)
class Item:
    """One place of a thread, in reading order. Of one that is not public only its place is known."""

    id: int
    anchor: str
    parent: int | None
    depth: int
    place: Place
    author: str = ""
    url: str = ""
    at: datetime | None = None
    html: str = ""
    #: When these words became public; feeds tell an edit by it.
    updated: datetime | None = None
    #: How deep it stands in its part alone: where a part begins inside a branch, the branch begins anew.
    level: int = 0
    #: How many places stand below it in its part.
    below: int = 0

    @property
    def is_public(self) -> bool:
        """Whether there are words to show."""
        return self.place is Place.PUBLIC


@dataclass(frozen=True)
class Document:
    """One part of a page's thread as the public sees it; the same for a page that nobody has replied to."""

    site: Site
    page: str
    title: str
    url: str
    #: Closed by hand; by age it closes by itself, see `is_closed`.
    shut: bool
    count: int
    items: Sequence[Item]
    #: When it closes by age; None: never.
    closes: datetime | None = None
    #: The versions of site and thread that all of it was read from.
    stamp: tuple[int, int] = (0, 0)
    sort: Sort = Sort.OLDEST
    part: int = 1
    parts: int = 1
    #: Where the part begins inside a branch: the places above its first, outermost first.
    above: Sequence[Item] = ()

    def is_closed(self, now: datetime) -> bool:
        """Whether it takes no more replies."""
        return self.shut or (self.closes is not None and self.closes <= now)

    def answered_outside(self, item: Item) -> Item | None:
        """Return what an item answers where that stands in an earlier part."""
        return next((one for one in self.above if one.id == item.parent), None) if item.level == 0 else None
