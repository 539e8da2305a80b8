"""Two at one moment: whoever is faster wins, the other is told, and nothing is broken or decided twice."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select

from moderation import accounts, worker
from moderation.db import db
from moderation.models import Account, Comment, Entry, Kind, Membership, Status, Thread
from tests import server
from tests.conftest import ORIGIN, PAGE, make_site, token_in
from tests.faults.scene import JSON, LONGEST, OTHER_ORIGIN, Held, Scene, at_once, make_scene

pytestmark = pytest.mark.faults

#: How often each pair meets. The races that break a naive build break within three.
ROUNDS = 6
PAIRS = [300, pytest.param(3000, marks=pytest.mark.soak)]
ONE_KEY = {"comment": "Wider is good news.", "author": "Margit", "email": "margit@home.example", "key": "k" * 20}


@pytest.fixture
def scene(app: Flask) -> Iterator[Scene]:
    """Return a scene, and prove it whole when the race is over."""
    made = make_scene(app)
    yield made
    made.assert_whole()


def test_twenty_posts_with_one_key_are_one_reply(scene: Scene) -> None:
    def send() -> tuple[int, str]:
        sent = scene.app.test_client().post("/sites/courier/replies", data=ONE_KEY | {"page": PAGE}, headers=JSON)
        return sent.status_code, sent.get_data(as_text=True)

    answers = at_once(*[send] * 20)
    assert len(set(answers)) == 1, Counter(answers)
    assert answers[0][0] == 201
    with scene.app.app_context():
        assert db.session.scalar(select(func.count(Comment.id))) == 1


@pytest.mark.sqlite_only
def test_twenty_posts_with_one_key_are_one_reply_at_a_real_server(tmp_path: Path) -> None:
    with server.running(tmp_path, DEMO=0, LOG_LEVEL="error") as running:
        made = server.flask("site", "create", "courier", "--origin", ORIGIN, instance=tmp_path, DEMO=0)
        assert made.returncode == 0, made.stderr

        def send() -> tuple[int, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
            connection.request(
                "POST",
                "/sites/courier/replies",
                urlencode(ONE_KEY | {"page": PAGE}),
                JSON | {"Content-Type": "application/x-www-form-urlencoded"},
            )
            answer = connection.getresponse()
            with_body = answer.status, answer.read()
            connection.close()
            return with_body

        answers = at_once(*[send] * 20)
        assert len(set(answers)) == 1, Counter(answers)
        assert (answers[0][0], json.loads(answers[0][1])["comment"]) == (201, 1)


@pytest.mark.parametrize("pairs", PAIRS)
def test_of_approve_and_reject_at_once_exactly_one_wins(scene: Scene, pairs: int) -> None:
    held = scene.replies(pairs)
    gate = threading.Barrier(2, timeout=LONGEST)
    presses = {"ana": ("approve", Status.APPROVED), "piet": ("reject", Status.REJECTED)}

    def press_all(who: str) -> list[tuple[int, dict]]:
        answers = []
        for one in held:
            gate.wait()
            answer = scene.decide(who, presses[who][0], one.seen)
            answers.append((answer.status_code, answer.json))
        return answers

    of_ana, of_piet = at_once(lambda: press_all("ana"), lambda: press_all("piet"))
    wins = Counter()
    for one, ana, piet in zip(held, of_ana, of_piet, strict=True):
        assert sorted((ana[0], piet[0])) == [200, 409]
        winner, loser = ("Ana", piet) if ana[0] == 200 else ("Piet", ana)
        action, status = presses[winner.lower()]
        [skipped] = loser[1]["skipped"]
        when = datetime.fromisoformat(skipped.pop("when"))
        assert skipped.pop("said").startswith(f"{status.title()} by {winner}, ")
        assert skipped.pop("author")
        assert skipped == {
            "revision": one.revision,
            "status": status,
            "turn": 1,
            "newest": one.revision,
            "who": winner,
            "what": action,
        }
        assert abs(datetime.now(UTC) - when) < timedelta(minutes=5)
        wins[status] += 1
    with scene.app.app_context():
        decisions = db.session.scalar(select(func.count(Entry.id)).where(Entry.kind == Kind.DECISION))
        head = accounts.site("courier").head
        assert (decisions, head.pending) == (pairs, 0)
        assert (head.approved, head.rejected) == (wins[Status.APPROVED], wins[Status.REJECTED])
    assert len(scene.public()) == wins[Status.APPROVED]


def test_the_same_press_twice_at_once_is_one_decision_with_one_answer(scene: Scene) -> None:
    for one in scene.replies(ROUNDS):
        answers = at_once(*[lambda one=one: scene.decide("ana", "approve", one.seen)] * 2)
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json == answers[1].json


def test_approve_against_the_authors_edit(scene: Scene) -> None:
    for one in scene.replies(ROUNDS):
        approved, edited = at_once(
            lambda one=one: scene.decide("ana", "approve", one.seen), lambda one=one: scene.edit(one, "Bought links.")
        )
        assert sorted((approved.status_code, edited.status_code)) == [200, 409]
        if approved.status_code == 200:
            assert scene.statuses(one) == [Status.APPROVED]
        else:
            assert scene.statuses(one) == [Status.SUPERSEDED, Status.PENDING]
    assert "Bought links." not in str(scene.public())


def test_approve_against_an_edit_that_does_not_say_what_it_saw(scene: Scene) -> None:
    for one in scene.replies(ROUNDS):
        approved, edited = at_once(
            lambda one=one: scene.decide("ana", "approve", one.seen),
            lambda one=one: scene.edit(one, "Bought links.", seen=False),
        )
        assert edited.status_code == 200
        first = Status.APPROVED if approved.status_code == 200 else Status.SUPERSEDED
        assert scene.statuses(one) == [first, Status.PENDING]
    assert "Bought links." not in str(scene.public())


def test_approve_against_withdraw_never_leaves_it_public(scene: Scene) -> None:
    for one in scene.replies(ROUNDS):
        approved, withdrawn = at_once(
            lambda one=one: scene.decide("ana", "approve", one.seen), lambda one=one: scene.withdraw(one)
        )
        assert (withdrawn.status_code, approved.status_code) in [(200, 200), (200, 409)]
        assert scene.statuses(one) == [Status.WITHDRAWN]
    assert scene.public() == {}


@pytest.mark.parametrize("seen", [True, False])
def test_edit_against_edit(scene: Scene, seen: bool) -> None:
    for one in scene.replies(ROUNDS):
        answers = at_once(
            lambda one=one: scene.edit(one, "The first new text.", seen=seen),
            lambda one=one: scene.edit(one, "The second new text.", seen=seen),
        )
        codes = sorted(answer.status_code for answer in answers)
        assert codes == ([200, 409] if seen else [200, 200])
        assert scene.statuses(one) == [Status.SUPERSEDED] * (1 if seen else 2) + [Status.PENDING]


def test_undo_against_a_colleagues_decision(scene: Scene) -> None:
    for one in scene.replies(ROUNDS):
        batch = scene.decide("ana", "approve", one.seen).json["batch"]
        undone, rejected = at_once(
            lambda batch=batch: scene.undo("ana", batch),
            lambda one=one: scene.decide("piet", "reject", f"{one.revision}:1"),
        )
        assert sorted((undone.status_code, rejected.status_code)) == [200, 409]
        assert scene.statuses(one) == [Status.PENDING if undone.status_code == 200 else Status.REJECTED]
    assert scene.public() == {}


def test_bulk_against_single(scene: Scene) -> None:
    for _ in range(ROUNDS):
        held = scene.replies(10)
        bulk, single = at_once(
            lambda held=held: scene.decide("ana", "approve", *[one.seen for one in held]),
            lambda held=held: scene.decide("piet", "spam", held[5].seen),
        )
        assert (bulk.status_code, single.status_code) in [(200, 200), (200, 409)]
        lost = single.status_code == 200
        assert len(bulk.json["decided"]) == 10 - lost
        assert [one["who"] for one in bulk.json["skipped"]] == ["Piet"] * lost
        assert scene.statuses(held[5]) == [Status.SPAM if lost else Status.APPROVED]


def interleaved(scene: Scene, number: int, page: str = "news") -> list[Held]:
    """Let replies arrive at both sites in turn, the site that was made last first: site and comment orders differ."""
    sites = (("gazette", OTHER_ORIGIN), ("courier", ORIGIN))
    return [scene.reply(site=key, page=f"{origin}/{page}") for key, origin in sites * (number // 2)]


def seen_of(held: list[Held], *, turn: int = 0) -> list[str]:
    return [f"{one.revision}:{turn}" for one in held]


def test_two_bulks_in_opposite_order_on_two_sites_do_not_lock_each_other_out(scene: Scene) -> None:
    for _ in range(ROUNDS):
        held = interleaved(scene, 8)
        there, back = at_once(
            lambda held=held: scene.decide("ana", "approve", *seen_of(held)),
            lambda held=held: scene.decide("piet", "reject", *seen_of(held)[::-1]),
        )
        assert sorted((there.status_code, back.status_code)) == [200, 409]


def test_undo_of_a_bulk_against_another_bulk_on_the_same_sites(scene: Scene) -> None:
    for _ in range(ROUNDS):
        done, waiting = interleaved(scene, 8, "done"), interleaved(scene, 8, "waiting")
        batch = scene.decide("ana", "approve", *seen_of(done)).json["batch"]
        undone, decided = at_once(
            lambda batch=batch: scene.undo("ana", batch),
            lambda waiting=waiting: scene.decide("piet", "approve", *seen_of(waiting)),
        )
        assert (undone.status_code, decided.status_code) == (200, 200)
        assert len(decided.json["decided"]) == undone.json["undone"] == 8


def test_housekeeping_against_a_bulk_on_what_was_returned(scene: Scene) -> None:
    for _ in range(ROUNDS):
        held = interleaved(scene, 8)
        assert scene.decide("ana", "return", *seen_of(held)).status_code == 200

        def keep_house() -> None:
            with scene.app.app_context():
                worker.keep_house(now=datetime.now(UTC))

        _, rejected = at_once(keep_house, lambda held=held: scene.decide("piet", "reject", *seen_of(held[1:], turn=1)))
        assert rejected.status_code in (200, 409)


def test_two_sites_decide_at_once_without_each_other(scene: Scene) -> None:
    ours, theirs = scene.replies(ROUNDS), scene.replies(ROUNDS, site="gazette")
    for one, other in zip(ours, theirs, strict=True):
        answers = at_once(
            lambda one=one: scene.decide("ana", "approve", one.seen),
            lambda other=other: scene.decide("piet", "approve", other.seen),
        )
        assert [answer.status_code for answer in answers] == [200, 200]
    assert (len(scene.public()), len(scene.public("gazette", f"{OTHER_ORIGIN}/news/mill-lane"))) == (ROUNDS, ROUNDS)


def test_a_reply_arrives_while_the_one_it_answers_is_taken_down(scene: Scene) -> None:
    for number, one in enumerate(scene.replies(ROUNDS)):
        assert scene.decide("ana", "approve", one.seen).status_code == 200
        fields = {"comment": f"Answer {number}.", "author": "Jo", "email": "jo@home.example", "page": PAGE}

        def answer(fields: dict = fields, one: Held = one) -> int:
            body = fields | {"parent": one.comment}
            return scene.app.test_client().post("/sites/courier/replies", data=body, headers=JSON).status_code

        taken, rejected = at_once(answer, lambda one=one: scene.decide("ana", "reject", f"{one.revision}:1"))
        assert (taken, rejected.status_code) in [(201, 200), (404, 200)]
    assert scene.public() == {}


def test_first_replies_to_a_page_at_once_make_one_thread(scene: Scene) -> None:
    for number in range(ROUNDS):
        page = f"{ORIGIN}/news/{number}"

        def send(name: str, page: str = page) -> int:
            body = {"comment": f"I am {name}.", "author": name, "email": f"{name}@home.example", "page": page}
            return scene.app.test_client().post("/sites/courier/replies", data=body, headers=JSON).status_code

        codes = at_once(*[lambda name=name: send(name) for name in ("ada", "bo", "cy", "di")])
        assert codes == [201] * 4
    with scene.app.app_context():
        assert db.session.scalar(select(func.count(Thread.id))) == ROUNDS


def test_of_two_first_owners_at_once_there_is_one(app: Flask) -> None:
    make_site(app, "courier", ORIGIN)
    code = accounts.start_code(app.config["SECRET_KEY"])
    clients = [app.test_client() for _ in range(2)]
    tokens = [token_in(client, f"/account/start?code={code}") for client in clients]

    def begin(number: int) -> int:
        data = {
            "code": code,
            "name": f"Owner {number}",
            "email": f"owner{number}@staff.example",
            "password": "the ramp starts by the noticeboard",
            "csrf_token": tokens[number],
        }
        return clients[number].post("/account/start", data=data).status_code

    assert sorted(at_once(lambda: begin(0), lambda: begin(1))) == [303, 404]
    with app.app_context():
        assert db.session.scalar(select(func.count(Account.id))) == 1
        assert db.session.scalar(select(func.count()).select_from(Membership)) == 1
