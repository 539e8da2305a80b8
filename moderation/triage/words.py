"""Words and phrases that a site's owner watches for: whole words, whatever their case, width or alphabet.

A star at either end stands for any letters there. Nothing an owner writes is a pattern of any other kind.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from moderation import markup
from moderation.triage.evidence import Evidence, Finding
from moderation.triage.skeleton import folded, skeleton

#: So many are named on the card.
NAMED = 8


def check(evidence: Evidence) -> list[Finding]:
    """Notice the words that stand on the site's list."""
    watch = evidence.watch
    if not watch.words:
        return []
    said = _spaced(f"{watch.author}\n{markup.plain_text(evidence.html)}")
    hits = [word for word in watch.words if any(_stands_in(one, said) for one in _sought(word))]
    return [Finding("watched-words", {"number": len(hits), "words": ", ".join(hits[:NAMED])})] if hits else []


def _stands_in(sought: str, said: Sequence[str]) -> bool:
    return any(sought in text for text in said)


@lru_cache(maxsize=2048)
def _sought(word: str) -> tuple[str, ...]:
    """Return what is looked for, as written and as it looks; a space at an end is the edge of a word."""
    bare = word.strip("*")
    found: dict[str, None] = {}
    for text in _spaced(bare):
        core = text.strip()
        # Scripts without spaces between words have no edges either.
        before = "" if word.startswith("*") or _is_unspaced(core[:1]) else " "
        after = "" if word.endswith("*") or _is_unspaced(core[-1:]) else " "
        if core:
            found[f"{before}{core}{after}"] = None
    return tuple(found)


def _spaced(text: str) -> tuple[str, ...]:
    """Return a text with one space around and between its words, as written and as it looks."""
    return tuple(dict.fromkeys(f" {' '.join(_words(fold(text)))} " for fold in (folded, skeleton)))


def _words(text: str) -> list[str]:
    return "".join(character if _is_of_a_word(character) else " " for character in text).split()


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _is_unspaced(character: str) -> bool:
    """Whether a letter is of a script that puts no spaces between words: Han, kana, Thai and their neighbours."""
    return (
        "\u0e00" <= character <= "\u0eff"
        or "\u1000" <= character <= "\u109f"
        or ("\u1780" <= character <= "\u17ff" or "\u3040" <= character <= "\u9fff" or character >= "\U00020000")
    )
