"""Texts of others in the headers of a mail: what every name, title and address goes through before it stands there."""

import re

_ENCODED = re.compile(r"=(?=\?)")


def head(text: str) -> str:
    """Return a text on one line that no mail program, and no library on the way, reads as anything but words.

    Not only line breaks write headers: Python before 3.11.10 and 3.12.5 unpacks an encoded word (RFC 2047) that holds
    one, and sends what it finds.
    """
    return _ENCODED.sub("= ", " ".join(text.split()))
