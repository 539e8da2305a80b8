"""A real server for a test: `flask db upgrade` and `flask serve`, in a process group of its own."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
#: A server that is not ready, or not gone, by then has failed.
DEADLINE = 40.0
#: Tests send more in a minute than people do.
UNHURRIED = {
    f"{limit}_PER_MINUTE": 10**6
    for limit in ("NETWORK_REPLIES", "THREAD_REPLIES", "SITE_REPLIES", "RECEIPTS", "PROOF_FROM")
}


@dataclass
class Server:
    """A running `flask serve` with its workers; everything it printed lies in a file."""

    process: "subprocess.Popen[bytes]"
    instance: Path
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Return the service's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def demo_url(self) -> str:
        """Return the demo article's address, on an origin of its own."""
        return f"http://localhost:{self.port}/demo/mill-lane"

    @property
    def output(self) -> str:
        """Return what was printed so far, on both channels."""
        return self.log.read_text(errors="replace")

    @property
    def start_link(self) -> str | None:
        """Return the link where the first owner is made, if one was printed."""
        found = re.search(r"http\S+/account/start\?code=\w+", self.output)
        return found[0] if found else None

    def get(self, path: str, host: str | None = None) -> tuple[int, bytes]:
        """Ask for a path, by another host's name if need be; return the status and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request("GET", path, headers={"Host": host or f"127.0.0.1:{self.port}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal to the server alone, as a service manager does, and return what it ended with."""
        self.process.send_signal(sign)
        return self.process.wait(timeout=DEADLINE)

    def interrupt(self) -> int:
        """Send SIGINT to the whole process group, as a terminal does on Ctrl-C, and return what it ended with."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(timeout=DEADLINE)

    def kill(self) -> None:
        """Kill the whole process group at once, as a power cut does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=DEADLINE)


@contextmanager
def running(instance: Path, **settings: object) -> Iterator[Server]:
    """Migrate and serve with these settings (as in `DEMO=0`) until the block ends; then nothing of it runs."""
    migrated = flask("db", "upgrade", instance=instance, **settings)
    assert migrated.returncode == 0, migrated.stderr
    server = start(instance, **settings)
    try:
        until(lambda: _is_ready(server), lambda: f"the server is ready; it said:\n{server.output}")
        yield server
    finally:
        server.kill()


def start(instance: Path, **settings: object) -> Server:
    """Start `flask serve` on a free port, or on the one in BIND, without waiting for it. The caller ends it."""
    settings = {"BIND": f"127.0.0.1:{free_port()}"} | UNHURRIED | settings
    port = int(str(settings["BIND"]).rpartition(":")[2])
    log = instance / f"serve-{port}-{time.monotonic_ns()}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*FLASK, "serve"],
            cwd=ROOT,
            env=environment(instance, **settings),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(process, instance, port, log)


def flask(
    *arguments: str, instance: Path, given: str | None = None, **settings: object
) -> "subprocess.CompletedProcess[str]":
    """Run one `flask` command in a process of its own; `given` is what it reads from standard input."""
    return subprocess.run(
        [*FLASK, *arguments],
        cwd=ROOT,
        env=environment(instance, **settings),
        input=given or "",
        capture_output=True,
        text=True,
        timeout=DEADLINE * 2,
    )


def environment(instance: Path, **settings: object) -> dict[str, str]:
    """Return this process' environment with the product's settings replaced by these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MODERATION_", "FLASK_"))}
    ours = {f"MODERATION_{name}": str(value) for name, value in settings.items()}
    return kept | {"MODERATION_INSTANCE_PATH": str(instance), "PYTHONUNBUFFERED": "1"} | ours


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(fits: Callable[[], object], what: Callable[[], str], *, within: float = DEADLINE) -> None:
    """Ask again and again, until it fits or time is up."""
    end = time.monotonic() + within
    pause = threading.Event()
    while not fits():
        assert time.monotonic() < end, f"in vain: {what()}"
        pause.wait(0.05)


def _is_ready(server: Server) -> bool:
    assert server.process.poll() is None, f"the server ended:\n{server.output}"
    try:
        return server.get("/readyz")[0] == 200
    except (OSError, http.client.HTTPException):
        return False
