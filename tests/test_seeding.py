"""A seeded site is what arrivals and decisions would have left behind."""

from collections import Counter
from random import Random

import pytest
from flask import Flask
from sqlalchemy import select

from moderation import audit, lifecycle, markup, review, search
from moderation.db import db
from moderation.lifecycle.moving import shape
from moderation.models import Comment, LogHead, Revision, Role, Status, Tally, Thread, Trait, TraitKind
from moderation.models.pagekey import page_key
from moderation.review.listing import Wanted
from moderation.transfer import seeding
from tests.conftest import NOW, account_of, make_account, site_of
from tests.test_cli import ask, refused

HELD, DECIDED = 60, 40


@pytest.fixture
def seeded(app: Flask, site: str, context: None) -> str:
    """Return the key of a site that was empty, has a moderator, and was seeded."""
    make_account(app, "Ana", courier=Role.MODERATOR)
    fill(site)
    return site


def fill(site: str, *, seed: int = 1) -> None:
    chance = Random(seed)
    for _ in seeding.seed(site_of(site), held=HELD, decided=DECIDED, now=NOW, chance=chance):
        db.session.commit()


def revisions() -> list[Revision]:
    return list(db.session.scalars(select(Revision).order_by(Revision.id)))


def head_of(site: str) -> LogHead:
    return db.session.scalars(select(LogHead).where(LogHead.site_id == site_of(site).id)).one()


def test_the_counts_are_those_of_the_rows(seeded):
    counted = Counter(revision.status for revision in revisions())
    assert (counted[Status.PENDING], counted.total()) == (HELD, HELD + DECIDED)
    assert {status: getattr(head_of(seeded), status) for status in Status} == {s: counted[s] for s in Status}
    hours = db.session.scalars(select(Tally)).all()
    assert (sum(hour.arrivals for hour in hours), sum(hour.decided for hour in hours)) == (HELD + DECIDED, DECIDED)


def test_the_log_is_whole_and_goes_on(seeded):
    assert [proof.faults for proof in audit.verify()] == [[], []]
    ana, waiting = account_of("ana@staff.example"), revisions()
    choice = next(review.decisions.Choice(r.id, r.turn) for r in waiting if r.status is Status.PENDING)
    review.decisions.decide_all(lifecycle.DECISIONS[0], [choice], by=ana, now=NOW, batch="one")
    db.session.commit()
    assert [proof.faults for proof in audit.verify()] == [[], []]


def test_every_text_is_stored_as_the_lifecycle_stores_it(seeded):
    for revision in revisions():
        comment, html = revision.comment, revision.html
        assert html == markup.render(revision.source, revision.format)
        assert (revision.text_hash, revision.shape) == (lifecycle.fingerprint(html), shape(html))
        assert revision.author_key == comment.author_key == (comment.email or comment.author).casefold()
        assert (revision.thread_id, revision.network) == (comment.thread_id, comment.network)
        assert comment.anchor == f"comment-{comment.id}"
        expected = {(TraitKind.FINDING, finding["code"]) for finding in revision.findings}
        expected |= {(TraitKind.HOST, host) for host in markup.link_hosts(html)}
        expected |= {(TraitKind.HOST, markup.host_of(comment.url))} if comment.url else set()
        listed_by = select(Trait.kind, Trait.value).where(Trait.revision_id == revision.id)
        assert {tuple(row) for row in db.session.execute(listed_by)} == expected


def test_every_text_is_found_by_its_words(seeded):
    for revision in revisions():
        said = " ".join(search.words(f"{markup.plain_text(revision.html)} {revision.comment.author}"))
        question = " ".join(said.split()[: search.MOST_WORDS])
        assert revision.id in db.session.scalars(search.narrowed(select(Revision.id), question)).all()


def test_the_queue_lists_all_that_waits_once(seeded):
    ana = account_of("ana@staff.example")
    after, listed = None, []
    while True:
        page = review.page(ana, Wanted(), after=after, now=NOW)
        listed += [card.revision.id for card in page.cards]
        listed += [one.revision_id for group in page.groups.values() for one in group.members]
        if (after := page.after) is None:
            break
    # A group names members of later pages too.
    assert set(listed) == {revision.id for revision in revisions() if revision.status is Status.PENDING}


def test_pages_are_the_sites_own_and_changed_where_something_is_public(seeded):
    approved = {revision.thread_id for revision in revisions() if revision.status is Status.APPROVED}
    threads = db.session.scalars(select(Thread)).all()
    assert {thread.id for thread in threads if thread.version} == approved
    assert all(thread.page_key == page_key(thread.url, site_of(seeded).origins) for thread in threads)


def test_answers_stand_below_what_is_public_on_the_same_page(seeded):
    answers = db.session.scalars(select(Comment).where(Comment.parent_id.is_not(None))).all()
    assert answers
    for answer in answers:
        assert answer.parent is not None
        assert (answer.parent.thread_id, answer.parent.depth + 1) == (answer.thread_id, answer.depth)
        assert answer.parent.is_public


def test_the_same_seed_makes_the_same_comments(app, site, context):
    def made() -> list[tuple[str, str, str]]:
        rows = db.session.execute(select(Revision.source, Revision.author_key, Revision.status).order_by(Revision.id))
        return [tuple(row) for row in rows]

    fill(site, seed=5)
    first = made()
    fill(site, seed=5)
    assert made()[len(first) :] == first
    fill(site, seed=6)
    assert made()[2 * len(first) :] != first


def test_the_command_makes_a_site_and_may_add_to_it(app):
    make_account(app, "Ana")
    seed = ["demo", "seed", "--comments", "30", "--decided", "10"]
    said = ask(app, *seed)
    assert (said.exit_code, said.stdout) == (0, "Site seeded: 30 held and 10 decided comments more.\n")
    assert ask(app, *seed, "--seed", "2").exit_code == 0
    with app.app_context():
        assert [proof.faults for proof in audit.verify()] == [[], []]
        assert head_of("seeded").pending == 60
        assert [role.role for role in account_of("ana@staff.example").memberships] == [Role.OWNER]


def test_a_site_with_comments_of_its_own_is_refused(app, site):
    seed = ["demo", "seed", "--comments", "3", "--site", "courier"]
    assert ask(app, *seed).exit_code == 0
    assert refused(ask(app, *seed)) == ("Error: Site courier has comments already; made-up ones go to another --site.")
    with app.app_context():
        assert head_of("courier").pending == 3


def test_a_key_that_no_site_can_have_is_refused(app):
    said = refused(ask(app, "demo", "seed", "--comments", "3", "--site", "A b"))
    assert said == "Error: Invalid value for --site: a key has 1 to 40 of a-z 0-9 -"
