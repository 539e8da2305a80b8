"""What operators' machines ask: is it alive, is it ready."""

from flask import Blueprint, redirect, url_for
from sqlalchemy import text
from werkzeug.wrappers import Response as AnyResponse

from moderation.db import db

bp = Blueprint("operations", __name__)


@bp.get("/")
def front() -> AnyResponse:
    """Lead to the queue: the service's own address is the moderators' door."""
    return redirect(url_for("queue.index"), 303)


@bp.get("/healthz")
def alive() -> dict[str, str]:
    """Answer as long as the process does."""
    return {"status": "alive"}


@bp.get("/readyz")
def ready() -> dict[str, str]:
    """Answer when the database does; without it the answer is 503."""
    db.session.execute(text("SELECT 1"))
    return {"status": "ready"}


@bp.get("/robots.txt")
def robots() -> tuple[str, dict[str, str]]:
    """Keep crawlers out of everything but published threads."""
    private = ("receipts", "queue", "log", "account", "settings", "invitations")
    lines = ["User-agent: *", *(f"Disallow: /{name}/" for name in private)]
    return "\n".join(lines) + "\n", {"Content-Type": "text/plain; charset=utf-8"}
