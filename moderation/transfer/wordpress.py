"""Reads the comments out of a WordPress export (WXR: RSS 2 with a namespace of WordPress' own)."""

import codecs
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html import unescape
from typing import BinaryIO

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from moderation.transfer.record import Broken, Fault, Kind, NotReadable, PageRecord, Record, State, Truncated

STATES = {
    "1": State.APPROVED,
    "0": State.HELD,
    "spam": State.SPAM,
    "trash": State.TRASH,
    "post-trashed": State.TRASH,
}

#: Other types (a shop's order notes, editors' notes) were never meant for the public, though WordPress marks
#: them approved: they are left out and counted. A shop's reviews are comments.
KINDS = {
    "": Kind.COMMENT,
    "comment": Kind.COMMENT,
    "review": Kind.COMMENT,
    "pingback": Kind.PINGBACK,
    "trackback": Kind.TRACKBACK,
}

#: Which pages had readers; an attachment inherits from its page, and exports made for Disqus say nothing. A page
#: behind a password is among them: who has the password reads its comments there, and who has the page's address here.
PUBLIC = frozenset({"publish", "inherit", ""})

# What WordPress writes where there is none; the addresses stem from old versions.
NO_PARENT = frozenset({"0"})
NO_ADDRESS = frozenset({"http://", "https://"})

# What is not listed is not read: no IP address, no user id, no meta.
PAGE_FIELDS = {"title", "link", "pubDate", "wp:post_id", "wp:status"}
COMMENT_FIELDS = {
    "wp:comment_id",
    "wp:comment_author",
    "wp:comment_author_email",
    "wp:comment_author_url",
    "wp:comment_date",
    "wp:comment_date_gmt",
    "wp:comment_content",
    "wp:comment_approved",
    "wp:comment_type",
    "wp:comment_parent",
}

CHUNK = 64 * 1024

# WordPress stores a comment in 65,535 bytes; a longer one was not written there.
FIELD_LIMIT = 65_535

# Between two parts the parser can make sense of (a tag, a piece of text) lies less than this, or it is an attack.
UNPARSED_LIMIT = 4 * 1024 * 1024

WORDS = 80

_NAMESPACE = re.compile(r"https?://(?:www\.)?wordpress\.org/export/[^/}]+/?")
_WP_TAG = re.compile(r"\{" + _NAMESPACE.pattern + r"\}(.+)")
_ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = re.compile(r"\A(\s*)<\?xml\s[^>]*\?>")
# What blogs were written in before UTF-8; Python knows codecs that are none of pages, some of them slow or unsafe.
_CHARSETS = re.compile(r"ascii|iso8859-\d+|cp125\d|koi8-[ru]|big5|gb\w+|euc_\w+|shift_jis")
_ENCODING = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


def read(stream: BinaryIO) -> Iterator[Record | Broken]:
    """Yield each comment of the export when its last tag has been read; nothing is read before the first is asked for.

    Raises NotReadable before anything was yielded, and Truncated when a good beginning breaks off. What comes
    before a comment in its item (title, link, post_id, status, as WordPress writes them) is its page.
    """
    export = _Export()
    parser: XMLParser = XMLParser(target=export, forbid_dtd=True)
    fed = 0
    try:
        for text in _characters(stream):
            parser.feed(text)
            yield from export.take()
            fed += len(text.encode())
            if fed - parser.parser.CurrentByteIndex > UNPARSED_LIMIT:
                raise export.breaks(parser.parser.CurrentLineNumber)
        parser.close()
    except DefusedXmlException as danger:
        raise NotReadable("The file declares a document type, which a WordPress export never does.") from danger
    except ParseError as fault:
        yield from export.take()
        # What plugins print behind the last tag takes nothing away.
        if not export.is_complete:
            raise export.breaks(fault.position[0]) from fault


