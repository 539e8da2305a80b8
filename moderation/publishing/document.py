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

    @property
    def is_public(self) -> bool:
        """Whether there are words to show."""
        return self.place is Place.PUBLIC


@dataclass(frozen=True)
class Document:
    """One page's thread as the public sees it; the same for a page that nobody has replied to."""

    site: Site
    page: str
    title: str
    url: str
    closed: bool
    count: int
    items: Sequence[Item]
