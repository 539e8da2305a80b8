"""Takes replies: the form everybody knows, flat JSON, and the form WordPress themes already have."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext, ngettext
from sqlalchemy import select
from werkzeug.exceptions import HTTPException, LengthRequired, RequestEntityTooLarge, TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts, intake, markup, publishing, receipts
from moderation.db import db, reading
from moderation.intake import FormKind
from moderation.models import Comment, Revision, Site, Status, Thread, Via
from moderation.models.pagekey import BadAddress, ForeignPage, page_key
from moderation.web import answers, guards, limits, speech
from moderation.web.formmark import mark, proven
from moderation.web.replyform import FROM_WORDPRESS, NotText, ReplyForm, fields_of

bp = Blueprint("submissions", __name__)


@bp.before_request
def _of_a_site() -> None:
    """Find the site, let its own pages read and frame every answer, and refuse what other pages send."""
    guards.begin_reading()
    g.site = guards.site_or_404((request.view_args or {})["key"])
    guards.open_to(g.site)
    guards.may_be_framed_by(g.site)
    if request.method == "POST":
        guards.refuse_foreign_origin(g.site, null_is_absent=not answers.wants_json())


@bp.errorhandler(LengthRequired)
@bp.errorhandler(RequestEntityTooLarge)
def _refused_body(error: HTTPException) -> AnyResponse:
    """Let the site's pages read and frame also what was refused before anybody asked for the site, in its language."""
    if "site" not in g:
        with reading():
            site = accounts.site((request.view_args or {})["key"])
        if site is not None:
            speech.speak_as(site)
            guards.open_to(site)
            guards.may_be_framed_by(site)
    return answers.http(error)


@bp.post("/sites/<site:key>/replies")
def take(key: str) -> AnyResponse:
    """Hold a reply and answer with its receipt."""
    return _take(fields_of(request), site=g.site)


@bp.post("/sites/<site:key>/wp-comments-post.php")
def take_wordpress(key: str) -> AnyResponse:
    """Hold a reply that a WordPress form sends."""
    return _take(_from_wordpress(fields_of(request), site=g.site), site=g.site)


@bp.post("/sites/<site:key>/preview")
def preview(key: str) -> AnyResponse:
    """Render a text as it would be published; nothing is stored."""
    limits.count_preview(guards.network())
    form = ReplyForm(fields_of(request), g.site)
    form.validate()
    if form.comment.errors or form.format.errors:
        wrong = {name: texts for name, texts in form.faults.items() if name in {"comment", "format"}}
        return answers.problem(422, gettext("There is nothing to preview yet"), errors=wrong)
    html = markup.render(markup.tidy_text(form.comment.data or ""), form.markup_format)
    return jsonify(body=markup.nodes(html))


@bp.get("/sites/<site:key>/form")
def fresh(key: str) -> AnyResponse:
    """Answer what a form must have fresh: its mark, a random key, and the honest wait."""
    wait = {"half": g.site.head.wait_half, "most": g.site.head.wait_most}
    return jsonify(**mark(g.site, request.args.get("page", "")), wait=wait)


@bp.errorhandler(BadAddress)
def _bad_page(error: BadAddress) -> AnyResponse:
    if isinstance(error, ForeignPage):
        return _refuse(403, gettext("This page does not belong to the site."))
    return _refuse(
        422, gettext("This reply could not be taken"), {"page": [gettext("This is not the address of a page.")]}
    )


@bp.errorhandler(NotText)
def _not_text(error: NotText) -> AnyResponse:
    return _refuse(422, gettext("This reply could not be taken"), {error.field: [gettext("This has to be a text.")]})


@bp.errorhandler(intake.Refused)
def _refused(error: intake.Refused) -> AnyResponse:
    guards.begin_reading()
    match error:
        case intake.Closed():
            return _refuse(403, gettext("Replies to this page are closed."))
        case intake.UnknownParent():
            return _refuse(404, gettext("The reply you answer is not there any more."))
        case intake.TooDeep():
            return _refuse(
                422, gettext("This reply could not be taken"), {"parent": [gettext("Nobody can reply this deep.")]}
            )
        case intake.Duplicate():
            return _refuse(409, gettext("You have sent this already."))
        case intake.KeyReused():
            return _refuse(409, gettext("This key came before, with another reply."))
        case intake.TooFast(wait=wait):
            return _wait(wait)
    return _refuse(422, gettext("This reply could not be taken"))


@bp.errorhandler(TooManyRequests)
def _too_many(error: TooManyRequests) -> AnyResponse:
    return _wait(int(str(error.retry_after)))


def _wait(seconds: int) -> AnyResponse:
    text = ngettext(
        "Please wait %(num)d second, then send it again.", "Please wait %(num)d seconds, then send it again.", seconds
    )
    return _refuse(429, text, retry_after=seconds)


