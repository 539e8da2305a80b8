"""Answers kept ready in memory: built once for each version, in every encoding, checked at most once a second.

An answer is found by what was canonically asked; the addresses as they were asked lead to it, so that a repeated
request is two look-ups. The store knows nothing of requests: a door gives it bytes, and asks whether they still hold.
"""

import gzip
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import TypeAlias

import brotli
from sqlalchemy.exc import SQLAlchemyError

from moderation.publishing.outline import Outlines

#: Seconds for which an answer is served without a look at its versions.
AGE = 1.0
#: Seconds after its last check for which an answer is served while the database is away.
OUTAGE = 600.0
#: A look at the versions that takes longer than these seconds means that the database is away.
SLOW = 1.0
#: Shorter bodies are not worth packing.
LEAST_PACKED = 500
GZIP, BROTLI = 6, 5
#: Addresses that lead to one answer, the longest of them, and what each costs besides its characters.
MOST_ALIASES, LONGEST_ALIAS, OF_AN_ALIAS = 64, 16_384, 250
#: What an answer costs besides its bodies: headers, locks, its place in the tables.
OF_AN_ANSWER = 12_000

Headers: TypeAlias = list[tuple[str, str]]
#: What an answer is checked against; see `versions`.
Stamp: TypeAlias = tuple[int, int]


class Kind(StrEnum):
    """What is kept ready."""

    JSON = "thread.json"
    HTML = "thread.html"
    ATOM = "thread.atom"
    SITE_ATOM = "comments.atom"
    COUNTS = "counts.json"
    ACCENT = "accent.css"
    EMBED = "embed.js"
    ASSET = "static"


class Encoding(StrEnum):
    """How a body travels; an answer's forms stand in this order."""

    IDENTITY = "identity"
    GZIP = "gzip"
    BROTLI = "br"


@dataclass(frozen=True)
class Asked:
    """What was asked, canonically: two requests that mean the same are equal here."""

    kind: Kind
    site: str = ""
    #: Pages by their keys, or the name of a file.
    keys: tuple[str, ...] = ()
    #: Where the answer repeats addresses: those.
    pages: tuple[str, ...] = ()
    sort: str = ""
    part: int = 0
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """An answer in one encoding, ready to be sent: `bare` are the headers of a 304."""

    body: list[bytes]
    etag: str
    headers: Headers
    bare: Headers


#: Writes the headers of an answer, whole and bare, by its encoding, its length and the tag that names its bytes.
Dress: TypeAlias = Callable[[Asked, Encoding, int, str], tuple[Headers, Headers]]


class Kept:
    """One answer and when it has to be looked at again."""

    __slots__ = ("aliases", "asked", "checked", "checking", "due", "ends", "forms", "size", "stamp")

    def __init__(self, asked: Asked, stamp: Stamp, forms: tuple[Form, ...], *, checked: float, ends: float) -> None:
        self.asked, self.stamp, self.forms = asked, stamp, forms
        self.checked = self.due = checked
        #: From then on it is wrong whatever the versions say: the page closes by age.
        self.ends = ends
        self.size = OF_AN_ANSWER + sum(len(body) for body in {form.body[0] for form in forms})
        self.aliases: dict[tuple[str, str], None] = {}
        self.checking = Lock()


