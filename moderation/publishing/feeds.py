"""Public comments as an Atom feed (RFC 4287)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from flask_babel import force_locale, gettext

from moderation.models import Site
from moderation.publishing.document import Document, Item

ATOM = "http://www.w3.org/2005/Atom"


def as_atom(
    site: Site,
    entries: Sequence[tuple[Item, Document]],
    *,
    title: str,
    link: str,
    self_link: str,
    service: str,
) -> bytes:
    """Write an Atom feed (RFC 4287) of public comments, newest first.

    `service` is the address of this service: with the site and the comment's number it names an entry in every feed.
    """
    ET.register_namespace("", ATOM)
    feed = ET.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": site.locale})
    newest = max((item.updated for item, _ in entries if item.updated), default=datetime.fromtimestamp(0, UTC))
    _child(feed, "id", self_link)
    _child(feed, "title", title)
    _child(feed, "updated", _stamp(newest))
    _child(feed, "link", rel="self", type="application/atom+xml", href=self_link)
    _child(feed, "link", rel="alternate", type="text/html", href=link)
    for item, page in entries:
        entry = ET.SubElement(feed, f"{{{ATOM}}}entry")
        address = f"{page.url}#{item.anchor}"
        _child(entry, "id", f"{service}/sites/{site.key}/comments/{item.id}")
        with force_locale(site.locale):
            _child(entry, "title", gettext("%(name)s on %(page)s", name=item.author, page=page.title))
        _child(entry, "published", _stamp(item.at))
        _child(entry, "updated", _stamp(item.updated))
        _child(entry, "link", rel="alternate", type="text/html", href=address)
        author = ET.SubElement(entry, f"{{{ATOM}}}author")
        _child(author, "name", item.author or site.name)
        if item.url:
            _child(author, "uri", item.url)
        _child(entry, "content", item.html, type="html")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + bytes(ET.tostring(feed, encoding="utf-8"))


def _child(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> None:
    child = ET.SubElement(parent, f"{{{ATOM}}}{name}", {key: _inert(value) for key, value in attributes.items()})
    child.text = _inert(text) if text is not None else None


def _inert(text: str) -> str:
    """Drop what XML 1.0 cannot hold; the writer does not."""
    return "".join(
        c for c in text if c in "\t\n\r" or 0x20 <= ord(c) <= 0xD7FF or 0xE000 <= ord(c) <= 0xFFFD or ord(c) > 0xFFFF
    )


def _stamp(at: datetime | None) -> str:
    return (at or datetime.fromtimestamp(0, UTC)).astimezone(UTC).isoformat(timespec="seconds")
