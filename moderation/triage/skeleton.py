"""What looks alike: letters that are easily taken for others, by Unicode's own table (UTS 39)."""

import unicodedata
from functools import cache
from pathlib import Path


@cache
def prototypes() -> dict[str, str]:
    """Return what each letter or digit is taken for, where it is taken for another."""
    lines = (Path(__file__).parent / "confusables.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if not line.startswith("# ")]
    return {character: prototype for prototype, characters in pairs for character in characters}


def folded(text: str) -> str:
    """Return a text as it is compared: compatibility forms, case and what nobody sees make no difference."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(character for character in plain if unicodedata.category(character) != "Cf")


def skeleton(text: str) -> str:
    """Return a folded text with letters that look like Latin ones as those: what is half Cyrillic reads as it looks."""
    plain = unicodedata.normalize("NFKC", text)
    return folded(plain if plain.isascii() else "".join(map(_latin, plain)))


@cache
def _latin(character: str) -> str:
    """Return the Latin letter that a letter is taken for, in small."""
    if character.isascii():
        # These look like others too, a capital I like a small L: but whoever writes one means it.
        return character
    looks = [prototypes().get(form, "").casefold() for form in (character, character.casefold())]
    latin = [look for look in looks if look and look.isascii()]
    # What is taken for a stroke is an I where it can be.
    return next((look for look in latin if look != "l"), latin[0] if latin else character)