def _take(fields: dict[str, str], *, site: Site) -> AnyResponse:
    form = g.form = ReplyForm(fields, site)
    if not form.validate():
        return _refuse(422, gettext("Your reply was not sent yet"), form.faults)
    now = guards.clock()
    page = page_key(form.page.data or "", site.origins)
    age, confirmed = (_age(form, page, kind, now=now) for kind in (FormKind.REPLY, FormKind.CONFIRM))
    for_program = answers.wants_json()
    if age is None and confirmed is None and not for_program:
        return _confirm(form, site)
    written_in = confirmed if age is None else age
    draft = form.draft(network=guards.network(), via=Via.API if for_program else Via.FORM, written_in=written_in)
    pause = timedelta(seconds=current_app.config["REPLY_PAUSE"])
    known = partial(intake.knows, draft, site=site)
    limits.count_reply(guards.network(), site=site.key, page=page, known=known)
    if not proven(site, form.proof.data or "") and not known():
        if for_program:
            again = gettext("Please wait a moment, then try again.")
            return _refuse(422, gettext("Your reply was not sent yet"), {"proof": [again]})
        if confirmed is None:
            return _confirm(form, site)
        # Without JavaScript nobody can prove anything: read once more and sent again, it is held like any other.
        draft = replace(draft, unproven=True)
    guards.begin_writing()
    comment = intake.receive(draft, site=site, pause=pause, now=now)
    db.session.commit()
    token = receipts.token_of(comment, secret=current_app.config["RECEIPT_KEY"])
    if for_program:
        # Without a language: what is done with a receipt is added to its address.
        receipt = current_app.config["BASE_URL"] + url_for("receipts.show", token=token, lang=None)
        return make_response(jsonify(status="held", receipt=receipt, comment=comment.id), 201)
    return redirect(url_for("receipts.show", token=token), 303)


def _age(form: ReplyForm, page: str, kind: FormKind, *, now: datetime) -> float | None:
    token, secret = form.token.data or "", current_app.config["FORM_KEY"]
    return intake.token_age(token, g.site.key, page, secret=secret, now=now, kind=kind)


def _confirm(form: ReplyForm, site: Site) -> Response:
    """Show a reply from a form that is not ours, or that proves nothing, once more: preview and proof at once."""
    limits.count_preview(guards.network())
    html = markup.render(markup.tidy_text(form.comment.data or ""), form.markup_format)
    return make_response(
        render_template(
            "submissions/confirm.html",
            site=site,
            form=form,
            html=html,
            mark=mark(site, form.page.data or "", kind=FormKind.CONFIRM),
        )
    )


def _refuse(
    status: int, title: str, errors: answers.Errors | None = None, *, retry_after: int | None = None
) -> AnyResponse:
    """Say what is wrong, at its field, and give back all that was typed."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    form: ReplyForm | None = g.get("form")
    if answers.wants_json() or form is None:
        return answers.problem(status, title, errors=errors, headers=headers)
    try:
        page = form.page.data or ""
        fresh_mark, parent = mark(g.site, page), publishing.public_comment(g.site, page, form.parent.data or "")
        document = publishing.bare(g.site, page_key(page, g.site.origins), publishing.thread_of(g.site, page))
    except BadAddress:
        fresh_mark, document, parent = {"token": "", "key": secrets.token_urlsafe(18)}, None, None
    if status == 429 and form.key.data:
        fresh_mark["key"] = form.key.data
    response = make_response(
        render_template(
            "submissions/retry.html",
            site=g.site,
            form=form,
            title=title,
            errors=errors or {},
            mark=fresh_mark,
            document=document,
            parent=parent,
            status=status,
        ),
        status,
    )
    response.headers.update(headers)
    return response


def _from_wordpress(fields: dict[str, str], *, site: Site) -> dict[str, str]:
    """Translate WordPress' field names, its post and its parent into ours."""
    ours = {FROM_WORDPRESS.get(name, name): text for name, text in fields.items()}
    post = ours.pop("post", "")
    ours["page"] = request.args.get("page") or _imported_page(site, post) or guards.referer_page(site) or ""
    parent = _imported_comment(site, ours.get("parent", ""))
    if parent is not None:
        ours["parent"] = str(parent)
    return ours


def _imported_page(site: Site, post: str) -> str | None:
    if markup.unprintable(post):
        return None
    key = db.session.scalars(
        select(Thread.page_key).where(
            Thread.site_id == site.id, Thread.source == "wordpress", Thread.source_id == post[:100]
        )
    ).one_or_none()
    return publishing.address_of(site, key) if key else None


def _imported_comment(site: Site, number: str) -> int | None:
    if markup.unprintable(number):
        return None
    # Only a public one: a held one must not be told from none at all.
    return db.session.scalars(
        select(Comment.id)
        .join(Revision)
        .where(
            Comment.site_id == site.id,
            Comment.source == "wordpress",
            Comment.source_id == number[:100],
            Revision.status == Status.APPROVED,
        )
    ).one_or_none()
