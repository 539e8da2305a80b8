"""The transition table, row by row, and the holes that machines like it have."""

from collections.abc import Iterator

import pytest
from flask import Flask

from moderation import lifecycle
from moderation.lifecycle import AlreadyDecided, NotAllowed, Outdated
from moderation.models import Action, Status
from tests.world import World, make_world, statuses

PENDING, APPROVED, REJECTED, SPAM = Status.PENDING, Status.APPROVED, Status.REJECTED, Status.SPAM
RETURNED, SUPERSEDED, WITHDRAWN = Status.RETURNED, Status.SUPERSEDED, Status.WITHDRAWN

#: What every press makes of every status; what is not named is not allowed.
DECISIONS = {
    Action.APPROVE: {PENDING: APPROVED, REJECTED: APPROVED, SPAM: APPROVED},
    Action.REJECT: {PENDING: REJECTED, APPROVED: REJECTED, RETURNED: REJECTED},
    Action.SPAM: {PENDING: SPAM, APPROVED: SPAM, RETURNED: SPAM},
    Action.REOPEN: {APPROVED: PENDING, REJECTED: PENDING, SPAM: PENDING, RETURNED: PENDING},
    Action.RETURN: {PENDING: RETURNED},
}
#: What an edit makes of the newest text, and of the statuses after it.
EDITS = {
    PENDING: [SUPERSEDED, PENDING],
    RETURNED: [SUPERSEDED, PENDING],
    APPROVED: [APPROVED, PENDING],
    REJECTED: [REJECTED, PENDING],
    SPAM: [SPAM, PENDING],
}


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    """Return a world, inside an app context."""
    with app.app_context():
        made = make_world(app)
        yield made
        assert made.faults() == []


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("action", list(DECISIONS))
def test_a_decision_follows_the_table(world: World, action: Action, status: Status) -> None:
    revision = world.reply_in(status).revisions[0]
    target = DECISIONS[action].get(status)
    if target is None:
        with pytest.raises(NotAllowed):
            world.decide(action, revision)
        assert statuses(revision.comment)[0] is status
    else:
        turn = revision.turn
        entry = world.decide(action, revision)
        assert statuses(revision.comment)[0] is target
        assert (entry.from_status, entry.to_status, entry.turn) == (status, target, turn + 1)
    assert world.public() == (["Wider is good news."] if (target or status) is APPROVED else [])


@pytest.mark.parametrize("status", list(Status))
def test_an_edit_follows_the_table(world: World, status: Status) -> None:
    comment = world.reply_in(status)
    if status is SUPERSEDED:
        return
    if status in EDITS:
        before = comment.newest
        after = world.edit(comment, "Wider is good news, and late.")
        assert statuses(comment) == EDITS[status]
        kept = status in (PENDING, RETURNED)
        assert after.waiting_since == (before.waiting_since if kept else after.submitted_at)
    else:
        with pytest.raises(NotAllowed):
            world.edit(comment, "Wider is good news, and late.")
        assert statuses(comment) == [status]
    assert world.public() == (["Wider is good news."] if status is APPROVED else [])


@pytest.mark.parametrize("status", list(Status))
def test_withdraw_and_resume_follow_the_table(world: World, status: Status) -> None:
    comment = world.reply_in(status)
    if status in (REJECTED, SPAM, WITHDRAWN):
        with pytest.raises(NotAllowed):
            world.withdraw(comment)
        assert statuses(comment) == [status]
        return
    world.withdraw(comment)
    assert statuses(comment)[-1] is WITHDRAWN
    assert world.public() == []
    world.resume(comment)
    assert statuses(comment)[-1] is PENDING
    assert comment.newest.waiting_since == world.now
    with pytest.raises(NotAllowed):
        world.resume(comment)


