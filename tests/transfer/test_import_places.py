"""An import puts each comment on its page and below its parent, however late that comes, while others decide."""

import threading

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from moderation import publishing, transfer
from moderation.db import clock, db
from moderation.models import Action, Comment, Revision, Role, Status, Thread
from moderation.review import decisions
from moderation.transfer.forest import Forest
from tests.conftest import account_of, make_account, site_of
from tests.transfer.wxr import bring, comment, export, item, rehearse, tree, whole

pytestmark = pytest.mark.usefixtures("site", "context")


@pytest.mark.parametrize("size", [1, 3, 100])
def test_replies_stand_below_their_parents_however_late_those_come(monkeypatch, size):
    monkeypatch.setattr(transfer, "BATCH", size)
    report = bring(export(item(comment(4, 3), comment(5, 4), comment(3, 2), comment(2, 1), comment(1), comment(6, 99))))
    assert tree() == {"4": ("3", 3), "5": ("4", 4), "3": ("2", 2), "2": ("1", 1), "1": (None, 0), "6": (None, 0)}
    assert report.orphans == 1


@pytest.mark.parametrize("size", [1, 100])
def test_a_circle_is_cut_where_it_closes(monkeypatch, size):
    monkeypatch.setattr(transfer, "BATCH", size)
    report = bring(export(item(comment(1, 3), comment(2, 1), comment(3, 2), comment(4, 4))))
    assert tree() == {"1": (None, 0), "2": ("1", 1), "3": ("2", 2), "4": (None, 0)}
    assert report.orphans == 2


def test_a_reply_is_not_put_below_a_comment_of_another_page():
    report = bring(export(item(comment(1)), item(comment(2, 1), link="https://courier.example/other", id_=8)))
    assert (tree()["2"], report.orphans) == ((None, 0), 1)


def test_nothing_stands_deeper_than_replies_go():
    line = [comment(number, number - 1) for number in range(1, 104)]
    assert rehearse(export(item(*line))).orphans == 1


def test_what_would_stand_too_deep_begins_a_thread_of_its_own(monkeypatch):
    monkeypatch.setattr(Forest, "MOST_DEPTH", 3)
    report = bring(export(item(*(comment(number, number - 1) for number in range(1, 7)))))
    assert tree() == {"1": (None, 0), "2": ("1", 1), "3": ("2", 2), "4": ("3", 3), "5": (None, 0), "6": ("5", 1)}
    assert report.orphans == 1


def test_a_late_parent_makes_nothing_deeper_than_replies_go(monkeypatch):
    monkeypatch.setattr(Forest, "MOST_DEPTH", 3)
    report = bring(export(item(comment(2, 5), comment(3, 2), comment(4), comment(5, 6), comment(6, 4))))
    # Below 6, which stands at depth 1, there is no room for 5 with the two below it.
    assert tree() == {"2": ("5", 1), "3": ("2", 2), "4": (None, 0), "5": (None, 0), "6": ("4", 1)}
    assert report.orphans == 1


def test_a_late_parent_is_seen_by_readers_at_once(monkeypatch):
    monkeypatch.setattr(transfer, "BATCH", 1)
    bring(export(item(comment(2, 1), comment(1))))
    # Two commits brought comments, the third put one below the other.
    assert db.session.scalars(select(Thread.version)).one() == 3
    items = publishing.document(site_of("courier"), "https://courier.example/bridge").items
    assert [(one.anchor, one.depth) for one in items] == [("comment-1", 0), ("comment-2", 1)]


def test_a_commit_raises_each_threads_version_once():
    bring(
        export(item(*(comment(number) for number in range(1, 6))), item(comment(9), link="https://courier.example/o"))
    )
    assert db.session.scalars(select(Thread.version)).all() == [1, 1]


def test_an_anchor_there_stays_the_anchor_here_beside_those_of_this_place(reply):
    reply("The first here.")
    page = "https://courier.example/news/mill-lane"
    bring(export(item(comment(1), comment(3), link=page)))
    reply("The third here.", author="Piet", email="piet@home.example")
    rows = db.session.execute(select(Comment.source_id, Comment.anchor).order_by(Comment.id)).all()
    assert rows[:3] == [(None, "comment-1"), ("1", "comment-1-1"), ("3", "comment-3")]
    assert len({anchor for _, anchor in rows}) == len(rows) == 4


