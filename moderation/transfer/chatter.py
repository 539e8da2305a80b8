"""Made-up authors and texts, in several languages and scripts, for a queue as full as one asks for."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from random import Random
from typing import TypedDict

from moderation import search

#: One text in so many leads somewhere.
LINKS_EVERY, WEBSITES_EVERY = 12, 15
#: So many authors write from one network, and one in so many gives no e-mail address.
NEIGHBOURS, NAMELESS_EVERY = 3, 25


class Language(TypedDict):
    """Of what the texts of one language are put together: any subject goes with any verdict."""

    joint: str
    names: tuple[list[str], list[str]]
    openings: list[str]
    subjects: list[str]
    verdicts: list[str]
    closings: list[str]


class Vocabulary(TypedDict):
    """What the file beside this module holds."""

    languages: Mapping[str, Language]
    adverts: list[str]
    places: tuple[list[str], list[str]]


@dataclass(frozen=True)
class Author:
    """Somebody who writes."""

    name: str
    email: str
    url: str
    network: str
    language: str
    #: Name and addresses as the index of words keeps them.
    words: str

    @property
    def key(self) -> str:
        """Who counts as the same author: the e-mail address, else the name."""
        return (self.email or self.name).casefold()


@dataclass(frozen=True)
class Text:
    """What somebody wrote: as sent, as rendered, and as the index of words keeps it."""

    source: str
    html: str
    words: str


@lru_cache(maxsize=20_000)
def author(number: int) -> Author:
    """Return the author of this number, always the same."""
    language = list(_vocabulary()["languages"])[number % len(_vocabulary()["languages"])]
    firsts, lasts = _vocabulary()["languages"][language]["names"]
    turn = number // len(_vocabulary()["languages"])
    first, last = firsts[turn % len(firsts)], lasts[turn // len(firsts) % len(lasts)]
    # As long as there are enough names, everybody has one of their own.
    name = f"{first} {last}" if turn < len(firsts) * len(lasts) else f"{first} {last} {number}"
    email = "" if number % NAMELESS_EVERY == 7 else f"author{number}@example.org"
    url = f"https://author{number}.example/" if number % WEBSITES_EVERY == 3 else ""
    network = hashlib.blake2b(str(number // NEIGHBOURS).encode(), digest_size=12).hexdigest()
    return Author(name, email, url, network, language, _cut(f"{name}\n{email}\n{url}"))


def text(chance: Random, language: str) -> Text:
    """Put together what somebody may write below an article."""
    known = _vocabulary()["languages"][language]
    parts = [chance.choice(known["openings"])] if chance.random() < 0.5 else []
    for _ in range(chance.randint(1, 4)):
        parts.append(chance.choice(known["subjects"]) + known["joint"] + chance.choice(known["verdicts"]))
    parts.append(_filled(chance.choice(known["closings"]), chance))
    if not chance.randrange(LINKS_EVERY):
        parts.append(f"https://{place(chance.randrange(500))}.example/{chance.randrange(10_000)}")
    return _written(parts, known["joint"])


def advert(chance: Random) -> Text:
    """Write what somebody sends to everybody, each time with another number and link."""
    return _written([_filled(chance.choice(_vocabulary()["adverts"]), chance)], " ")


def slogans() -> list[str]:
    """Return the advertisements that are always the same."""
    return [pattern for pattern in _vocabulary()["adverts"] if "{" not in pattern]


def place(number: int) -> str:
    """Name a place in small letters, as it stands in an address."""
    heads, tails = _vocabulary()["places"]
    name = heads[number % len(heads)] + tails[number // len(heads) % len(tails)]
    return name.casefold().encode("ascii", "ignore").decode()


def _written(parts: Sequence[str], joint: str) -> Text:
    # A link ends at a space, so it has one before it in every script.
    source = joint.join(parts[:-1]) + (" " if "://" in parts[-1] else joint) + parts[-1] if len(parts) > 1 else parts[0]
    return Text(source, f"<p>{_linked(source)}</p>\n", " ".join(map(_cut, parts)))


def _linked(source: str) -> str:
    """Render a text of words and bare links as `markup.render` does, which takes as long as all the rest together."""
    if "://" not in source:
        return escape(source, quote=False)
    return re.sub(
        r"https://\S+",
        lambda link: f'<a href="{link[0]}" rel="nofollow ugc noopener">{link[0]}</a>',
        escape(source, quote=False),
    )


def _filled(pattern: str, chance: Random) -> str:
    if "{" not in pattern:
        return pattern
    heads, tails = _vocabulary()["places"]
    # Towards the end of both lists they become rare.
    head = heads[int(len(heads) * chance.random() ** 2)]
    tail = tails[int(len(tails) * chance.random() ** 2)]
    link = f"https://shop{chance.randrange(40)}.example/{chance.randrange(10**6)}"
    return pattern.format(place=head + tail, number=chance.randint(2, 99), link=link)


@lru_cache(maxsize=20_000)
def _cut(said: str) -> str:
    return " ".join(search.words(said))


@cache
def _vocabulary() -> Vocabulary:
    path = Path(__file__).parent / "demo" / "chatter.json"
    found: Vocabulary = json.loads(path.read_text(encoding="utf-8"))
    return found