@pytest.mark.parametrize("action", list(DECISIONS))
@pytest.mark.parametrize("status", list(Status))
def test_undo_puts_back_exactly_what_was(world: World, action: Action, status: Status) -> None:
    revision = world.reply_in(status).revisions[0]
    if status not in DECISIONS[action]:
        return
    entry = world.decide(action, revision)
    undone = world.undo(entry)
    assert ([e.to_status for e in undone.entries], undone.skipped) == ([status], [])
    assert statuses(revision.comment) == [status]
    assert world.public() == (["Wider is good news."] if status is APPROVED else [])
    assert world.undo(entry).entries == []


def test_the_author_takes_back_both_texts_and_the_newest_comes_again(world: World) -> None:
    comment = world.reply_in(APPROVED)
    world.edit(comment, "A better text.")
    world.withdraw(comment)
    assert statuses(comment) == [WITHDRAWN, WITHDRAWN]
    assert world.public() == []
    world.resume(comment)
    assert statuses(comment) == [WITHDRAWN, PENDING]
    with pytest.raises(NotAllowed):
        world.decide(Action.APPROVE, comment.revisions[0])


def test_an_approved_edit_takes_the_place_of_the_approved_text(world: World) -> None:
    comment = world.reply_in(APPROVED)
    edited = world.edit(comment, "A better text.")
    assert world.public() == ["Wider is good news."]
    world.decide(Action.APPROVE, edited)
    assert statuses(comment) == [SUPERSEDED, APPROVED]
    assert world.public() == ["A better text."]


def test_undo_of_an_approval_that_superseded_another_brings_both_back(world: World) -> None:
    comment = world.reply_in(APPROVED)
    entry = world.decide(Action.APPROVE, world.edit(comment, "A better text."))
    undone = world.undo(entry)
    assert [(e.from_status, e.to_status) for e in undone.entries] == [(APPROVED, PENDING), (SUPERSEDED, APPROVED)]
    assert statuses(comment) == [APPROVED, PENDING]
    assert world.public() == ["Wider is good news."]


def test_undo_goes_back_press_by_press(world: World) -> None:
    comment = world.reply()
    arrived = comment.newest.waiting_since
    first = world.decide(Action.APPROVE, comment.newest)
    second = world.decide(Action.APPROVE, world.edit(comment, "A better text."))
    assert world.undo(first).entries == []
    world.undo(second)
    assert world.public() == ["Wider is good news."]
    # The edit stays in the queue, at the place its first text had.
    assert [e.to_status for e in world.undo(first).entries] == [SUPERSEDED]
    assert (statuses(comment), world.public()) == ([SUPERSEDED, PENDING], [])
    assert comment.newest.waiting_since == arrived


def test_undo_reaches_behind_what_was_undone(world: World) -> None:
    comment = world.reply()
    first = world.decide(Action.APPROVE, comment.newest)
    second = world.decide(Action.REJECT, comment.newest)
    assert world.undo(first).entries == []
    world.undo(second)
    assert world.public() == ["Wider is good news."]
    assert [e.to_status for e in world.undo(first).entries] == [PENDING]
    assert world.public() == []


def test_undo_leaves_a_comment_alone_of_which_anything_changed_since(world: World) -> None:
    comment = world.reply_in(APPROVED)
    edited = world.edit(comment, "A better text.")
    entry = world.decide(Action.APPROVE, edited)
    world.decide(Action.REJECT, edited, who="piet")
    undone = world.undo(entry)
    assert (undone.entries, undone.skipped) == ([], [edited])
    # The text approved before must not come back by itself: nobody decided that.
    assert statuses(comment) == [SUPERSEDED, REJECTED]
    assert world.public() == []


def test_undo_of_a_rejection_does_not_queue_two_texts_of_one_comment(world: World) -> None:
    comment = world.reply()
    entry = world.decide(Action.REJECT, comment.newest)
    world.edit(comment, "A milder text.")
    assert [e.to_status for e in world.undo(entry).entries] == [SUPERSEDED]
    assert statuses(comment) == [SUPERSEDED, PENDING]