def test_pages_of_a_blog_that_stood_elsewhere_keep_their_paths_on_the_sites_main_origin():
    links = [
        "https://old.example/a/?p=1",
        "http://www.old.example/b",
        "https://courier.example/c",
        "https://b\u00fccher.example/",
    ]
    pages = [item(comment(number), link=link, id_=number) for number, link in enumerate(links, start=1)]
    report = bring(export(*pages))
    assert db.session.scalars(select(Thread.page_key).order_by(Thread.id)).all() == [
        "courier.example/a?p=1",
        "courier.example/b",
        "courier.example/c",
        "courier.example",
    ]
    assert report.moved == {"old.example": 2, "xn--bcher-kva.example": 1}


def test_two_pages_of_one_number_stay_two_pages():
    bring(export(item(comment(1)), item(comment(2), link="https://courier.example/other", title="Other")))
    rows = db.session.execute(select(Thread.page_key, Thread.source_id, Thread.title).order_by(Thread.id))
    assert rows.all() == [("courier.example/bridge", "7", "Bridge"), ("courier.example/other", None, None)]


def test_comments_join_the_thread_that_is_here(reply):
    reply("Already here.")
    bring(export(item(comment(1), link="http://www.courier.example/news/mill-lane/?utm_source=feed")))
    assert db.session.scalars(select(func.count(Thread.id))).one() == 1


def test_a_decision_and_an_import_at_once_never_wait_for_each_other(app: Flask, monkeypatch):
    """Bulk decisions over the same threads and comments that an import adds to and puts below late parents."""
    monkeypatch.setattr(transfer, "BATCH", 5)
    make_account(app, "Ana", courier=Role.MODERATOR)
    links = [f"https://courier.example/{number}" for number in range(6)]
    first = [item(comment(n, approved="0"), link=link, id_=n) for n, link in enumerate(links, start=1)]
    bring(export(*first))
    # The other way round, each with a reply whose parent comes last.
    late = [
        item(comment(100 + n, 200 + n), comment(300 + n, 100 + n), comment(200 + n, n, approved="0"), link=link, id_=n)
        for n, link in reversed(list(enumerate(links, start=1)))
    ]
    done, decided, failed = threading.Event(), [0], []

    def moderate() -> None:
        with app.app_context():
            # The pause lets the import in on SQLite, where one writes at a time.
            while not done.wait(0.02) or not decided[0]:
                rows = db.session.scalars(select(Revision).order_by(Revision.id.desc())).all()
                turns = [decisions.Choice(revision.id, revision.turn) for revision in rows]
                action = Action.REJECT if rows[0].status is Status.APPROVED else Action.APPROVE
                try:
                    outcome = decisions.decide_all(
                        action, turns, by=account_of("ana@staff.example"), now=clock(), batch=f"b{decided[0]}"
                    )
                    db.session.commit()
                    decided[0] += len(outcome.entries)
                except Exception as error:
                    failed.append(error)
                    return

    moderator = threading.Thread(target=moderate)
    db.session.rollback()
    moderator.start()
    try:
        report = bring(export(*late))
    finally:
        done.set()
        moderator.join()
    assert failed == []
    assert (report.new.total(), report.orphans) == (18, 0)
    assert {tree()[f"{n}"] for n in range(301, 307)} == {(f"{n}", 3) for n in range(101, 107)} or tree()["301"] == (
        "101",
        3,
    )
    assert whole()


def test_what_is_asked_of_the_database_does_not_grow_with_the_pages(app: Flask):
    """Pages and parents are looked up once for a batch, not once for a comment."""

    def looked_up(source: bytes) -> int:
        asked: list[str] = []
        heard = lambda *said: asked.append(said[2])  # noqa: E731 - removed by its identity
        event.listen(db.engine, "before_cursor_execute", heard)
        bring(source)
        event.remove(db.engine, "before_cursor_execute", heard)
        return sum(
            (sql.startswith("SELECT") and "page_key" in sql and "WHERE thread.id = " not in sql)
            or (sql.startswith("SELECT comment") and "source_id IN" in sql)
            for sql in asked
        )

    one = looked_up(export(item(comment(1), comment(2, 1))))
    many = [item(comment(n), comment(n + 50, n), link=f"https://courier.example/{n}", id_=n) for n in range(10, 40)]
    assert looked_up(export(*many)) == one


def test_replies_stand_in_the_order_of_their_time_whatever_came_in_first():
    bring(export(item(comment(1, date_gmt="2026-11-20 12:00:00"))))
    later = comment(2, 1, date_gmt="2026-11-20 13:00:00")
    bring(export(item(later, comment(3, date_gmt="2026-11-20 10:00:00"), comment(4, date_gmt="2026-11-20 11:00:00"))))
    found = publishing.document(site_of("courier"), "https://courier.example/bridge")
    assert [item.anchor for item in found.items] == ["comment-3", "comment-4", "comment-1", "comment-2"]