class Store:
    """The answers of one process. `look` reads the versions of what was asked, `dress` writes headers."""

    def __init__(
        self,
        most: int,
        *,
        look: Callable[[Asked], Stamp],
        dress: Dress,
        age: float = AGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        #: A quarter of the room is for outlines.
        self.most, self.outlines = most - most // 4, Outlines(most // 4)
        self.look, self.dress, self.age, self.clock = look, dress, age, clock
        #: Read without a lock, by whoever answers.
        self.aliases: dict[tuple[str, str], Kept] = {}
        #: How many answers were built; the door counts in `served` those it gave from memory.
        self.size = self.built = self.served = 0
        self._kept: OrderedDict[Asked, Kept] = OrderedDict()
        self._building: dict[object, tuple[Lock, int]] = {}
        self._looks: dict[int, float] = {}
        self._away_until = float("-inf")
        self._mutex = Lock()

    def may_serve(self, kept: Kept) -> bool:
        """Whether an answer that is due for a look still holds; one that does not is forgotten.

        One thread looks; others are given what was right a second ago.
        """
        now = self.clock()
        if now >= kept.ends:
            self._forget(kept)
            return False
        if self._is_away(now) or not kept.checking.acquire(blocking=False):
            return self._outlives(kept, now)
        try:
            return now < kept.due or self._still_holds(kept, now)
        finally:
            kept.checking.release()

    def fresh(self, asked: Asked, stamp: Stamp, *, since: float) -> Kept | None:
        """Return an answer that is right for somebody who has read these versions, and began at this time."""
        kept = self._kept.get(asked)
        if kept is None or since >= kept.ends or (kept.stamp != stamp and kept.checked < since):
            return None
        if kept.stamp == stamp:
            self._confirm(kept, max(kept.checked, since))
        return kept

    def keep(
        self,
        asked: Asked,
        stamp: Stamp,
        body: bytes,
        *,
        since: float,
        lasts: float | None = None,
        quality: int = BROTLI,
    ) -> Kept:
        """Keep an answer that was read from these versions, begun at this time; it may last only so many seconds."""
        ends = float("inf") if lasts is None else since + lasts
        kept = Kept(asked, stamp, self._forms(asked, body, quality), checked=since, ends=ends)
        self._confirm(kept, since)
        with self._mutex:
            self.built += 1
            if before := self._kept.pop(asked, None):
                self._drop(before)
            self._kept[asked] = kept
            self.size += kept.size
            self._make_room()
        return kept

    def alias(self, kept: Kept, path: str, query: str) -> None:
        """Let an address lead to an answer from now on."""
        cost = len(path) + len(query) + OF_AN_ALIAS
        if cost > LONGEST_ALIAS:
            return
        with self._mutex:
            if self._kept.get(kept.asked) is not kept or (path, query) in kept.aliases:
                return
            if (other := self.aliases.get((path, query))) is not None:
                self._unalias(other, (path, query))
            while len(kept.aliases) >= MOST_ALIASES:
                self._unalias(kept, next(iter(kept.aliases)))
            kept.aliases[path, query] = None
            self.aliases[path, query] = kept
            kept.size += cost
            self.size += cost
            self._make_room()

    @contextmanager
    def alone(self, key: object) -> Iterator[None]:
        """Let one thread at a time build what this key stands for; the rest find it built."""
        with self._mutex:
            lock, waiting = self._building.get(key, (Lock(), 0))
            self._building[key] = (lock, waiting + 1)
        try:
            with lock:
                yield
        finally:
            with self._mutex:
                lock, waiting = self._building.pop(key)
                if waiting > 1:
                    self._building[key] = (lock, waiting - 1)

    def clear(self) -> None:
        """Forget everything."""
        with self._mutex:
            self._kept.clear()
            self.aliases.clear()
            self.size = 0
            self._away_until = float("-inf")
        self.outlines.clear()

    def _still_holds(self, kept: Kept, now: float) -> bool:
        self._looks[id(kept)] = now
        try:
            stamp = self.look(kept.asked)
        except (SQLAlchemyError, OSError):
            self._away_until = self.clock() + self.age
            return self._outlives(kept, now)
        finally:
            del self._looks[id(kept)]
        if stamp != kept.stamp:
            self._forget(kept)
            return False
        self._confirm(kept, now)
        with self._mutex:
            if kept.asked in self._kept:
                self._kept.move_to_end(kept.asked)
        return True

    def _is_away(self, now: float) -> bool:
        """Whether nobody needs to be sent after the others who wait for a database that does not answer."""
        begun = min(list(self._looks.values()), default=now)
        return now < self._away_until or now - begun > SLOW

    def _outlives(self, kept: Kept, now: float) -> bool:
        if now < kept.checked + OUTAGE:
            return True
        self._forget(kept)
        return False

    def _confirm(self, kept: Kept, at: float) -> None:
        kept.checked = at
        kept.due = min(at + self.age, kept.ends)

    def _forget(self, kept: Kept) -> None:
        with self._mutex:
            if self._kept.get(kept.asked) is kept:
                del self._kept[kept.asked]
                self._drop(kept)

    def _make_room(self) -> None:
        while self.size > self.most and self._kept:
            self._drop(self._kept.popitem(last=False)[1])

    def _drop(self, kept: Kept) -> None:
        for address in list(kept.aliases):
            self._unalias(kept, address)
        self.size -= kept.size

    def _unalias(self, kept: Kept, address: tuple[str, str]) -> None:
        del kept.aliases[address], self.aliases[address]
        cost = len(address[0]) + len(address[1]) + OF_AN_ALIAS
        kept.size -= cost
        self.size -= cost

    def _forms(self, asked: Asked, body: bytes, quality: int) -> tuple[Form, ...]:
        bodies = {Encoding.IDENTITY: body}
        if len(body) >= LEAST_PACKED:
            bodies[Encoding.GZIP] = gzip.compress(body, GZIP, mtime=0)
            bodies[Encoding.BROTLI] = brotli.compress(body, quality=quality)
        forms = {}
        for encoding, packed in bodies.items():
            etag = f'"{hashlib.sha256(packed).hexdigest()[:32]}"'
            forms[encoding] = Form([packed], etag, *self.dress(asked, encoding, len(packed), etag))
        return tuple(forms.get(encoding, forms[Encoding.IDENTITY]) for encoding in Encoding)