def test_undo_does_not_bring_back_what_its_author_withdrew_since(world: World) -> None:
    comment = world.reply_in(APPROVED)
    world.edit(comment, "A better text.")
    entry = world.decide(Action.REJECT, comment.revisions[0])
    world.withdraw(comment)
    undone = world.undo(entry)
    assert (undone.entries, undone.skipped) == ([], [comment.newest])
    assert (statuses(comment), world.public()) == ([WITHDRAWN, WITHDRAWN], [])
    world.resume(comment)
    assert world.undo(entry).entries == []
    assert statuses(comment) == [WITHDRAWN, PENDING]


def test_withdrawing_takes_what_was_rejected_with_it(world: World) -> None:
    comment = world.reply_in(APPROVED)
    edited = world.edit(comment, "Buy prams at prams.example")
    world.decide(Action.REJECT, edited)
    world.withdraw(comment)
    assert statuses(comment) == [WITHDRAWN, WITHDRAWN]
    with pytest.raises(NotAllowed):
        world.decide(Action.APPROVE, edited)
    assert world.public() == []


def test_undo_queues_no_text_behind_a_newer_one_that_was_decided(world: World) -> None:
    comment = world.reply()
    first = world.decide(Action.REJECT, comment.newest, who="ana")
    second = world.decide(Action.REJECT, world.edit(comment, "A milder text."), who="piet")
    assert world.undo(first, who="ana").entries == []
    assert statuses(comment) == [REJECTED, REJECTED]
    # Nothing is stuck: the later press can be taken back, and the author can write once more.
    world.undo(second, who="piet")
    assert statuses(comment) == [REJECTED, PENDING]
    world.edit(comment, "The mildest text.")
    assert statuses(comment) == [REJECTED, SUPERSEDED, PENDING]


def test_rejecting_the_approved_text_leaves_the_pending_edit_in_the_queue(world: World) -> None:
    comment = world.reply_in(APPROVED)
    edited = world.edit(comment, "A better text.")
    world.decide(Action.REJECT, comment.revisions[0])
    assert statuses(comment) == [REJECTED, PENDING]
    assert world.public() == []
    world.decide(Action.APPROVE, edited)
    assert world.public() == ["A better text."]


def test_rejecting_a_pending_edit_leaves_the_approved_text_public(world: World) -> None:
    comment = world.reply_in(APPROVED)
    world.decide(Action.REJECT, world.edit(comment, "Buy prams at prams.example"))
    assert statuses(comment) == [APPROVED, REJECTED]
    assert world.public() == ["Wider is good news."]


@pytest.mark.parametrize("action", [Action.APPROVE, Action.REOPEN])
def test_an_older_text_is_not_decided_over_a_newer(world: World, action: Action) -> None:
    comment = world.reply_in(REJECTED)
    edited = world.edit(comment, "A milder text.")
    with pytest.raises(Outdated) as caught:
        world.decide(action, comment.revisions[0])
    assert caught.value.revision is comment.revisions[0]
    assert statuses(comment) == [REJECTED, PENDING]
    assert edited is comment.newest


def test_a_superseded_text_is_not_decided(world: World) -> None:
    comment = world.reply()
    first = comment.newest
    world.edit(comment, "A better text.")
    with pytest.raises(AlreadyDecided):
        world.decide(Action.APPROVE, first, seen=0)
    with pytest.raises(NotAllowed):
        world.decide(Action.APPROVE, first)
    assert world.public() == []


def test_an_edit_while_a_decision_was_under_way_conflicts_for_the_moderator(world: World) -> None:
    comment = world.reply()
    seen = comment.newest.turn
    first = comment.newest
    world.edit(comment, "Buy prams at prams.example")
    with pytest.raises(AlreadyDecided):
        world.decide(Action.APPROVE, first, seen=seen)
    assert world.public() == []


