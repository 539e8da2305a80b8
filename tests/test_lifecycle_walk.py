"""Whatever moderators and authors do, in whatever order: what is public was approved, and nothing gets stuck."""

import random
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from moderation.db import db
from moderation.lifecycle import Conflict
from moderation.models import OPEN, Action, Comment, Entry, Kind, Revision, Status
from tests.world import World, make_world

DECISIONS = (Action.APPROVE, Action.APPROVE, Action.REJECT, Action.SPAM, Action.REOPEN, Action.RETURN)
STEPS = 120


@pytest.fixture
def world(app: Flask, context: None) -> World:
    """Return a world with two moderators."""
    return make_world(app)


class Walk:
    """A walk through the machine: each step is one thing that somebody may do, or may try to."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, random.Random(seed)
        self.comments: list[Comment] = []
        self.pressed: list[tuple[Entry, str]] = []

    def step(self) -> None:
        """Do something; what has no way is a conflict, and nothing else."""
        steps: list[Callable[[], object]] = [self.decide] * 5 + [self.edit] * 2 + [self.undo] * 3
        try:
            self.chance.choice([*steps, self.withdraw, self.resume, self.reply])()
        except Conflict:
            db.session.rollback()

    def reply(self) -> None:
        """Let a reply arrive, below a public one if there is any."""
        if len(self.comments) < 3:
            public = [comment for comment in self.comments if comment.is_public]
            parent = self.chance.choice(public).id if public and self.chance.random() < 0.5 else None
            name = f"Writer {len(self.comments)}"
            self.comments.append(self.world.reply(f"{name} writes.", author=name, email="", parent=parent))

    def some(self) -> Comment:
        """Return some comment."""
        if not self.comments:
            self.reply()
        return self.chance.choice(self.comments)

    def decide(self) -> None:
        """Press a button on any text, now and then on one that has moved on."""
        revision, who = self.chance.choice(self.some().revisions), self.chance.choice(["ana", "piet"])
        seen = max(0, revision.turn - (self.chance.random() < 0.1))
        self.pressed.append((self.world.decide(self.chance.choice(DECISIONS), revision, seen=seen, who=who), who))

    def edit(self) -> None:
        """Send another text."""
        self.world.edit(self.some(), f"Text {self.chance.random()}.")

    def undo(self) -> None:
        """Take back a press, one of the last."""
        if self.pressed:
            entry, who = self.chance.choice(self.pressed[-6:])
            self.world.undo(entry, who=who)

    def withdraw(self) -> None:
        """Take everything back."""
        self.world.withdraw(self.some())

    def resume(self) -> None:
        """Send it after all."""
        self.world.resume(self.some())


def assert_sound(comment: Comment) -> None:
    """Fail where a comment stands in a way that nobody could lead out of, or that its author did not want."""
    waiting = [revision for revision in comment.revisions if revision.status in OPEN]
    assert [revision for revision in waiting if revision is not comment.newest] == []
    if comment.newest.status is Status.WITHDRAWN:
        assert {revision.status for revision in comment.revisions} <= {Status.WITHDRAWN, Status.SUPERSEDED}
    if (public := comment.approved) is not None:
        actions = select(Entry.action).where(Entry.revision_id == public.id, Entry.kind == Kind.DECISION)
        assert Action.APPROVE in db.session.scalars(actions).all()


@pytest.mark.parametrize("seed", range(6))
def test_no_order_of_things_breaks_the_machine(world: World, seed: int) -> None:
    walk = Walk(world, seed)
    seen: dict[int, tuple[str, ...]] = {}
    for _ in range(STEPS):
        walk.step()
        for comment in db.session.scalars(select(Comment).execution_options(populate_existing=True)):
            db.session.refresh(comment, ["revisions"])
            assert_sound(comment)
        words = tuple(world.public())
        if walk.comments:
            # Two states of the page never share a version.
            version = walk.comments[0].thread.version
            assert seen.setdefault(version, words) == words
    assert world.faults() == []
    assert db.session.scalars(select(Revision.id)).all() != []
