"""A WordPress export is read comment by comment: states stay apart, GMT is GMT, and a broken file says where."""

import io
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from moderation.transfer import wordpress
from moderation.transfer.record import Broken, Fault, Kind, NotReadable, PageRecord, Record, State, Truncated

HERE = Path(__file__).parent
DEMO = Path(wordpress.__file__).parent / "demo" / "harrow-vale.xml"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

START = '<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel>'
ITEM = "<item><title>Bridge</title><link>https://courier.example/b</link><wp:post_id>7</wp:post_id>"
END = "</item></channel></rss>"


def read(path: Path) -> list[Record | Broken]:
    with path.open("rb") as stream:
        return list(wordpress.read(stream))


def read_text(text: str) -> list[Record | Broken]:
    return list(wordpress.read(io.BytesIO(text.encode())))


def comment(**fields: str) -> str:
    """A whole comment, with these fields instead of the usual ones."""
    told = {"id": "1", "date_gmt": "2026-11-20 18:04:00", "content": "Wider is good.", "approved": "1"} | fields
    return "<wp:comment>" + "".join(f"<wp:comment_{n}>{v}</wp:comment_{n}>" for n, v in told.items()) + "</wp:comment>"


def read_one(**fields: str) -> Record | Broken:
    [only] = read_text(START + ITEM + comment(**fields) + END)
    return only


def until_it_breaks(stream: io.BytesIO) -> tuple[list[Record | Broken], Truncated]:
    good: list[Record | Broken] = []
    with pytest.raises(Truncated) as caught:
        good.extend(wordpress.read(stream))
    return good, caught.value


def test_a_comment_is_read_field_by_field() -> None:
    first = read(HERE / "data" / "healthy.xml")[0]
    assert first == Record(
        page=PageRecord("41", "https://courier.example/mill-lane/", "Mill Lane footbridge & its lamps"),
        source_id="101",
        parent_source_id=None,
        author="Margit Olsen",
        email="margit@olsen.example",
        url="https://olsen.example",
        text='Wider is <em>good</em> news.\n\nIs there a <a href="https://town.example">ramp</a>?',
        at=datetime(2026, 11, 20, 18, 4, tzinfo=UTC),
        state=State.APPROVED,
        kind=Kind.COMMENT,
    )


def test_states_kinds_and_threads_stay_apart() -> None:
    records = [row for row in read(HERE / "data" / "healthy.xml") if isinstance(row, Record)]
    assert [(row.source_id, row.parent_source_id, row.state, row.kind) for row in records] == [
        ("101", None, State.APPROVED, Kind.COMMENT),
        ("102", "101", State.APPROVED, Kind.COMMENT),
        ("103", "102", State.HELD, Kind.COMMENT),
        ("104", None, State.SPAM, Kind.COMMENT),
        ("105", None, State.TRASH, Kind.COMMENT),
        ("106", None, State.TRASH, Kind.COMMENT),
        ("107", None, State.HELD, Kind.COMMENT),  # a value WordPress does not know: in doubt, hold
        ("108", None, State.APPROVED, Kind.PINGBACK),
        ("109", None, State.APPROVED, Kind.TRACKBACK),
        ("201", None, State.APPROVED, Kind.COMMENT),
        ("202", None, State.APPROVED, Kind.COMMENT),
    ]


def test_what_is_left_out_says_why() -> None:
    assert [row for row in read(HERE / "data" / "healthy.xml") if isinstance(row, Broken)] == [
        Broken(None, Fault.NO_ID, "No id."),
        Broken("204", Fault.NOT_A_COMMENT, "Paid by card, customer's street is ..."),
    ]


