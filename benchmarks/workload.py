"""What is measured on: the same threads and comments for everybody, made anew by the same rule each time."""

from collections.abc import Iterator
from dataclasses import dataclass

SITE, ORIGIN = "courier", "https://courier.example"
#: Who decides.
MODERATOR, PASSWORD = "ana@staff.example", "the ramp starts by the noticeboard"
#: Characters of every comment.
LENGTH = 300
#: Of ten comments so many answer the page itself; the others answer the last of these before them.
TOP_LEVEL = 7
#: The threads that are looked at: their places among all, and the number of their comments.
HUNDRED, THOUSAND, TEN_THOUSAND = 0, 1, 2
LARGE = {HUNDRED: 100, THOUSAND: 1_000, TEN_THOUSAND: 10_000}
#: Everybody writes more than once.
AUTHORS = 15_000

_SAID = (
    "I walked along the old mill last week and counted the prams that had to wait at the narrow bridge. "
    "A wider one is good news for everybody on this side of the river, and the ramp should start by the board. "
    "My neighbours think so too; we shall come to the meeting and say it there, if the rain lets us out. "
)


@dataclass(frozen=True)
class Size:
    """How much of everything there is."""

    threads: int
    comments: int
    #: What waits beside it, to be decided.
    held: int


WHOLE = Size(threads=2_000, comments=50_000, held=20_000)
QUICK = Size(threads=200, comments=13_000, held=3_000)


@dataclass(frozen=True)
class Said:
    """One comment."""

    number: int
    page: int
    parent: int | None
    author: str
    email: str
    text: str
    held: bool = False


def path(page: int) -> str:
    """Return a page's path; its address is below `ORIGIN`."""
    return f"/news/{page}"


def published(size: Size) -> Iterator[Said]:
    """Yield what is public, page by page."""
    number = 0
    for page in range(size.threads):
        top = 0
        for place in range(_length_of(page, size)):
            number += 1
            is_top = place % 10 < TOP_LEVEL
            yield _said(number, page, None if is_top else top)
            top = number if is_top else top


def held(size: Size) -> Iterator[Said]:
    """Yield what waits to be decided."""
    for place in range(size.held):
        yield _said(size.comments + place + 1, place % size.threads, None, is_held=True)


def _said(number: int, page: int, parent: int | None, *, is_held: bool = False) -> Said:
    who = number % AUTHORS
    text = f"No. {number}: {_SAID}"[:LENGTH].rstrip().ljust(LENGTH, ".")
    return Said(number, page, parent, f"Margit {who}", f"margit{who}@home.example", text, is_held)


def _length_of(page: int, size: Size) -> int:
    """Tell how many comments a page has; what the large ones leave is spread over the rest."""
    if page in LARGE:
        return LARGE[page]
    left, pages = size.comments - sum(LARGE.values()), size.threads - len(LARGE)
    return left // pages + (page - len(LARGE) < left % pages)
