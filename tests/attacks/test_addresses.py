"""Whoever writes down another address for themselves: no header makes another sender, on a server that counts."""

import json
from collections.abc import Iterator

import pytest

from tests.attacks import wire
from tests.attacks.wire import FORM
from tests.conftest import ORIGIN
from tests.server import Server, flask, running

MOST = 10
FORGED = (
    *("X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP"),
    *(
        "Forwarded",
        "Via",
        "X-Forwarded",
        "Forwarded-For",
        "X-Originating-IP",
        "X-Remote-IP",
        "X-Remote-Addr",
        "Client-IP",
    ),
)


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that takes ten replies a minute of a network, and believes no proxy."""
    instance = tmp_path_factory.mktemp("counting")
    limits = {"NETWORK_REPLIES_PER_MINUTE": MOST, "DEMO": 0, "REPLY_PAUSE": 0, "SIGN_INS_PER_HOUR": 5}
    with running(instance, **limits) as server:
        made = flask("site", "create", "courier", "--origin", ORIGIN, instance=instance, **limits)
        assert made.returncode == 0, made.stderr
        yield server


def reply(port: int, number: int, headers: list[tuple[str, str]]) -> int:
    body = {"comment": f"Number {number}.", "author": f"A{number}", "email": f"a{number}@home.example"}
    own = [("Content-Type", "application/json"), ("Accept", "application/json")]
    sent = json.dumps(body | {"page": f"{ORIGIN}/counted"}).encode()
    return wire.ask(port, "POST", "/sites/courier/replies", [*own, *headers], sent).status


# Remark42 b1502801, Waline #785, Isso: the sender's own word was taken for the sender's address.
def test_forged_addresses_are_one_sender(counting: Server) -> None:
    answers = []
    for number in range(40):
        name = FORGED[number % len(FORGED)]
        address = f"198.51.100.{number}" if number % 2 else f"2001:db8:{number:x}::1"
        value = f'for="[{address}]"' if name == "Forwarded" else address
        headers = [(name, value), ("X-Forwarded-For", f"{address}, 127.0.0.1"), ("X-Forwarded-For", address)]
        answers.append(reply(counting.port, number, headers))
    assert sorted(answers) == [201] * MOST + [429] * (40 - MOST)
    # It is said to the operator, once.
    assert counting.output.count("proxy.not_counted") == 1


def test_a_guesser_of_passwords_is_one_guesser_too(counting: Server) -> None:
    visitor, answers = wire.Browser(counting.port), []
    for number in range(12):
        headers = [("X-Forwarded-For", f"198.51.100.{number}"), ("X-Real-IP", f"198.51.100.{number}")]
        fields = {"email": f"nobody-{number}@staff.example", "password": "wrong"}
        answers.append(visitor.post("/account/sign-in", fields, headers).status)
    assert answers == [422] * 5 + [429] * 7


@pytest.mark.parametrize(
    "address", ["", "x", "::", "999.1.1.1", "1.2.3.4, " * 500, "127.0.0.1\t", "fe80::1%eth0", "\xff"]
)
def test_an_address_that_is_none_breaks_nothing(counting: Server, address: str) -> None:
    headers = [(name, address.encode().decode("latin-1")) for name in FORGED]
    assert wire.ask(counting.port, "GET", "/healthz", headers).status in {200, 400}
    kind = [("Content-Type", FORM), ("Accept", "application/json")]
    answer = wire.ask(counting.port, "POST", "/sites/courier/replies", [*kind, *headers], b"comment=")
    assert answer.status in {400, 422, 431}