def test_addresses_of_machines_are_never_read() -> None:
    assert "192.0.2.7" in (HERE / "data" / "healthy.xml").read_text("utf-8")
    assert "192.0.2.7" not in repr(read(HERE / "data" / "healthy.xml"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"approved": "1"}, State.APPROVED),
        ({"approved": "0"}, State.HELD),
        ({"approved": "spam"}, State.SPAM),
        ({"approved": "trash"}, State.TRASH),
        ({"approved": "post-trashed"}, State.TRASH),
        ({"approved": ""}, State.HELD),
        ({"approved": "yes"}, State.HELD),
        ({"approved": "\u0661"}, State.HELD),  # a one, but not WordPress'
    ],
)
def test_only_a_plain_one_was_public(fields: dict[str, str], expected: State) -> None:
    row = read_one(**fields)
    assert isinstance(row, Record)
    assert row.state == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"date_gmt": "2026-07-01 12:00:00", "date": "2026-07-01 08:00:00"}, datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ({"date_gmt": "0000-00-00 00:00:00", "date": "2026-07-01 08:00:00"}, datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ({"date_gmt": "", "date": "2026-07-01 08:00:00"}, datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ({"date_gmt": "soon", "date": "2026-02-30 08:00:00"}, datetime(2026, 6, 30, 22, 30, tzinfo=UTC)),
    ],
)
def test_dates_are_read_as_utc_wherever_we_are(
    fields: dict[str, str], expected: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    published = "<pubDate>Wed, 01 Jul 2026 00:30:00 +0200</pubDate>"
    [row] = read_text(START + ITEM + published + comment(**fields) + END)
    monkeypatch.undo()
    time.tzset()
    assert isinstance(row, Record)
    assert (row.at, row.at.tzinfo) == (expected, UTC)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"id": ""}, Fault.NO_ID),
        ({"date_gmt": "0000-00-00 00:00:00"}, Fault.NO_DATE),
        ({"type": "order_note"}, Fault.NOT_A_COMMENT),
        ({"content": "a" * 65_536}, Fault.TOO_LONG),
    ],
)
def test_a_comment_that_cannot_be_placed_is_left_out(fields: dict[str, str], fault: Fault) -> None:
    row = read_one(**fields)
    assert isinstance(row, Broken)
    assert row.why == fault


def test_the_longest_comment_wordpress_can_hold_is_read_whole() -> None:
    row = read_one(content="a" * 65_535)
    assert isinstance(row, Record)
    assert len(row.text) == 65_535


def test_a_page_without_an_address_loses_its_comments_and_counts_them() -> None:
    rows = read_text(START + "<item><wp:post_id>7</wp:post_id>" + comment() + comment(id="2") + END)
    assert rows == [
        Broken("1", Fault.NO_PAGE, "Wider is good."),
        Broken("2", Fault.NO_PAGE, "Wider is good."),
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", True),  # exports made for Disqus do not say
        ("<wp:status>publish</wp:status><wp:post_password/>", True),
        ("<wp:status>inherit</wp:status>", True),
        ("<wp:status>publish</wp:status><wp:post_password>enter</wp:post_password>", True),
        ("<wp:status>private</wp:status>", False),
        ("<wp:status>draft</wp:status>", False),
        ("<wp:status>trash</wp:status>", False),
    ],
)
def test_a_page_says_whether_anybody_could_see_it(said: str, expected: bool) -> None:
    [row] = read_text(START + ITEM + said + comment() + END)
    assert isinstance(row, Record)
    assert row.page.is_public is expected


def test_names_and_titles_are_plain_words_and_texts_are_not_touched() -> None:
    escaped = "Tom&amp;#039;s &amp;amp; Ann&amp;#10;Bcc: x"
    [row] = read_text(START + ITEM.replace("Bridge", escaped) + comment(author=escaped, content=escaped) + END)
    assert isinstance(row, Record)
    assert (row.author, row.page.title) == ("Tom's & Ann Bcc: x", "Tom's & Ann Bcc: x")
    assert row.text == "Tom&#039;s &amp; Ann&#10;Bcc: x"


def test_empty_fields_are_none() -> None:
    row = read_one(author_email="", author_url="http://", parent="0")
    assert isinstance(row, Record)
    assert (row.email, row.url, row.parent_source_id) == (None, None, None)


@pytest.mark.parametrize(
    "namespace",
    [
        "http://wordpress.org/export/1.0/",
        "http://wordpress.org/export/1.1/",
        "http://wordpress.org/export/1.2/",
        "https://wordpress.org/export/1.2/",
    ],
)
def test_every_version_of_the_namespace_is_read_under_any_prefix(namespace: str) -> None:
    whole = (START + ITEM + comment() + END).replace("http://wordpress.org/export/1.2/", namespace)
    assert read_text(whole.replace("wp:", "x:").replace(":wp=", ":x=")) == [read_one()]


def test_fields_of_other_namespaces_are_not_taken_for_ours() -> None:
    stolen = '<wp:comment xmlns:wp="http://wordpress.example/export/1.2/"><wp:comment_id>9</wp:comment_id></wp:comment>'
    assert read_text(START + ITEM + stolen + comment() + END) == [read_one()]


