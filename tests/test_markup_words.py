"""Texts as typed: made tidy, refused, compared."""

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.markup import tidy_name, tidy_text, unprintable, word_diff
from tests.markup_audit import (
    unhurried,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\r\nc é 😀 \u200d \x7f \x85", False),
        ("", False),
        *((f"a{character}b", True) for character in "\0\x01\x08\x0b\x0c\x0e\x1b\x1f\ud800\udbff\udfff\ufffe\uffff"),
    ],
)
def test_unprintable_is_what_a_database_or_a_feed_refuses(text, expected):
    assert unprintable(text) is expected


@pytest.mark.parametrize(
    ("name", "tidy"),
    [
        ("  Ana \t\n María  ", "Ana María"),
        ("Jose\u0301", "José"),
        ("\u202eevil\u202c", "evil"),
        ("a\u2066b\u2069\u200ec\u200fd", "abcd"),
        ("\ufeffA\u200bn\u2060a", "Ana"),
        ("A\U000e0041n\U000e007fa", "Ana"),
        ("\u3000Ana\xa0Ruiz\u2028", "Ana Ruiz"),
        ("\u3164 \u2800", ""),
        ("Z" + "\u0335" * 9 + "a", "Z" + "\u0335" * 4 + "a"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200dAna\u200c \u200dRuiz\u200d", "Ana Ruiz"),
        ("A\u200d\u200c\u200dna", "Ana"),
        ("می\u200c\u200dخواهم", "می\u200dخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("👩\u200d❤\ufe0f\u200d👩", "👩\u200d❤\ufe0f\u200d👩"),
        ("A\ufe0fn\ufe01a\U000e0100 R\u034fuiz", "Ana Ruiz"),
        ("Ana\u180e\u17b5", "Ana"),
        ("a" + "\u0344" * 4, "ä\u0301\u0308\u0301\u0308"),
        ("\u200d\u200c", ""),
        ("Ñandú 李 محمد", "Ñandú 李 محمد"),
    ],
)
def test_a_tidy_name_is_what_one_sees(name, tidy):
    assert tidy_name(name) == tidy


@unhurried
@given(
    st.text(st.characters(codec=None, categories=None)),
    st.text(st.sampled_from("aé \u200d\u200c\u0301\u0335\u202e\ufeff\n\u3164👩")),
)
def test_a_tidy_name_stays_as_it_is(name, odd):
    for text in (name, odd, odd + name):
        tidy = tidy_name(text)
        assert tidy_name(tidy) == tidy
        assert unicodedata.is_normalized("NFC", tidy)
        assert not re.search(
            "[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff\n]|\\A\\s|\\s\\Z|[\u200c\u200d]{2}", tidy
        )


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("\n \n  a\n\n\n b  \n \n", "  a\n\n\n b"),
        ("e\u0301", "é"),
        ("a \u202eb\u200d  c", "a \u202eb\u200d  c"),
        (" \n ", ""),
        ("e\u0301" + "\u0335" * 200, "e\u0301" + "\u0335" * 200),  # a tower this high is left as it stands
    ],
)
def test_a_tidy_text_keeps_the_authors_words(text, tidy):
    assert tidy_text(text) == tidy


@unhurried
@given(st.text(), st.sampled_from(["", "\r\n", "\r", "\n \n"]))
def test_a_tidy_text_stays_as_it_is(text, end):
    tidy = tidy_text(end + text + end + text)
    assert tidy_text(tidy) == tidy
    assert "\r" not in tidy


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("one two", "one two", [("same", "one two")]),
        ("one two three", "one 2 three", [("same", "one "), ("out", "two"), ("in", "2"), ("same", " three")]),
        ("one", "one\n\ntwo", [("same", "one"), ("in", "\n\ntwo")]),
        ("one two", "one", [("same", "one"), ("out", " two")]),
        ("a  b", "a b", [("same", "a"), ("out", "  "), ("in", " "), ("same", "b")]),
        ("", "a", [("in", "a")]),
        ("a", "", [("out", "a")]),
        ("", "", []),
        ("a " * 2_600, "a " * 2_600 + "b", [("same", "a " * 2_600), ("in", "b")]),
        ("a " * 2_600, "a " * 2_600, [("same", "a " * 2_600)]),
    ],
)
def test_word_diff_says_what_an_edit_changed(old, new, changes):
    assert word_diff(old, new) == changes


@unhurried
@given(st.text(st.sampled_from("ab \n")), st.text(st.sampled_from("ab \n")))
def test_word_diff_holds_both_texts_whole(old, new):
    changes = word_diff(old, new)
    assert "".join(words for kind, words in changes if kind != "in") == old
    assert "".join(words for kind, words in changes if kind != "out") == new


def test_word_diff_of_texts_made_to_take_long_takes_no_time():
    letters = "abcdefghijklmnopqrstuvwxy"
    old = " ".join(f"{letters[number % 25]} X" for number in range(1_250))
    new = old.replace("X", "Y")
    start = time.process_time()
    assert word_diff(old, new) == [("same", "a "), ("out", old[2:]), ("in", new[2:])]
    assert time.process_time() - start < 0.5


def test_word_diff_of_long_texts_takes_no_time():
    old = " ".join(str(number * number % 61) for number in range(2_500))
    new = " ".join(str(number * number * number % 61) for number in range(2_500))
    start = time.process_time()
    word_diff(old, new)
    assert time.process_time() - start < 3
