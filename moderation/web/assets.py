"""Static files under names that change with their content, so that browsers may keep them for a year."""

import hashlib
from functools import cache, lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, g, request, url_for
from werkzeug.security import safe_join
from werkzeug.wrappers import Response as AnyResponse

from moderation.publishing import versions
from moderation.publishing.ready import Asked, Kind, Stamp
from moderation.web import front

#: Larger files are not kept in memory.
MOST_KEPT = 1_000_000
#: The best that brotli does: a file is packed once.
BEST = 11


def init_app(app: Flask) -> None:
    """Give templates `asset(name)`."""
    folder = Path(app.static_folder or "")

    @cache
    def digest(name: str) -> str:
        return _version(folder / name)

    def asset(name: str) -> str:
        """Return the address of a static file."""
        return url_for("static", filename=name, v=digest(name))

    app.jinja_env.globals["asset"] = asset
    app.view_functions["static"] = _static
    app.after_request(_keep)


def file(kind: Kind, name: str) -> AnyResponse:
    """Answer a static file from memory."""
    store, path = front.ready(), Path(current_app.static_folder or "") / name
    since, stamp = store.clock(), versions.stamp_of_file(path)
    asked = Asked(kind, keys=(name,))
    with store.alone(asked):
        kept = store.fresh(asked, stamp, since=since) or store.keep(
            asked, stamp, path.read_bytes(), since=since, quality=BEST
        )
    return front.respond(kept)


def _static(filename: str) -> AnyResponse:
    path = Path(safe_join(str(current_app.static_folder), filename) or "")
    # Under no other version: a cache in front would keep today's file under the name of tomorrow's for whoever asks.
    g.has_its_name = "v" in request.args and path.is_file() and request.args["v"] == _version(path)
    if g.has_its_name and path.stat().st_size <= MOST_KEPT:
        return file(Kind.ASSET, filename)
    return current_app.send_static_file(filename)


def _keep(response: Response) -> Response:
    """Let a file under its versioned name be kept; under any other it is asked for again, and what is none is not."""
    if request.endpoint == "static":
        if response.status_code in {200, 206, 304}:
            kept = g.get("has_its_name", False)
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "public, no-cache"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _version(path: Path) -> str:
    return _digest(path, versions.stamp_of_file(path))


@lru_cache(maxsize=256)
def _digest(path: Path, _: Stamp) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
