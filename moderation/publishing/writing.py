"""A thread as scripts read it: nodes and words, no HTML."""

import json
from datetime import UTC, datetime

from babel import Locale

from moderation import languages, markup
from moderation.publishing import strings
from moderation.publishing.document import Document, Item


def as_json(found: Document, *, language: str, now: datetime) -> bytes:
    """Write the document for the embed, in the current language."""
    site = found.site
    value = {
        "site": site.key,
        "page": found.page,
        "title": found.title,
        "count": found.count,
        "closed": found.is_closed(now),
        "closes": found.closes and _stamp(found.closes),
        "sort": found.sort,
        "part": found.part,
        "parts": found.parts,
        "lang": languages.tag(language),
        "dir": Locale.parse(language).text_direction,
        "above": [_above(item) for item in found.above],
        "comments": [_item(item) for item in found.items],
        "settings": {
            "name": site.name,
            "locale": site.locale,
            "accent": site.accent,
            "radius": site.radius,
            "required": ["comment", *site.required],
            "guidelines": markup.nodes(markup.render(site.guidelines, markup.Format.MARKDOWN)),
            "max": {"comment": site.max_comment, "author": 245, "email": 100, "url": 200},
        },
        "strings": strings.of(found.count),
        "plurals": strings.plurals(),
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _above(item: Item) -> dict[str, object]:
    return {
        "id": item.id,
        "anchor": item.anchor,
        "depth": item.depth,
        "place": item.place,
        "author": item.author,
    }


def _item(item: Item) -> dict[str, object]:
    value: dict[str, object] = {
        "id": item.id,
        "anchor": item.anchor,
        "parent": item.parent,
        "depth": item.depth,
        "place": item.place,
    }
    if item.is_public and item.at:
        value |= {
            "author": item.author,
            "url": item.url or None,
            "at": _stamp(item.at),
            "body": markup.nodes(item.html),
        }
    return value


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
