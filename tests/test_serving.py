"""`flask serve` as an operator meets it: what it prints, how it ends, and what is there when it starts again."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from select import select
from urllib.parse import urlencode

import pytest

from moderation import audit, worker
from moderation.db import db
from moderation.web.guards import MOST_BODY
from tests.conftest import new_app
from tests.server import DEADLINE, ROOT, Server, flask, free_port, running, start, until

PASSWORD = "the ramp starts by the noticeboard"
OWNER = ("account", "create", "edda@home.example.org", "--name", "Edda", "--owner-of", "demo", "--password-stdin")


def reply(server: Server, words: str, *, key: str = "demo", page: str = "") -> http.client.HTTPResponse:
    """Send a reply as a program does."""
    fields = {"comment": words, "author": words, "email": "margit@home.example.org", "page": page or server.demo_url}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with closing(connection):
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"/sites/{key}/replies", urlencode(fields), headers)
        answer = connection.getresponse()
        answer.read()
    return answer


def proven(instance: Path) -> dict[str, tuple[int, list[str]]]:
    """Prove the log: how many entries each chain has, and its faults."""
    app = new_app(f"sqlite:///{instance / 'moderation.sqlite'}", instance)
    with app.app_context():
        proofs = audit.verify()
        db.session.rollback()
        db.engine.dispose()
    return {proof.chain: (proof.entries, proof.faults) for proof in proofs}


def begin_a_slow_reply(server: Server) -> tuple[socket.socket, bytes]:
    """Send the beginning of a reply; return the connection and the rest."""
    body = urlencode({"comment": "Slow.", "author": "Piet", "email": "piet@home.example.org", "page": server.demo_url})
    head = (
        f"POST /sites/demo/replies HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: application/json\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall((head + body[:5]).encode())
    return connection, body[5:].encode()


def listens(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def processes(server: Server) -> list[int]:
    """Return the ids of the server processes."""
    first = server.process.pid
    return [int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split()]


def works(server: Server) -> int | None:
    """Return the id of the process that is the worker now."""
    said = (server.instance / worker.LOCK).read_text()
    return int(said) if said.strip() and int(said) in processes(server) else None


def files_of(pid: int) -> list[str]:
    """Return the files that a process has open."""
    with suppress(FileNotFoundError):
        return [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()]
    return []


def test_the_first_start_leads_to_everything_and_a_stop_finishes_what_was_taken(tmp_path):
    with running(tmp_path, REPLY_PAUSE=0) as server:
        assert f"Demo article    {server.demo_url}\n" in server.output
        assert f"Queue           {server.url}/queue/\n" in server.output
        assert server.start_link is not None
        assert server.get(server.start_link.removeprefix(server.url))[0] == 200
        assert server.get("/demo/mill-lane", host=f"localhost:{server.port}")[0] == 200

        flask("site", "create", "herald", "--origin", "https://herald.example", instance=tmp_path)
        thread = server.get("/sites/herald/thread.json?page=https://herald.example/a")
        assert (thread[0], json.loads(thread[1])["count"]) == (200, 0)

        assert reply(server, "First.").status == 201
        until(lambda: '"reply.held"' in server.output, lambda: f"the worker told of the reply:\n{server.output}")

        slow, rest = begin_a_slow_reply(server)
        with slow:
            # The answer comes over another connection, so the slow one was taken before it.
            assert server.get("/healthz")[0] == 200
            server.process.send_signal(signal.SIGTERM)
            until(lambda: not listens(server), lambda: "the server takes nothing new")
            slow.sendall(rest)
            assert slow.recv(4096).startswith(b"HTTP/1.1 201 ")
        assert server.process.wait(timeout=30) == 0
        assert "Traceback" not in server.output

    assert flask(*OWNER, instance=tmp_path, given=PASSWORD).returncode == 0
    before = proven(tmp_path)
    assert [faults for _, faults in before.values()] == [[], [], []]
    with running(tmp_path) as server:
        assert server.start_link is None
        assert proven(tmp_path) == before
        assert server.interrupt() == 0
        assert "Traceback" not in server.output


def test_what_was_acknowledged_before_a_power_cut_is_there_after_it(tmp_path):
    with running(tmp_path, REPLY_PAUSE=0) as server:
        answers = [reply(server, f"Words of {number}.").status for number in range(5)]
        server.kill()
    assert answers == [201] * 5
    entries, faults = proven(tmp_path)["demo"]
    assert faults == []
    with running(tmp_path, REPLY_PAUSE=0) as server:
        assert reply(server, "After.").status == 201
        assert proven(tmp_path)["demo"] == (entries + 1, [])

        # The server's own processes end with it, and leave the port to the next.
        server.process.kill()
        server.process.wait(timeout=30)
        until(lambda: not listens(server), lambda: "the server's processes are gone")


@pytest.mark.faults
def test_when_the_process_that_is_the_worker_dies_another_one_takes_over(tmp_path):
    with running(tmp_path, REPLY_PAUSE=0) as server:
        until(lambda: works(server), lambda: f"one works:\n{server.output}")
        before, first = processes(server), works(server)
        assert (len(before), server.output.count('"worker.began"')) == (2, 1)
        os.kill(first or 0, signal.SIGKILL)
        until(lambda: works(server) not in (None, first), lambda: "another one works", within=10)
        assert reply(server, "Still told of.").status == 201
        until(lambda: '"reply.held"' in server.output, lambda: f"the worker told of the reply:\n{server.output}")
        # The dead one is replaced, by one that stands by.
        until(lambda: len(processes(server)) == 2 and first not in processes(server), lambda: "there are two again")
        assert server.get("/readyz")[0] == 200
        assert server.stop() == 0
        assert "Traceback" not in server.output


@pytest.mark.faults
def test_a_server_process_alone_is_replaced_with_its_worker(tmp_path):
    with running(tmp_path, REPLY_PAUSE=0, WORKERS=1) as server:
        until(lambda: works(server), lambda: f"one works:\n{server.output}")
        [first] = processes(server)
        os.kill(first, signal.SIGKILL)
        until(lambda: works(server) not in (None, first), lambda: f"its successor works:\n{server.output}")
        until(lambda: listens(server) and reply(server, "Afterwards.").status == 201, lambda: "it takes replies")
        until(lambda: '"reply.held"' in server.output, lambda: f"the worker told of the reply:\n{server.output}")


def test_no_file_of_the_database_crosses_the_fork(tmp_path):
    with running(tmp_path, REPLY_PAUSE=0) as server:
        assert reply(server, "Written by one of them.").status == 201
        # The first process has none of its files open: what it had, both others would have.
        assert [name for name in files_of(server.process.pid) if "sqlite" in name] == []
        assert any("moderation.sqlite" in name for pid in processes(server) for name in files_of(pid))


def test_what_is_too_large_is_answered_when_all_of_it_has_come(tmp_path):
    # What closes a connection on a peer that is still sending may take the answer with it.
    size = MOST_BODY + 1
    head = (
        "POST /sites/demo/replies HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {size}\r\n\r\n"
    )
    with running(tmp_path) as server:
        host = f"127.0.0.1:{server.port}"
        with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as connection:
            connection.sendall(head.format(host=host).encode() + b"a" * 1000)
            for _ in range(20):
                assert server.get("/healthz")[0] == 200
            assert select([connection], [], [], 0)[0] == []
            connection.sendall(b"a" * (size - 1000))
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"That is too long" in answer


def test_the_demo_can_be_left_out(tmp_path):
    with running(tmp_path, DEMO=0) as server:
        assert ("Demo" in server.output, server.start_link is None) == (False, False)
        assert server.get("/demo/mill-lane", host=f"localhost:{server.port}")[0] == 404
        assert server.get("/sites/demo/thread.json?page=http://localhost/")[0] == 404
        taken = flask("serve", instance=tmp_path, BIND=f"127.0.0.1:{server.port}")
        assert (taken.returncode, taken.stdout) == (1, "")
        assert taken.stderr == f"Error: Nothing can listen on 127.0.0.1:{server.port}: Address already in use.\n"


def test_ctrl_c_while_the_server_starts_ends_it_quietly(tmp_path):
    assert flask("db", "upgrade", instance=tmp_path).returncode == 0
    server = start(tmp_path)
    try:
        until(lambda: "Queue" in server.output, lambda: f"the server begins:\n{server.output}")
        # Click says "Aborted!" and 1 where the server itself has not begun.
        assert server.interrupt() in (0, 1, 130)
        assert "Traceback" not in server.output
    finally:
        server.kill()


#: Presses Ctrl-C at the first moment at which it is heard as SIGTERM.
PRESSED = """
import os, signal
from moderation import create_app, serving
hear = serving._hear_ctrl_c_alone
def hear_and_press():
    hear()
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
serving._hear_ctrl_c_alone = hear_and_press
serving.serve(create_app())
"""


def test_ctrl_c_at_the_first_moment_of_all_ends_it_quietly(tmp_path):
    environ = os.environ | {"MODERATION_INSTANCE_PATH": str(tmp_path)}
    command = [sys.executable, "-c", PRESSED]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=DEADLINE)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_empty_database_is_refused_in_a_sentence(tmp_path):
    refused = flask("serve", instance=tmp_path, BIND=f"127.0.0.1:{free_port()}")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "Error: The database is empty. Run: flask db upgrade\n"
