"""Turn comment text into safe HTML, and safe HTML into nodes, plain words and links."""

import difflib
import itertools
import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from html.parser import HTMLParser
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, list_block
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

#: One piece of a comment: words, or `[tag, child...]`; only `a` carries a dict, `{"href": ...}`, as its second item.
Node: TypeAlias = "str | _Element"
_Element: TypeAlias = "list[Node | dict[str, str]]"
#: One step of a word diff: what stayed, what is new (in), what is gone (out).
Change: TypeAlias = tuple[Literal["same", "in", "out"], str]

BLOCKS = {"p", "pre", "blockquote", "ul", "ol", "li"}
TAGS = BLOCKS | {"br", "a", "em", "strong", "b", "i", "code", "del"}
#: Nobody quotes deeper than this; browsers, JSON and readers all suffer when somebody does.
MAX_NESTING = 20
MAX_HREF = 2_000
#: HTML this many times longer than its source, and a source with more marks than this, were written against us.
MAX_GROWTH = 10
MAX_MARKS = 5_000
#: What two texts differ in is compared word by word up to this many pairs of words: the time grows with them.
MAX_DIFF_PAIRS = 200_000

_MARKS = re.compile(r"[\[\]*_`~<>]")
# NUL and lone surrogates break the databases; the other controls and U+FFFE/F are legal in no XML feed.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Most texts are no more than this, and need no parser.
_ONE_PARAGRAPH = re.compile(r"<p>([^<>&]*)</p>\n?")
# What may stand in an href. No user information and no percent sign in the host: both serve to disguise an address.
_HREF = re.compile(
    r"https?://[^\s\x00-\x1f\x7f-\x9f\\/?#@%<>\"]+(?:[/?#][^\s\x00-\x1f\x7f-\x9f\\]*)?"
    r"|mailto:[^\s\x00-\x1f\x7f-\x9f\\@?]+@[^\s\x00-\x1f\x7f-\x9f\\@?]+",
    re.IGNORECASE,
)


class Format(StrEnum):
    """How a text was written. HTML comes from imports only."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    HTML = "html"


# A reply is rendered to see whether there is anything to read, and again to be held.
@lru_cache(maxsize=32)
def render(source: str, format: Format) -> str:
    """Return the text as safe HTML.

    Never raises, and takes less than a second for 64 kB of anything: what is nested or marked up beyond all use is
    shown as plain text. Nothing changes the HTML after the sanitiser.
    """
    source = _UNPRINTABLE.sub("\ufffd", source)
    html = ""
    if format is Format.HTML:
        html = _CLEANER.clean(_with_paragraphs(source))
    elif format is Format.MARKDOWN and len(_MARKS.findall(source)) <= MAX_MARKS:
        html = _CLEANER.clean(_MARKDOWN.render(source))
    # An HTML5 parser repeats formatting left open in every paragraph; markdown-it drops words that stand too deep.
    good = html and len(html) <= MAX_GROWTH * (len(source) + 100) and _depth(html) <= MAX_NESTING
    return html if good else _CLEANER.clean(_PLAIN.render(source))


def nodes(html: str) -> list[Node]:
    """Return rendered HTML as nodes which a page can build with createElement, whatever its content policy says.

    Of tags other than ours, of links that are not safe, and of what is nested too deep only the words stay.
    `rel` is not carried: who builds a link sets it.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return [node for node in reader.top if not isinstance(node, dict)]


# The fingerprint, the shape and the index of words each ask for the same text's words, one after the other.
@lru_cache(maxsize=32)
def plain_text(html: str) -> str:
    """Return the words of rendered HTML, its paragraphs separated by blank lines."""
    if simple := _ONE_PARAGRAPH.fullmatch(html):
        return simple[1].strip()
    words: list[str] = []
    gap = 0
    rest: list[Node | dict[str, str] | int] = list(reversed(nodes(html)))
    while rest:
        node = rest.pop()
        if isinstance(node, int):
            gap = max(gap, node)
        elif isinstance(node, str):
            words += ["\n" * gap, node.strip("\n")]
            gap = 0
        elif node == ["br"]:
            words.append("\n")
        elif isinstance(node, list):
            # A list item starts a line, any other block a paragraph.
            around = [1] if node[0] == "li" else [2] if node[0] in BLOCKS else []
            rest.extend([*around, *reversed(node[1:]), *around])
    return "".join(words).strip()


