"""How fast it is and what it takes, as ratios against others in the same minutes on the same machine.

`python -m benchmarks.run` installs what it needs into benchmarks/.tools, listens on loopback alone, takes about ten
minutes, and writes docs/benchmarks.md with its plot. With --quick it takes two, on less, and writes nothing.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import contestants, footprint, reading, report, tools, workload, writing
from benchmarks.bench import ROOT, Failed

#: Fewer rounds are no median, fewer starts neither.
ROUNDS, STARTS = 5, 5


def main() -> None:
    """Measure everything, print it, and say which bars hold."""
    asked = arguments()
    began = time.monotonic()
    try:
        tools.make_ready()
        with tempfile.TemporaryDirectory(prefix="lar-bench-", dir=tools.TOOLS) as folder:
            found = measure(Path(folder), quick=asked.quick)
    except Failed as fault:
        sys.exit(f"Not measured: {fault}")
    minutes = (time.monotonic() - began) / 60
    print(report.in_text(found))
    if not asked.quick or asked.write:
        report.write(found, minutes=minutes)
        print(f"Written to {report.PAGE} and {report.PLOT}, after {minutes:.1f} minutes")
    if asked.check and not all(bar.holds for bar in report.bars(found)):
        sys.exit("Not every bar holds.")


def arguments() -> argparse.Namespace:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two minutes, less data, fewer rounds: a try, no result")
    parser.add_argument("--write", action="store_true", help="write the page after a quick run too")
    parser.add_argument("--check", action="store_true", help="fail where a bar is missed")
    return parser.parse_args()


def measure(folder: Path, *, quick: bool) -> report.Found:
    """Fill, then measure reading, writing, memory and start."""
    size, rounds = (workload.QUICK, 2) if quick else (workload.WHOLE, ROUNDS)
    two, one, small, isso, rest = (folder / name for name in ("two", "one", "small", "isso", "rest"))
    for made in (two, isso, rest):
        made.mkdir()
    print(f"Filling with {size.threads:,} threads, {size.comments:,} comments and {size.held:,} that wait", flush=True)
    options = ["--quick"] if quick else []
    filled = subprocess.run([sys.executable, "-m", "benchmarks.filling", str(two), *options], cwd=ROOT)
    if filled.returncode:
        raise Failed("the workload could not be filled in")
    for copy in (one, small):
        shutil.copytree(two, copy)
    # It makes its tables when it first starts.
    with contestants.isso(isso, by=next(iter(contestants.ISSO_SERVERS))):
        pass
    contestants.fill_isso(isso, workload.published(size))
    # Memory first: nothing that could share it runs yet.
    starts = 3 if quick else STARTS
    footprints = [footprint.measure(small, workers=workers, size=size, starts=starts) for workers in (2, 1)]
    return report.Found(
        machine=tools.machine(),
        size=size,
        rounds=rounds,
        reading=reading.measure(two, one, isso, rest, rounds=rounds, seconds=1 if quick else 2),
        writing=writing.measure(two, one, isso, size=size, rounds=rounds, seconds=2 if quick else 3),
        footprints=footprints,
    )


if __name__ == "__main__":
    main()
