"""A name that looks like that of somebody who moderates the site, to the eye of a reader."""

import unicodedata
from functools import lru_cache

from moderation.triage.evidence import Evidence, Finding
from moderation.triage.skeleton import prototypes


def check(evidence: Evidence) -> list[Finding]:
    """Notice a name that readers take for a moderator's; it may be the moderator, without having signed in."""
    looks = skeletons(evidence.author)
    alike = [name for name in evidence.staff if looks & skeletons(name)]
    return [Finding("staff", {"name": alike[0]})] if alike else []


@lru_cache(maxsize=512)
def skeletons(name: str) -> frozenset[str]:
    """Reduce a name to what one sees of it, by the way of UTS 39; as it is written, and in small letters.

    A capital I is taken for a small L, a small i is not: that is why there are two.
    """
    return frozenset({_skeleton(name), _skeleton(name.casefold())} - {""})


def _skeleton(name: str) -> str:
    seen = "".join(prototypes().get(character, character) for character in _bare(name))
    return "".join(character for character in _bare(seen).casefold() if character.isalnum())


def _bare(text: str) -> str:
    """Leave marks out: few readers would tell José from Jose."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(character for character in apart if not unicodedata.category(character).startswith("M"))