def links(html: str) -> list[str]:
    """Return the addresses that rendered HTML links to, in order."""
    if "<a " not in html:
        return []
    found: list[str] = []
    rest: list[Node | dict[str, str]] = list(reversed(nodes(html)))
    while rest:
        node = rest.pop()
        if isinstance(node, dict):
            found.append(node["href"])
        elif isinstance(node, list):
            rest.extend(reversed(node[1:]))
    return found


def link_hosts(html: str) -> list[str]:
    """Return the hosts that rendered HTML leads to, each once, in order; a mail address leads to itself."""
    return list(dict.fromkeys(host_of(link) for link in links(html)))


def host_of(address: str) -> str:
    """Name where a web address leads; what has no host is its own name."""
    try:
        return urlsplit(address).hostname or address
    except ValueError:
        return address


def unprintable(text: str) -> bool:
    """Tell whether the text holds what no database, feed or page should be given: refuse it at the door."""
    return _UNPRINTABLE.search(text) is not None


# What holds emoji together with a joiner or asks for their colours.
_EMOJI = (
    "\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
# Bidi controls reorder what stands around a name; the others are seen by nobody and make two names look the same.
_INVISIBLE = re.compile(
    "[\xad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0d\ufeff\ufff0-\ufffb"
    f"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]|(?<![{_EMOJI}])[\ufe0e\ufe0f]"
)
# The Hangul fillers and the empty Braille cell are letters to Unicode and blanks to the eye.
_BLANK = re.compile("[\\s\u115f\u1160\u2800\u3164\uffa0]+")
# ZWJ holds emoji together, ZWNJ divides Persian words, both shape Indic ones: one, between two of these, is seen.
_JOINED = f"\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefe\ufe0f{_EMOJI}"
_JOINERS = re.compile("[\u200c\u200d]+(?=[\u200c\u200d])")
_LOOSE_JOINER = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]+|[\u200c\u200d]+(?![{_JOINED}])")


def tidy_name(name: str) -> str:
    """Return a name on one line, in NFC, without invisible characters and with at most 4 marks on a letter."""
    if name.isascii():
        return " ".join(name.split())
    name = unicodedata.normalize("NFC", name)
    name = _BLANK.sub(" ", _INVISIBLE.sub("", name)).strip()
    name = _LOOSE_JOINER.sub("", _JOINERS.sub("", name))
    runs = itertools.groupby(name, key=lambda character: unicodedata.category(character).startswith("M"))
    name = "".join("".join(itertools.islice(run, 4) if marks else run) for marks, run in runs)
    return " ".join(unicodedata.normalize("NFC", name).split())


def tidy_text(text: str) -> str:
    """Return the author's text with one kind of newline, in NFC, without outer blank lines. Nothing else changes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    blank = len(text) - len(text.lstrip())
    text = text[text.rfind("\n", 0, blank) + 1 :].rstrip()
    runs = itertools.groupby(text, key=lambda character: unicodedata.combining(character) > 0)
    # NFC sorts marks by insertion: a second for 30,000 on one letter. No script stacks more than 30.
    stacked = not text.isascii() and any(marks and sum(1 for _ in run) > 100 for marks, run in runs)
    return text if stacked else unicodedata.normalize("NFC", text)


def word_diff(old: str, new: str) -> list[Change]:
    """Return how one plain text became another, by words and the white space between them."""
    before, after = re.findall(r"\s+|\S+", old), re.findall(r"\s+|\S+", new)
    start = _same_at_start(before, after)
    end = _same_at_start(before[start:][::-1], after[start:][::-1])
    head, tail = before[:start], before[len(before) - end :]
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    if len(before) * len(after) > MAX_DIFF_PAIRS:
        before, after = ["".join(before)], ["".join(after)]
    changes = _compared(before, after)
    same: list[Change] = [("same", "".join(part)) for part in (head, tail)]
    return [change for change in (same[0], *changes, same[1]) if change[1]]


def _same_at_start(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _compared(before: Sequence[str], after: Sequence[str]) -> list[Change]:
    changes: list[Change] = []
    for step, start, end, new_start, new_end in difflib.SequenceMatcher(None, before, after).get_opcodes():
        if step == "equal":
            changes.append(("same", "".join(before[start:end])))
            continue
        if start < end:
            changes.append(("out", "".join(before[start:end])))
        if new_start < new_end:
            changes.append(("in", "".join(after[new_start:new_end])))
    return changes


def _is_href(address: str) -> bool:
    return len(address) <= MAX_HREF and _HREF.fullmatch(address) is not None


def _depth(html: str) -> int:
    """Return how deep the sanitiser's HTML nests; it closes all it opens."""
    steps = (-1 if tag.startswith("</") else 1 for tag in re.findall(r"</?[a-z]+", html.replace("<br>", "")))
    return max(itertools.accumulate(steps), default=0)