def _characters(stream: BinaryIO) -> Iterator[str]:
    """Decode in chunks and drop what XML 1.0 forbids: real exports hold control characters and half letters."""
    chunk = stream.read(CHUNK)
    if not chunk.strip():
        raise NotReadable("The file is empty.")
    if chunk.startswith((b"\x1f\x8b", b"PK\x03\x04")):
        raise NotReadable("The file is compressed. Unpack it first.")
    decoder = codecs.getincrementaldecoder(_encoding(chunk))(errors="replace")
    # Without its declaration the document may begin with the blank lines plugins print, and is what we decoded it to.
    yield _DECLARATION.sub(r"\1", _ILLEGAL.sub("", decoder.decode(chunk)), count=1)
    while chunk := stream.read(CHUNK):
        yield _ILLEGAL.sub("", decoder.decode(chunk))
    yield _ILLEGAL.sub("", decoder.decode(b"", final=True))


def _encoding(start: bytes) -> str:
    """The encoding by byte order mark, else as declared, else UTF-8."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    declared = _ENCODING.search(start[:1024])
    # A declaration that can be read as ASCII is not in UTF-16, whatever it says.
    if declared is None or declared[1].lower().startswith(b"utf"):
        return "utf-8-sig"
    name = declared[1].decode()
    try:
        known = _CHARSETS.fullmatch(codecs.lookup(name).name)
    except LookupError:
        known = None
    if known is None:
        raise NotReadable(f"The encoding {name[:40]} is not known here. Save the file as UTF-8.")
    return name


class _Export:
    """Hears the parser's events, remembers the current item and comment, and hands out comments that are whole."""

    def __init__(self) -> None:
        self.is_complete = False
        self._is_wordpress = False
        self._is_export = False
        self._found: list[Record | Broken] = []
        self._read = 0
        self._last: Record | None = None
        self._path: list[str] = []
        self._page: dict[str, str] = {}
        self._comment: dict[str, str] = {}
        self._text: list[str] | None = None
        self._length = 0

    def take(self) -> list[Record | Broken]:
        """What was found since the last time."""
        found, self._found = self._found, []
        return found

    def breaks(self, line: int) -> NotReadable | Truncated:
        """What to raise when the file cannot be read beyond this line."""
        if not self._is_export:
            return NotReadable(f"The file is not a WordPress export: it is no XML at line {line}.")
        return Truncated(line=line, read=self._read, last=self._last)

    def start_ns(self, _prefix: str, uri: str) -> None:
        self._is_wordpress = self._is_wordpress or _NAMESPACE.fullmatch(uri) is not None

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        self._path.append(_name(tag))
        match self._path:
            case ["rss"]:
                pass
            case [root]:
                raise NotReadable(f"The file is not a WordPress export: it begins with <{root[:40]}>, not with <rss>.")
            case ["rss", "channel"] if not self._is_wordpress:
                raise NotReadable("The file is an RSS feed, but not a WordPress export.")
            case ["rss", "channel"]:
                self._is_export = True
            case ["rss", "channel", "item"]:
                self._page = {}
            case ["rss", "channel", "item", "wp:comment"]:
                self._comment = {}
            case ["rss", "channel", "item", name] if name in PAGE_FIELDS:
                self._text, self._length = [], 0
            case ["rss", "channel", "item", "wp:comment", name] if name in COMMENT_FIELDS:
                self._text, self._length = [], 0

    def data(self, text: str) -> None:
        if self._text is None:
            return
        self._length += len(text)
        # One piece beyond the limit is enough to tell that it was passed.
        if self._length - len(text) <= FIELD_LIMIT:
            self._text.append(text)

    def end(self, _tag: str) -> None:
        match self._path:
            case ["rss"]:
                self.is_complete = self._is_export
            case ["rss", "channel", "item", "wp:comment"]:
                self._find(_comment(self._page, self._comment))
            case ["rss", "channel", "item", name] if name in PAGE_FIELDS:
                self._keep(self._page, name)
            case ["rss", "channel", "item", "wp:comment", name] if name in COMMENT_FIELDS:
                self._keep(self._comment, name)
        self._path.pop()

    def close(self) -> None:
        """The file has ended, and was XML."""
        if not self._is_export:
            raise NotReadable("The file is an RSS file without a channel, not a WordPress export.")

    def _keep(self, fields: dict[str, str], name: str) -> None:
        """Keep a field's text; a second one of the same name changes nothing."""
        fields.setdefault(name, "".join(self._text or ()).strip())
        self._text = None

    def _find(self, comment: Record | Broken) -> None:
        self._found.append(comment)
        self._read += 1
        if isinstance(comment, Record):
            self._last = comment


