"""The log's list: each line says who did what, when, why and from where; filters find it; walls hold."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation import audit, lifecycle, markup
from moderation.db import db
from moderation.models import Action, Comment, Entry, Kind, Role, Via
from tests.conftest import NOW, PAGE, csrf, decide, make_account, make_site, signed_in, undo
from tests.web.asking import Page, send_form
from tests.world import World, make_world


def told(client: FlaskClient, **query: Any) -> list[str]:
    """Return the words of each line of a page, in order."""
    page = Page(client.get("/log/", query_string=query))
    assert page.unbalanced == []
    ids = [str(attributes["id"]) for tag, attributes in page.tags if tag == "li" and "id" in attributes]
    return [" ".join(page.by_id[id_].split()) for id_ in ids]


def numbers(client: FlaskClient, **query: Any) -> list[int]:
    """Return the numbers of the entries on a page, in order."""
    answer = client.get("/log/", query_string=query)
    assert answer.status_code == 200, query
    return [int(str(one["id"])[1:]) for tag, one in Page(answer).tags if tag == "li" and "id" in one]


def parts(line: str, *words: str) -> None:
    """Expect these words in a line, in this order."""
    at = 0
    for word in words:
        assert word in line[at:], (word, line)
        at = line.index(word, at) + len(word)


def at(minute: int) -> str:
    """Say a time as a line does."""
    return (NOW + timedelta(minutes=minute)).strftime("%H:%M")


@pytest.fixture
def world(app: Flask) -> World:
    """Return a site with two moderators; ask rooms of it inside an app context."""
    return make_world(app)


def test_a_line_says_what_came_and_what_was_decided(app: Flask, world: World) -> None:
    with app.app_context():
        comment = world.reply()
        by = lifecycle.decider(
            world.person("piet"),
            via=Via.QUEUE,
            at=world.later(),
            batch="a-press",
            reason=world.site.reasons[2],
            note="Third <time> today",
        )
        lifecycle.decide(Action.REJECT, comment.newest, seen=0, by=by)
        db.session.commit()
    ana = signed_in(app, "ana@staff.example")
    rejected, sent, *before = told(ana)
    parts(rejected, at(2), "Rejected", "Piet", "Margit on /news/mill-lane", "Advertising", "Third <time> today")
    parts(rejected, "Waiting → Rejected", "via queue", "press a-pres")
    parts(sent, at(1), "Sent", "its author", "Margit on /news/mill-lane", "Waiting", "via")
    assert "press" not in sent
    parts(before[-1], at(0), "Site added", "the service", "via command line")
    html = ana.get("/log/").get_data(as_text=True)
    assert 'href="/queue/1"' in html
    assert 'href="/log/?batch=a-press"' in html
    assert f'datetime="{(NOW + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")}"' in html


def test_lines_tell_the_way_back_and_what_authors_do(app: Flask, world: World) -> None:
    with app.app_context():
        comment = world.reply()
        world.undo(world.decide(Action.APPROVE, comment.newest))
        world.edit(comment, "Wider is very good news.")
        world.withdraw(comment)
        world.resume(comment)
    lines = told(signed_in(app, "ana@staff.example"))[:7]
    parts(lines[0], "Sent again", "its author", "Withdrawn by its author → Waiting", "via receipt")
    parts(lines[1], "Withdrawn", "its author", "Waiting → Withdrawn by its author", "via receipt")
    parts(lines[2], "Edited", "its author", "Waiting", "via receipt")
    parts(lines[3], "Replaced by a newer text", "its author", "Waiting → Replaced by a newer text")
    parts(lines[4], "Undone", "Ana", "Approved → Waiting", "press batch-")
    parts(lines[5], "Approved", "Ana", "Waiting → Approved", "press batch-")
    parts(lines[6], "Sent", "its author")


def test_lines_tell_imports_notes_and_roles(app: Flask, world: World) -> None:
    with app.app_context():
        thread = world.reply().thread
        old = Comment(thread=thread, site_id=world.site.id, author="Old Tom", email="", url="", author_key="old tom")
        old.received_at, old.source, old.source_id = world.later(), "wordpress", "7"
        words = lifecycle.Words("Once.", markup.Format.MARKDOWN, "<p>Once.</p>", ())
        lifecycle.adopt(
            [lifecycle.Adoption(old, words, Action.APPROVE)], by=lifecycle.By(via=Via.IMPORT, at=world.later())
        )
        audit.record(
            audit.Event(
                Kind.NOTE, Action.NOTE, "comment:1", Via.QUEUE, world.later(), site_id=world.site.id, revision_id=1,
                account_id=world.person("ana").id, note="Ask Ines.",
            )
        )  # fmt: skip
        db.session.commit()
    note, approved, sent, _, piet, *_ = told(signed_in(app, "ana@staff.example"))
    parts(note, "Note", "Ana", "Margit on", "Ask Ines.", "via queue")
    assert "→" not in note
    parts(approved, "Approved", "imported", "Old Tom on", "Waiting → Approved", "via import")
    parts(sent, "Sent", "imported", "Old Tom on", "Waiting", "via import")
    parts(piet, "Piet made moderator", "the service", "via command line")


def test_a_form_and_a_decision_over_http_are_told(client: FlaskClient, ana: FlaskClient) -> None:
    assert send_form(client).status_code == 303
    batch = decide(ana, "approve", "1:0", note="Fine.").json["batch"]
    assert undo(ana).status_code == 200
    undone, approved, sent = told(ana)[:3]
    parts(undone, "Undone", "Ana", f"press {batch[:6]}")
    parts(approved, "Approved", "Ana", "Fine.")
    parts(sent, "Sent", "its author", "via form")
    assert len(told(ana, batch=batch)) == 2


def test_what_is_shown_is_escaped(ana: FlaskClient, reply: Any) -> None:
    hostile = "<script>alert(1)</script>\"><img src=x>'{{7*7}}"
    reply(author=hostile, page=f"{PAGE}/{{{{7*7}}}}/%3Cscript%3E")
    decide(ana, "reject", "1:0", note=hostile)
    answer = ana.get("/log/", query_string={"batch": hostile, "who": hostile, "site": hostile})
    for page in (Page(ana.get("/log/")), Page(answer)):
        assert page.unbalanced == []
        assert "alert(1)" in page.words
        assert [tag for tag, _ in page.tags if tag in {"script", "img"}] == []
        assert "{{7*7}}" in page.words


def test_nobody_reads_another_sites_log(app: Flask, client: FlaskClient, ana: FlaskClient, reply: Any) -> None:
    make_site(app, "harbour", "https://harbour.example")
    make_account(app, "Hanna", harbour=Role.OWNER)
    hanna = signed_in(app, "hanna@staff.example")
    reply(author="Margit Unseen")
    decide(ana, "reject", "1:0", reason="1", note="Not for Hanna.")
    with app.app_context():
        batch = db.session.get_one(Entry, max(numbers(ana))).batch
    mine = {f"e{number}" for number in numbers(ana)}
    for query in (
        *({}, {"site": "courier"}, {"batch": batch}, {"reason": "1"}, {"action": "reject"}, {"via": "form"}),
        *({"who": "authors"}, {"who": "1"}, {"who": "2"}, {"chain": "installation"}, {"since": "2020-01-01"}),
    ):
        for path in ("/log/", "/log/export.csv", "/log/export.json"):
            said = hanna.get(path, query_string=query).get_data(as_text=True)
            assert "Margit Unseen" not in said, query
            assert "Not for Hanna" not in said, query
            assert "Ana" not in said, query
        assert mine.isdisjoint(f"e{number}" for number in numbers(hanna, **query)), query
    assert "Ana" not in hanna.get("/log/numbers").get_data(as_text=True)
    # "Courier" is no site of hers to prove.
    proof = Page(hanna.post("/log/verify", data={"csrf_token": csrf(hanna)}))
    assert "Harbour" in proof.words
    assert "Courier" not in proof.words


def test_the_installations_chain_is_for_owners_and_tells_of_their_people(app: Flask, site: str) -> None:
    make_site(app, "harbour", "https://harbour.example")
    make_account(app, "Ines", courier=Role.OWNER)
    make_account(app, "Ana", courier=Role.MODERATOR)
    make_account(app, "Hanna", harbour=Role.OWNER)
    ana, ines = signed_in(app, "ana@staff.example"), signed_in(app, "ines@staff.example")
    signed_in(app, "hanna@staff.example")
    lines = told(ines, chain="installation")
    assert [" ".join(line.replace(" with password", "").split()[1:4]) for line in lines] == [
        "Signed in Ines", "Signed in Ana", "Account added Ana", "Account added Ines",
    ]  # fmt: skip
    assert "Chain" in Page(ines.get("/log/")).words
    assert told(ana, chain="installation") == []
    assert "Chain" not in Page(ana.get("/log/")).words
    assert "Signed in" not in " ".join(told(ines))
