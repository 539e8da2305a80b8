"""Firefox, driven over its own Marionette protocol: a length, a colon and JSON on a local socket."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server import DEADLINE, free_port, until

#: Debian's name first.
NAMES = ("firefox-esr", "firefox")


def firefox_path() -> str | None:
    """Find the browser of this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass
class Firefox:
    """A running Firefox with one tab."""

    line: socket.socket
    number: int = 0

    def do(self, command: str, **given: Any) -> Any:
        """Carry out a command, and return its value."""
        self.number += 1
        body = json.dumps([0, self.number, command, given]).encode()
        self.line.sendall(str(len(body)).encode() + b":" + body)
        _, _, error, result = self.hear()
        assert error is None, error
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def open(self, address: str) -> None:
        """Go to a page."""
        self.do("WebDriver:Navigate", url=address)

    def run(self, script: str, *given: object) -> Any:
        """Run the body of a function in the page, beyond the reach of its policy, and return what it returns."""
        return self.do("WebDriver:ExecuteScript", script=script, args=list(given), sandbox="default")

    def wait(self, script: str) -> Any:
        """Wait until the script returns something, and return that."""
        found: list[Any] = []

        def fits() -> bool:
            found[:] = [self.run(script)]
            return bool(found[0])

        until(fits, lambda: f"{script} is {found}")
        return found[0]

    def hear(self) -> Any:
        """Wait for the next thing it says."""
        head = b""
        while not head.endswith(b":"):
            head += self.line.recv(1)
        length, body = int(head[:-1]), b""
        while len(body) < length:
            body += self.line.recv(length - len(body))
        return json.loads(body)


@contextmanager
def firefox(path: str, profile: Path) -> Iterator[Firefox]:
    """Start a Firefox of its own until the block ends."""
    port = free_port()
    (profile / "user.js").write_text(f'user_pref("marionette.port", {port});\n')
    process = subprocess.Popen(
        [path, "--headless", "--marionette", "--no-remote", "--profile", str(profile)],
        env=os.environ | {"HOME": str(profile)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    lines: list[socket.socket] = []

    def connected() -> bool:
        with suppress(OSError):
            lines.append(socket.create_connection(("127.0.0.1", port), timeout=DEADLINE))
        return bool(lines)

    try:
        until(connected, lambda: "Firefox listens")
        browser = Firefox(lines[0])
        hello = browser.hear()
        assert re.match("gecko", hello["applicationType"])
        browser.do("WebDriver:NewSession")
        yield browser
    finally:
        for line in lines:
            line.close()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=DEADLINE)
