"""The outline of a thread: which places it has, in which order, how deep, and in which part each stands.

It holds numbers alone, so that a long thread's outline is read once for each of its versions, and every part of it
costs what its own rows cost.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from threading import Lock

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from moderation.db import db
from moderation.models import Comment, Revision, Status, Thread
from moderation.publishing.document import Place, Sort

#: A part ends once it holds so many places: a long branch is cut, and goes on in the next part.
MOST_IN_PART = 300
#: Numbers in one question; databases take only so many.
MANY = 1000
#: Bytes for each place, and for what an outline costs besides.
OF_A_PLACE, OF_AN_OUTLINE = 18, 2000


@dataclass(frozen=True)
class Shape:
    """An order of a thread's places, and where in it each part begins."""

    order: Sequence[int]
    starts: Sequence[int]

    def part_with(self, place: int) -> int:
        """Return the number of the part that holds a place."""
        return bisect_right(self.starts, self.order.index(place))

    def places_of(self, part: int) -> Sequence[int]:
        """Return the places of a part."""
        end = self.starts[part] if part < len(self.starts) else len(self.order)
        return self.order[self.starts[part - 1] : end]


@dataclass(frozen=True)
class Outline:
    """A thread's places in reading order, oldest first: a place is a position in these."""

    ids: "array[int]"
    depths: "array[int]"
    #: Those that are not public but have public ones below them.
    empty: dict[int, Place]
    #: When the first of the public ones came.
    first: datetime | None
    _shapes: dict[tuple[Sort, int], Shape] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many comments are public."""
        return len(self.ids) - len(self.empty)

    @property
    def size(self) -> int:
        """How many bytes it takes to keep."""
        return OF_AN_OUTLINE + OF_A_PLACE * len(self.ids) + 300 * len(self.empty)

    def shape(self, sort: Sort, page_size: int) -> Shape:
        """Return the thread in an order, cut into parts of so many replies to the page itself."""
        if (shape := self._shapes.get((sort, page_size))) is None:
            order = range(len(self.ids)) if sort is Sort.OLDEST else self._newest_first()
            shape = self._shapes[sort, page_size] = Shape(order, list(self._starts(order, page_size)) or [0])
        return shape

    def place_of(self, comment_id: int) -> int | None:
        """Return a comment's place; None where it has none."""
        try:
            return self.ids.index(comment_id)
        except ValueError:
            return None

    def above(self, place: int) -> list[int]:
        """Return the places above one, outermost first."""
        found: list[int] = []
        depth = self.depths[place]
        while depth and place:
            place -= 1
            if self.depths[place] < depth:
                depth = self.depths[place]
                found.append(place)
        return found[::-1]

    def _newest_first(self) -> "array[int]":
        tops = [place for place, depth in enumerate(self.depths) if depth == 0]
        # Of an empty page nothing ends either.
        ends = [*tops[1:], len(self.ids)][: len(tops)]
        return array("l", (place for top, end in zip(tops[::-1], ends[::-1], strict=True) for place in range(top, end)))

    def _starts(self, order: Sequence[int], page_size: int) -> Iterator[int]:
        tops = inside = 0
        for position, place in enumerate(order):
            top = self.depths[place] == 0
            if position == 0 or inside == MOST_IN_PART or (top and tops == page_size):
                yield position
                tops = inside = 0
            tops += top
            inside += 1


class Outlines:
    """Outlines that are kept, the newest version of each thread, up to so many bytes."""

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        self._kept: OrderedDict[int, tuple[int, Outline]] = OrderedDict()
        self._mutex = Lock()

    def of(self, thread: Thread) -> Outline:
        """Return a thread's outline, as of the version that was read."""
        kept = self._kept.get(thread.id)
        if kept and kept[0] == thread.version:
            return kept[1]
        outline = read(thread.id)
        if kept is None or kept[0] < thread.version:
            self._keep(thread.id, thread.version, outline)
        return outline

    def clear(self) -> None:
        """Forget all of them."""
        with self._mutex:
            self._kept.clear()
            self.size = 0

    def _keep(self, thread_id: int, version: int, outline: Outline) -> None:
        with self._mutex:
            if before := self._kept.pop(thread_id, None):
                self.size -= before[1].size
            self._kept[thread_id] = (version, outline)
            self.size += outline.size
            while self.size > self.most:
                _, (_, oldest) = self._kept.popitem(last=False)
                self.size -= oldest.size


def read(thread_id: int) -> Outline:
    """Read a thread's outline: its public comments and the empty places above them, without recursion."""
    rows = db.session.execute(
        select(Comment.id, Comment.parent_id, Comment.received_at)
        .join(Revision, Revision.comment_id == Comment.id)
        .where(Revision.thread_id == thread_id, Revision.status == Status.APPROVED)
    )
    found: dict[int, tuple[int | None, datetime]] = {id_: (parent, at) for id_, parent, at in rows}
    first = min((at for _, at in found.values()), default=None)
    empty = _fill_with_empty_places(found)
    below: dict[int | None, list[int]] = defaultdict(list)
    # By time, then number: what was imported later may be older than what is here.
    for id_ in sorted(found, key=lambda one: (found[one][1], one), reverse=True):
        below[found[id_][0]].append(id_)
    ids, depths = array("l"), array("l")
    todo = [(id_, 0) for id_ in below[None]]
    while todo:
        id_, depth = todo.pop()
        ids.append(id_)
        depths.append(depth)
        todo += [(child, depth + 1) for child in below[id_]]
    return Outline(ids, depths, empty, first)


def _fill_with_empty_places(found: dict[int, tuple[int | None, datetime]]) -> dict[int, Place]:
    """Add the comments that are not public but have public ones below them, and say what stands in their places."""
    empty: dict[int, Place] = {}
    text = aliased(Revision)
    last = select(func.max(text.number)).where(text.comment_id == Comment.id).correlate(Comment).scalar_subquery()
    question = select(Comment.id, Comment.parent_id, Comment.received_at, Revision.status).join(
        Revision, (Revision.comment_id == Comment.id) & (Revision.number == last)
    )
    while wanted := {parent for parent, _ in found.values() if parent is not None} - found.keys():
        for some in _bunches(sorted(wanted)):
            for id_, parent, at, status in db.session.execute(question.where(Comment.id.in_(some))):
                found[id_] = (parent, at)
                empty[id_] = Place.WITHDRAWN if status is Status.WITHDRAWN else Place.NOT_PUBLIC
    return empty


def _bunches(ids: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    while some := list(islice(rest, MANY)):
        yield some
