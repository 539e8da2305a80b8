"""The service's own journal: one structured line a request, with an id, and never a secret path."""

import logging
import secrets
import sys
import time
from types import TracebackType

import structlog
from flask import Flask, Response, g, request
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Log every request of the app as one line of JSON on standard error."""
    level = getattr(logging, str(app.config["LOG_LEVEL"]).upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without the values of variables: they hold people's words and keys.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            _first_lines,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Flask's own line would name the path.
    app.log_exception = _failed  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(_end)


def _first_lines(_: object, __: str, event: EventDict) -> EventDict:
    """Keep of each error's message the first line: below it databases repeat the row that they refused."""
    for error in event.get("exception", ()):
        error["exc_value"] = error["exc_value"].partition("\n")[0]
        error["exc_notes"] = []
    return event


def _failed(exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
    log.error("request.failed", exc_info=exc_info, request_id=g.get("request_id"))


def _begin() -> None:
    g.began = time.monotonic()
    g.request_id = secrets.token_hex(8)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    # The rule, not the path: a receipt's token is a key, a page address may be private.
    rule = request.url_rule.rule if request.url_rule else "(no route)"
    milliseconds = round((time.monotonic() - g.began) * 1000, 1)
    log.info("request", method=request.method, route=rule, status=response.status_code, ms=milliseconds)
    return response
