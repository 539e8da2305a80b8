"""An import stores each comment once, as it was decided elsewhere, and leaves what is here alone."""

import threading
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from moderation import audit, publishing, transfer
from moderation.db import db
from moderation.models import Action, Comment, Entry, Kind, OutboxMessage, Revision, Role, Status, Thread
from moderation.review import decisions
from moderation.transfer import wordpress
from moderation.transfer.record import Broken, NotReadable, Record, Truncated
from tests.conftest import DATA, NOW, account_of, make_account, make_site, site_of
from tests.transfer.wxr import START, bring, comment, everything, export, item, rehearse, statuses, tree, whole

HERE = Path(__file__).parent / "data"
pytestmark = pytest.mark.usefixtures("site", "context")


def on_many_pages() -> bytes:
    """Return a file with all there is: states, kinds, pages, threads, late parents, orphans, cycles, foreign hosts."""
    return export(
        item(
            comment(1),
            comment(2, 1),
            comment(3, 9),
            comment(4, 4),
            comment(5, approved="0"),
            comment(6, approved="spam"),
            comment(7, approved="trash"),
            comment(8, type="pingback"),
            comment(9, 2),
            comment(10, 8),
            comment(1),
        ),
        item(
            comment(20), comment(21, 1), comment(22, 24), comment(23, 22), comment(24, 23), link="https://old.example/b"
        ),
        item(comment(30), link="https://courier.example/draft", id_=9, status="draft"),
        item(comment(40), comment("x y"), link="mailto:nobody", id_=10),
        item(comment("x y"), comment(50, date_gmt="0001-01-01 00:00:00"), comment(51, author="A" * 246), id_=11),
    )


def test_every_comment_gets_the_state_it_had():
    report = bring(HERE / "healthy.xml")
    with (HERE / "healthy.xml").open("rb") as stream:
        records = [record for record in wordpress.read(stream) if isinstance(record, Record)]
    kept = Counter(one.state if one.page.is_public else "held" for one in records if one.kind == "comment")
    words = {"approved": Status.APPROVED, "held": Status.PENDING, "spam": Status.SPAM, "trash": Status.REJECTED}
    assert report.new == kept
    assert Counter(statuses().values()) == {words[state]: number for state, number in kept.items()}
    assert whole()


def test_names_times_and_words_are_kept_and_the_html_is_made_safe():
    evil = '<p onclick="x()">Good <script>alert(1)</script><img src=x onerror=alert(2)><em>news</em></p>'
    bring(export(item(comment(101, content=evil, author="Tom &amp; Ann", author_url="https://home.example/"))))
    [one] = db.session.scalars(select(Comment))
    assert (one.author, one.email, one.url, one.received_at) == (
        "Tom & Ann",
        "margit@home.example",
        "https://home.example/",
        datetime(2026, 11, 20, 18, 4, tzinfo=UTC),
    )
    assert (one.newest.source, one.newest.html) == (evil, "<p>Good <em>news</em></p>")
    assert one.newest.submitted_at == one.received_at


def test_what_is_shown_is_dated_when_it_was_written_there():
    bring(export(item(comment(101, date="2026-11-20 13:04:00"))))
    [shown] = publishing.document(site_of("courier"), "https://courier.example/bridge").items
    assert (shown.at, shown.anchor) == (datetime(2026, 11, 20, 18, 4, tzinfo=UTC), "comment-101")


def test_what_was_held_there_waits_from_the_import_on():
    bring(export(item(comment(1, approved="0", date_gmt="2009-01-01 00:00:00"))))
    [revision] = db.session.scalars(select(Revision))
    assert (revision.status, revision.waiting_since) == (Status.PENDING, NOW)


def test_a_comment_from_the_future_is_dated_now():
    bring(export(item(comment(1, date_gmt="2199-01-01 00:00:00"))))
    assert db.session.scalars(select(Comment.received_at)).one() == NOW


