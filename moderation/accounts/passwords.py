"""What a password must be, and its hash.

No rules of composition: they make passwords worse. What would be guessed first is refused instead, offline: common
passwords, two of them in a row, and what the account itself gives away, with a few signs around and letters disguised.
"""

import gzip
import re
from collections.abc import Collection
from pathlib import Path

from flask_security import hash_password

#: A password has at least this many characters; at most so many are hashed (ASVS 6.2.1, 6.2.9).
LEAST_PASSWORD, MOST_PASSWORD = 12, 128
#: Common passwords, one a line, with their licence beside them.
COMMON = Path(__file__).parent / "common-passwords.txt.gz"
#: A password of so few known words, and at most so many other signs, is among the first that are tried.
FEW_WORDS, FEW_SIGNS = 2, 6
#: Words that everybody here would try.
OURS = ("leaveareply", "leave", "reply", "comment", "comments", "moderation", "moderator")
#: Signs that stand for letters.
DISGUISE = str.maketrans("013457@$!|+", "oieastasilt")


def password_fault(password: str, *, email: str, name: str) -> str | None:
    """Say what is wrong with a new password: "short", "long" or "guessable"; None if nothing is."""
    if len(password) < LEAST_PASSWORD:
        return "short"
    if len(password) > MOST_PASSWORD:
        return "long"
    if len(set(password)) < 5 or _is_made_of(password.lower(), _common() | _told(email, name)):
        return "guessable"
    return None


def hashed(password: str) -> str:
    """Hash a password with argon2; call it outside any transaction."""
    return str(hash_password(password))


def _common() -> set[str]:
    """Read the list: rarely asked for, it is not kept in memory."""
    with gzip.open(COMMON, "rt") as lines:
        return {line.rstrip("\n") for line in lines if not line.startswith("#")}


def _told(email: str, name: str) -> set[str]:
    """Return the words that the account itself gives away, and ours."""
    whole = {email.strip().lower(), name.strip().lower(), "".join(name.lower().split())}
    parts = set(re.split(r"[\W_]+", f"{email} {name}".lower()))
    return {word for word in whole | parts | set(OURS) if len(word) >= 3}


def _is_made_of(password: str, words: Collection[str]) -> bool:
    """Whether a password is one or two of these words, as they are or disguised, with a few signs more."""
    longest = max(map(len, words))
    plain = {_once(password), _once(password.translate(DISGUISE))}
    return any(_fewest(text, words, longest) for text in plain)


def _once(text: str) -> str:
    """Return what a text repeats from its start to its end, and else the text."""
    length = (text + text).find(text, 1)
    return text[:length]


def _fewest(text: str, words: Collection[str], longest: int) -> bool:
    """Whether a text is at most `FEW_WORDS` of the words and `FEW_SIGNS` signs."""
    # By position: for each number of words, the fewest signs that lead there.
    signs = [[FEW_SIGNS + 1] * (FEW_WORDS + 1) for _ in range(len(text) + 1)]
    signs[0][0] = 0
    for start in range(len(text)):
        for used, spent in enumerate(signs[start]):
            if spent > FEW_SIGNS:
                continue
            signs[start + 1][used] = min(signs[start + 1][used], spent + 1)
            if used == FEW_WORDS:
                continue
            for end in range(start + 3, min(start + longest, len(text)) + 1):
                if text[start:end] in words:
                    signs[end][used + 1] = min(signs[end][used + 1], spent)
    return min(signs[-1]) <= FEW_SIGNS
