"""nginx with the shipped configuration, its ports and paths replaced: unprivileged, in a folder of its own."""

import http.client
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server import DEADLINE, ROOT, free_port, until

SHIPPED = ROOT / "docs" / "deploy" / "nginx.conf"
NAME = "reply.example"
#: Not everybody's PATH leads to a daemon.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
#: The rest of an nginx.conf, as Debian has it: gzip is on there.
MAIN = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Certificate:
    """A certificate for the name in the shipped configuration, that nobody but the tests trusts."""

    chain: Path
    key: Path


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def __getitem__(self, name: str) -> str | None:
        """Return a header."""
        return self.headers.get(name)


@dataclass
class Proxy:
    """A running nginx in front of one service."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    port: int
    plain_port: int
    trust: ssl.SSLContext

    def connect(self, source: str = "127.0.0.1") -> ssl.SSLSocket:
        """Open a connection from one of the loopback's many addresses."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE, source_address=(source, 0))
        return self.trust.wrap_socket(plain, server_hostname=NAME)

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        source: str = "127.0.0.1",
    ) -> Answer:
        """Ask once, over TLS."""
        return ask(self.connect(source), path, method, body=body, headers=headers)

    def reload(self) -> None:
        """Let new processes take over from those that run, as `nginx -s reload` does."""
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.workers() - before, lambda: "nginx has new processes")

    def workers(self) -> set[str]:
        """Return the ids of the processes that answer."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return set(children.read_text().split())

    def logs(self) -> str:
        """Return everything that was logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))


def available() -> bool:
    """Say whether nginx is there, and openssl for its certificate."""
    return all(shutil.which(name, path=PATH) for name in ("nginx", "openssl"))


def make_certificate(folder: Path) -> Certificate:
    """Make a certificate that is good for two days."""
    made = Certificate(folder / "chain.pem", folder / "key.pem")
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    files = ["-keyout", str(made.key), "-out", str(made.chain)]
    subprocess.run(["openssl", "req", *kind, *name, *files], check=True, capture_output=True, timeout=DEADLINE)
    return made


@contextmanager
def nginx(port: int, certificate: Certificate, changes: Mapping[str, str] | None = None) -> Iterator[Proxy]:
    """Run the shipped configuration before the service on this port; `changes` replace other texts of it."""
    with folder_of_nobody(certificate) as folder:
        ports = free_port(), free_port()
        site = replaced(SHIPPED.read_text(), {**_places(folder, certificate, ports, port), **(changes or {})})
        (folder / "site.conf").write_text(site)
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        command = [
            shutil.which("nginx", path=PATH) or "nginx",
            "-e",
            f"{folder}/error.log",
            "-c",
            f"{folder}/nginx.conf",
        ]
        tested = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=DEADLINE, **as_nobody())
        assert (tested.returncode, _complaints(tested.stderr)) == (0, []), tested.stderr
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **as_nobody())
        with ended(process):
            yield listening(process, folder, ports, certificate)


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """End a process with the block."""
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE)


def listening(
    process: "subprocess.Popen[bytes]", folder: Path, ports: tuple[int, int], certificate: Certificate
) -> Proxy:
    """Wait until the proxy listens; its log lies in this folder."""
    proxy = Proxy(process, folder, *ports, ssl.create_default_context(cafile=str(certificate.chain)))
    until(lambda: _listens(proxy), lambda: f"the proxy listens; it said:\n{proxy.logs()}")
    return proxy


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Replace texts, each of which has to be there."""
    for old, new in changes.items():
        assert old in text, f"there is no {old!r} any more"
        text = text.replace(old, new)
    return text


def ask(
    connection: socket.socket,
    path: str,
    method: str = "GET",
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask over an open connection, by the service's name, and close it."""
    with closing(http.client.HTTPConnection(NAME, timeout=DEADLINE)) as client:
        client.sock = connection
        client.request(method, path, body, dict(headers or {}))
        answer = client.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


def _places(folder: Path, certificate: Certificate, ports: tuple[int, int], service: int) -> dict[str, str]:
    """Say where in this folder, and behind which ports, everything of the shipped configuration is."""
    secure, plain = ports
    return {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl": f"listen 127.0.0.1:{secure} ssl",
        "listen [::]:80;": f"listen [::1]:{plain};" if _has_ipv6() else "",
        "listen [::]:443 ssl http2;": f"listen [::1]:{secure} ssl http2;" if _has_ipv6() else "",
        "127.0.0.1:8000": f"127.0.0.1:{service}",
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(folder / certificate.chain.name),
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(folder / certificate.key.name),
        "/var/cache/nginx/leave-a-reply": str(folder / "cache"),
        "/var/log/nginx/": f"{folder}/",
        "/var/www/letsencrypt": str(folder),
    }


@contextmanager
def folder_of_nobody(certificate: Certificate) -> Iterator[Path]:
    """Make a folder that whoever runs the proxy can reach, unlike those of pytest, with the certificate in it."""
    with tempfile.TemporaryDirectory(prefix="lar-proxy-") as made:
        for path in (certificate.chain, certificate.key):
            shutil.copyfile(path, Path(made) / path.name)
            (Path(made) / path.name).chmod(0o644)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            os.chown(made, owner.pw_uid, owner.pw_gid)
        yield Path(made)


def as_nobody() -> dict[str, Any]:
    """Say who runs the proxy: not root."""
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def _complaints(said: str) -> list[str]:
    """Return what `nginx -t` did not like, but for http2 as a parameter: older versions know nothing else."""
    lines = [line for line in said.splitlines() if re.search(r"\[(warn|error|emerg|alert|crit)\]", line)]
    return [line for line in lines if '"listen ... http2" directive is deprecated' not in line]


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def _listens(proxy: Proxy) -> bool:
    assert proxy.process.poll() is None, f"the proxy ended:\n{proxy.logs()}"
    try:
        proxy.connect().close()
    except OSError:
        return False
    return True
