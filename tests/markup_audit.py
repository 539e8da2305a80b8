"""Read rendered HTML once more, and note whatever should not be there."""

import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import HealthCheck, settings

from moderation.markup import Format, render

DATA = Path(__file__).parents[1] / "../shared/data"
REL = ' rel="nofollow ugc noopener"'
LARGEST = 65_525
ALLOWED = {"p", "br", "a", "em", "strong", "b", "i", "code", "pre", "blockquote", "ul", "ol", "li", "del"}
# How busy the machine is says nothing about the property.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Audit(HTMLParser):
    """Read HTML once more and note whatever should not be there."""

    def __init__(self, html):
        super().__init__()
        self.faults = re.findall("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", html)
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in ALLOWED:
            self.faults.append(tag)
        for name, value in attrs:
            href = (
                tag == "a" and name == "href" and re.fullmatch(r"(https?://[^\s/\\@]|mailto:)[^\s\\\x00-\x1f]*", value)
            )
            rel = tag == "a" and name == "rel" and value == "nofollow ugc noopener"
            if not href and not rel:
                self.faults.append((tag, name, value))

    def handle_comment(self, data):
        self.faults.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def faults(source):
    return [fault for format in Format for fault in Audit(render(source, format)).faults]


def written(node):
    """Write a node as HTML again, as a page would build it."""
    if isinstance(node, str):
        return escape(node, quote=False).replace("\xa0", "&nbsp;")
    tag, *children = node
    if tag == "br":
        return "<br>"
    attributes = ""
    if tag == "a":
        href = children.pop(0)["href"].replace("&", "&amp;").replace('"', "&quot;").replace("\xa0", "&nbsp;")
        attributes = f' href="{href.replace("<", "&lt;").replace(">", "&gt;")}"{REL}'
    return f"<{tag}{attributes}>{''.join(written(child) for child in children)}</{tag}>"


def without_white_space_between_blocks(html):
    blocks = "(?:p|pre|blockquote|ul|ol|li)"
    return re.sub(rf"(</?{blocks}>)\n+(?=</?{blocks}>)|\n+\Z", r"\1", html.replace(f"<a{REL}>", "<a>"))
