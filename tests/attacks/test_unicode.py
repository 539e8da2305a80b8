"""Characters that turn, hide, stack or pass for others."""

import unicodedata

import pytest

from tests.attacks.conftest import Place
from tests.attacks.looking import Reader, bodies

TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
HIDDEN = "\ufeff\u200b\u2060\u00ad\u180e" + "".join(map(chr, range(0xE0000, 0xE0080)))


@pytest.mark.parametrize("character", sorted({*TURNING, *HIDDEN}), ids=lambda one: f"U+{ord(one):04X}")
def test_nothing_turns_or_hides_in_a_name(place: Place, character: str) -> None:
    number = place.held(page=place.page(), author=f"A{character}dmin{character}")
    assert place.row(number)["author"] == "Admin"


def test_a_name_stands_apart_from_what_is_around_it(place: Place) -> None:
    page = place.page()
    place.public(page=page, author="\u0645\u0627\u0631\u062c\u064a\u062a (1)")
    for name in ("thread", "thread.html"):
        assert "<bdi>\u0645\u0627\u0631\u062c\u064a\u062a (1)</bdi>" in place.read(name, page).text
    texts = [of for tag, of in Reader(place.read("thread.html", page).text).tags if of.get("class") == "text"]
    assert [of.get("dir") for of in texts] == ["auto"]


@pytest.mark.parametrize("marks", [5, 50, 200])
def test_marks_are_not_stacked_over_the_neighbours(place: Place, marks: int) -> None:
    number = place.held(page=place.page(), author="Z" + "\u0335\u0489\u034f\u0300" * marks + "algo")
    name = place.row(number)["author"]
    longest = run = 0
    for character in unicodedata.normalize("NFD", name):
        run = run + 1 if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"} else 0
        longest = max(longest, run)
    assert 0 < longest <= 4
    assert name == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name", ["Ines", "\u0406nes", "I\u200bnes", "Ine\u0455", "\uff29\uff4e\uff45\uff53", "ines", "lnes"]
)
def test_a_name_that_passes_for_one_of_the_staff_is_found(place: Place, name: str) -> None:
    number = place.held(page=place.page(), author=name)
    assert "staff" in place.row(number)["findings"]
    assert place.row(number)["status"] == "pending"


@pytest.mark.parametrize(
    "word", ["casino", "CASINO", "c\u0430sino", "\uff43\uff41\uff53\uff49\uff4e\uff4f", "ca\u200bsino", "ca\u0300sino"]
)
def test_a_word_in_disguise_is_found(place: Place, word: str) -> None:
    form = place.fields_of("Ines", "/settings/courier/moderation")
    ines = place.by("Ines")
    assert ines.post("/settings/courier/moderation", form | {"watched_words": "casino"}).status == 303
    number = place.held(f"Visit my {word} today.", page=place.page())
    assert (
        place.row(number)["findings"] != place.row(place.held("Visit my house today.", page=place.page()))["findings"]
    )


def test_joiners_survive_where_they_are_letters(place: Place) -> None:
    page, text = (
        place.page(),
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    )
    number = place.public(text, page=page)
    assert place.row(number)["text"] == text
    [html] = bodies(place.read("thread.json", page).json)
    assert text in html
