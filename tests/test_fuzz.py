"""Long, with random input: texts, page addresses, WordPress exports; each goes on for FUZZ_SECONDS."""

import io
import os
import random
import time
from collections.abc import Callable, Iterator

import pytest

from moderation import markup
from moderation.models.pagekey import BadAddress, is_web_address, origin_of, page_key
from moderation.transfer import wordpress
from moderation.transfer.record import Broken, NotReadable, Record, Truncated
from tests.markup_audit import Audit
from tests.test_markup_attacks import HOSTILE
from tests.transfer.wxr import comment, export, item

pytestmark = pytest.mark.fuzz

#: How long each goes on.
SECONDS = float(os.environ.get("FUZZ_SECONDS", "300"))
#: Named in a failure, and taken again by FUZZ_SEED.
SEED = int(os.environ.get("FUZZ_SEED", time.time_ns() % 2**32))
#: Processor time that one input of a few kB may take.
MOST = 2.0
ORIGINS = ["https://courier.example", "http://localhost:4000", "https://xn--mnchen-3ya.example"]
ADDRESSES = [
    *("https://", "http://", "HTTPS:", "//", "/", "\\", "courier.example", "www.", "localhost:4000", ":443", ":", "@"),
    *("münchen.example", "xn--mnchen-3ya.example", "XN--", "index.html", "?", "&", "=", "#", "%2e", "%2F", "%", "%zz"),
    *(
        "..",
        ".",
        "utm_source=x",
        "fbclid",
        "replytocom=1",
        "[",
        "]",
        "::1",
        "\t",
        "\r\n",
        "\0",
        " ",
        "\u202e",
        "é",
        "ß",
        "。",
    ),
    *("0x7f.1", "127.1", "a" * 64, "javascript:", "data:", "١", "\ud800", "\U000e0041", ";", "|", "'", '"', "<", "+"),
]
PIECES = [
    *(
        b"<",
        b">",
        b"</",
        b"/>",
        b"&",
        b"&amp;",
        b"&#0;",
        b"&#x1F600;",
        b"&lt;",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"-->",
        b"<?",
    ),
    *(
        b"<item>",
        b"</item>",
        b"<wp:comment>",
        b"</wp:comment>",
        b"<wp:comment_id>",
        b"<wp:comment_parent>1",
        b"\0",
        b"\xff",
    ),
    *(
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
        b"&a;",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"0000-00-00 00:00:00",
        b"-1",
        b"9" * 30,
    ),
    *(
        b"xmlns:wp='x'",
        b"<rss>",
        b"</rss>",
        b"<channel>",
        b"</channel>",
        b"\r",
        b"\xc3",
        b"\xed\xa0\x80",
        b"<a b='c' b='d'>",
    ),
]


def _inputs() -> Iterator[random.Random]:
    """Give chances until time is up, each by a number of its own."""
    end, number = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        number += 1
        yield random.Random(f"{SEED}/{number}")
    assert number > 1


def _timely(act: Callable[[], object], given: object) -> None:
    began = time.process_time()
    act()
    assert time.process_time() - began < MOST, f"too slow, FUZZ_SEED={SEED}: {given!r}"


def _text(chance: random.Random, pieces: list[str]) -> str:
    def piece() -> str:
        kind = chance.random()
        if kind < 0.7:
            return chance.choice(pieces) * (1 if chance.random() < 0.95 else chance.randrange(2, 200))
        if kind < 0.9:
            return chance.choice("abc 1\n")
        return chr(chance.choice([chance.randrange(0x20, 0x3000), chance.randrange(0x110000)]))

    return "".join(piece() for _ in range(chance.randrange(1, 60)))


def test_texts() -> None:
    for chance in _inputs():
        text = _text(chance, HOSTILE)
        for format_ in markup.Format:

            def act(text: str = text, format_: markup.Format = format_) -> None:
                html = markup.render(text, format_)
                assert Audit(html).faults == [], f"FUZZ_SEED={SEED}: {text!r}"
                markup.plain_text(html)
                markup.link_hosts(html)
                assert markup.render(markup.tidy_text(text), format_) is not None

            _timely(act, text)
        name = markup.tidy_name(text)
        assert markup.tidy_name(name) == name, f"FUZZ_SEED={SEED}: {text!r}"


def test_page_addresses() -> None:
    for chance in _inputs():
        address = chance.choice(["https://courier.example/", "", "http://"]) + _text(chance, ADDRESSES)

        def act(address: str = address) -> None:
            try:
                key = page_key(address, ORIGINS)
            except BadAddress:
                return
            finally:
                is_web_address(address)
            # A key is one line of what any database keeps, names a page of the site, and is its own.
            assert key.isprintable(), f"FUZZ_SEED={SEED}: {address!r}"
            assert key.isascii(), f"FUZZ_SEED={SEED}: {address!r}"
            host = key.partition("/")[0].removesuffix(":443")
            assert host in {"courier.example", "localhost:4000", "xn--mnchen-3ya.example"}, f"{address!r} is {key!r}"
            schemes = [f"{origin.split(':')[0]}://{key}" for origin in ORIGINS]
            assert page_key(schemes[1 if host.startswith("localhost") else 0], ORIGINS) == key, f"{address!r}"

        _timely(act, address)
        try:
            origin = origin_of(address)
        except BadAddress:
            continue
        assert origin_of(origin) == origin, f"FUZZ_SEED={SEED}: {address!r}"


def test_exports() -> None:
    healthy = export(*(item(comment(str(number)), comment(f"{number}0")) for number in range(1, 4)))
    whole = healthy if isinstance(healthy, bytes) else healthy.encode()
    for chance in _inputs():
        source = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(source) + 1)
            cut = at + chance.choice([0, 0, 1, 3, chance.randrange(400)])
            source[at:cut] = chance.choice([*PIECES, source[chance.randrange(len(source) + 1) :][:200]])

        def act(source: bytes = bytes(source)) -> None:
            try:
                for found in wordpress.read(io.BytesIO(source)):
                    assert isinstance(found, Record | Broken)
                    if isinstance(found, Record):
                        markup.render(found.text, markup.Format.HTML)
            except (NotReadable, Truncated):
                pass

        _timely(act, bytes(source))
