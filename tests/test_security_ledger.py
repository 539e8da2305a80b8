"""The ledger of security requirements: each stands there once, with tests that are there or a reason that is one."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEDGER = ROOT / "docs" / "security.md"
#: What a reason may begin with, up to its colon, and what each means: see the ledger's first lines.
REASONS = re.compile(
    r"(?P<kind>Does not apply|Documented|By design|Operator|Not tested|Not met(?: [a-z -]+)?): (?P<why>.+)"
)
TEST = re.compile(r"`(tests/[\w/.-]+\.py)::(\w+)(?:\[[^\]`]*\])?`")
LINK = re.compile(r"\[[^\]]+\]\(([^)]+)\)")


@dataclass(frozen=True)
class Row:
    """One requirement's line."""

    number: str
    about: str
    level: str
    state: str
    where: str


@cache
def known() -> dict[str, str]:
    """Return every number of the standard with its level."""
    lines = (Path(__file__).parent / "asvs-5.0.txt").read_text().splitlines()
    return dict(line.split(" ") for line in lines)  # type: ignore[arg-type]


def rows(text: str) -> list[Row]:
    """Read the tables; a line that only looks like one of theirs is an error."""
    lines = [line for line in text.splitlines() if re.match(r"\| *[0-9]", line)]
    cells = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines]
    return [Row(*row) for row in cells]


def covered(number: str) -> list[str]:
    """Return the numbers that a line is for: its own, or all of a chapter's as in 17.*."""
    chapter = number.removesuffix("*")
    return [each for each in known() if each.startswith(chapter)] if chapter != number else [number]


@cache
def named_in(name: str) -> frozenset[str]:
    """Return the tests of a file; none where it is not there."""
    path = ROOT / name
    if not path.is_file():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    named = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)]
    return frozenset(name for name in named if name.startswith("test_"))


@cache
def headings(path: Path) -> frozenset[str]:
    """Return the anchors of a text's headings."""
    found = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found)


def faults(text: str) -> Iterator[str]:
    """Say everything that is wrong with a ledger."""
    told = rows(text)
    counted = Counter(number for row in told for number in covered(row.number))
    yield from (f"{number} is no requirement" for number in counted if number not in known())
    yield from (f"{number} stands there {times} times" for number, times in counted.items() if times > 1)
    yield from (f"{number} is missing" for number, level in known().items() if level != "3" and not counted[number])
    for row in told:
        if not row.number.endswith("*") and row.level != known().get(row.number, row.level):
            yield f"{row.number} is of level {known()[row.number]}"
        yield from (f"{row.number}: {fault}" for fault in _faults_of(row))


def _faults_of(row: Row) -> Iterator[str]:
    if not row.about:
        yield "says not what it is about"
    match row.state:
        case "test":
            named = TEST.findall(row.where)
            if not named:
                yield "names no test"
            yield from (f"there is no {file}::{name}" for file, name in named if name not in named_in(file))
        case "reason":
            reason = REASONS.fullmatch(row.where)
            if reason is None or len(re.findall(r"\w+", reason["why"])) < 3:
                yield "gives no reason of three words that begins as one"
            elif reason["kind"] == "Documented" and not LINK.search(reason["why"]):
                yield "leads to no document"
            # A reason may name files, too.
            files = re.findall(r"`((?:tests|moderation|templates)/[\w/.-]+)`", row.where)
            yield from (f"there is no {file}" for file in files if not (ROOT / file).exists())
        case _:
            yield f"{row.state} is no state"


def test_every_requirement_has_a_test_or_a_reason() -> None:
    assert list(faults(LEDGER.read_text())) == []


@pytest.mark.parametrize("name", ["docs/security.md", "SECURITY.md"])
def test_links_lead_somewhere(name: str) -> None:
    path, dead = ROOT / name, []
    for link in LINK.findall(path.read_text()):
        file, _, anchor = link.partition("#")
        to = (path.parent / file).resolve() if file else path
        if not link.startswith("https://") and (not to.exists() or (anchor and anchor not in headings(to))):
            dead.append(link)
    assert dead == []


def test_the_files_that_are_named_are_there() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    named = re.findall(r"`((?:tests|moderation|docs|templates)/[\w/.-]+)`", text)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


#: Part of the ledger, what stands there instead, and what is found.
BROKEN = [
    ("| 1.2.4 | ", "| 1.2.44 | ", {"1.2.44 is no requirement", "1.2.4 is missing"}),
    ("| 1.2.4 | ", "| 1.2.3 | ", {"1.2.3 stands there 2 times", "1.2.4 is missing"}),
    ("| 17.* | ", "| 16.* | ", {"16.5.1 stands there 2 times", "17.1.1 is missing", "17.3.2 is missing"}),
    ("| 1.2.6 | LDAP | 2 |", "| 1.2.6 | LDAP | 1 |", {"1.2.6 is of level 2"}),
    ("::test_a_formula_becomes_a_text`", "::test_a_formula_became_a_text`", {"1.2.10: there is no tests/web/"}),
    ("`tests/web/test_log_files.py::test_a_f", "`tests/web/log_files.py::test_a_f", {"1.2.10: there is no tests/web/"}),
    ("Does not apply: nothing here speaks LDAP.", "Does not apply: no.", {"1.2.6: gives no reason"}),
    ("Does not apply: nothing here speaks LDAP.", "Nothing here speaks LDAP.", {"1.2.6: gives no reason"}),
    ("Does not apply: nothing here speaks LDAP.", "", {"1.2.6: gives no reason"}),
    (
        "Documented: above, under [browsers](#browsers).",
        "Documented: in other places.",
        {"3.1.1: leads to no document"},
    ),
    ("| 1.2.6 | LDAP | 2 | reason |", "| 1.2.6 | LDAP | 2 | test |", {"1.2.6: names no test"}),
    ("| 1.2.6 | LDAP | 2 | reason |", "| 1.2.6 | LDAP | 2 | done |", {"1.2.6: done is no state"}),
]


@pytest.mark.parametrize(("old", "new", "found"), BROKEN)
def test_what_is_wrong_is_found(old: str, new: str, found: set[str]) -> None:
    text = LEDGER.read_text()
    assert text.count(old) == 1
    told = list(faults(text.replace(old, new)))
    assert [fault for fault in found if not any(said.startswith(fault) for said in told)] == []
    assert told
