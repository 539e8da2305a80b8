"""Reads what a server answered as a browser would, and names whatever should not be in it."""

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

from moderation.publishing.feeds import ATOM
from tests.markup_audit import Audit, written

#: What runs, frames, overlays or leads a page elsewhere; none of it is in any page of ours, whoever wrote its words.
NEVER = frozenset({"iframe", "object", "embed", "svg", "math", "video", "audio", "frame", "applet", "noscript"})
LEADS = frozenset({"href", "src", "action", "formaction", "data", "poster", "cite", "background", "xlink:href"})


class Reader(HTMLParser):
    """A page, tag by tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[object] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self._script: dict[str, str] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        self._script = attributes if tag in {"script", "style"} else None
        moves = (tag == "meta" and "http-equiv" in attributes) or (tag == "base" and "href" in attributes)
        if tag in NEVER or moves:
            self.faults.append(tag)
        for name, value in attributes.items():
            runs = name.startswith("on") or name in {"srcdoc", "style", "srcset"}
            leads = name in LEADS and re.match(r"[\s\x00-\x20]*(javascript|vbscript|data:text|//|\\)", value, re.I)
            if runs or leads or len(attrs) != len(attributes):
                self.faults.append((tag, name, value))

    def handle_endtag(self, tag: str) -> None:
        self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            self.words += data
        elif data.strip() and self._script.get("type") != "application/json":
            self.faults.append(data)


def sound(html: str) -> Reader:
    """Read a page of ours; it holds nothing that runs or leads elsewhere."""
    found = Reader(html)
    assert found.faults == [], found.faults
    return found


def attributes_with(html: str, marker: str) -> list[tuple[str, str, str]]:
    """Return every attribute in which a marker stands, by its tag."""
    tags = Reader(html).tags
    return [(tag, name, value) for tag, of in tags for name, value in of.items() if marker in value]


def entries(feed: bytes) -> list[dict[str, str]]:
    """Read a feed's entries; the feed is well-formed, and what it publishes as HTML is only what a comment may be."""
    found = []
    for entry in ET.fromstring(feed).iter(f"{{{ATOM}}}entry"):
        content = entry.findtext(f"{{{ATOM}}}content") or ""
        assert Audit(content).faults == []
        found.append({child.tag.rpartition("}")[2]: "".join(child.itertext()) for child in entry} | {"html": content})
    return found


def bodies(thread: Any) -> list[str]:
    """Return the texts of a thread that scripts read, as the HTML they make of them, and nothing else than that."""
    found = ["".join(written(node) for node in item["body"]) for item in thread["comments"] if "body" in item]
    assert [Audit(html).faults for html in found] == [[] for _ in found]
    return found
