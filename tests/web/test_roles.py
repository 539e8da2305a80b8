"""The table of who may ask what: as checked in, so answered; and what it must never say."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.web import roletable

ANEW = "python -m tests.web.roletable writes roles.txt anew: read what changed before you commit it"


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the table as the app answers now."""
    return roletable.table(tmp_path_factory.mktemp("roles")).splitlines()


@pytest.fixture(scope="module")
def expected() -> list[str]:
    """Return the table as it is checked in."""
    return roletable.TABLE.read_text().splitlines()


def cells(line: str) -> tuple[str, str, dict[str, str]]:
    """Take a line apart: the route, the method, and the answers by role."""
    at = roletable.WIDE + 1
    route, method = line[:at].strip(), line[at : at + roletable.METHOD].strip()
    rest, wide = line[at + roletable.METHOD :], roletable.CELL
    answers = [rest[wide * number :][:wide].strip() for number in range(len(roletable.ROLES))]
    return route, method, dict(zip(roletable.ROLES, answers, strict=True))


def test_everybody_is_answered_as_the_table_says(answered: list[str], expected: list[str]) -> None:
    before, now = set(expected), set(answered)
    assert (sorted(now - before), sorted(before - now)) == ([], []), ANEW
    assert answered == expected, ANEW


def test_nothing_breaks_whoever_asks(answered: list[str]) -> None:
    known = {*roletable.WORDS.values(), "sign in"}
    assert [line for line in answered[1:] if not set(cells(line)[2].values()) <= known] == []


def test_no_stranger_gets_beyond_a_door_of_the_staff(answered: list[str]) -> None:
    private = ("/queue/", "/log/", "/settings/", "/account/sites")
    asked = [cells(line) for line in answered[1:] if line.startswith(private)]
    assert len(asked) > 80
    assert {answers["stranger"] for _, _, answers in asked} <= {"sign in", "forbidden", "-"}


def test_a_role_may_all_that_the_one_below_it_may(answered: list[str]) -> None:
    done = {"ok", "made", "led"}
    order = ("reader", "moderator", "owner", "operator")
    for _, _, answers in (cells(line) for line in answered[1:]):
        for less, more in pairwise(order):
            # Nobody is owner of their own without a membership: an operator has none to give up.
            assert answers[less] not in done or answers[more] in {*done, "unknown"}, answers


def test_a_site_s_addresses_do_not_tell_another_s_staff_that_it_is_there(answered: list[str]) -> None:
    for line in answered[1:]:
        route, method, answers = cells(line)
        if route.startswith("/settings/<") or "/sites/<site:key>/leave" in route:
            assert answers["other"] in {"unknown", "-", "ok" if method == "OPTIONS" else "-"}, line


def test_a_route_without_a_line_is_found(tmp_path: Path, answered: list[str]) -> None:
    assert {cells(line)[0] for line in answered[1:]} == {
        rule.rule for rule in roletable.new_app(f"sqlite:///{tmp_path / 'x.sqlite'}", tmp_path).url_map.iter_rules()
    }