def test_a_decision_while_the_author_was_editing_conflicts_for_the_author(world: World) -> None:
    comment = world.reply()
    seen = (comment.newest.id, comment.newest.turn)
    world.decide(Action.APPROVE, comment.newest)
    with pytest.raises(AlreadyDecided):
        world.edit(comment, "A better text.", seen=seen)
    assert statuses(comment) == [APPROVED]


def test_a_withdrawn_reply_is_not_approved(world: World) -> None:
    comment = world.reply()
    seen = comment.newest.turn
    world.withdraw(comment)
    with pytest.raises(AlreadyDecided):
        world.decide(Action.APPROVE, comment.newest, seen=seen)
    with pytest.raises(NotAllowed):
        world.decide(Action.APPROVE, comment.newest)
    assert world.public() == []


def test_the_second_moderator_is_told_and_nothing_moves(world: World) -> None:
    comment = world.reply()
    world.decide(Action.APPROVE, comment.newest, seen=0, who="ana")
    with pytest.raises(AlreadyDecided):
        world.decide(Action.REJECT, comment.newest, seen=0, who="piet")
    assert statuses(comment) == [APPROVED]


def test_the_same_press_twice_gets_the_first_answer(world: World) -> None:
    comment = world.reply()
    first = world.decide(Action.APPROVE, comment.newest, seen=0)
    assert world.decide(Action.APPROVE, comment.newest, seen=0) is first
    world.undo(first)
    with pytest.raises(AlreadyDecided):
        world.decide(Action.APPROVE, comment.newest, seen=0)
    assert statuses(comment) == [PENDING]


def test_only_ones_own_batch_is_undone(world: World) -> None:
    comment = world.reply()
    entry = world.decide(Action.APPROVE, comment.newest, who="ana")
    assert world.undo(entry, who="piet").entries == []
    assert statuses(comment) == [APPROVED]


def test_below_a_parent_that_is_gone_the_place_stays_empty(world: World) -> None:
    parent = world.reply_in(APPROVED)
    child = world.reply("I agree.", author="Tom", email="tom@home.example", parent=parent.id)
    world.withdraw(parent)
    world.decide(Action.APPROVE, child.newest)
    assert world.public() == ["- withdrawn", "I agree."]
    world.resume(parent)
    assert world.public() == ["- not-public", "I agree."]


def test_whatever_changes_the_page_raises_its_version(world: World) -> None:
    parent = world.reply_in(APPROVED)
    child = world.reply("I agree.", author="Tom", email="tom@home.example", parent=parent.id)
    thread, seen = parent.thread, {}
    for change in (
        lambda: world.decide(Action.APPROVE, child.newest),
        lambda: world.decide(Action.REOPEN, parent.newest),
        lambda: world.withdraw(parent),
        lambda: world.resume(parent),
        lambda: world.decide(Action.REJECT, parent.newest),
    ):
        seen[thread.version] = tuple(world.public())
        change()
        assert seen.setdefault(thread.version, tuple(world.public())) == tuple(world.public())


@pytest.mark.parametrize("status", [PENDING, REJECTED, SPAM, RETURNED])
def test_an_empty_place_does_not_tell_why(world: World, status: Status) -> None:
    parent = world.reply_in(APPROVED)
    child = world.reply("I agree.", author="Tom", email="tom@home.example", parent=parent.id)
    world.decide(Action.APPROVE, child.newest)
    world.decide(Action.REOPEN, parent.newest)
    for action in {PENDING: (), REJECTED: (Action.REJECT,), SPAM: (Action.SPAM,), RETURNED: (Action.RETURN,)}[status]:
        world.decide(action, parent.newest)
    assert world.public() == ["- not-public", "I agree."]


def test_every_action_of_the_table_is_tried_here() -> None:
    tried = {*DECISIONS, Action.WITHDRAW, Action.RESUME}
    assert set(lifecycle.TRANSITIONS) == tried
    for action, moves in DECISIONS.items():
        allowed, target = lifecycle.TRANSITIONS[action]
        assert (allowed, {target}) == (set(moves), set(moves.values()))
