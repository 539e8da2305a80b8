"""What `make audit` makes of a report."""

import json

import pytest

from tests.advisories import judged

FINE = {"name": "flask", "version": "3.1.3", "vulns": []}
BAD = {"name": "idna", "version": "3.6", "vulns": [{"id": "PYSEC-2024-60", "fix_versions": ["3.7"]}]}
SKIPPED = {"name": "leave-a-reply", "skip_reason": "not on PyPI"}


@pytest.mark.parametrize(
    ("report", "status", "says"),
    [
        ("", 1, "Nothing was audited"),
        ("[]", 1, "Nothing was audited"),
        (json.dumps({"dependencies": []}), 1, "Only 0 packages were audited"),
        (json.dumps({"dependencies": [FINE, SKIPPED]}), 1, "Only 1 packages were audited"),
        (json.dumps({"dependencies": [FINE, FINE]}), 0, "2 packages were audited, 0 advisories apply."),
        (json.dumps({"dependencies": [FINE, BAD]}), 1, "idna 3.6: PYSEC-2024-60, mended in 3.7"),
    ],
)
def test_an_audit_of_nothing_is_a_failure(report: str, status: int, says: str) -> None:
    said, ended = judged(report, least=2)
    assert (ended, says in "\n".join(said)) == (status, True)
