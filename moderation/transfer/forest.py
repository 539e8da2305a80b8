"""Where imported comments stand below one another, in a run that stores and in one that only rehearses."""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

from moderation.intake import MOST_DEPTH

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Place(Generic[K]):
    """The page a comment is on, how many stand above it, and its parent."""

    page: Hashable
    depth: int
    parent: K | None


class Forest(Generic[K]):
    """The places of comments by id, in which replies can be put below parents that came later."""

    MOST_DEPTH: ClassVar[int] = MOST_DEPTH

    def __init__(self, places: dict[K, Place[K]]) -> None:
        self.places = places
        #: Comments whose place is another one than it was.
        self.changed: set[K] = set()
        self._below: dict[K, list[K]] = defaultdict(list)
        for id_, place in places.items():
            if place.parent is not None:
                self._below[place.parent].append(id_)

    def join(self, child: K, parent: K | None) -> bool:
        """Put a reply, and all below it, below its parent; False when there is no such place for it."""
        above = self.places.get(parent) if parent is not None else None
        if parent is None or above is None or above.page != self.places[child].page:
            return False
        if child == parent or child in self._line(parent):
            # Each would stand below the other.
            return False
        moving = self._all_below(child)
        down = above.depth + 1 - self.places[child].depth
        if max(self.places[id_].depth for id_ in moving) + down > self.MOST_DEPTH:
            return False
        for id_ in moving:
            self.places[id_] = replace(self.places[id_], depth=self.places[id_].depth + down)
        self.places[child] = replace(self.places[child], parent=parent)
        self._below[parent].append(child)
        self.changed.update(moving)
        return True

    def _line(self, id_: K) -> Iterator[K]:
        """Walk up from a comment: its parent, that one's parent, and so on."""
        while (place := self.places.get(id_)) is not None and place.parent is not None:
            id_ = place.parent
            yield id_

    def _all_below(self, id_: K) -> list[K]:
        """Return a comment and all that stands below it, without recursion."""
        found = [id_]
        for each in found:
            found += self._below[each]
        return found
