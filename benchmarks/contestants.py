"""Who is measured: our server as it is shipped, nginx before it and by itself, a bare Flask view, and Isso."""

import gzip
import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks import tools, workload
from benchmarks.bench import ROOT, Failed, Server, free_port, get, running

FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
SHIPPED = ROOT / "docs" / "deploy" / "nginx.conf"

#: The rest of an nginx.conf, much as Debian's has it; its processes stay whoever starts them, to find their files.
NGINX = """
{user} daemon off; pid {folder}/nginx.pid; worker_processes auto;
events {{ worker_connections 768; }}
http {{
    sendfile on; tcp_nopush on; types_hash_max_size 2048; default_type application/octet-stream; access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {site}
}}
"""
#: Answers the thread's bytes as nginx does files, packed where the client takes that.
FILE = """
server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    location / {{ types {{ }} default_type application/json; gzip_static on; {headers} }}
    location = /ready {{ return 200; }}
}}
"""
BARE = """
from flask import Flask, Response, request
from pathlib import Path
app = Flask(__name__)
BODIES = {{True: Path({packed!r}).read_bytes(), False: Path({plain!r}).read_bytes()}}
@app.get("/bare")
def bare():
    packed = "gzip" in request.accept_encodings
    response = Response(BODIES[packed], content_type="application/json", headers={headers!r})
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.set_etag("packed" if packed else "plain")
    return response.make_conditional(request)
"""
#: What nginx and Flask write themselves.
THEIR_OWN = {
    "date",
    "server",
    "content-length",
    "content-type",
    "content-encoding",
    "etag",
    "connection",
    "x-request-id",
}

ISSO = """
[general]
dbpath = {folder}/comments.db
host = {origin}
[moderation]
enabled = true
[guard]
enabled = false
[server]
listen = http://127.0.0.1:{port}
"""
#: Both ways its documentation names to run it; every part of it that is measured is by the faster one.
ISSO_SERVERS = {
    "isso run, with gevent": ("isso", "-c", "{config}", "run"),
    "gunicorn, 2 processes": ("gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", "--preload", "isso.run"),
}


@contextmanager
def ours(instance: Path, *, workers: int) -> Iterator[Server]:
    """Run `flask serve` with its own settings, but for the address, the pause after a reply and the demo."""
    port = free_port()
    environ = {
        "MODERATION_INSTANCE_PATH": str(instance),
        "MODERATION_BIND": f"127.0.0.1:{port}",
        "MODERATION_WORKERS": str(workers),
        "MODERATION_REPLY_PAUSE": "0",
        # Counted as ever, and never reached.
        **{f"MODERATION_{limit}_REPLIES_PER_MINUTE": "1000000000" for limit in ("NETWORK", "THREAD", "SITE")},
        "MODERATION_PROOF_FROM_PER_MINUTE": "0",
        "MODERATION_DEMO": "0",
    }
    with running([*FLASK, "serve"], port=port, log=instance / "serve.log", ready="/healthz", environ=environ) as server:
        yield server


def thread(page: int) -> str:
    """Return the path of a page's thread at our server."""
    return f"/sites/{workload.SITE}/thread.json?page={workload.ORIGIN}{workload.path(page)}"


@contextmanager
def behind_nginx(folder: Path, service: Server) -> Iterator[Server]:
    """Run the shipped configuration before our server; without TLS, which would be measured instead."""
    port, plain = free_port(), free_port()
    changes = {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen [::]:80;": "",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port};",
        "listen [::]:443 ssl http2;": "",
        "127.0.0.1:8000": f"127.0.0.1:{service.port}",
        "/var/cache/nginx/leave-a-reply": f"{folder}/cache",
        "/var/log/nginx/": f"{folder}/",
        "/var/www/letsencrypt": str(folder),
    }
    site = "\n".join(line for line in SHIPPED.read_text().splitlines() if not line.strip().startswith("ssl_"))
    for old, new in changes.items():
        if old not in site:
            raise Failed(f"{SHIPPED}: there is no {old!r} any more")
        site = site.replace(old, new)
    with _nginx(folder, port, site, ready="/healthz") as server:
        yield server


