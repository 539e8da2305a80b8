"""What every measurement needs: rounds of wrk, taken in turns, and servers that end with their block."""

import json
import os
import secrets
import signal
import socket
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
#: The same for everybody.
CONNECTIONS = 32
#: Seconds wrk waits for one answer: the slowest here takes some.
PATIENCE = 60
#: A server that does not answer by then has failed.
DEADLINE = 60.0


class Failed(Exception):
    """Something cannot be measured; the message says what."""


@dataclass(frozen=True)
class Load:
    """What wrk is to do: an address, headers, and a script where the requests differ."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Name of a script below wrk/, and what it is told.
    script: str = "get"
    told: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Round:
    """What one round brought."""

    rate: float
    #: Milliseconds half of the answers, and 99 of 100, kept within.
    p50: float
    p99: float
    answers: int


@dataclass
class Measured:
    """All rounds of one contestant."""

    name: str
    rounds: list[Round] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second, the median of the rounds."""
        return statistics.median(one.rate for one in self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """The slowest and the fastest round."""
        return min(one.rate for one in self.rounds), max(one.rate for one in self.rounds)

    @property
    def p99(self) -> float:
        """Milliseconds, the median of the rounds."""
        return statistics.median(one.p99 for one in self.rounds)


#: What takes one round.
Contestant = Callable[[], Round]


@dataclass
class Server:
    """A running server, with all that it started, in a process group of its own."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    #: Seconds from its start to its first good answer.
    began_in: float = 0.0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


def in_turns(contestants: Mapping[str, Contestant], *, rounds: int) -> dict[str, Measured]:
    """Measure A B C A B C: what the machine does meanwhile hits everybody alike."""
    found = {name: Measured(name) for name in contestants}
    for number in range(rounds):
        for name, measure in contestants.items():
            found[name].rounds.append(measure())
            print(f"  {number + 1}/{rounds}  {found[name].rounds[-1].rate:>10,.1f}/s  {name}", flush=True)
    return found


def wrk(load: Load, *, seconds: float) -> Round:
    """Run wrk once: one thread, the same connections for everybody. Raises `Failed` where not every answer was good."""
    told = [str(text) for pair in load.told.items() for text in pair]
    headers = [part for name, text in load.headers.items() for part in ("-H", f"{name}: {text}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", f"{PATIENCE}s"]
    command += ["-s", str(HERE / "wrk" / f"{load.script}.lua"), *headers, load.url, "--", *told]
    environ = os.environ | {"LUA_PATH": f"{HERE}/wrk/?.lua;;"}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds + PATIENCE, env=environ)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if ran.returncode or not lines:
        raise Failed(f"wrk {load.url}: {(ran.stdout + ran.stderr).strip()}")
    said = json.loads(lines[-1])
    bad = {name: said[name] for name in ("status", "read", "write", "timeout", "connect") if said[name]}
    if bad or not said["answers"]:
        raise Failed(f"{load.url}, {load.script}: {said['answers']} answers, bad ones among them: {bad or 'none'}")
    return Round(said["answers"] * 1e6 / said["microseconds"], said["p50"] / 1000, said["p99"] / 1000, said["answers"])


@contextmanager
def running(
    command: Sequence[str], *, port: int, log: Path, ready: str, environ: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server until the block ends; it is ready when a path answers 200."""
    with log.open("ab") as said:
        began = time.monotonic()
        process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process, port, log)
    try:
        _wait_for(server, ready)
        server.began_in = time.monotonic() - began
        yield server
    finally:
        _end(process)


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, str], bytes]:
    """Ask once; an error is an answer too."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=DEADLINE) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def memory(server: Server) -> tuple[float, int]:
    """Return the PSS in MB of all processes of a server's group, and how many they are.

    What several share counts as a part with each. Run nothing else beside it that could share.
    """
    sizes = [_pss(int(one.name)) for one in Path("/proc").iterdir() if one.name.isdigit() and _is_of(one, server)]
    return sum(sizes) / 1e6, len(sizes)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def unlike() -> str:
    """Return a text that no round had before."""
    return secrets.token_hex(4)


def _wait_for(server: Server, path: str) -> None:
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until and server.process.poll() is None:
        with suppress(OSError, ValueError):
            if get(server.url + path)[0] == 200:
                return
        time.sleep(0.01)
    said = server.log.read_text(errors="replace")[-2000:]
    raise Failed(f"{server.url}{path} does not answer; the server said:\n{said}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a server and all it started: what it has taken it may finish, but not for long."""
    with suppress(ProcessLookupError):
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _is_of(proc: Path, server: Server) -> bool:
    with suppress(OSError):
        return os.getpgid(int(proc.name)) == server.process.pid
    return False


def _pss(pid: int) -> int:
    """Return one process' share of memory in bytes."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
