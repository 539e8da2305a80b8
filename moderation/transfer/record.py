"""The one form every import and export format goes through, and what a reader says when it cannot go on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What the source had decided about a comment. Only APPROVED was public there, on a page that was."""

    APPROVED = "approved"
    HELD = "held"
    SPAM = "spam"
    TRASH = "trash"


class Kind(StrEnum):
    """Who speaks: a person, or another site that says it links here."""

    COMMENT = "comment"
    PINGBACK = "pingback"
    TRACKBACK = "trackback"


class Fault(StrEnum):
    """Why one comment of a readable file was left out."""

    NO_ID = "no id"
    NO_PAGE = "no page"
    NO_DATE = "no date"
    TOO_LONG = "too long"
    NOT_A_COMMENT = "not a comment"


@dataclass(frozen=True, slots=True)
class PageRecord:
    """The page a comment was left on, as the source names it. The url is what the file says, unchecked.

    A page that was a draft, private or in the trash was not public, and no comment on it was, whatever its state.
    """

    source_id: str
    url: str
    title: str | None
    is_public: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """One comment as the source has it. The text is raw: any HTML, or nothing. The author may be empty too."""

    page: PageRecord
    source_id: str
    parent_source_id: str | None
    author: str
    email: str | None
    url: str | None
    text: str
    at: datetime
    state: State
    kind: Kind


@dataclass(frozen=True, slots=True)
class Broken:
    """One comment that was left out: why, and its first words, by which a person finds it in the file."""

    source_id: str | None
    why: Fault
    words: str


class NotReadable(Exception):
    """The file is not what it should be, or is not safe to read. Nothing was read from it."""


class Truncated(Exception):
    """The file breaks at a line. What was yielded before is good; `last` is the last record of it."""

    def __init__(self, *, line: int, read: int, last: Record | None) -> None:
        where = f", after comment {last.source_id} on {last.page.url}" if last else ""
        super().__init__(f"The file breaks at line {line}{where}; {read} comments were read before.")
        self.line = line
        self.read = read
        self.last = last
