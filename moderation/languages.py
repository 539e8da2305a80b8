"""The languages that visitors are spoken to in: which there are, which one somebody is given, and how each counts."""

import re
from collections.abc import Callable

from babel import Locale
from flask_babel import get_locale

#: As their catalogs are named; English is what the texts are written in. Of two that share a language the first speaks
#: for it.
LOCALES = (
    "en",
    "ar",
    "bg",
    "cs",
    "da",
    "de",
    "el",
    "es",
    "fa",
    "fi",
    "fr",
    "he",
    "hi",
    "hu",
    "id",
    "it",
    "ja",
    "ko",
    "nb",
    "nl",
    "pl",
    "pt_BR",
    "ro",
    "ru",
    "sv",
    "th",
    "tr",
    "uk",
    "vi",
    "zh_Hans",
    "zh_Hant",
)
#: Of a list of wishes no more are looked at, and none that is longer than tags are.
MOST_WISHES = 10
LONGEST_TAG = 35
#: Old and neighbouring names: Norwegian is written as Bokmål here.
LIKE = {"iw": "he", "in": "id", "no": "nb", "nn": "nb"}
#: Numbers among which every plural category of every language has one.
SAMPLES = (*range(201), 1_000_000)

_KNOWN = {locale.lower(): locale for locale in LOCALES}
_LIKENED = {locale.lower().partition("_")[0]: locale for locale in reversed(LOCALES)}


def negotiate(asked: str, default: str) -> str:
    """Return the first language asked for that there is: `asked` is BCP 47 tags with commas, as browsers send them.

    A tag stands for its language where its region is not known, Chinese for its script. Else the default, else English.
    """
    for wish in [*asked.split(",", MOST_WISHES)[:MOST_WISHES], default]:
        if (found := _known(wish.partition(";")[0].strip())) is not None:
            return found
    return "en"


def tag(locale: str) -> str:
    """Write a language as browsers do."""
    return locale.replace("_", "-")


def forms(write: Callable[[int], str]) -> dict[str, str]:
    """Write a counted text once for each plural category of the current language, its number being `{num}`.

    A form that stands for one number alone may say it in words. `other` is always among them: browsers may know a
    category that we do not, and ask for that one instead.
    """
    locale = get_locale() or Locale("en")
    samples: dict[str, int] = {}
    for number in SAMPLES:
        samples.setdefault(locale.plural_form(number), number)
    samples.setdefault("other", SAMPLES[-1])
    return {
        category: re.sub(rf"(?<!\d){number}(?!\d)", "{num}", write(number), count=1)
        for category, number in samples.items()
    }


def _known(wish: str) -> str | None:
    """Find a tag, then what it may be shortened or likened to."""
    if len(wish) > LONGEST_TAG:
        return None
    language, *rest = wish.replace("_", "-").lower().split("-")
    language = LIKE.get(language, language)
    if language == "zh" and rest:
        traditional = "hant" in rest or ("hans" not in rest and not {"tw", "hk", "mo"}.isdisjoint(rest))
        rest = ["hant" if traditional else "hans"]
    for length in range(len(rest), -1, -1):
        if found := _KNOWN.get("_".join([language, *rest[:length]])):
            return found
    return _LIKENED.get(language)
