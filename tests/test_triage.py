"""Every check, as a table: what it notices, what it says, and what it leaves alone."""

import pytest
from flask import Flask

from moderation import triage
from moderation.triage import Evidence
from moderation.triage.skeleton import prototypes
from moderation.triage.staff import skeletons

PLAIN = {"html": "<p>Wider is good news.</p>", "url": "", "alike": 0, "written_in": 90.0}
LINK = '<p>See <a href="https://shop.example/prams" rel="nofollow">this</a> and <a href="https://shop.example/x">that</a>.</p>'


@pytest.mark.parametrize(
    ("evidence", "codes"),
    [
        ({}, []),
        ({"trapped": True}, ["trap"]),
        ({"written_in": 1.9}, ["hurried"]),
        ({"written_in": 2.0}, []),
        ({"written_in": None}, ["no-token"]),
        ({"written_in": None, "from_form": False}, []),
        ({"alike": 3}, ["alike"]),
        ({"html": LINK}, ["links"]),
        ({"html": LINK, "replaces": PLAIN["html"]}, ["links", "adds-link"]),
        ({"html": LINK, "replaces": LINK}, ["links"]),
        ({"url": "https://home.example/me"}, ["website"]),
        ({"author": "Аna Ruiz", "staff": ["Ines", "Ana Ruiz"]}, ["staff"]),
        ({"author": "Ana", "staff": ["Ines", "Ana Ruiz"]}, []),
        ({"author": "", "staff": ["", "…"]}, []),
        ({"html": '<p><a href="http://[broken">x</a></p>'}, ["links"]),
        # All checks run: what one finds hides nothing of the others.
        (
            {"html": LINK, "trapped": True, "alike": 1, "url": "https://home.example"},
            ["trap", "alike", "links", "website"],
        ),
    ],
)
def test_a_check_notices(evidence: dict[str, object], codes: list[str]) -> None:
    assert [finding.code for finding in triage.examine(Evidence(**(PLAIN | evidence)))] == codes  # type: ignore[arg-type]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (("trap", {}), ("Hidden field filled", "People do not see that field; programs fill it.")),
        (("hurried", {"number": 1}), ("Written in 1 second", "Most people take longer to fill the form.")),
        (("alike", {"number": 3}), ("Same text as 3 others", "The same words were sent to this site before.")),
        (("links", {"number": 2, "hosts": "shop.example"}), ("2 links", "shop.example")),
        (
            ("staff", {"name": "Ana"}),
            ("Named like a moderator", "Readers may take it for \u2068Ana\u2069 of this site."),
        ),
        (("website", {"hosts": "home.example"}), ("Leaves a website", "home.example")),
        (("from a newer version", {}), ("from a newer version", "")),
    ],
)
def test_a_finding_is_said_in_words(app: Flask, finding: tuple[str, dict[str, object]], words: tuple[str, str]) -> None:
    with app.test_request_context():
        assert triage.describe({"code": finding[0], "values": finding[1]}) == words


def test_hosts_are_the_real_ones() -> None:
    html = '<p><a href="https://shop.example/a">https://news.example</a> <a href="mailto:a@b.example">mail</a></p>'
    found = triage.examine(Evidence(**(PLAIN | {"html": html})))  # type: ignore[arg-type]
    assert found[0].values == {"number": 2, "hosts": "shop.example, mailto:a@b.example"}


@pytest.mark.parametrize(
    ("name", "staff", "alike"),
    [
        ("Ana Ruiz", "Ana Ruiz", True),
        ("ana ruiz", "Ana Ruiz", True),
        ("ANA RUIZ", "Ana Ruiz", True),
        ("Ana-Ruiz.", "Ana Ruiz", True),
        ("AnaRuiz", "Ana Ruiz", True),
        ("Аnа Ruiz", "Ana Ruiz", True),  # Cyrillic
        ("Αna Ruiz", "Ana Ruiz", True),  # Greek
        ("𝐀𝐧𝐚 𝐑𝐮𝐢𝐳", "Ana Ruiz", True),  # mathematical
        ("Ａｎａ Ｒｕｉｚ", "Ana Ruiz", True),  # full width
        ("Ⓐⓝⓐ Ruiz", "Ana Ruiz", True),  # circled
        ("Aná Ruíz", "Ana Ruiz", True),
        ("A\u0337na Ruiz", "Ana Ruiz", True),
        ("lnes Moreau", "Ines Moreau", True),
        ("1nes M0reau", "Ines Moreau", True),
        ("|nes Moreau", "Ines Moreau", True),
        ("Piet rnulder", "Piet Mulder", True),
        ("Oбama", "Обама", False),
        ("Петp", "Петр", True),  # the other way round: a Latin p in a Cyrillic name
        ("Ana Ruis", "Ana Ruiz", False),
        ("Anna Ruiz", "Ana Ruiz", False),
        ("Ruiz", "Ana Ruiz", False),
        ("ines", "lnes", False),
        ("李雷", "李蕾", False),
    ],
)
def test_a_name_is_compared_as_the_eye_does(name: str, staff: str, alike: bool) -> None:
    assert bool(skeletons(name) & skeletons(staff)) is alike


def test_the_table_is_read_whole_and_leads_nowhere_twice() -> None:
    table = prototypes()
    assert len(table) > 2000
    assert {table[each] for each in "АΑᎪ"} == {"A"}
    # What a letter is taken for is taken for nothing else.
    assert [
        each
        for each, prototype in table.items()
        if len(prototype) == 1 and table.get(prototype, prototype) != prototype
    ] == []
