"""Draws rates as bars on one logarithmic scale: an SVG of plain shapes and text, for light and dark pages."""

import math
from collections.abc import Iterator, Sequence
from html import escape

WIDTH, LEFT, RIGHT = 860, 20, 90
#: Heights of a bar with its name above it, and of a heading.
ROW, BAR, HEADING, MARGIN = 38, 12, 44, 30

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1d2430 }
.heading { font-weight: 600; font-size: 15px } .number { font-weight: 600 } .scale { fill: #5b6575; font-size: 11px }
.ground { fill: #fff } .line { stroke: #d9dde4 } .ours { fill: #2c52a0 } .others { fill: #a9b2c1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e8eaee } .scale { fill: #9aa4b4 } .ground { fill: #14171c } .line { stroke: #333a45 }
  .ours { fill: #8fb0f5 } .others { fill: #5d6777 }
}
"""

#: A heading, and under it names with their rates.
Group = tuple[str, Sequence[tuple[str, float]]]


def draw(groups: Sequence[Group]) -> str:
    """Draw groups of bars, one below the other."""
    rates = [rate for _, rows in groups for _, rate in rows]
    most = math.ceil(math.log10(max(rates)))
    least = min(0, math.floor(math.log10(min(rates))))
    height = MARGIN + sum(HEADING + ROW * len(rows) for _, rows in groups)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">',
        "<title>Rates, in answers a second, on a logarithmic scale</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        *_scale(least, most, height),
    ]
    top = MARGIN
    for heading, rows in groups:
        parts.append(f'<text class="heading" x="{LEFT}" y="{top + 26}">{escape(heading)}, a second</text>')
        top += HEADING
        for name, rate in rows:
            parts += _bar(name, rate, top, least, most)
            top += ROW
    return "\n".join([*parts, "</svg>"]) + "\n"


def _scale(least: int, most: int, height: int) -> Iterator[str]:
    for power in range(least, most + 1):
        x = _place(10.0**power, least, most)
        yield f'<line class="line" x1="{x:.1f}" y1="{MARGIN - 8}" x2="{x:.1f}" y2="{height}"/>'
        label = f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
        yield f'<text class="scale" x="{x:.1f}" y="16" text-anchor="middle">{label}</text>'


def _bar(name: str, rate: float, top: int, least: int, most: int) -> Iterator[str]:
    end = _place(rate, least, most)
    kind = "ours" if name.startswith("Leave a Reply") else "others"
    number = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
    yield f'<text x="{LEFT}" y="{top + 12}">{escape(name)}</text>'
    yield f'<rect class="{kind}" x="{LEFT}" y="{top + 18}" width="{max(2.0, end - LEFT):.1f}" height="{BAR}" rx="2"/>'
    yield f'<text class="number" x="{max(end, LEFT) + 8:.1f}" y="{top + 29}">{number}</text>'


def _place(rate: float, least: int, most: int) -> float:
    """Return how far to the right a rate stands."""
    return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(rate) - least) / max(1, most - least)
