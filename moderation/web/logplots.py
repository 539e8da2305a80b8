"""Where the marks of the small plots stand, in a box of `WIDTH` units; templates draw them, words stand elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import log

from moderation.review.numbers import Day

#: The box of a plot, and what is kept free beside the marks for the words of the scale.
WIDTH, LEFT, RIGHT = 360, 44, 6
#: The height of the marks, of one of several rows of them, and what stands above: the words of the highest mark.
HEIGHT, ROW, ABOVE = 168, 36, 12
#: Between one row and the next: the words of a row.
BETWEEN = 24
#: A bar is no wider than this, and leaves a quarter of its place free.
WIDEST, SHARE = 22, 0.75
#: The scale of waits, in minutes: ten times longer stands not ten times higher.
STOPS = (1, 10, 60, 360, 1440, 10_080, 43_200)
LEAST_TOP = 60


@dataclass(frozen=True)
class Bar:
    """One day's number."""

    day: Day
    number: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Row:
    """Bars that stand on one line, and the numbers of their scale: the number, and its height."""

    bars: Sequence[Bar]
    base: float
    ticks: Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Wait:
    """One day's waits."""

    day: Day
    x: float
    median: float
    longest: float


@dataclass(frozen=True)
class Waits:
    """Marks on a scale of minutes."""

    marks: Sequence[Wait]
    base: float
    ticks: Sequence[tuple[int, float]]


def bars(days: Sequence[Day], what: str) -> Row:
    """Place one bar a day."""
    return _row(days, what, top=_round(_most(days, what)), above=ABOVE, height=HEIGHT)


def rows(days: Sequence[Day], names: Sequence[str]) -> list[Row]:
    """Place a row of bars for each name, all on one scale."""
    top = _round(max(_most(days, name) for name in names))
    return [
        _row(days, name, top=top, above=BETWEEN + number * (ROW + BETWEEN), height=ROW)
        for number, name in enumerate(names)
    ]


def waits(days: Sequence[Day]) -> Waits:
    """Place the middle and the longest wait of each day that has any."""
    longest = max((_minutes(day.longest) for day in days if day.longest is not None), default=0)
    top = next((stop for stop in STOPS if stop >= max(longest, LEAST_TOP)), round(longest))
    marks = [
        Wait(day, _middle(days, at), _height(_minutes(day.median), top), _height(_minutes(day.longest), top))
        for at, day in enumerate(days)
        if day.median is not None and day.longest is not None
    ]
    ticks = [(stop, _height(stop, top)) for stop in STOPS if stop <= top]
    return Waits(marks, _height(1, top), ticks)


def _row(days: Sequence[Day], what: str, *, top: int, above: float, height: float) -> Row:
    base, width = above + height, min(WIDEST, SHARE * _step(days))
    placed = []
    for at, day in enumerate(days):
        number = int(getattr(day, what))
        # What is there is seen, however little it is beside the rest.
        tall = max(1.5, height * number / top) if number else 0
        placed.append(Bar(day, number, _middle(days, at) - width / 2, base - tall, width, tall))
    halves = [top // 2] if top % 2 == 0 and height == HEIGHT else []
    ticks = [(number, base - height * number / top) for number in (0, *halves, top)]
    return Row(placed, base, ticks)


def _most(days: Sequence[Day], what: str) -> int:
    return max(int(getattr(day, what)) for day in days)


def _round(number: int) -> int:
    """Round up to a number that a scale may end at: 1, 2 or 5, and so many zeros."""
    step = 1
    while True:
        for first in (1, 2, 5):
            if first * step >= number:
                return first * step
        step *= 10


def _step(days: Sequence[Day]) -> float:
    return (WIDTH - LEFT - RIGHT) / len(days)


def _middle(days: Sequence[Day], at: int) -> float:
    return LEFT + (at + 0.5) * _step(days)


def _minutes(length: timedelta) -> float:
    return length.total_seconds() / 60


def _height(minutes: float, top: float) -> float:
    return ABOVE + HEIGHT * (1 - log(max(minutes, 1)) / log(top))
