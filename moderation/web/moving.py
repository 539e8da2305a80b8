"""Lets owners bring comments in from elsewhere and take them along: a rehearsal first, then the import; the export."""

import threading
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, current_app, g, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from moderation import transfer
from moderation.accounts import settings
from moderation.db import db
from moderation.models import Site
from moderation.transfer import lines, wordpress
from moderation.transfer.record import NotReadable, Truncated
from moderation.web import guards, owning, reauth, uploads

bp = Blueprint("moving", __name__, url_prefix="/settings")
bp.before_request(owning.only_owners)


@bp.get("/<site:key>/transfer")
def show(key: str) -> AnyResponse:
    """Show what can be brought in and taken along."""
    return owning.page("settings/transfer.html")


@bp.post("/<site:key>/transfer")
def rehearse(key: str) -> AnyResponse:
    """Take a file, and report what an import of it would do."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return _page(422, fault=gettext("Choose the file that WordPress gave you under Tools, Export."))
    guards.begin_reading()
    try:
        digest = uploads.keep(key, file.stream)
    except uploads.TooLarge:
        return _page(422, fault=gettext("That is more than 32 MiB. Import it on the command line."))
    return _run(digest, dry=True)


@bp.post("/<site:key>/transfer/import")
def bring_in(key: str) -> AnyResponse:
    """Import the file that was tried. A second press adds nothing."""
    digest = request.form.get("file", "")
    if uploads.find(key, digest) is None:
        return _page(409, fault=gettext("The file is not here any more. Please send it once more."))
    settings.note_transfer(g.site, "import:wordpress", by=guards.account(), now=guards.clock())
    db.session.commit()
    return _run(digest, dry=False)


@bp.post("/<site:key>/transfer/export")
def export(key: str) -> AnyResponse:
    """Give all comments of the site as JSON lines; the log says that somebody took them."""
    reauth.require_fresh(back=url_for(".show", key=key))
    now = guards.clock()
    settings.note_transfer(g.site, "export", by=guards.account(), now=now)
    site_id = g.site.id
    db.session.commit()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    headers = {"Content-Disposition": f'attachment; filename="{key}-{now:%Y-%m-%d}.jsonl"'}
    return Response(lines.write(app, site_id, at=now), headers=headers, content_type="application/jsonl; charset=utf-8")


def _run(digest: str, *, dry: bool) -> AnyResponse:
    """Read the file through, for a report or for good; what is wrong with it is said, never an error."""
    site, report, fault = g.site, transfer.Report(), ""
    path = uploads.find(site.key, digest)
    if path is None:
        return _page(409, fault=gettext("The file is not here any more. Please send it once more."))
    begin = guards.begin_reading if dry else guards.begin_writing
    begin()
    try:
        with path.open("rb") as file:
            run = transfer.rehearse if dry else transfer.bring_in
            records = wordpress.read(file)
            _go_on(run(records, site=site, source="wordpress", now=guards.clock(), report=report), dry=dry)
    except (NotReadable, Truncated) as error:
        db.session.rollback()
        fault = str(error)
        if isinstance(error, NotReadable):
            uploads.forget(path)
            return _page(422, fault=fault)
    if not dry:
        uploads.forget(path)
    return _page(200, report=report, dry=dry, broken_off=fault, file=digest)


def _go_on(batches: Iterator[transfer.Report], *, dry: bool) -> None:
    for _ in batches:
        if dry:
            db.session.rollback()
        else:
            db.session.commit()
            threading.Event().wait(transfer.GIVE_WAY)


def _page(status: int, **values: object) -> AnyResponse:
    site: Site = g.site
    db.session.refresh(site)
    return owning.page("settings/transfer.html", status, **values)
