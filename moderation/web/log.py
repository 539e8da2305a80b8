"""Shows the log: who decided what, when and why; as a list, as a file, in numbers, and proven."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from flask import Blueprint, Flask, Response, current_app, make_response, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts, audit
from moderation.review import history, numbers
from moderation.web import answers, guards, logexport
from moderation.web.logforms import LogForm, begins_after, span

bp = Blueprint("log", __name__, url_prefix="/log")
bp.before_request(guards.signed_in)

#: So many faults are told one by one; a broken chain may have one a line.
MOST_FAULTS = 100

Writer: TypeAlias = Callable[[Flask, history.Reach, history.Wanted], Iterator[bytes]]


@bp.get("/")
def index() -> AnyResponse:
    """List entries, newest first."""
    form = LogForm()
    form.validate()
    page = history.page(guards.account(), form.wanted(), after=begins_after())
    return make_response(render_template("log/index.html", page=page, form=form))


@bp.get("/export.csv")
def export_csv() -> AnyResponse:
    """Give what the filters ask for as a table."""
    return _file("log.csv", "text/csv; charset=utf-8", logexport.as_csv)


@bp.get("/export.json")
def export_json() -> AnyResponse:
    """Give what the filters ask for to programs."""
    return _file("log.json", "application/json", logexport.as_json)


@bp.post("/verify")
def verify() -> AnyResponse:
    """Prove the chains of one's own sites. It only reads, and so keeps no writer waiting."""
    guards.begin_reading()
    sites = accounts.sites_of(guards.account())
    proofs = audit.verify([site.id for site in sites])
    names = {site.key: site.name for site in sites}
    return make_response(render_template("log/proof.html", proofs=proofs, names=names, most=MOST_FAULTS))


@bp.get("/numbers")
def count() -> AnyResponse:
    """Show what came and what was decided, in numbers."""
    form = LogForm()
    form.validate()
    found = numbers.numbers(guards.account(), span(), site=form.wanted().site, now=guards.clock())
    return make_response(render_template("log/numbers.html", numbers=found, spans=numbers.SPANS))


def _file(name: str, content_type: str, write: Writer) -> AnyResponse:
    """Give a file; none for a filter that does not read: it would hold more than was asked for."""
    form = LogForm()
    if not form.validate():
        return answers.error_page(422, gettext("There is no such file"), form.first_error())
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(
        write(app, history.reach(guards.account()), form.wanted()), headers=headers, content_type=content_type
    )
