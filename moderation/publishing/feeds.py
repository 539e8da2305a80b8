"""Public comments as an Atom feed (RFC 4287), each with what it answers (RFC 4685)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from flask_babel import gettext

from moderation import languages
from moderation.models import Site
from moderation.publishing.recent import News

ATOM = "http://www.w3.org/2005/Atom"
THREADS = "http://purl.org/syndication/thread/1.0"


def as_atom(
    site: Site,
    news: Sequence[News],
    *,
    title: str,
    link: str,
    self_link: str,
    service: str,
    language: str,
) -> bytes:
    """Write an Atom feed of public comments, newest first, in the current language.

    `service` is the address of this service: with the site and the comment's number it names an entry in every feed.
    """
    ET.register_namespace("", ATOM)
    ET.register_namespace("thr", THREADS)
    tag = languages.tag(language)
    feed = ET.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": tag})
    newest = max((one.item.updated for one in news if one.item.updated), default=datetime.fromtimestamp(0, UTC))
    _child(feed, "id", self_link)
    _child(feed, "title", title)
    _child(feed, "updated", _stamp(newest))
    _child(feed, "link", rel="self", type="application/atom+xml", href=self_link)
    _child(feed, "link", rel="alternate", type="text/html", href=link)
    for one in news:
        _entry(ET.SubElement(feed, f"{{{ATOM}}}entry"), one, site=site, comments=f"{service}/sites/{site.key}/comments")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + bytes(ET.tostring(feed, encoding="utf-8"))


def _entry(entry: ET.Element, one: News, *, site: Site, comments: str) -> None:
    item = one.item
    _child(entry, "id", f"{comments}/{item.id}")
    _child(entry, "title", gettext("%(name)s on %(page)s", name=item.author, page=one.page.title))
    _child(entry, "published", _stamp(item.at))
    _child(entry, "updated", _stamp(item.updated))
    _child(entry, "link", rel="alternate", type="text/html", href=f"{one.page.url}#{item.anchor}")
    if one.answers:
        number, anchor = one.answers
        place = {"ref": f"{comments}/{number}", "href": f"{one.page.url}#{anchor}", "type": "text/html"}
        ET.SubElement(entry, f"{{{THREADS}}}in-reply-to", {name: _inert(text) for name, text in place.items()})
    author = ET.SubElement(entry, f"{{{ATOM}}}author")
    _child(author, "name", item.author or site.name)
    if item.url:
        _child(author, "uri", item.url)
    _child(entry, "content", item.html, type="html")


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
