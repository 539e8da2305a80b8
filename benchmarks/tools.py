"""What is measured with and against, installed where it is missing: wrk and nginx from apt, Isso into a folder here."""

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.bench import HERE, Failed

#: What is installed for measuring alone; not in git.
TOOLS = HERE / ".tools"
#: Where an Isso of its own lives, with the servers that its documentation names.
ISSO = TOOLS / "isso"
ISSO_PACKAGES = ("isso", "gunicorn", "gevent", "packaging", "setuptools<81")
#: Not everybody's PATH leads to a daemon.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def make_ready() -> None:
    """Install what is missing. Raises `Failed`."""
    if missing := [name for name in ("wrk", "nginx") if not shutil.which(name, path=PATH)]:
        _install(missing)
    if not (ISSO / "bin" / "isso").exists():
        print("Installing Isso into", ISSO, flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(ISSO)], "a virtual environment: apt install python3-venv")
        pip = [str(ISSO / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            _run([*pip, *ISSO_PACKAGES], "Isso from PyPI")
        except Failed:
            # Half of it would be taken for all of it the next time.
            shutil.rmtree(ISSO, ignore_errors=True)
            raise


def machine() -> dict[str, str]:
    """Describe what it is measured on."""
    return {
        "Processor": f"{os.cpu_count()} cores, {_model()}",
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "System": f"{_system()}, Linux {platform.release()}",
        "Python": f"{platform.python_version()}, granian {version('granian')}, Flask {version('flask')}, "
        f"SQLAlchemy {version('sqlalchemy')}",
        "Against": f"{_said(['nginx', '-v']).replace('nginx version: ', '')}, Isso {_isso_version()}",
        "Measured by": " ".join(_said(["wrk", "-v"]).split()[:2]),
    }


def _install(names: list[str]) -> None:
    print("Installing", ", ".join(names), flush=True)
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    by_hand = f"{' and '.join(names)}: as root, apt-get install {' '.join(names)}"
    environ = ["env", "DEBIAN_FRONTEND=noninteractive"]
    # nginx must not begin to serve only because it was installed: everything here is started by hand, on loopback.
    was_there = Path("/etc/init.d/nginx").exists()
    _run([*root, "apt-get", "update", "-qq"], by_hand)
    _run([*root, *environ, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *names], by_hand)
    if "nginx" in names and not was_there:
        subprocess.run([*root, "service", "nginx", "stop"], capture_output=True, timeout=30)


def _run(command: list[str], what: str) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"This could not be installed: {what}") from error
    if ran.returncode:
        raise Failed(f"This could not be installed: {what}\n{(ran.stderr or ran.stdout)[-1000:]}")


def _said(command: list[str]) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PATH": PATH}, timeout=30)
    return ((ran.stdout + ran.stderr).strip().splitlines() or ["?"])[0]


def _isso_version() -> str:
    code = "from importlib.metadata import version; print(version('isso'))"
    return _said([str(ISSO / "bin" / "python"), "-c", code])


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
