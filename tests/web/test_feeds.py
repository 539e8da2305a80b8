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
THREADS = "{http://purl.org/syndication/thread/1.0}"


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


def test_an_entry_names_the_public_entry_it_answers(client: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    reply("First.")
    decide(ana, "approve", "1:0")
    reply("Second.", parent="1", email="two@home.example")
    decide(ana, "approve", "2:0")

    def answers(name: str) -> dict[str, dict[str, str]]:
        feed = ET.fromstring(get(client, name).data)
        return {
            str(entry.findtext(f"{ATOM}id")): answered.attrib
            for entry in feed.findall(f"{ATOM}entry")
            for answered in entry.findall(f"{THREADS}in-reply-to")
        }

    ids = [f"{BASE_URL}/sites/courier/comments/{number}" for number in (1, 2)]
    for name in ("thread.atom", "comments.atom"):
        assert answers(name) == {ids[1]: {"ref": ids[0], "href": f"{PAGE}#comment-1", "type": "text/html"}}
    decide(ana, "reject", "1:1")
    for name in ("thread.atom", "comments.atom"):
        assert answers(name) == {}
        assert f"{ids[0]}<" not in get(client, name).get_data(as_text=True)


def test_a_feed_has_one_address_however_it_is_asked_for(client: FlaskClient) -> None:
    page = "page=https%3A%2F%2Fcourier.example%2Fnews%2Fmill-lane"
    for query in (f"page={PAGE}", f"page={PAGE}/?utm_source=x&y=1", f"x=1&lang=xx&page={PAGE}#c"):
        feed = ET.fromstring(client.get(f"/sites/courier/thread.atom?{query}").data)
        links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
        assert links == {"self": f"{BASE_URL}/sites/courier/thread.atom?{page}", "alternate": PAGE}
        assert feed.findtext(f"{ATOM}id") == links["self"]
    feed = ET.fromstring(client.get("/sites/courier/comments.atom?x=1").data)
    assert feed.findtext(f"{ATOM}id") == f"{BASE_URL}/sites/courier/comments.atom"
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"


@pytest.mark.sqlite_only
def test_feeds_are_newest_first_and_end(client: FlaskClient, reply: Reply) -> None:
    for number in range(1, 53):
        reply(f"Reply {number}.")
        public(client, number)
    for name in ("thread.atom", "comments.atom"):
        entries = ET.fromstring(get(client, name).data).findall(f"{ATOM}entry")
        assert [str(entry.findtext(f"{ATOM}content"))[9:11] for entry in (entries[0], entries[-1])] == ["52", "3."]
        assert len(entries) == 50
