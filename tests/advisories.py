"""Known vulnerabilities of what runs the product, as `make audit` asks pip-audit; an audit of nothing is a failure."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

from tests.server import ROOT

#: Seconds for all of it.
DEADLINE = 600


def main() -> int:
    """Ask about the pinned requirements, and say what was found."""
    pinned = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "20"]
    run = subprocess.run(
        [*command, "--requirement", str(ROOT / "requirements.txt"), "--disable-pip"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    said, status = judged(run.stdout, least=len(pinned) * 3 // 4)
    sys.stdout.write("\n".join([*said, *([run.stderr.strip()[-1500:]] if status else [])]) + "\n")
    return status


def judged(report: str, *, least: int) -> tuple[Sequence[str], int]:
    """Return what a report says, and 1 where something was found, or fewer packages were looked at than there are."""
    try:
        told = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return ["Nothing was audited: the advisories did not answer."], 1
    looked: list[Mapping[str, object]] = [each for each in told if "skip_reason" not in each]
    found = [(each, vuln) for each in looked for vuln in each["vulns"]]  # type: ignore[attr-defined]
    lines = [
        f"{each['name']} {each['version']}: {vuln['id']}, mended in {', '.join(vuln['fix_versions']) or 'nothing yet'}"
        for each, vuln in found
    ]
    if len(looked) < least:
        return [*lines, f"Only {len(looked)} packages were audited, of at least {least}."], 1
    return [*lines, f"{len(looked)} packages were audited, {len(found)} advisories apply."], int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
