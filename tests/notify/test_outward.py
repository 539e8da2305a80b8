"""The one way out: where it goes, where it refuses to go, and that nothing there can hold it up."""

import gzip
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from moderation.notify import outward
from moderation.notify.outward import Call, Reach, Unreachable, ask, is_public
from tests.notify.heard import Heard, listening


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Return a running server."""
    with listening() as server:
        yield server


def test_a_request_arrives_as_it_was_meant(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    port = heard.server_address[1]
    answer = ask(Call("POST", f"http://localhost:{port}/a?b=c%20d", Reach.OPERATORS, body=b"words"))
    assert (answer.status, answer.body) == (200, b"fine")
    assert heard.asked == [("POST", "/a?b=c%20d", f"localhost:{port}", b"words")]


def test_nobody_is_led_elsewhere_and_no_answer_is_read_without_end(heard: Heard) -> None:
    heard.status, heard.headers = 302, {"Location": f"{heard.url}/elsewhere"}
    assert ask(Call("GET", heard.url, Reach.OPERATORS)).status == 302
    assert [path for _, path, _, _ in heard.asked] == ["/"]
    heard.status, heard.headers, heard.body = 200, {}, b"x" * 1_000_000
    assert len(ask(Call("GET", heard.url, Reach.OPERATORS)).body) == outward.MOST_READ


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1"),
        *("255.255.255.255", "2130706433", "0x7f.1", "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[ff02::1]"),
        *("[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[::127.0.0.1]", "[fec0::1]"),
        *("0177.0.0.1", "0x7f000001", "127.1", "[::ffff:0:7f00:1]", "[2001:0:7f00:1::]", "[ff0e::1]", "[fe80::1%25lo]"),
        *(
            "192.88.99.1",
            "198.18.0.1",
            "192.0.0.1",
            "240.0.0.1",
            "[2001:db8::1]",
            "[3fff::1]",
            "[100::1]",
            "127.0.0.1.",
        ),
    ],
)
def test_an_address_that_somebody_typed_leads_to_nobody_s_own_network(heard: Heard, host: str) -> None:
    with pytest.raises(Unreachable):
        ask(Call("GET", f"http://{host}:{heard.server_address[1]}/", Reach.PUBLIC))
    assert heard.asked == []


def test_a_name_is_looked_up_once_and_one_bad_number_is_enough(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers = [["93.184.216.34", "127.0.0.1"], ["127.0.0.1"]]

    def rebinding(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(0, 0, 0, "", (number, port)) for number in answers[len(asked) - 1]]

    monkeypatch.setattr(outward.socket, "getaddrinfo", rebinding)
    url = f"http://rebinding.example:{heard.server_address[1]}/"
    with pytest.raises(Unreachable, match="not on the public network"):
        ask(Call("GET", url, Reach.PUBLIC))
    monkeypatch.undo()
    # What was looked at is what is dialled: nothing asks for the name again.
    monkeypatch.setattr(outward, "_look_up", lambda *_: ["127.0.0.1"])
    assert ask(Call("GET", url, Reach.OPERATORS)).status == 200
    assert (asked, heard.asked[0][2]) == (["rebinding.example"], f"rebinding.example:{heard.server_address[1]}")


def test_a_look_up_that_does_not_end_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(outward, "EACH", 0.1)
    monkeypatch.setattr(outward.socket, "getaddrinfo", lambda *_, **__: never.wait(30) and [])
    with pytest.raises(Unreachable, match="not found in time"):
        ask(Call("GET", "http://reply.example/", Reach.PUBLIC))
    never.set()


def test_a_packed_answer_is_not_unpacked(heard: Heard) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    heard.headers, heard.body = {"Content-Encoding": "gzip"}, bomb
    assert ask(Call("GET", heard.url, Reach.OPERATORS)).body == bomb[: outward.MOST_READ]


def test_the_public_network_is_told_from_the_rest() -> None:
    assert [address for address in ("93.184.216.34", "2606:2800:220:1::1", "8.8.8.8") if not is_public(address)] == []


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "file:///etc/passwd", "ftp://127.0.0.1/", "http://", "http://[::1", "http://127.0.0.1:99999/"),
        *("http://user:secret@127.0.0.1/", "gopher://127.0.0.1:70/", "http://127.0.0.1:0/", "http://" + "a" * 300),
        *("http://no.such.host.invalid/", "http://127.0.0.1:1/"),
    ],
)
def test_what_cannot_be_asked_is_unreachable(url: str) -> None:
    with pytest.raises(Unreachable):
        ask(Call("GET", url, Reach.OPERATORS))


def test_a_header_with_a_line_break_is_not_sent(heard: Heard) -> None:
    with pytest.raises(Unreachable):
        ask(Call("GET", heard.url, Reach.OPERATORS, headers={"X": "a\r\nY: b"}))


def test_one_who_sends_a_byte_now_and_then_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outward, "ALTOGETHER", 0.3)
    over = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.02):
                    try:
                        connection.sendall(b"X")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(Unreachable):
            ask(Call("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", Reach.OPERATORS))
        over.set()
        thread.join(timeout=10)


@pytest.mark.parametrize("trusted", [False, True])
def test_nobody_is_told_anything_without_a_certificate_that_is_vouched_for(
    heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(chain)]
    subprocess.run([*request, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    heard.socket = context.wrap_socket(heard.socket, server_side=True)
    call = Call("GET", f"https://localhost:{heard.server_address[1]}/", Reach.OPERATORS)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        assert ask(call).status == 200
        call = replace(call, url=call.url.replace("localhost", "127.0.0.1"))
        heard.asked.clear()
    with pytest.raises(Unreachable):
        ask(call)
    assert heard.asked == []