def test_characters_xml_forbids_are_dropped_before_the_parser() -> None:
    rows = read(HERE / "data" / "control-characters.xml")
    assert [(row.page.title, row.text) for row in rows if isinstance(row, Record)] == [
        ("Mill Lane footbridge", "One line,\nand the next."),
        ("Mill Lane footbridge", "Half a letter: \ufffd"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252", "iso-8859-1", "gb18030"])
def test_the_declared_encoding_is_followed(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    whole = declared + START + ITEM + comment(author="Zoë") + END
    [row] = wordpress.read(io.BytesIO(whole.encode(encoding)))
    assert isinstance(row, Record)
    assert row.author == "Zoë"


def test_a_letter_split_between_two_chunks_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read(HERE / "data" / "healthy.xml")
    monkeypatch.setattr(wordpress, "CHUNK", 1021)
    assert read(HERE / "data" / "healthy.xml") == expected


def test_what_plugins_print_around_the_file_does_no_harm() -> None:
    declared = '\r\n\r\n<?xml version="1.0" encoding="UTF-8"?>\n'
    assert read_text(declared + START + ITEM + comment() + END + "<br /><b>Notice</b>: undefined") == [read_one()]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\x1f\x8b\x08\x00rest", "compressed"),
        (b"{}", "no XML at line 1"),
        (b"<html><body>Sign in</body></html>", "<html>"),
        (b"<disqus xmlns='http://disqus.com'/>", "<{http://disqus.com}disqus>"),
        (b"<rss><channel><item/></channel></rss>", "RSS feed"),
        (b'<rss xmlns:wp="http://wordpress.org/export/1.2/"></rss>', "without a channel"),
        (b'<rss xmlns:wp="http://wordpress.org/export/1.2/">', "no XML at line 1"),
        (b'<?xml version="1.0" encoding="martian"?><rss/>', "encoding martian"),
        (b'<?xml version="1.0" encoding="hex"?><rss/>', "encoding hex"),
        (b'<?xml version="1.0" encoding="punycode"?><rss/>', "encoding punycode"),
        (b"<!DOCTYPE rss><rss/>", "document type"),
    ],
)
def test_what_is_no_export_is_refused_with_one_sentence(content: bytes, words: str) -> None:
    with pytest.raises(NotReadable) as caught:
        list(wordpress.read(io.BytesIO(content)))
    assert words in str(caught.value)


def test_a_bomb_is_refused_at_its_fuse() -> None:
    with pytest.raises(NotReadable):
        read(HERE / "data" / "bomb.xml")


def test_a_cut_off_file_is_read_up_to_its_last_whole_comment() -> None:
    good, broken = until_it_breaks(io.BytesIO((HERE / "data" / "cut-off.xml").read_bytes()))
    assert [row.source_id for row in good] == ["401", "402", "403"]
    assert (broken.read, broken.last) == (3, good[-1])
    lines = (HERE / "data" / "cut-off.xml").read_text("utf-8").splitlines()
    assert broken.line == len(lines)
    assert str(broken) == (
        f"The file breaks at line {len(lines)}, after comment 403 on https://courier.example/baths/; "
        "3 comments were read before."
    )


def test_a_wrong_tag_breaks_the_file_at_its_line() -> None:
    good, broken = until_it_breaks(io.BytesIO(f"{START}\n{ITEM}\n{comment()}\n</title>{END}".encode()))
    assert (good, broken.line) == ([read_one()], 4)


def test_a_tag_without_end_is_given_up_early() -> None:
    endless = (START + ITEM + comment() + "<!-- ").encode() + b"x" * (2 * wordpress.UNPARSED_LIMIT)
    stream = io.BytesIO(endless)
    good, broken = until_it_breaks(stream)
    assert (good, broken.read) == ([read_one()], 1)
    assert stream.tell() < wordpress.UNPARSED_LIMIT + 2 * wordpress.CHUNK


class Pieces(io.RawIOBase):
    """A stream made as it is read, so that only the reader's memory counts."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self.rest:
            piece = next(self.pieces, None)
            if piece is None:
                return 0
            self.rest = piece
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


def one_long_item(comments: int) -> Iterator[bytes]:
    hundred = comment(author="Margit Olsen", content="Wider is good news. " * 20).encode() * 100
    yield (START + ITEM).encode()
    for _ in range(comments // 100):
        yield hundred
    yield END.encode()


def test_memory_stays_flat_over_fifty_thousand_comments_of_one_page() -> None:
    tracemalloc.start()
    try:
        count = sum(1 for _ in wordpress.read(io.BufferedReader(Pieces(one_long_item(50_000)))))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 50_000
    assert peak < 2_000_000


def test_the_demo_holds_what_it_promises() -> None:
    rows = read(DEMO)
    records = [row for row in rows if isinstance(row, Record)]
    assert len(records) == len(rows) == 6
    assert {row.page for row in records} == {
        PageRecord("41", "http://localhost/demo/mill-lane", "Mill Lane footbridge reopens on Saturday")
    }
    assert Counter(row.state for row in records) == {State.APPROVED: 3, State.HELD: 2, State.SPAM: 1}
    assert all(row.email is not None and row.email.endswith(".example") for row in records)
    ids = {row.source_id for row in records}
    assert {row.parent_source_id for row in records} - {None} < ids
