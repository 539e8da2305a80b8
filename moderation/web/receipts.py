"""The author's private page: what became of one reply, and what can be done about it. A GET never acts."""

from collections.abc import Callable, Sequence
from datetime import timedelta

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
from werkzeug.exceptions import HTTPException, LengthRequired, NotFound, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from moderation import lifecycle, receipts
from moderation.db import db, reading
from moderation.models import Comment, Site, Via
from moderation.web import answers, guards, limits, speech
from moderation.web.replyform import NotText, ReplyForm, fields_of

bp = Blueprint("receipts", __name__, url_prefix="/receipts/<token:token>")


@bp.before_request
def _of_a_comment() -> AnyResponse | None:
    """Open the receipt, or answer every token that opens nothing in the same way."""
    token = (request.view_args or {})["token"]
    comment = receipts.comment_of(token, secret=current_app.config["RECEIPT_KEY"])
    if comment is None:
        # It tells nothing, and a page that still shows the reply as held is to learn that it is gone.
        guards.open_to_all()
        return answers.error_page(
            404,
            gettext("There is no receipt here"),
            gettext("The link may have been cut short, or the receipt is forgotten."),
        )
    g.comment, g.site = comment, comment.thread.site
    _answer_as(g.site)
    if request.method == "POST":
        guards.refuse_foreign_origin(g.site, null_is_absent=not answers.wants_json())
        limits.count_receipt(guards.network())
    return None


@bp.after_request
def _private(response: Response) -> Response:
    """Keep it out of indexes."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


@bp.errorhandler(LengthRequired)
@bp.errorhandler(RequestEntityTooLarge)
def _refused_body(error: HTTPException) -> AnyResponse:
    """Let the site frame and read what was refused before its comment was known, in its language."""
    if "site" not in g:
        with reading():
            comment = receipts.comment_of((request.view_args or {})["token"], secret=current_app.config["RECEIPT_KEY"])
            if comment is not None:
                _answer_as(comment.thread.site)
    return answers.http(error)


def _answer_as(site: Site) -> None:
    speech.speak_as(site)
    guards.open_to(site)
    guards.may_be_framed_by(site)


@bp.errorhandler(NotText)
def _not_text(error: NotText) -> AnyResponse:
    return answers.problem(
        422, gettext("Your reply was not sent yet"), errors={error.field: [gettext("This has to be a text.")]}
    )


@bp.get("")
def show(token: str) -> AnyResponse:
    """Show what became of the reply."""
    return _page(g.comment)


@bp.get("/edit")
def edit_form(token: str) -> AnyResponse:
    """Show the form in which the text is changed."""
    receipt = receipts.look(g.comment)
    if not receipt.can_edit:
        raise NotFound
    return _edit_page(g.comment, text=receipt.newest.source)


@bp.post("/edit")
def edit(token: str) -> AnyResponse:
    """Hold the author's new text."""
    fields = fields_of(request)
    form = ReplyForm({**_unchanged(g.comment), "comment": fields.get("comment", "")}, g.site)
    form.validate()
    text = form.draft(network="", via=Via.RECEIPT, written_in=None).comment
    if form.comment.errors:
        return _edit_page(g.comment, text=form.comment.data or "", errors=form.comment.errors, status=422)
    try:
        pause = timedelta(seconds=current_app.config["REPLY_PAUSE"])
        receipts.send_edit(g.comment, text, seen=_seen(fields.get("revision", "")), pause=pause, now=guards.clock())
    except receipts.TooSoon as soon:
        db.session.rollback()
        wait = ngettext(
            "Please wait %(num)d second, then send it again.",
            "Please wait %(num)d seconds, then send it again.",
            soon.wait,
        )
        response = make_response(_edit_page(_afresh(token), text=text, errors=[wait], status=429))
        response.headers["Retry-After"] = str(soon.wait)
        return response
    except lifecycle.Conflict as conflict:
        db.session.rollback()
        return _edit_page(_afresh(token), text=text, conflict=conflict, status=409)
    db.session.commit()
    return _back(token)


@bp.post("/withdraw")
def withdraw(token: str) -> AnyResponse:
    """Take the reply back."""
    return _act(receipts.withdraw, token)


@bp.post("/resume")
def resume(token: str) -> AnyResponse:
    """Let a withdrawn reply wait again."""
    return _act(receipts.resume, token)


def _act(act: Callable[..., None], token: str) -> AnyResponse:
    try:
        act(g.comment, now=guards.clock())
    except lifecycle.Conflict as conflict:
        db.session.rollback()
        return _page(_afresh(token), conflict=conflict, status=409)
    db.session.commit()
    return _back(token)


def _back(token: str) -> AnyResponse:
    if answers.wants_json():
        return _page(_afresh(token))
    return redirect(url_for(".show", token=token), 303)


def _page(comment: Comment, *, conflict: lifecycle.Conflict | None = None, status: int = 200) -> AnyResponse:
    receipt = receipts.look(comment)
    if answers.wants_json():
        return _as_json(receipt, status)
    html = render_template(
        "receipts/show.html",
        receipt=receipt,
        site=g.site,
        token=_token(comment),
        now=guards.clock(),
        conflict=conflict,
    )
    return make_response(html, status)


def _edit_page(
    comment: Comment,
    *,
    text: str,
    errors: Sequence[str] = (),
    conflict: lifecycle.Conflict | None = None,
    status: int = 200,
) -> AnyResponse:
    receipt = receipts.look(comment)
    if answers.wants_json():
        title = gettext("This cannot be changed now") if status == 409 else gettext("Your reply was not sent yet")
        return answers.problem(status, title, errors={"comment": list(errors)} if errors else None)
    html = render_template(
        "receipts/edit.html",
        receipt=receipt,
        site=g.site,
        token=_token(comment),
        text=text,
        errors=errors,
        conflict=conflict,
        is_duplicate=isinstance(conflict, lifecycle.Unchanged),
    )
    return make_response(html, status)


def _as_json(receipt: receipts.Receipt, status: int) -> Response:
    reason = receipt.reason
    body = {
        "status": receipt.state,
        "since": receipt.since.isoformat(timespec="seconds"),
        "decided": receipt.decided_at.isoformat(timespec="seconds") if receipt.decided_at else None,
        "reason": {"label": reason.label, "text": reason.text, "clause": reason.clause} if reason else None,
        "comment": receipt.newest.source,
        "public": receipt.public is not None,
        "page": receipt.page_url,
        "revision": f"{receipt.newest.id}:{receipt.newest.turn}",
    }
    return make_response(jsonify(body), status)


def _unchanged(comment: Comment) -> dict[str, str]:
    """Name, e-mail and website stay as sent."""
    return {"author": comment.author, "email": comment.email, "url": comment.url, "page": comment.thread.url}


def _seen(text: str) -> tuple[int, int] | None:
    """Read which text, at which turn, the author saw; a caller that does not say changes what is there."""
    id_, _, turn = text.partition(":")
    if not (id_.isascii() and id_.isdigit() and turn.isascii() and turn.isdigit() and len(text) < 30):
        return None
    return int(id_), int(turn)


def _token(comment: Comment) -> str:
    return receipts.token_of(comment, secret=current_app.config["RECEIPT_KEY"])


def _afresh(token: str) -> Comment:
    db.session.expire_all()
    comment = receipts.comment_of(token, secret=current_app.config["RECEIPT_KEY"])
    if comment is None:
        raise NotFound
    return comment