@lru_cache(maxsize=256)
def _name(tag: str) -> str:
    """The tag with the prefix `wp:` for the namespace of any version of the export, whatever prefix the file uses."""
    of_wordpress = _WP_TAG.fullmatch(tag)
    return f"wp:{of_wordpress[1]}" if of_wordpress else tag


def _comment(page: Mapping[str, str], fields: Mapping[str, str]) -> Record | Broken:
    """Make a record of what the file says, or say why not."""
    source_id = fields.get("wp:comment_id", "")
    text = fields.get("wp:comment_content", "")
    kind = KINDS.get(fields.get("wp:comment_type", "").lower())
    at = _date(page, fields)

    def left_out(why: Fault) -> Broken:
        return Broken(source_id=source_id[:WORDS] or None, why=why, words=text[:WORDS])

    if any(len(value) > FIELD_LIMIT for value in (*page.values(), *fields.values())):
        return left_out(Fault.TOO_LONG)
    if not source_id:
        return left_out(Fault.NO_ID)
    if not page.get("link"):
        return left_out(Fault.NO_PAGE)
    if kind is None:
        return left_out(Fault.NOT_A_COMMENT)
    if at is None:
        return left_out(Fault.NO_DATE)
    return Record(
        page=_page(page),
        source_id=source_id,
        parent_source_id=_unless(fields.get("wp:comment_parent"), NO_PARENT),
        author=_plain(fields.get("wp:comment_author", "")),
        email=fields.get("wp:comment_author_email") or None,
        url=_unless(fields.get("wp:comment_author_url"), NO_ADDRESS),
        text=text,
        at=at,
        # In doubt: hold.
        state=STATES.get(fields.get("wp:comment_approved", ""), State.HELD),
        kind=kind,
    )


def _page(fields: Mapping[str, str]) -> PageRecord:
    """The page of a comment. Exports made for Disqus give it no id: there its address serves as one."""
    link = fields["link"]
    return PageRecord(
        source_id=fields.get("wp:post_id") or link,
        url=link,
        title=_plain(fields.get("title", "")) or None,
        is_public=fields.get("wp:status", "") in PUBLIC,
    )


def _plain(stored: str) -> str:
    """A name or title in plain words on one line: WordPress stores both as HTML."""
    return " ".join(unescape(stored).split())


def _unless(value: str | None, empty: frozenset[str]) -> str | None:
    """The value, unless it is one of those that say there is none."""
    return value if value and value not in empty else None


def _date(page: Mapping[str, str], fields: Mapping[str, str]) -> datetime | None:
    """When the comment was written: its GMT date, else its local date read as UTC, else when its page appeared.

    The last is the earliest it can have been. Better a comment dated too early than a comment lost.
    """
    for name in ("wp:comment_date_gmt", "wp:comment_date"):
        try:
            return _utc(datetime.fromisoformat(fields.get(name, "")))
        except (ValueError, OverflowError):
            continue
    try:
        return _utc(parsedate_to_datetime(page.get("pubDate", "")))
    except (ValueError, OverflowError):
        return None


def _utc(moment: datetime) -> datetime:
    """The moment in UTC, which it is in when it does not say."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
