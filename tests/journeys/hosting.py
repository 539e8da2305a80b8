"""Somebody else's website: pages on an origin of their own, with whatever policy and styles their owner likes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from tests.server import ROOT

EMBED = ROOT / "moderation" / "static" / "embed.js"
ARTICLE = (
    "<!doctype html><html lang=en><meta charset=utf-8>"
    '<meta name=viewport content="width=device-width, initial-scale=1"><title>Mill Lane</title>'
    "{head}<main><h1>Mill Lane footbridge reopens</h1>{words}{tag}</main><footer>Imprint</footer></html>"
)
WORDS = (
    "<p>The ribbon will be cut at ten, the band starts at a quarter past, and from half past ten anyone may cross.</p>"
)

#: What a path answers to a query: a body, or a status with one.
Answer = Callable[[dict[str, list[str]]], str | bytes]


@dataclass
class Website:
    """A running server of pages; what was asked of it is remembered."""

    port: int
    answers: dict[str, tuple[Answer, dict[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Its own origin, which is not the service's."""
        return f"http://localhost:{self.port}"

    def put(self, path: str, body: str | bytes | Answer, **headers: str) -> str:
        """Answer at a path; return the address. Headers are written with underscores."""
        answer = body if callable(body) else lambda _query: body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (answer, {"Content-Type": "text/html; charset=utf-8"} | named)
        return self.origin + path

    def article(
        self,
        path: str,
        service: str,
        site: str,
        *,
        tag: str = "",
        head: str = "",
        paragraphs: int = 30,
        policy: str = "",
    ) -> str:
        """Publish an article with the embed's tag below it; return the address."""
        tag = tag or f'<leave-a-reply site="{site}"><a href="{service}/sites/{site}/thread">Replies</a></leave-a-reply>'
        script = f'<script src="{service}/embed.js" async></script>'
        html = ARTICLE.format(head=head + script, words=WORDS * paragraphs, tag=tag)
        return self.put(path, html, **({"Content_Security_Policy": policy} if policy else {}))


@contextmanager
def website() -> Iterator[Website]:
    """Serve a website until the block ends."""
    site = Website(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            site.asked.append(self.path)
            answer, headers = site.answers.get(asked.path, (None, {}))
            body = answer(parse_qs(asked.query)) if answer else b""
            body = body.encode() if isinstance(body, str) else body
            self.send_response(200 if answer else 404)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    runner = Thread(target=server.serve_forever, daemon=True)
    runner.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        runner.join()