@pytest.mark.parametrize("status", ["draft", "private", "trash", "future", "pending"])
def test_an_approved_comment_on_a_page_that_had_no_readers_is_held_and_its_title_kept_back(status):
    report = bring(export(item(comment(1), status=status, title="Secret launch")))
    assert (report.new, statuses()) == ({"held": 1}, {"1": Status.PENDING})
    assert db.session.scalars(select(Thread.title)).one() is None


def test_an_approved_comment_behind_a_password_is_published():
    page = item(comment(1)).replace("<wp:comment>", "<wp:post_password>enter</wp:post_password><wp:comment>")
    assert (bring(export(page)).new, statuses()) == ({"approved": 1}, {"1": Status.APPROVED})


def test_a_second_run_adds_nothing_and_changes_nothing():
    first = bring(on_many_pages())
    before = everything()
    second = bring(on_many_pages(), now=NOW + timedelta(days=1))
    assert everything() == before
    assert (second.new, second.here, second.orphans, second.moved) == ({}, first.new.total() + first.here, 0, {})
    assert (second.apart, second.broken) == (first.apart, first.broken)


def test_a_second_run_leaves_what_was_decided_since_and_adds_what_is_new(app):
    make_account(app, "Ana", courier=Role.MODERATOR)
    bring(export(item(comment(1), comment(2, approved="0"))))
    ana, revisions = account_of("ana@staff.example"), db.session.scalars(select(Revision).order_by(Revision.id)).all()
    for action, revision in zip((Action.REJECT, Action.APPROVE), revisions, strict=True):
        choice = decisions.Choice(revision.id, revision.turn)
        decisions.decide_all(action, [choice], by=ana, now=NOW, batch=f"b{revision.id}")
    db.session.commit()
    report = bring(export(item(comment(1), comment(2, approved="0"), comment(3, 1))))
    assert (report.new, report.here) == ({"approved": 1}, 2)
    assert statuses() == {"1": Status.REJECTED, "2": Status.APPROVED, "3": Status.APPROVED}
    assert tree()["3"] == ("1", 1)
    assert whole()


@pytest.mark.parametrize("size", [2, 100])
def test_a_rehearsal_stores_nothing_and_says_what_the_run_then_says(monkeypatch, size):
    monkeypatch.setattr(transfer, "BATCH", size)
    before = everything()
    said = rehearse(on_many_pages())
    assert everything() == before
    assert said == bring(on_many_pages())
    assert said == transfer.Report(
        new=Counter(approved=11, held=2, spam=1, trash=1),
        here=1,
        apart=Counter(pingback=1),
        broken=Counter({"no page": 1, "no id": 2, "no date": 1, "too long": 1}),
        orphans=4,
        moved=Counter({"old.example": 5}),
    )
    assert rehearse(on_many_pages()) == bring(on_many_pages())


def test_sites_do_not_share_what_was_imported(app):
    make_site(app, "herald", "https://herald.example")
    bring(export(item(comment(1))))
    report = bring(export(item(comment(1))), key="herald")
    assert (report.new, report.moved) == ({"approved": 1}, {"courier.example": 1})
    assert [proof.faults for proof in audit.verify()] == [[], [], []]


def test_a_broken_file_keeps_what_came_before_the_break(monkeypatch):
    monkeypatch.setattr(transfer, "BATCH", 2)
    text = (START + item(comment(2, 1), comment(1), comment(3), comment(4))).replace("Words of 4", "\n<b>Words & of 4")
    with pytest.raises(Truncated, match=r"breaks at line 2, after comment 3 .*; 3 comments were read"):
        bring(text.replace("&lt;", "<").encode())
    db.session.rollback()
    assert tree() == {"2": ("1", 1), "1": (None, 0), "3": (None, 0)}
    assert whole()


