"""The register of attacks: each item is shown by tests that are there, or says why there is nothing to try."""

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
REGISTER = HERE / "REGISTER.txt"


@dataclass
class Item:
    """One item: its number, what went wrong, and what shows that it does not here."""

    number: int
    title: str
    shown: list[str] = field(default_factory=list)


def items(text: str) -> list[Item]:
    """Read the register. Raises `ValueError` for a line that is nothing of it."""
    found: list[Item] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if begins := re.fullmatch(r"(\d+)\. (\S.*)", line):
            found.append(Item(int(begins[1]), begins[2]))
        elif found and re.fullmatch(r" {4}(\w[\w/]*\.py::test_\w+|n/a: \S.{20,})", line):
            found[-1].shown.append(line.strip())
        elif found and re.fullmatch(r" {8}\[[A-Z0-9 -]+\]", line):
            found[-1].title += line
        else:
            raise ValueError(line)
    return found


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the tests of a module by name."""
    return frozenset(node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))


def place_of(shown: str) -> tuple[Path, str]:
    """Return a test's module and name; what lies beside the register is named without a folder."""
    path, _, name = shown.partition("::")
    return HERE / path if (HERE / path).exists() else HERE.parent / path, name


def test_items_are_numbered_and_each_is_shown_or_reasoned() -> None:
    found = items(REGISTER.read_text())
    assert [item.number for item in found] == list(range(1, len(found) + 1))
    assert [item.title for item in found if not item.shown] == []


def test_every_test_that_is_named_is_there() -> None:
    named = [place_of(shown) for item in items(REGISTER.read_text()) for shown in item.shown if "::" in shown]
    assert len(named) > 150
    assert [f"{path}::{name}" for path, name in named if not path.exists() or name not in names_in(path)] == []


def test_every_test_beside_the_register_is_named_in_it() -> None:
    named = {place_of(shown) for item in items(REGISTER.read_text()) for shown in item.shown if "::" in shown}
    beside = {(path, name) for path in HERE.glob("test_*.py") for name in names_in(path) if name.startswith("test_")}
    assert beside - named == {(Path(__file__), name) for name in names_in(Path(__file__)) if name.startswith("test_")}


def test_no_item_is_named_twice_and_no_line_is_left_unread() -> None:
    found = items(REGISTER.read_text())
    assert len({item.title for item in found}) == len(found)
    numbers = [one for item in found for one in re.findall(r"(?:CVE-\d{4}-\d{4,}|GHSA(?:-\w{4}){3})", item.title)]
    assert len(numbers) == len(set(numbers)) > 60
