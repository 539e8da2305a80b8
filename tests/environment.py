"""What the tests need of the machine: PostgreSQL, a browser, nginx, and plain words at the end where one is missing.

A pytest plugin. The first test that asks starts the cluster, in whichever worker that is; the run's own process stops
it. What is missing leaves tests out, and fails the run under CI or MODERATION_TEST_REQUIRE_ALL.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import browser, postgres
from tests.deploy import proxy

#: Where the run's cluster is or will be; inherited by the workers.
CLUSTER = "MODERATION_TEST_CLUSTER"
INSTALL = "apt-get install -y chromium nginx openssl postgresql redis-server"


def redis_server() -> str | None:
    """Find the program; Valkey is as good."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


#: What may be missing: how to look for it, and what goes untested without it.
PARTS: dict[str, tuple[Callable[[], object], str]] = {
    "Chromium": (browser.chromium_path, "everything a person sees: the journeys, the embed, accessibility"),
    "PostgreSQL": (postgres.available, "the product on PostgreSQL: its locks, its migrations"),
    "Redis": (redis_server, "limits that several machines count together"),
    "nginx": (proxy.available, "the shipped nginx configuration in front of the product"),
}


def missing() -> list[str]:
    """Name the parts that this machine lacks."""
    return [part for part, (find, _) in PARTS.items() if not find()]


def all_required() -> bool:
    """Say whether a missing part is a failure."""
    return any(os.environ.get(name, "0") not in ("", "0", "false") for name in ("CI", "MODERATION_TEST_REQUIRE_ALL"))


def pytest_configure(config: pytest.Config) -> None:
    """Settle where the cluster will be, before the workers start and inherit it."""
    if _is_worker(config):
        return
    # The developer's own PGPORT or PGPASSWORD would lead libpq elsewhere.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    if postgres.available():
        os.environ[CLUSTER] = str(postgres.claim())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the cluster, if anybody started it."""
    if not _is_worker(config) and (home := os.environ.pop(CLUSTER, None)):
        postgres.stop(Path(home))


@pytest.fixture(scope="session")
def postgres_url(worker_id: str) -> str:
    """Return the address of this worker's own, empty PostgreSQL database."""
    if not postgres.available():
        _leave_out("PostgreSQL")
    home = Path(os.environ[CLUSTER])
    postgres.start(home)
    return postgres.create_database(home, f"test_{worker_id}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return the browser, started once per worker. A test takes a context of its own from it and closes that."""
    path = browser.chromium_path()
    if path is None:
        _leave_out("Chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=browser.launch_arguments())
        yield running
        running.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> proxy.Certificate:
    """Return what nginx shows of itself in the tests. Without nginx, and openssl that makes this, they are left out."""
    if not proxy.available():
        _leave_out("nginx")
    return proxy.make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that was to test everything and could not."""
    if not _is_worker(session.config) and all_required() and missing():
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested, why, and what to do about it."""
    if not (lacking := missing()):
        return
    failed = all_required()
    terminalreporter.section(
        "FAILED: NOT EVERYTHING WAS TESTED" if failed else "NOT EVERYTHING WAS TESTED", red=True, bold=True
    )
    for part in lacking:
        terminalreporter.line(f"{part} is missing. Left out: {PARTS[part][1]}.", red=True)
    terminalreporter.line(f"Install it with: {INSTALL}", bold=True)


@pytest.fixture
def redis_program() -> str:
    """Return the program that a test starts on a port of its own."""
    program = redis_server()
    if program is None:
        _leave_out("Redis")
    return program


def _leave_out(part: str) -> None:
    reason = f"{part} is missing: {INSTALL}"
    if all_required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
