"""The shipped Caddyfile in front of a real server. Where there is no Caddy, this is left out: nginx is what CI has."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from moderation.web.guards import MOST_BODY
from tests.deploy.conftest import BEHIND, Front, behind, network_of_newest, tag, texts
from tests.deploy.proxy import (
    NAME,
    Certificate,
    Proxy,
    as_nobody,
    ended,
    folder_of_nobody,
    listening,
    replaced,
)
from tests.deploy.test_nginx_slow import BODY, HEAD, begun, unanswered
from tests.journeys.desk import Desk
from tests.server import DEADLINE, ROOT, free_port, running, until

SHIPPED = ROOT / "docs" / "deploy" / "Caddyfile"
CADDY = shutil.which("caddy")
pytestmark = pytest.mark.skipif(CADDY is None, reason="Caddy is missing: apt-get install -y caddy")


def version() -> tuple[int, ...]:
    """Return Caddy's version."""
    said = subprocess.run([str(CADDY), "version"], capture_output=True, text=True, timeout=DEADLINE).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said)[:3])


def spelling() -> dict[str, str]:
    """Say the one thing that an older Caddy calls differently, as the file itself says."""
    return {"request_buffers 1MiB": "buffer_requests"} if version() < (2, 6, 4) else {}


@contextmanager
def caddy(port: int, certificate: Certificate, changes: Mapping[str, str]) -> Iterator[Proxy]:
    """Run the shipped Caddyfile before the service on this port, with a certificate that is there already."""
    with folder_of_nobody(certificate) as folder:
        ports = free_port(), free_port()
        mine = f"\tadmin off\n\tauto_https disable_redirects\n\thttp_port {ports[1]}\n\thttps_port {ports[0]}\n"
        keys = f"\ttls {folder / certificate.chain.name} {folder / certificate.key.name}\n"
        places = {"\n{\n": "\n{\n" + mine, f"{NAME} {{\n": f"{NAME}:{ports[0]} {{\n{keys}", ":8000": f":{port}"}
        (folder / "Caddyfile").write_text(replaced(SHIPPED.read_text(), {**places, **changes}))
        command = [str(CADDY), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
        home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        with (folder / "caddy.log").open("wb") as said:
            process = subprocess.Popen(
                command, env=home, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **as_nobody()
            )
        with ended(process):
            yield listening(process, folder, ports, certificate)


@pytest.fixture(scope="module")
def front(service: Desk, certificate: Certificate) -> Iterator[Front]:
    """Put Caddy in front of the service, with more patience: a busy machine takes its time."""
    patience = {"read_header 10s": "read_header 300s", "read_body 30s": "read_body 300s"}
    with caddy(service.server.port, certificate, spelling() | patience) as proxy:
        yield behind(proxy, service)


def test_the_file_is_valid(tmp_path: Path) -> None:
    (tmp_path / "Caddyfile").write_text(replaced(SHIPPED.read_text(), spelling()))
    said = subprocess.run(
        [str(CADDY), "validate", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert (said.returncode, '"warn"' in said.stderr) == (0, False), said.stderr


def test_a_reply_goes_round(front: Front) -> None:
    front.publish("caddy", "Published behind Caddy.")
    answer = front.reply("caddy", "How wide is it?", source="127.9.8.7", **{"X-Forwarded-For": "203.0.113.9"})
    assert answer.status == 201
    assert network_of_newest(front) == tag(front, "127.9.8.7")
    receipt = front.proxy.ask(json.loads(answer.body)["receipt"].removeprefix(f"https://{NAME}"))
    assert (receipt.status, receipt["Cache-Control"]) == (200, "no-store")
    assert "__Host-session=" in (front.proxy.ask("/account/sign-in")["Set-Cookie"] or "")

    path = front.address("thread.json", "caddy")
    read = front.proxy.ask(path)
    assert "Published behind Caddy." in texts(read)
    assert front.proxy.ask(path, headers={"If-None-Match": read["ETag"] or ""}).status == 304
    for accepted in ("gzip", "br", "identity"):
        packed = {"Accept-Encoding": accepted}
        direct, through = front.directly(path, packed), front.proxy.ask(path, headers=packed)
        assert (through.body, through["Content-Encoding"]) == (direct.body, direct["Content-Encoding"])


@pytest.mark.parametrize(("size", "by_the_service"), [(MOST_BODY + 1, True), (1_000_001, False)])
def test_what_is_too_large_is_refused(front: Front, size: int, by_the_service: bool) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = front.proxy.ask(f"/sites/{front.site}/replies", "POST", body=b"a" * size, headers=headers)
    assert (answer.status, answer["X-Request-ID"] is not None) == (413, by_the_service)


def test_half_requests_are_held_while_others_are_served(front: Front) -> None:
    with begun(front, *[HEAD, HEAD + BODY] * 100, sources=20) as slow:
        asked = [front.proxy.ask("/healthz"), front.reply("crowd", "Sent in the crowd.")]
        assert [answer.status for answer in asked] == [200, 201]
        assert unanswered(slow) == 200


def test_while_the_service_is_away_people_are_told_and_no_log_names_a_receipt(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        running(tmp_path_factory.mktemp("away"), **BEHIND) as server,
        caddy(server.port, certificate, spelling()) as proxy,
    ):
        assert proxy.ask("/healthz").status == 200
        assert server.stop() == 0
        token = "12." + "a" * 22
        until(lambda: proxy.ask(f"/receipts/{token}").status == 503, lambda: "it is away")
        away = proxy.ask(f"/receipts/{token}")
        assert (away["Retry-After"], away["Cache-Control"]) == ("5", "no-store")
        assert token not in proxy.logs()
