"""The languages that visitors are spoken to in: which there are, which one somebody is given, and how each counts."""

import re
from collections.abc import Callable

from babel import Locale
from flask_babel import get_locale

#: As their catalogs are named; English is what the texts are written in.
LOCALES = ("en",)
#: Of a list of wishes no more are looked at.
MOST_WISHES = 10
#: Numbers among which every plural category of every language has one.
SAMPLES = (*range(201), 1_000_000)


def negotiate(asked: str, default: str) -> str:
    """Return the first language asked for that there is: `asked` is BCP 47 tags with commas, as browsers send them.

    A tag stands for its language where its region is not known, Chinese for its script. Else the default, else English.
    """
    for wish in [*asked.split(",")[:MOST_WISHES], default]:
        if (found := _known(wish.partition(";")[0].strip())) is not None:
            return found
    return "en"


def tag(locale: str) -> str:
    """Write a language as browsers do."""
    return locale.replace("_", "-")


def forms(write: Callable[[int], str]) -> dict[str, str]:
    """Write a counted text once for each plural category of the current language, its number being `{num}`."""
    locale = get_locale() or Locale("en")
    samples: dict[str, int] = {}
    for number in SAMPLES:
        samples.setdefault(locale.plural_form(number), number)
    return {
        category: re.sub(rf"(?<!\d){number}(?!\d)", "{num}", write(number), count=1)
        for category, number in samples.items()
    }


def _known(wish: str) -> str | None:
    """Find a tag, then what it may be shortened or likened to."""
    parts = wish.replace("_", "-").split("-")
    if parts[0].lower() == "zh" and len(parts) > 1:
        traditional = {"hant", "tw", "hk", "mo"} & {part.lower() for part in parts[1:]}
        parts = ["zh", "Hant" if traditional else "Hans"]
    known = {locale.lower(): locale for locale in LOCALES}
    likened = {locale.lower().partition("_")[0]: locale for locale in reversed(LOCALES)}
    for length in range(len(parts), 0, -1):
        if found := known.get("_".join(parts[:length]).lower()):
            return found
    return likened.get(parts[0].lower())
