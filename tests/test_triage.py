"""Every check, as a table: what it notices, what it says, and what it leaves alone."""

import pytest
from flask import Flask

from moderation import triage
from moderation.triage import Evidence

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
