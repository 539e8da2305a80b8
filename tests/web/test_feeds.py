"""Feeds stay well-formed whatever people write, and name their entries for good."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient

from moderation.db import db
from tests.conftest import BASE_URL, PAGE, decide
from tests.web.asking import Page, get, make_older, public, receipt_path

Reply = Callable[..., Any]
ATOM = "{http://www.w3.org/2005/Atom}"


HOSTILE = {
    "comment": "</content>]]>&amp; <script>alert(1)</script> \u202e\u2028 \U0001f6a7 `&lt;`",
    "author": '</name><script>alert("1")</script>&\x7f\x85',
    "url": "https://margit.example/?a=1&b='2'",
    "title": "</title><script>alert(1)</script> & \"'",
}


def test_the_feed_stays_well_formed(client: FlaskClient, reply: Reply) -> None:
    assert reply(**HOSTILE).status_code == 201
    public(client, 1)
    with client.application.app_context():
        # What an import may have brought: no XML can hold these.
        db.session.execute(
            db.text("UPDATE comment SET author = :name WHERE id = 1"), {"name": HOSTILE["author"] + "\x01\x0b\ufffe"}
        )
        db.session.commit()
    for name in ("thread.atom", "comments.atom"):
        answer = get(client, name)
        assert answer.content_type == "application/atom+xml; charset=utf-8"
        feed = ET.fromstring(answer.data)
        (entry,) = feed.findall(f"{ATOM}entry")
        assert entry.findtext(f"{ATOM}author/{ATOM}name") == HOSTILE["author"]
        assert entry.findtext(f"{ATOM}author/{ATOM}uri") == HOSTILE["url"]
        content = entry.find(f"{ATOM}content")
        assert content is not None
        assert (content.get("type"), "<script" in str(content.text)) == ("html", False)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in str(content.text)
        for required in ("id", "title", "updated"):
            assert feed.findtext(ATOM + required)
            assert entry.findtext(ATOM + required)
    for name in ("thread", "thread.html"):
        page = Page(get(client, name))
        assert page.unbalanced == []
        assert [tag for tag, attributes in page.tags if tag == "script" and "src" not in attributes] == []


def test_an_entry_has_one_id_in_every_feed(client: FlaskClient, reply: Reply) -> None:
    reply()
    public(client, 1)
    asked = [f"thread.atom?page={PAGE}", "thread.atom?page=https%3A%2F%2Fcourier.example%2Fnews%2Fmill-lane"]
    asked += [f"thread.atom?page={PAGE}&x=/", "comments.atom", "comments.atom?x=/"]
    ids = {
        ET.fromstring(client.get(f"/sites/courier/{address}").data).findtext(f"{ATOM}entry/{ATOM}id")
        for address in asked
    }
    assert ids == {f"{BASE_URL}/sites/courier/comments/1"}


def test_an_edit_that_was_approved_is_news(client: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    receipt = receipt_path(reply("First words."))
    reply("Others.", email="tom@home.example")
    decide(ana, "approve", "1:0", "2:0")
    make_older(client.application, 3600)

    def entries(name: str) -> list[tuple[str, str, str]]:
        found = ET.fromstring(get(client, name).data).findall(f"{ATOM}entry")
        return [tuple(str(one.findtext(ATOM + tag)) for tag in ("content", "published", "updated")) for one in found]

    before = {name: entries(name) for name in ("thread.atom", "comments.atom")}
    client.post(f"{receipt}/edit", data={"comment": "Better words."})
    assert {name: entries(name) for name in before} == before
    with client.application.app_context():
        db.session.execute(db.text("UPDATE entry SET at = :at"), {"at": "2026-11-22 09:00:00+00:00"})
        db.session.commit()
    decide(ana, "approve", "3:0")
    for name, old in before.items():
        (first, published, updated), _ = entries(name)
        assert (first, published) == ("<p>Better words.</p>\n", next(at for text, at, _ in old if "First" in text))
        assert updated > "2026-11-22T09:00:00+00:00"


@pytest.mark.sqlite_only
def test_feeds_are_newest_first_and_end(client: FlaskClient, reply: Reply) -> None:
    for number in range(1, 53):
        reply(f"Reply {number}.")
        public(client, number)
    for name in ("thread.atom", "comments.atom"):
        entries = ET.fromstring(get(client, name).data).findall(f"{ATOM}entry")
        assert [str(entry.findtext(f"{ATOM}content"))[9:11] for entry in (entries[0], entries[-1])] == ["52", "3."]
        assert len(entries) == 50