def test_an_import_tells_nobody():
    bring(on_many_pages())
    assert db.session.scalars(select(OutboxMessage)).all() == []
    assert set(db.session.scalars(select(Entry.kind).where(Entry.revision_id.is_not(None)))) == {Kind.IMPORT}


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("email", "a" * 320 + "@home.example", ""),
        ("email", "margit@home.example\nBcc: all@home.example", ""),
        ("email", "<margit@home.example>", ""),
        ("email", "nobody", ""),
        ("url", "javascript:alert(1)", ""),
        ("url", "https://home.example/" + "a" * 2000, ""),
        ("url", "https://[", ""),
        ("author", "A" * 245, "A" * 245),
        ("author", "Mar\u202egit \u200b Olsen", "Margit Olsen"),
        ("author", "", ""),
    ],
)
def test_a_hostile_field_is_left_out_and_the_comment_kept(field, given, kept):
    name = field if field == "author" else f"author_{field}"
    assert bring(export(item(comment(1, **{name: given})))).new == {"approved": 1}
    assert getattr(db.session.scalars(select(Comment)).one(), field) == kept


def test_a_hostile_page_harms_nothing():
    titles = ["T" * 301, "Mar\u202egit\n", "T" * 65_000]
    pages = [
        item(comment(n), link=f"https://courier.example/{n}", id_=n, title=t) for n, t in enumerate(titles, start=1)
    ]
    links = [
        "https://[",
        "https://exa\u2100mple.com/x",
        "https://courier.example/" + "\u00fc" * 1_990,
        "//courier.example/",
    ]
    pages += [item(comment(f"{n}"), link=link, id_=n) for n, link in enumerate(links, start=11)]
    report = bring(export(*pages, item(comment("9" * 81), comment("../1"), comment(5, content="<b>" * 20_000))))
    assert (report.new.total() + report.broken.total(), report.broken["no id"]) == (10, 2)
    assert set(db.session.scalars(select(Thread.title))) <= {None, "Margit", "Bridge"}
    assert whole()


def test_two_imports_of_one_file_at_once_store_it_once(app: Flask, monkeypatch):
    monkeypatch.setattr(transfer, "BATCH", 3)
    db.session.rollback()
    reports: list[transfer.Report] = []

    def run() -> None:
        with app.app_context():
            reports.append(bring(on_many_pages()))

    both = [threading.Thread(target=run) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sum(report.new.total() for report in reports) == len(tree()) == 15
    assert whole()


def files(folder: str) -> list[Path]:
    """Other people's files, where they are at hand; none of them is ours to pass on."""
    found = sorted((DATA / folder).glob("*.xml"))
    if not found:
        pytest.skip(f"shared/data/{folder} is not here")
    return found


def test_the_theme_unit_test_is_imported_whole_and_once(app: Flask):
    [path] = [path for path in files("wxr_wptt") if path.name == "themeunittestdata.wordpress.xml"]
    rehearsed, report = rehearse(path), bring(path)
    assert (report.new, report.apart) == ({"approved": 25, "held": 3}, {"trackback": 2, "pingback": 2})
    assert rehearsed == report
    head = site_of("courier").head
    assert (head.approved, head.pending, head.rejected, head.spam) == (25, 3, 0, 0)
    before = everything()
    assert (bring(path).new, everything()) == ({}, before)
    assert whole()


@pytest.mark.sqlite_only
def test_every_file_of_wordpress_own_tests_is_imported_or_refused_in_words():
    refused: dict[str, type[Exception]] = {}
    for path in files("wxr_wordpress_importer"):
        rows: list[Record | Broken] = []
        with path.open("rb") as stream, suppress(NotReadable, Truncated):
            rows.extend(wordpress.read(stream))
        try:
            rehearsed, report = rehearse(path), bring(path)
        except (NotReadable, Truncated) as error:
            db.session.rollback()
            refused[path.name] = type(error)
        else:
            assert rehearsed == report
            assert report.new.total() + report.here + report.apart.total() + report.broken.total() == len(rows)
    assert refused == {"crazy-cdata.xml": Truncated, "malformed-simple.xml": Truncated, "malformed.xml": NotReadable}
    assert whole()
