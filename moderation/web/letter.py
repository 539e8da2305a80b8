"""A text as moderators read it: as it would be published, with all that deceives the eye made visible.

It is built anew from the nodes of the sanitised HTML, every word escaped; so what is marked can never be markup.
"""

import re
import unicodedata
from collections.abc import Sequence

from markupsafe import Markup, escape

from moderation import markup, search
from moderation.models.pagekey import is_web_address

#: Signs that reorder what stands around them, or that nobody sees. They are named, never printed.
_TRICK = re.compile(
    "[\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
    # Joiners belong into emoji and Persian words, not between Latin letters.
    "|(?<=[A-Za-z0-9.:/])[\u200c\u200d](?=[A-Za-z0-9.:/])"
)
#: Elements that close themselves.
_ALONE = {"br"}


def letter(html: str, words: str = "") -> Markup:
    """Write a rendered text for a card: `words` marked, tricks named, each link with the host it really leads to."""
    written: list[Markup] = []
    todo: list[markup.Node | Markup] = list(reversed(markup.nodes(html)))
    sought = frozenset(search.words(words))
    begun = tuple(search.beginnings(words))
    while todo:
        node = todo.pop()
        if isinstance(node, Markup):
            written.append(node)
        elif isinstance(node, str):
            written.append(_text(node, sought, begun))
        else:
            opening, children, closing = _element(node)
            written.append(opening)
            todo.append(closing)
            todo.extend(reversed(children))
    return Markup("").join(written)


def plainly(text: str) -> Markup:
    """Write a text as it stands, with tricks named."""
    return _text(text, frozenset(), ())


def _element(node: Sequence[object]) -> tuple[Markup, list[markup.Node], Markup]:
    tag, *rest = node
    if tag in _ALONE:
        return Markup("<br>"), [], Markup("")
    if tag != "a":
        return Markup("<{}>").format(tag), list(rest), Markup("</{}>").format(tag)  # type: ignore[arg-type]
    attributes, *children = rest
    href = attributes["href"] if isinstance(attributes, dict) else ""
    opening = Markup('<a href="{}" rel="noreferrer nofollow ugc noopener" target="_blank"><mark>').format(href)
    return opening, list(children), Markup("</mark></a>") + _host(href, children)  # type: ignore[arg-type]


def _host(href: str, children: Sequence[object]) -> Markup:
    """Name where a link leads, unless its words begin with that very address."""
    if not is_web_address(href):
        return Markup(' <small class="host">{}</small>').format(href)
    said = children[0] if len(children) == 1 and isinstance(children[0], str) else ""
    host = markup.host_of(href)
    shows = re.match(r"https?://([^/?#]+)", said)
    if shows and shows[1].lower() == host:
        return Markup("")
    return Markup(' <small class="host"><bdi>{}</bdi></small>').format(host)


def _text(text: str, sought: frozenset[str], begun: tuple[str, ...]) -> Markup:
    parts: list[Markup] = []
    place = 0
    for trick in _TRICK.finditer(text):
        parts += [_marked(text[place : trick.start()], sought, begun), _named(trick[0])]
        place = trick.end()
    parts.append(_marked(text[place:], sought, begun))
    return Markup("").join(parts)


def _named(sign: str) -> Markup:
    code = f"U+{ord(sign):04X}"
    return Markup('<span class="trick" title="{}">{}</span>').format(unicodedata.name(sign, code).capitalize(), code)


def _marked(text: str, sought: frozenset[str], begun: tuple[str, ...]) -> Markup:
    """Mark the words of a question in a text; a word as the index cuts it may be several here, or part of one."""
    if not sought or not text:
        return escape(text)
    parts: list[Markup] = []
    for piece in re.split(r"(\w+)", text):
        cut = list(search.words(piece))
        hit = any(word in sought or word.startswith(begun) for word in cut)
        parts.append(Markup('<mark class="hit">{}</mark>').format(piece) if cut and hit else escape(piece))
    return Markup("").join(parts)