class _Reader(HTMLParser):
    """Read the sanitiser's HTML into nodes. Not for raw HTML: the standard library's parser is quadratic on some."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.top: _Element = []
        self.open: list[_Element] = [self.top]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") or ""
        if tag == "br":
            self.open[-1].append(["br"])
        elif tag in TAGS and (tag != "a" or _is_href(href)) and len(self.open) <= MAX_NESTING:
            element: _Element = ["a", {"href": href}] if tag == "a" else [tag]
            self.open[-1].append(element)
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if any(element[0] == tag for element in self.open[1:]):
            while self.open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        tag = self.open[-1][0] if len(self.open) > 1 else ""
        # Between blocks, white space only sets tags apart.
        if data.strip() or not (tag in {"", "ul", "ol", "blockquote"} or (tag == "li" and data.startswith("\n"))):
            self.open[-1].append(data)


# What divides paragraphs in HTML as other systems keep it. Of these tags only the first five are kept.
_APART = {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "table", "tr", "td", "dt", "dd", "section", "article"}
_DIVIDER = re.compile(rf"<(/?)(pre|blockquote|ul|ol|li)>|\n\s*\n|</?(?:{'|'.join(sorted(_APART))})>")
_BREAK = re.compile(r"(?:<br>)?[ \t]*\n")
_TAG = re.compile(r"<(?:(/?)([a-zA-Z][^\s<>/]*)[^<>]*|![^<>]*)>|<")
_OTHER_NAMES = {"s": "del", "strike": "del"}
# References to what may not stand in a text as itself. The sanitiser would keep them.
_REFERENCE = re.compile(
    r"&#(?:0*(?:[0-8]|1[1-9]|2\d|3[01]|6553[45])(?!\d)|x0*(?:[0-8b-f]|1[\da-f]|fff[ef])(?![\da-f]));?", re.IGNORECASE
)


def _simplified(tag: re.Match[str]) -> str:
    """Return a tag an HTML5 parser has no surprises for, nothing for one we do not know, `&lt;` for what is no tag.

    Attributes but those of short links go: a parser repeats tags left open, with all they have, in every paragraph.
    """
    name = _OTHER_NAMES.get((tag[2] or "").lower(), (tag[2] or "").lower())
    if tag[0] == "<":
        return "&lt;"
    if name == "a" and not tag[1] and len(tag[0]) <= MAX_HREF:
        return " ".join(tag[0].split())
    # Of scripts and styles the sanitiser drops the content too.
    return f"<{tag[1]}{name}>" if name in TAGS | _APART | {"script", "style"} else ""


def _with_paragraphs(source: str) -> str:
    """Return imported HTML with blank lines made into paragraphs and newlines into breaks, as WordPress shows it."""
    source = source.replace("\r\n", "\n").replace("\r", "\n").replace("&#13;", "")
    # Afterwards, for a tag that goes may have stood between the two halves of a reference.
    source = _REFERENCE.sub("\ufffd", _TAG.sub(_simplified, source))
    parts: list[str] = []
    place, depth, around = 0, 0, ""
    for divider in itertools.chain(_DIVIDER.finditer(source), [None]):
        words = source[place : divider.start() if divider else None]
        if around == "<pre>":
            parts.append(words)
        elif words.strip():
            words = _BREAK.sub("<br>", words.strip())
            parts.append(words if around == "<li>" else f"<p>{words}</p>")
        if divider and divider[2]:
            around = f"<{divider[1]}{divider[2]}>"
            depth += 0 if divider[1] else 1
            # The sanitiser's time grows with the square of the depth. Half of ours is left to what stands within.
            parts.append(around if depth <= MAX_NESTING // 2 else "")
            depth = max(0, depth - (1 if divider[1] else 0))
        elif divider and around == "<pre>":
            parts.append(divider[0])
        place = divider.end() if divider else place
    return "".join(parts)


class _Renderer(RendererHTML):
    """Write breaks without the newline after them, and what is struck through as deleted."""

    def softbreak(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "<br>"

    hardbreak = softbreak

    def s_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "<del>"

    def s_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</del>"


class _Markdown(MarkdownIt):
    """Link only what the sanitiser will keep, so that the rest is shown as it was written."""

    def validateLink(self, url: str) -> bool:  # noqa: N802  (markdown-it's name)
        return _is_href(url)


_SCHEME_BEFORE = re.compile(r"(?<![a-z0-9+.-])https?\Z", re.IGNORECASE)
# The host as written must be the whole host. CJK punctuation and closing quotes end an address.
_ADDRESS = re.compile(
    r"://(?:localhost|[\w-]++(?:\.[\w-]++)++)(?::\d{1,5})?(?!\.?[\w@%\\]|:\d)"
    r"(?:[/?#][^\s\x00-\x1f\x7f-\x9f<>\[\]\"`{}|\\^"
    "\uff0c\u3001\u3002\uff01\uff1f\uff1b\uff1a\u300c-\u300f\uff08\uff09\u300a\u300b\u3010\u3011\u201c-\u201e\xab\xbb"
    r"]*)?"
)
_NOT_AT_THE_END = ".,:;!?'*_~\u2019\u2026"


def _bare_address(state: StateInline, silent: bool) -> bool:
    """Link a bare http(s) address.

    Not linkify-it: it takes 30 s for 60 kB of "http://[", and links words such as "end.So".
    """
    scheme = _SCHEME_BEFORE.search(state.src[max(0, state.pos - 6) : state.pos])
    found = _ADDRESS.match(state.src, state.pos) if scheme and not state.linkLevel else None
    if not scheme or not found or (not silent and not state.pending.endswith(scheme[0])):
        return False
    tail = found[0].rstrip(_NOT_AT_THE_END)
    unmatched = tail.count(")") - tail.count("(")
    while unmatched > 0 and tail.endswith(")"):
        tail, unmatched = tail[:-1].rstrip(_NOT_AT_THE_END), unmatched - 1
    state.pos += len(tail)
    if silent:
        return True
    address = state.md.normalizeLink(scheme[0] + tail) if len(tail) < MAX_HREF else ""
    if not state.md.validateLink(address):
        state.pending += tail  # taken as words in one step: looking again inside it would be quadratic
        return True
    state.pending = state.pending[: -len(scheme[0])]
    state.push("link_open", "a", 1).attrs = {"href": address}
    state.push("text", "", 0).content = scheme[0] + tail
    state.push("link_close", "a", -1)
    return True


def _list_from_one(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Leave "1986. What a summer" a sentence: the number would not survive, so a list starts at 1 or is none."""
    line = state.src[state.bMarks[start_line] + state.tShift[start_line] : state.eMarks[start_line]]
    number = re.match(r"(\d{1,9})[.)]", line)
    # Asked silently, "2. more" may well end the first item's paragraph.
    return (silent or not number or int(number[1]) == 1) and list_block(state, start_line, end_line, silent)


def _parser(preset: str) -> MarkdownIt:
    # Twice our own limit, so that going beyond ours is seen before theirs cuts.
    options = {"html": False, "breaks": True, "xhtmlOut": False, "maxNesting": 2 * MAX_NESTING}
    parser = _Markdown(preset, options, renderer_cls=_Renderer)
    parser.inline.ruler.push("bare_address", _bare_address)
    return parser


_PLAIN = _parser("zero").enable("newline")
_MARKDOWN = _parser("commonmark").enable("strikethrough")
# Reference definitions would vanish from the page, and from the moderator's eyes.
_MARKDOWN.disable(["html_block", "html_inline", "image", "heading", "lheading", "hr", "reference"])
_MARKDOWN.block.ruler.at("list", _list_from_one, {"alt": ["paragraph", "blockquote"]})
_CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes={"*": set(), "a": {"href"}},
    attribute_filter=lambda tag, name, value: value if name != "href" or _is_href(value) else None,
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="nofollow ugc noopener",
)
