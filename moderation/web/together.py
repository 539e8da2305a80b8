"""What moderators do beside deciding: follow each other, leave notes, hand over, and answer in the site's name."""

import hashlib
import secrets

from flask import Blueprint, make_response, redirect, request, url_for
from flask_babel import gettext
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts, markup
from moderation.accounts import Right
from moderation.db import db
from moderation.review import answering, changes, notes, texts
from moderation.review.decisions import Outcome
from moderation.web import actwords, answers, guards, presence, sessions
from moderation.web.queueforms import MOST_NOTE, back_to_list, choice, marks_in, written

bp = Blueprint("together", __name__, url_prefix="/queue")
bp.before_request(guards.signed_in)


@bp.get("/changes")
def follow() -> AnyResponse:
    """Tell a page what it has missed; 304 where that is nothing."""
    memberships = accounts.standings_of(guards.account())
    here = presence.colleagues(guards.account(), site_ids={each.site_id for each in memberships})
    state = f"{changes.state_of(memberships)} {here}"
    response = make_response()
    response.set_etag(hashlib.sha256(state.encode()).hexdigest()[:32])
    if (response.get_etag()[0] or "") in request.if_none_match:
        response.status_code = 304
        return response
    found = changes.since(marks_in(request.args.get("since", "")), memberships)
    body = {
        "mark": written(found.marks),
        "waiting": found.waiting,
        "arrived": list(found.arrived),
        "moved": [_moved_json(one) for one in found.moved],
        "reload": found.missed_too_much,
        "here": [{"name": one.name, "revision": one.revision_id} for one in here],
    }
    return make_response(body, {"ETag": response.headers["ETag"]})


@bp.post("/presence")
def be_here() -> AnyResponse:
    """Note which text somebody has at hand, or that nobody has any more."""
    revision_id = guards.row_number(number) if (number := request.form.get("revision", "")).isdigit() else 0
    try:
        text = texts.text(revision_id, by=guards.account(), right=Right.DECIDE)
    except texts.Unknown:
        presence.leave(guards.account())
    else:
        presence.note(guards.account(), site_id=text.site_id, revision_id=revision_id)
    return make_response("", 204)


@bp.post("/notes")
def leave_note() -> AnyResponse:
    """Leave a note to colleagues, or hand a text over with one."""
    words, to = request.form.get("note", "").strip(), request.form.get("to", "")
    seen = choice(request.form.get("revision", ""))
    if len(words) > MOST_NOTE or markup.unprintable(words):
        return _refused(gettext("A note has at most %(number)s characters.", number=MOST_NOTE))
    if not words and not to:
        return _refused(gettext("Please write a note."))
    try:
        if to:
            colleague = None if to == "owners" else guards.row_number(to) if to.isascii() and to.isdigit() else 0
            notes.hand(seen.revision_id, colleague, words, by=guards.account(), now=guards.clock())
        else:
            notes.note(seen.revision_id, words, by=guards.account(), now=guards.clock())
    except texts.Unknown as unknown:
        raise NotFound from unknown
    except notes.Decided:
        db.session.rollback()
        return answers.error_page(409, gettext("Already decided"), gettext("The reply does not wait any more."))
    db.session.commit()
    return _done("handed" if to else "noted")


@bp.post("/answers")
def answer() -> AnyResponse:
    """Answer in the site's name, and approve what is answered."""
    text, seen = markup.tidy_text(request.form.get("comment", "")), choice(request.form.get("revision", ""))
    try:
        revision = texts.text(seen.revision_id, by=guards.account(), right=Right.DECIDE)
    except texts.Unknown as unknown:
        raise NotFound from unknown
    if markup.unprintable(text) or not markup.plain_text(markup.render(text, markup.Format.MARKDOWN)):
        return _refused(gettext("Please write an answer."))
    if len(text) > revision.comment.thread.site.max_comment:
        return _refused(gettext("That is longer than the site takes."))
    try:
        outcome = answering.publish(
            revision, seen, text, by=guards.account(), now=guards.clock(), batch=secrets.token_urlsafe(9)
        )
    except answering.TooDeep:
        db.session.rollback()
        return _refused(gettext("Nobody can reply this deep."))
    if not outcome.entries:
        db.session.rollback()
        return _too_late(outcome)
    db.session.commit()
    return _done("answered", outcome)


def _moved_json(one: changes.Moved) -> dict[str, object]:
    return {
        "revision": one.entry.revision_id,
        "status": one.status,
        "turn": one.turn,
        "who": one.who,
        "mine": one.entry.account_id == guards.account().id,
        "what": one.entry.action,
        "when": one.entry.at.isoformat(timespec="seconds"),
        "said": actwords.said(one.entry.action, who=one.who, at=one.entry.at),
    }


def _refused(text: str) -> AnyResponse:
    db.session.rollback()
    return answers.error_page(422, text, gettext("Nothing was done. Go back: what you wrote is still there."))


def _too_late(outcome: Outcome) -> AnyResponse:
    [skipped] = outcome.skipped
    last = skipped.last
    text = actwords.said(last.action, who=skipped.who, at=last.at) if last else ""
    return answers.error_page(409, gettext("Already decided"), text)


def _done(what: str, outcome: Outcome | None = None) -> AnyResponse:
    batch, entries = (outcome.batch, outcome.entries) if outcome else (None, [])
    if answers.wants_json():
        decided = [{"revision": one.revision_id, "status": one.to_status, "turn": one.turn} for one in entries]
        return make_response({"done": what, "batch": batch, "decided": decided})
    response = make_response(redirect(back_to_list(url_for("queue.index")), 303))
    sessions.tell(response, {"action": what, "number": 1, "batch": batch, "skipped": 0})
    return response
