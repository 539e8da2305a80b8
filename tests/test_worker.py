"""The worker sends each message once it is due, tries again what failed, and keeps house."""

import os
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from moderation import audit, intake, lifecycle, notify, worker
from moderation.db import db
from moderation.models import (
    Action,
    Comment,
    Delivery,
    LogHead,
    OutboxMessage,
    Role,
    Status,
    SubmissionKey,
    Via,
    WebSession,
)
from moderation.notify import journal
from moderation.review import decisions, waits
from tests.conftest import NOW, PAGE, account_of, make_account, site_of
from tests.server import until

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ANA = "ana@staff.example"


@pytest.fixture
def office(app: Flask, site: str, context: None) -> None:
    """Let Ana moderate the site."""
    make_account(app, "Ana", courier=Role.MODERATOR)


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hear what is sent, in place of the journal; a word put into it first makes the channel fail."""
    sent: list[str] = []

    def send(message: OutboxMessage) -> None:
        if sent[:1] == ["broken"]:
            raise OSError("the channel is away")
        sent.append(f"{message.kind} {message.payload['revision']} {message.payload['status']}")

    monkeypatch.setattr(journal, "send", send)
    return sent


def arrive(*, at: datetime = NOW, words: str = "Wider is good news.", key: str | None = None) -> Comment:
    draft = intake.Draft(
        comment=words, author="Margit", email="margit@home.example", url="", page=PAGE, key=key, via=Via.API
    )
    comment = intake.receive(draft, site=site_of("courier"), pause=timedelta(), now=at)
    db.session.commit()
    return comment


def decide(action: Action, comment: Comment, *, at: datetime, batch: str) -> None:
    choice = decisions.Choice(comment.newest.id, comment.newest.turn)
    outcome = decisions.decide_all(action, [choice], by=account_of(ANA), now=at, batch=batch)
    assert outcome.skipped == []
    db.session.commit()


def outbox() -> list[tuple[str, Delivery, int]]:
    db.session.expire_all()
    rows = db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
    return [(row.kind, row.state, row.attempts) for row in rows]


def test_a_message_is_sent_once_it_is_due_and_never_again(office, channel):
    comment = arrive()
    decide(Action.APPROVE, comment, at=NOW, batch="first")
    assert [worker.deliver(now=NOW + seconds * SECOND) for seconds in (0, 9, 10, 11)] == [1, 0, 1, 0]
    assert channel == ["held 1 pending", "decided 1 approved"]
    assert outbox() == [("held", Delivery.SENT, 1), ("decided", Delivery.SENT, 1)]


def test_an_undo_cancels_what_is_unsent_and_deciding_again_revives_it_with_a_new_time(office, channel):
    comment = arrive()
    worker.deliver(now=NOW)
    decide(Action.APPROVE, comment, at=NOW, batch="first")
    decisions.undo("first", by=account_of(ANA), now=NOW + 5 * SECOND)
    db.session.commit()
    assert worker.deliver(now=NOW + DAY) == 0
    assert outbox()[1:] == [("decided", Delivery.CANCELLED, 0)]
    decide(Action.APPROVE, comment, at=NOW + DAY, batch="second")
    assert [worker.deliver(now=NOW + DAY + seconds * SECOND) for seconds in (9, 10)] == [0, 1]
    assert channel == ["held 1 pending", "decided 1 approved"]
    assert outbox()[1:] == [("decided", Delivery.SENT, 1)]


def test_what_was_sent_stays_sent_when_it_is_undone_and_decided_again(office, channel):
    comment = arrive()
    decide(Action.APPROVE, comment, at=NOW, batch="first")
    worker.deliver(now=NOW + MINUTE)
    decisions.undo("first", by=account_of(ANA), now=NOW + 2 * MINUTE)
    db.session.commit()
    decide(Action.APPROVE, comment, at=NOW + 3 * MINUTE, batch="second")
    assert worker.deliver(now=NOW + HOUR) == 0
    assert channel == ["held 1 pending", "decided 1 approved"]


def test_a_claimed_message_is_left_alone_until_its_lease_ends(office, channel):
    arrive()
    [claimed] = notify.claim(now=NOW)
    db.session.commit()
    assert (claimed.attempts, claimed.leased_until) == (1, NOW + notify.LEASE)
    # The one who claimed it died; nobody sends it twice meanwhile.
    assert worker.deliver(now=NOW + notify.LEASE - SECOND) == 0
    assert worker.deliver(now=NOW + notify.LEASE) == 1
    assert outbox() == [("held", Delivery.SENT, 2)]


def test_a_failing_message_is_tried_ever_later_and_given_up_in_the_end(office, channel):
    channel.append("broken")
    arrive()
    at, pauses = NOW, []
    for _ in range(notify.ATTEMPTS):
        assert worker.deliver(now=at - SECOND) == 0
        assert worker.deliver(now=at) == 1
        [due] = db.session.scalars(select(OutboxMessage.due_at))
        pauses.append((due - at) // MINUTE)
        at = due
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 0]
    assert outbox() == [("held", Delivery.DEAD, 12)]
    assert worker.deliver(now=at + DAY) == 0


def test_a_failing_message_holds_no_other_up(office, channel, monkeypatch):
    first, second = arrive(), arrive(words="Another.", at=NOW + SECOND)
    send = journal.send

    def fail_first(message: OutboxMessage) -> None:
        if message.payload["revision"] == first.newest.id:
            raise OSError("the channel is away")
        send(message)

    monkeypatch.setattr(journal, "send", fail_first)
    assert worker.deliver(now=NOW + MINUTE) == 2
    assert channel == [f"held {second.newest.id} pending"]
    assert outbox() == [("held", Delivery.WAITING, 1), ("held", Delivery.SENT, 1)]


def test_submission_keys_are_forgotten_after_seven_days(office):
    arrive(key="a" * 20)
    worker.keep_house(now=NOW + 7 * DAY)
    assert len(db.session.scalars(select(SubmissionKey)).all()) == 1
    worker.keep_house(now=NOW + 7 * DAY + SECOND)
    assert db.session.scalars(select(SubmissionKey)).all() == []


def test_sessions_that_ended_are_forgotten(office):
    ends = {"ended": NOW - SECOND, "ending": NOW, "living": NOW + SECOND}
    for name, at in ends.items():
        db.session.add(WebSession(id_hash=name, data="{}", created_at=NOW - DAY, used_at=NOW - DAY, expires_at=at))
    db.session.commit()
    worker.keep_house(now=NOW)
    assert set(db.session.scalars(select(WebSession.id_hash))) == {"ending", "living"}


def test_a_returned_text_waits_again_when_the_sites_days_are_over(office):
    comment = arrive()
    decide(Action.RETURN, comment, at=NOW, batch="first")
    days = site_of("courier").return_days
    worker.keep_house(now=NOW + days * DAY - SECOND)
    assert comment.newest.status is Status.RETURNED
    worker.keep_house(now=NOW + days * DAY)
    db.session.expire_all()
    assert (comment.newest.status, comment.newest.waiting_since) == (Status.PENDING, NOW + days * DAY)
    assert [proof.faults for proof in audit.verify()] == [[], []]


def test_a_text_returned_twice_waits_from_the_second_time(office):
    comment = arrive()
    for day, action in enumerate((Action.RETURN, Action.REOPEN, Action.RETURN)):
        decide(action, comment, at=NOW + 10 * day * DAY, batch=f"b{day}")
    worker.keep_house(now=NOW + 21 * DAY)
    assert comment.newest.status is Status.RETURNED


def store(waited: Sequence[float | None], *, arrived: datetime = NOW - DAY, source: str | None = None) -> None:
    """Store replies that were first decided so many minutes after they came, or not yet."""
    ana = account_of(ANA)
    first = comment = arrive(at=arrived, words=f"{source} {len(waited)}")
    for number, minutes in enumerate(waited):
        if number:
            comment = Comment(
                site_id=first.site_id,
                author="Margit",
                email="",
                url="",
                author_key="margit",
                received_at=arrived,
            )
            words = lifecycle.Words("Words.", first.newest.format, "<p>Words.</p>", ())
            lifecycle.submit(comment, words, on=first.thread, by=lifecycle.By(via=Via.API, at=arrived))
        if source:
            comment.source, comment.source_id = source, str(comment.id)
        if minutes is not None:
            by = lifecycle.By(via=Via.QUEUE, at=arrived + minutes * MINUTE, account_id=ana.id)
            lifecycle.decide(Action.APPROVE, comment.newest, seen=0, by=by)
    db.session.commit()


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("waited", "expected"),
    [
        ([5.0] * 19, (None, None)),  # too few to say anything
        ([5.0] * 20, (15, 15)),
        ([15.0] * 20, (15, 15)),
        ([15.1] * 20, (60, 60)),
        ([5.0] * 15 + [100.0] * 5, (15, 180)),
        ([5.0] * 20 + [None] * 10, (15, None)),  # nine of ten have no decision yet
        ([5.0] * 20 + [None] * 19, (15, None)),
        ([5.0] * 20 + [None] * 20, (None, None)),  # half are undecided
        ([1000.0] * 20, (1440, 1440)),
    ],
)
def test_the_wait_is_said_in_steps_and_only_when_enough_is_known(office, waited, expected):
    store(waited)
    worker.keep_house(now=NOW)
    [head] = db.session.scalars(select(LogHead).where(LogHead.site_id.is_not(None)))
    assert (head.wait_half, head.wait_most) == expected


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "left_out",
    [
        lambda: store([2000.0] * 5, arrived=NOW - 8 * DAY),  # longer ago than a week
        lambda: store([2.0] * 5, source="wordpress"),  # decided elsewhere
    ],
    ids=["older", "imported"],
)
def test_what_says_nothing_about_the_next_reply_is_left_out(office, left_out: Callable[[], None]):
    left_out()
    store([5.0] * 19)
    assert waits.honest_wait(site_of("courier").id, now=NOW) == (None, None)
    store([5.0])
    assert waits.honest_wait(site_of("courier").id, now=NOW) == (15, 15)


@pytest.mark.sqlite_only
def test_what_a_rule_decided_is_no_decision_by_a_person(office):
    store([5.0] * 19)
    by_rule = lifecycle.By(via=Via.WORKER, at=NOW, rule="return-days")
    lifecycle.decide(Action.APPROVE, arrive(at=NOW - DAY).newest, seen=0, by=by_rule)
    db.session.commit()
    assert waits.honest_wait(site_of("courier").id, now=NOW) == (None, None)


def test_all_that_is_due_goes_out_at_one_look(app, office, channel, monkeypatch):
    monkeypatch.setattr(worker, "HOUSEKEEPING", float("inf"))
    for number in range(120):
        arrive(words=f"Wider is good news, said {number}.")

    class OneLook(threading.Event):
        looks = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.looks += 1
            return self.looks > 1

    worker.run(app, OneLook())
    assert len(set(channel)) == 120
    assert {state for _, state, _ in outbox()} == {Delivery.SENT}


def test_the_loop_outlives_a_database_that_is_away(app, monkeypatch):
    stop, rounds = threading.Event(), []

    def deliver(*, now: datetime) -> int:
        rounds.append("deliver")
        if len(rounds) == 1:
            raise OperationalError("SELECT 1", {}, OSError("the database is away"))
        return 0

    def keep_house(*, now: datetime) -> None:
        rounds.append("keep house")
        stop.set()

    monkeypatch.setattr(worker, "LOOK", 0.001)
    monkeypatch.setattr(worker, "deliver", deliver)
    monkeypatch.setattr(worker, "keep_house", keep_house)
    worker.run(app, stop)
    assert rounds == ["deliver", "deliver", "keep house"]


def test_one_alone_works_and_who_stands_by_takes_over(app, monkeypatch):
    working: list[str] = []
    stops = {name: threading.Event() for name in ("first", "second")}

    def run(_: Flask, stop: threading.Event) -> None:
        working.append(next(name for name, one in stops.items() if one is stop))
        stop.wait(30)

    monkeypatch.setattr(worker, "LOOK", 0.001)
    monkeypatch.setattr(worker, "run", run)
    threads = [threading.Thread(target=worker.stand_by, args=(app, stop)) for stop in stops.values()]
    threads[0].start()
    until(lambda: working == ["first"], lambda: "the first works")
    threads[1].start()
    # It has looked in vain more than once.
    until(lambda: threads[1].is_alive() and not stops["second"].wait(0.05), lambda: "the second stands by")
    assert working == ["first"]
    assert (Path(app.config["INSTANCE_PATH"]) / worker.LOCK).read_text() == f"{os.getpid()}\n"
    stops["first"].set()
    until(lambda: working == ["first", "second"], lambda: "the second works")
    stops["second"].set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_a_lock_that_cannot_be_had_is_asked_for_again(app, monkeypatch):
    stop = threading.Event()
    path = Path(app.config["INSTANCE_PATH"]) / worker.LOCK
    # A folder in its place stands for whatever keeps a file from being opened.
    path.unlink(missing_ok=True)
    path.mkdir()

    def mend(**_: object) -> None:
        path.rmdir()

    monkeypatch.setattr(worker, "LOOK", 0.001)
    monkeypatch.setattr(worker, "run", lambda _, stop: stop.set())
    monkeypatch.setattr(worker.log, "exception", lambda _: mend())
    worker.stand_by(app, stop)
    assert path.is_file()
