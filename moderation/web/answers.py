"""How errors are answered: a page in the product's look, or problem+json (RFC 9457) for programs."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

import structlog
from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import gettext
from werkzeug.exceptions import HTTPException, InternalServerError

from moderation.db import UNAVAILABLE, db
from moderation.web import speech

log = structlog.get_logger()

#: Field names to what is wrong with them.
Errors = Mapping[str, Sequence[str]]


def init_app(app: Flask) -> None:
    """Answer every error of the app."""
    app.register_error_handler(HTTPException, http)
    for outage in (*UNAVAILABLE, sqlite3.Error):
        app.register_error_handler(outage, _unavailable)
    app.register_error_handler(Exception, _broken)
    app.after_request(_lead_nowhere_else)


def wants_json() -> bool:
    """Whether the caller is a program: it asks for JSON, sent JSON, or named a JSON address."""
    # Only what is named: every program adds */*, and means the first.
    named = {kind: quality for kind, quality in request.accept_mimetypes if quality > 0}
    json_ = max(named.get("application/json", 0), named.get("application/problem+json", 0))
    return json_ > named.get("text/html", 0) or request.is_json or request.path.endswith(".json")


def problem(
    status: int, title: str, *, errors: Errors | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer a problem as JSON: a title, and what is wrong field by field."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if errors:
        body["errors"] = {field: list(texts) for field, texts in errors.items()}
    response = Response(json.dumps(body, ensure_ascii=False), status, content_type="application/problem+json")
    response.headers["Content-Language"] = speech.current()
    response.headers.update(headers or {})
    return response


def error_page(status: int, title: str, text: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """Answer an error as a page, or as a problem for programs."""
    if wants_json():
        return problem(status, title, headers=headers)
    response = make_response(render_template("error.html", status=status, title=title, text=text), status)
    response.headers.update(headers or {})
    return response


def http(error: HTTPException) -> Response:
    """Answer what a door or a library raised for its code."""
    if isinstance(error, InternalServerError) and isinstance(error.original_exception, UNAVAILABLE):
        # The session could not be saved behind the finished answer.
        return _unavailable(error.original_exception)
    status = error.code or 500
    headers = {
        name: value for name, value in error.get_headers() if name.lower() in {"allow", "retry-after", "location"}
    }
    if status in {301, 302, 303, 307, 308}:
        return make_response("", status, headers)
    return error_page(status, *_words(status), headers=headers)


def _words(status: int) -> tuple[str, str]:
    match status:
        case 400:
            return gettext("This request could not be read"), gettext("Something about it is not well-formed.")
        case 403:
            return gettext("This is not allowed"), gettext(
                "The request came from a page or person that may not ask it."
            )
        case 404:
            return gettext("There is nothing here"), gettext(
                "The address may have been cut short, or the page is gone."
            )
        case 405:
            return gettext("This address does not work that way"), gettext("Go back and use the form on the page.")
        case 411:
            return gettext("The length is missing"), gettext("A request with a body has to say how long it is.")
        case 413:
            return gettext("That is too long"), gettext("The request is larger than anything that is taken here.")
        case 415:
            return gettext("This kind of content is not taken"), gettext("Send the fields as a form, or as flat JSON.")
        case 429:
            return gettext("That was quick"), gettext("Please wait a moment, then try again.")
        case 503:
            return gettext("The service is busy"), gettext("Nothing was stored. Please send it again in a moment.")
    return gettext("Something went wrong"), gettext("It is not your fault. The log knows it by the number below.")


def _lead_nowhere_else(response: Response) -> Response:
    """Lead to a path where a slash was missing: the host that a request names is anybody's to write."""
    if response.status_code == 308:
        to = urlsplit(response.headers["Location"])
        response.headers["Location"] = urlunsplit(("", "", to.path, to.query, ""))
    return response


def _unavailable(error: Exception) -> Response:
    """Answer a full disk, a lock that lasts or a database that is away: nothing was stored, try again."""
    db.session.rollback()
    log.error(
        "database.unavailable",
        error=type(getattr(error, "orig", None) or error).__name__,
        request_id=g.get("request_id"),
    )
    return error_page(503, *_words(503), headers={"Retry-After": "5"})


def _broken(error: Exception) -> Response:
    db.session.rollback()
    log.error("request.failed", exc_info=error, request_id=g.get("request_id"))
    return error_page(500, *_words(500))