@contextmanager
def file_by_nginx(folder: Path, service: Server) -> Iterator[Server]:
    """Let nginx serve the bytes of the 100-comment thread as a file, with the headers that our server sends."""
    port = free_port()
    plain, packed, headers = _bodies(service)
    (folder / "files").mkdir(parents=True, exist_ok=True)
    (folder / "files" / "thread").write_bytes(plain)
    (folder / "files" / "thread.gz").write_bytes(packed)
    added = " ".join(f"add_header {name} '{_quoted(text)}';" for name, text in headers.items())
    with _nginx(folder, port, FILE.format(port=port, folder=folder, headers=added), ready="/ready") as server:
        yield server


@contextmanager
def bare_view(folder: Path, service: Server) -> Iterator[Server]:
    """Run a Flask view that answers the same bytes, on the server and with the processes and threads of ours."""
    port = free_port()
    plain, packed, headers = _bodies(service)
    folder.mkdir(parents=True, exist_ok=True)
    files = {"plain": folder / "plain", "packed": folder / "packed"}
    files["plain"].write_bytes(plain)
    files["packed"].write_bytes(packed)
    names = {name: str(path) for name, path in files.items()}
    (folder / "bare.py").write_text(BARE.format(**names, headers=dict(headers)))
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "2"]
    command += ["--blocking-threads", "8", "bare:app"]
    environ = {"PYTHONPATH": str(folder)}
    with running(command, port=port, log=folder / "bare.log", ready="/bare", environ=environ) as server:
        yield server


@contextmanager
def isso(folder: Path, *, by: str) -> Iterator[Server]:
    """Run Isso with moderation on, and without its limit of two comments a minute."""
    port = free_port()
    config = folder / "isso.cfg"
    config.write_text(ISSO.format(folder=folder, origin=workload.ORIGIN, port=port))
    program, *rest = (part.format(config=config, port=port) for part in ISSO_SERVERS[by])
    command = [str(tools.ISSO / "bin" / program), *rest]
    environ = {"ISSO_SETTINGS": str(config)}
    # Its configuration is asked for by its own script on every page.
    with running(command, port=port, log=folder / "isso.log", ready="/config", environ=environ) as server:
        yield server


def fill_isso(folder: Path, said: Iterable[workload.Said]) -> None:
    """Store comments as Isso does; it has made its tables, and does not run."""
    # What waits for longer than a month it deletes.
    began = time.time() - 14 * 24 * 3600
    voters = _voters("127.0.0.0")
    with closing(sqlite3.connect(folder / "comments.db")) as connection, connection:
        for one in said:
            thread = (one.page + 1, workload.path(one.page), "Mill Lane")
            connection.execute("INSERT OR IGNORE INTO threads (id, uri, title) VALUES (?, ?, ?)", thread)
            connection.execute(
                "INSERT INTO comments (tid, parent, created, mode, remote_addr, text, author, email, voters, id)"
                " VALUES (?, ?, ?, ?, '127.0.0.0', ?, ?, ?, ?, (SELECT ifnull(max(id), 0) + 1 FROM comments))",
                (
                    one.page + 1,
                    one.parent,
                    began + one.number,
                    2 if one.held else 1,
                    one.text,
                    one.author,
                    one.email,
                    voters,
                ),
            )


@contextmanager
def _nginx(folder: Path, port: int, site: str, *, ready: str) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(user="user root;" if os.geteuid() == 0 else "", folder=folder, site=site))
    command = ["nginx", "-e", f"{folder}/error.log", "-c", str(config)]
    with running(command, port=port, log=folder / "nginx.log", ready=ready, environ={"PATH": tools.PATH}) as server:
        yield server


def _bodies(service: Server) -> tuple[bytes, bytes, Mapping[str, str]]:
    """Return what our server answers, plain and packed, and the headers with it."""
    url = service.url + thread(workload.HUNDRED)
    _, headers, plain = get(url)
    _, _, packed = get(url, {"Accept-Encoding": "gzip"})
    if gzip.decompress(packed) != plain:
        raise Failed(f"{url} answers another text when it is packed")
    return plain, packed, {name: text for name, text in headers.items() if name.lower() not in THEIR_OWN}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _voters(address: str) -> bytes:
    """Return Isso's list of who has voted: its Bloom filter of 2,048 bits with the sender in it."""
    bits, number = bytearray(256), int(hashlib.sha256(address.encode()).hexdigest(), 16)
    for _ in range(11):
        bits[(number & 2047) // 8] |= 2 ** (number & 7)
        number >>= 11
    return bytes(bits)
