"""Answers what is kept ready, ahead of Flask: two look-ups, and the bytes go out.

What it does not know falls through to Flask, whose doors build it and keep it. The answers are the same, header by
header, but for the number that Flask gives a request for the journal.
"""

import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from flask import Flask, Response, current_app, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_etags

from moderation.db import db
from moderation.publishing import versions
from moderation.publishing.ready import Asked, Encoding, Headers, Kept, Kind, Stamp, Store
from moderation.web import guards

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

#: What lets a CDN or nginx in front take the world; a takedown is gone from caches within 40 s.
CACHED = "public, max-age=10, stale-while-revalidate=30, stale-if-error=600"
KEPT_FOR = {
    Kind.EMBED: "public, max-age=300, stale-while-revalidate=86400",
    # Under a name that changes with its content.
    Kind.ASSET: "public, max-age=31536000, immutable",
}
TYPES = {
    Kind.JSON: "application/json",
    Kind.HTML: "text/html; charset=utf-8",
    Kind.ATOM: "application/atom+xml; charset=utf-8",
    Kind.SITE_ATOM: "application/atom+xml; charset=utf-8",
    Kind.COUNTS: "application/json",
    Kind.ACCENT: "text/css; charset=utf-8",
    Kind.EMBED: "text/javascript; charset=utf-8",
}
#: What a 304 does not repeat.
OF_A_BODY = frozenset({"Content-Type", "Content-Length", "Content-Encoding"})
ORDER = tuple(Encoding)
#: Accept-Encoding headers whose meaning is remembered, and the longest of them.
MOST_WISHES, LONGEST_WISH = 500, 200
#: Seconds between two lines of the journal about what was answered from memory.
TOLD_EVERY = 60.0

_chosen: dict[str, int] = {}


def init_app(app: Flask) -> Store:
    """Give the app its store of ready answers."""
    with app.app_context():
        engine = db.engine

    def look(asked: Asked) -> Stamp:
        return versions.look(engine, asked, files=Path(app.static_folder or ""))

    def dress(asked: Asked, encoding: Encoding, length: int, etag: str) -> tuple[Headers, Headers]:
        standing = guards.standing_headers if asked.kind is Kind.HTML else guards.headers_of_data
        headers = standing(str(app.config["BASE_URL"])) | guards.OPEN_TO_ALL
        headers |= {"Content-Type": _type_of(asked), "Content-Length": str(length), "ETag": etag}
        headers |= {"Vary": "Accept-Encoding", "Cache-Control": KEPT_FOR.get(asked.kind, CACHED)}
        if encoding is not Encoding.IDENTITY:
            headers["Content-Encoding"] = encoding
        whole = [(name, str(text)) for name, text in headers.items()]
        return whole, [pair for pair in whole if pair[0] not in OF_A_BODY]

    most = int(app.config["READY_MIB"]) * 2**20
    store = Store(most, look=look, dress=dress)
    app.extensions["ready"] = store
    return store


def ready() -> Store:
    """Return the running app's store."""
    store: Store = current_app.extensions["ready"]
    return store


def answer_ready(store: Store, inner: "WSGIApplication") -> "WSGIApplication":
    """Answer what is kept ready; everything else is asked of the app within."""
    aliases, told = store.aliases, [store.clock()]

    def asked(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        kept = aliases.get((environ["PATH_INFO"], environ.get("QUERY_STRING", "")))
        if kept is None:
            return inner(environ, start_response)
        method = environ["REQUEST_METHOD"]
        if method != "GET" and method != "HEAD":
            return inner(environ, start_response)
        if store.clock() >= kept.due and not _looked_at(kept):
            return inner(environ, start_response)
        # One may be lost where two threads count at once.
        store.served += 1
        form = kept.forms[_choice(environ.get("HTTP_ACCEPT_ENCODING", ""))]
        tags = environ.get("HTTP_IF_NONE_MATCH")
        if tags is not None and names(tags, form.etag):
            start_response("304 NOT MODIFIED", form.bare)
            return []
        start_response("200 OK", form.headers)
        return form.body if method == "GET" else []

    def _looked_at(kept: Kept) -> bool:
        now = store.clock()
        if now - told[0] >= TOLD_EVERY:
            told[0], answers, store.served = now, store.served, 0
            log.info("ready.served", answers=answers, built=store.built, bytes=store.size)
        return store.may_serve(kept)

    return asked


def respond(kept: Kept) -> Response:
    """Answer a request with what is kept, and let its address lead there from now on."""
    ready().alias(kept, request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", ""))
    guards.dressed()
    form = kept.forms[_choice(request.environ.get("HTTP_ACCEPT_ENCODING", ""))]
    tags = request.environ.get("HTTP_IF_NONE_MATCH")
    if tags is not None and names(tags, form.etag):
        return Response(status=304, headers=form.bare)
    return Response(form.body, headers=form.headers)


def names(tags: str, etag: str) -> bool:
    """Whether If-None-Match names these bytes, alone, in a list, weakly, or as any."""
    return tags == etag or parse_etags(tags).contains_weak(etag[1:-1])


def _type_of(asked: Asked) -> str:
    if asked.kind is not Kind.ASSET:
        return TYPES[asked.kind]
    kind = mimetypes.guess_type(asked.keys[0])[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _choice(accepted: str) -> int:
    """Choose among an answer's forms by Accept-Encoding; of those liked alike, the smallest."""
    chosen = _chosen.get(accepted)
    if chosen is None:
        liked = parse_accept_header(accepted, Accept)
        chosen = max(range(len(ORDER)), key=lambda one: (liked[ORDER[one]] if one else liked[ORDER[0]] or 1e-9, one))
        if len(accepted) <= LONGEST_WISH:
            if len(_chosen) >= MOST_WISHES:
                _chosen.clear()
            _chosen[accepted] = chosen
    return chosen
