"""How fast it is, as ratios against something run in the same minutes on the same machine.

Reads: `thread.json` of a 100-comment thread against a Flask view that answers the same bytes, on the same server.
Writes: held replies against the same number of one-row synced SQLite transactions, by as many writers.
The client is Python and shares the processors: the ratios mean something, the figures beside them less.
"""

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 5.0
CLIENTS = 8
PAGE = "https://courier.example/news/mill-lane"

BARE = """
from pathlib import Path
from typing import TypeVar
from flask import Flask, Response
app = Flask(__name__)
BODY = Path({body!r}).read_bytes()
@app.get("/bare")
def bare():
    return Response(BODY, content_type="application/json")
"""


def main() -> None:
    """Run all and print one line each."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder)
        port = free_port()
        environ = os.environ | {
            "MODERATION_INSTANCE_PATH": str(instance),
            "MODERATION_BIND": f"127.0.0.1:{port}",
            "MODERATION_REPLY_PAUSE": "0",
            "MODERATION_LOG_LEVEL": "error",
            "MODERATION_DEMO": "0",
        }
        flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
        for command in (["db", "upgrade"], ["site", "create", "courier", "--origin", "https://courier.example"]):
            subprocess.run([*flask, *command], cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
        fill(instance, flask, environ)
        url = f"http://127.0.0.1:{port}"
        with_server([*flask, "serve"], environ, url + "/readyz", lambda: measure(url, instance))


def measure(url: str, instance: Path) -> None:
    """Measure reads and writes of a running service, each beside its yardstick."""
    thread = f"{url}/sites/courier/thread.json?page={PAGE}"
    body = instance / "bare.json"
    body.write_bytes(urllib.request.urlopen(thread).read())
    (instance / "bare.py").write_text(BARE.format(body=str(body)))
    port = free_port()
    granian = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--port",
        str(port),
        "--workers",
        "2",
        "bare:app",
    ]
    bare = f"http://127.0.0.1:{port}/bare"
    ours = rate(lambda: urllib.request.urlopen(thread).read())
    yardstick = with_server(
        granian,
        os.environ | {"PYTHONPATH": str(instance)},
        bare,
        lambda: rate(lambda: urllib.request.urlopen(bare).read()),
    )
    say("reads of a 100-comment thread", ours, "the same bytes from a bare Flask view", yardstick)
    ours = rate(lambda: post(f"{url}/sites/courier/replies"))
    yardstick = synced_rows(instance / "yardstick.sqlite")
    say("replies held", ours, "one-row synced SQLite transactions", yardstick)


def say(what: str, ours: float, against: str, theirs: float) -> None:
    """Print one ratio."""
    print(f"{what}: {ours:,.0f}/s; {against}: {theirs:,.0f}/s; ratio {ours / theirs:.2f}")


def rate(call: Callable[[], object]) -> float:
    """Return how often per second all clients together get an answer."""
    counts = [0] * CLIENTS
    end = time.monotonic() + SECONDS

    def run(number: int) -> None:
        while time.monotonic() < end:
            call()
            counts[number] += 1

    clients = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sum(counts) / SECONDS


def post(url: str) -> None:
    """Send one reply that nobody sent before."""
    word = secrets.token_hex(8)
    fields = {"comment": f"Wider is good news, {word}.", "author": word, "email": f"{word}@home.example", "page": PAGE}
    request = urllib.request.Request(
        url, urllib.parse.urlencode(fields).encode(), {"Accept": "application/json"}, method="POST"
    )
    assert json.load(urllib.request.urlopen(request))["status"] == "held"


def synced_rows(path: Path) -> float:
    """Return how many one-row transactions a second as many writers bring to the disk."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT)")
    local = threading.local()

    def insert() -> None:
        if not hasattr(local, "connection"):
            local.connection = sqlite3.connect(path, timeout=15, isolation_level=None)
            local.connection.execute("PRAGMA synchronous=FULL")
        local.connection.execute("BEGIN IMMEDIATE")
        local.connection.execute("INSERT INTO row (text) VALUES (?)", (secrets.token_hex(500),))
        local.connection.execute("COMMIT")

    return rate(insert)


def fill(instance: Path, flask: list[str], environ: dict[str, str]) -> None:
    """Publish a thread of 100 comments, through the import."""
    comment = """<wp:comment><wp:comment_id>{n}</wp:comment_id><wp:comment_author>Margit</wp:comment_author>
    <wp:comment_author_email>margit@home.example</wp:comment_author_email>
    <wp:comment_date_gmt>2026-11-20 10:00:00</wp:comment_date_gmt><wp:comment_approved>1</wp:comment_approved>
    <wp:comment_parent>0</wp:comment_parent><wp:comment_content>Wider is good news, number {n}. I pushed a twin pram
    over the old one for two years and always had to wait.</wp:comment_content></wp:comment>"""
    export = f"""<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><wp:wxr_version>1.2</wp:wxr_version><item>
    <title>Mill Lane</title><link>{PAGE}</link><wp:post_id>41</wp:post_id><wp:status>publish</wp:status>
    {"".join(comment.format(n=n) for n in range(1, 101))}</item></channel></rss>"""
    (instance / "export.xml").write_text(export)
    command = [*flask, "import", "wordpress", str(instance / "export.xml"), "--site", "courier"]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)


def with_server(command: list[str], environ: dict[str, str], ready: str, work: Callable[[], T]) -> T:
    """Do something while a server runs."""
    server = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(ready)
        return work()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait_for(url: str) -> None:
    """Wait until an address answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(url)
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{url} does not answer")


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
