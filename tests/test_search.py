"""Texts are found by their words, in every script, alike on both databases; no question is an error."""

import pytest
from sqlalchemy import select

from moderation import search
from moderation.db import db
from moderation.models import Revision
from tests.world import World, make_world

TEXTS = (
    "Wider is good news, says Mr. O'Brien: the café re-opens at 9:30!",
    "Ein Bürgersteig für die Fußgänger, 1986 gebaut.",
    "شكراً على المقال. هل المدخل مفتوح؟",
    "这座桥很好看，我每天都走过去。",
    "पुल अच्छा है और चौड़ा भी।",
    "สะพานใหม่สวยมาก",
    "See https://best-garden-deals.example/offer?x=1 for prices",
)


@pytest.fixture
def world(app, context) -> World:
    """Return a world in which each of the texts waits, from an author of its own."""
    made = make_world(app)
    for number, text in enumerate(TEXTS):
        made.reply(text, author=f"Writer {number}", email=f"w{number}@post.example", title=f"Title {number}")
    return made


def found(question: str) -> list[int]:
    query = search.narrowed(select(Revision.id), question).order_by(search.INDEX.c.rowid)
    return [number - 1 for number in db.session.scalars(query)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("wider", [0]),
        ("WIDER News", [0]),
        ("wide", []),
        ("wide*", [0]),
        ("w*", []),  # a beginning of one letter is looked for as the word it is
        ("obrien", []),
        ("O'Brien", [0]),
        ("cafe", [0]),
        ("CAFÉ", [0]),
        ("re-opens", [0]),
        ("9:30", [0]),
        ("burgersteig", [1]),
        ("Fussgänger", [1]),
        ("1986", [1]),
        ("المقال", [2]),
        ("شكرا", [2]),
        ("桥", [3]),
        ("这座桥", [3]),
        ("桥座", []),
        ("अच्छा", [4]),
        ("สะพาน", [5]),
        ("best-garden-deals.example", [6]),
        ("deals garden", [6]),
        ("garden-best", []),
        ("writer", [0, 1, 2, 3, 4, 5, 6]),
        ("w3@post.example", [3]),
        ("mill-lane", [0, 1, 2, 3, 4, 5, 6]),
        ("wider bürgersteig", []),
    ],
)
def test_words_are_found(world: World, question: str, expected: list[int]) -> None:
    assert found(question) == expected


HOSTILE = ['"', "'", "*", "**", '""*', 'a" OR "b', "NEAR(a b)", "words:wider", "-wider", "(", ")", "AND", "OR NOT"]
HOSTILE += ["a & b | !c", "a:*", "<->", "\\", "';--", "%", "_", "\ufffd", "a" * 10_000, "a " * 5_000, "☃", "\u202e"]
HOSTILE += ["wider*" * 100, "{wider}", "^wider", "wider + news", ":", "w:1A*"]


@pytest.mark.parametrize("question", HOSTILE)
def test_no_question_is_an_error(world: World, question: str) -> None:
    assert set(found(question)) <= set(range(len(TEXTS)))


@pytest.mark.parametrize("question", ["", "  ", "?!", "…", "☃"])
def test_a_question_without_a_word_finds_nothing(world: World, question: str) -> None:
    assert found(question) == []


def test_a_new_text_is_found_and_the_old_one_too(world: World) -> None:
    comment = world.reply("First words.", author="Edith", email="edith@post.example")
    world.edit(comment, "Second thoughts.")
    assert len(found("first words")) == 1
    assert len(found("second thoughts")) == 1
    assert len(found("edith")) == 2
