"""Requests that never end, in front of the shipped nginx configuration: they occupy nobody but themselves."""

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.deploy.conftest import Front, behind
from tests.deploy.proxy import NAME, Certificate, nginx
from tests.journeys.desk import Desk
from tests.server import until

#: A busy machine takes its time to open so many; the shipped patience is looked at in a test of its own.
PATIENT = {f"client_{part}_timeout 10s": f"client_{part}_timeout 300s" for part in ("header", "body")}
HEAD = f"POST /sites/{{site}}/replies HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
BODY = "Accept: application/json\r\nContent-Length: 90\r\n\r\ncomment=Slow"


@pytest.fixture(scope="module")
def patient(service: Desk, certificate: Certificate) -> Iterator[Front]:
    """Put an nginx that waits longer in front of the service."""
    with nginx(service.server.port, certificate, PATIENT) as proxy:
        yield behind(proxy, service)


@contextmanager
def begun(front: Front, *beginnings: str, sources: int) -> Iterator[list[ssl.SSLSocket]]:
    """Hold requests open that are half sent, from so many networks in turn."""
    with ExitStack() as stack:
        held = []
        for number, beginning in enumerate(beginnings):
            connection = stack.enter_context(front.proxy.connect(f"127.1.{number % sources}.1"))
            connection.sendall(beginning.format(site=front.site).encode())
            held.append(connection)
        yield held


def unanswered(connections: list[ssl.SSLSocket]) -> int:
    """Count the connections on which nothing came back, not even their end."""
    return sum(not _said(connection) for connection in connections)


def _said(connection: ssl.SSLSocket) -> bool:
    connection.setblocking(False)
    try:
        # TLS itself says something at first: session tickets, which are no bytes to read.
        with suppress(ssl.SSLWantReadError):
            return connection.recv(1) is not None
        return False
    finally:
        connection.setblocking(True)


def test_200_half_requests_are_held_while_others_are_served(patient: Front) -> None:
    patient.publish("crowd", "Read in the crowd.")
    beginnings = [HEAD, HEAD + BODY] * 100
    with begun(patient, *beginnings, sources=20) as slow:
        asked = [
            patient.proxy.ask("/healthz"),
            patient.proxy.ask(patient.address("thread.json", "crowd")),
            patient.proxy.ask(patient.address("thread", "crowd")),
            patient.proxy.ask("/embed.js"),
            patient.proxy.ask("/account/sign-in"),
            patient.reply("crowd", "Sent in the crowd.", source="127.2.0.1"),
            # From a network that holds ten of them open.
            patient.reply("crowd", "Sent from their midst.", source="127.1.3.1"),
        ]
        assert [answer.status for answer in asked] == [200, 200, 200, 200, 200, 201, 201]
        assert (len(slow), unanswered(slow)) == (200, 200)
        # Each of them is still as good as any other: what was half sent is taken when the rest has come.
        rest = "&author=Piet&email=piet@home.example&page=" + patient.page("crowd")
        whole = BODY.replace("90", str(len("comment=Slow" + rest)))
        with begun(patient, HEAD + whole, sources=1) as [late]:
            late.sendall(rest.encode())
            assert late.recv(4096).startswith(b"HTTP/1.1 201 ")


def test_one_network_alone_cannot_hold_more_than_its_share(patient: Front) -> None:
    # Of those that only ask, nobody counts how many come in a second.
    asking = HEAD.replace("POST", "GET") + BODY
    with begun(patient, *[asking] * 100, sources=1) as slow:
        # nginx reads them in its own time.
        until(
            lambda: patient.proxy.ask("/healthz", source="127.1.0.1").status == 429, lambda: "the network has its share"
        )
        assert patient.proxy.ask("/healthz", source="127.2.0.1").status == 200
        assert unanswered(slow) == 100
    until(lambda: patient.proxy.ask("/healthz", source="127.1.0.1").status == 200, lambda: "it may ask again")


def test_who_sends_nothing_more_is_let_go(service: Desk, certificate: Certificate) -> None:
    hasty = {text: text.replace("10s", "1s") for text in PATIENT}
    with nginx(service.server.port, certificate, hasty) as proxy:
        front = behind(proxy, service)
        with begun(front, HEAD, HEAD + BODY, sources=1) as slow:
            until(lambda: unanswered(slow) == 0, lambda: "both are closed")


def test_who_posts_without_end_is_told_to_wait_and_may_still_read(patient: Front) -> None:
    def status() -> int:
        return patient.proxy.ask("/sites/nowhere/replies", "POST", body=b"", source="127.3.0.1").status

    until(lambda: 429 in [status() for _ in range(60)], lambda: "somebody says that this is too much")
    assert patient.proxy.ask("/healthz", source="127.3.0.1").status == 200
    assert patient.reply("crowd", "From elsewhere.", source="127.3.1.1").status == 201


def test_a_reload_loses_no_reply_that_is_under_way(patient: Front) -> None:
    rest = "&author=Piet&email=piet@home.example&page=" + patient.page("reload")
    body = BODY.replace("90", str(len("comment=Slow" + rest)))
    with begun(patient, HEAD + body, sources=1) as [slow]:
        until(lambda: patient.proxy.ask("/healthz").status == 200, lambda: "what was sent is read")
        patient.proxy.reload()
        assert patient.proxy.ask("/healthz").status == 200
        slow.sendall(rest.encode())
        answer = slow.recv(65536)
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == "held"
