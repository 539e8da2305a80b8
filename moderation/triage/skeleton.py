"""What looks alike: each letter that is easily taken for a Latin one, written as that one (Unicode, UTS 39)."""

import unicodedata

#: Latin letters, and the small letters of other scripts and alphabets that are taken for them.
LIKE = {
    "a": "\u0251\u03b1\u0430",
    "c": "\u0441\u1d04\u2ca5",
    "d": "\u0501",
    "e": "\u0435\u04bd\uab32",
    "f": "\u0584\u1e9d\ua799\uab35",
    "g": "\u018d\u0261\u0581\u1d83",
    "h": "\u04bb\u0570",
    "i": "\u0131\u0269\u026a\u03b9\u0456\u04cf\ua647",
    "j": "\u03f3\u0458",
    "l": "\u01c0",
    "n": "\u0578\u057c",
    "o": "\u03bf\u03c3\u043e\u0585\u1d0f\u1d11\u2c9f\uab3d",
    "p": "\u03c1\u0440\u2ca3",
    "q": "\u051b\u0563\u0566",
    "r": "\u0433\u1d26\u2c85\uab47\uab48",
    "s": "\u01bd\u0455\ua731",
    "u": "\u028b\u03c5\u057d\u1d1c\ua79f\uab4e\uab52",
    "v": "\u03bd\u0475\u1d20",
    "w": "\u026f\u0461\u051d\u0561\u1d21",
    "x": "\u0445",
    "y": "\u0263\u028f\u03b3\u0443\u04af\u1d8c\u1eff\uab5a",
    "z": "\u1d22",
}
#: Capitals that are taken for Latin ones, while their small letters are not.
CAPITALS = {
    "B": "\u0392\u0412",
    "E": "\u0395",
    "H": "\u0397\u041d",
    "K": "\u039a\u041a",
    "M": "\u039c\u041c",
    "N": "\u039d",
    "T": "\u03a4\u0422",
    "X": "\u03a7",
    "Y": "\u03a5",
    "Z": "\u0396",
}
_CAPITALS = str.maketrans({other: letter for letter, others in CAPITALS.items() for other in others})
_LATIN = str.maketrans({other: letter for letter, others in LIKE.items() for other in others})


def folded(text: str) -> str:
    """Return a text as it is compared: compatibility forms, case and what nobody sees make no difference."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(character for character in plain if unicodedata.category(character) != "Cf")


def skeleton(text: str) -> str:
    """Return a folded text with letters that look like Latin ones as those: what is half Cyrillic reads as it looks."""
    return folded(unicodedata.normalize("NFKC", text).translate(_CAPITALS)).translate(_LATIN)
