"""Gives moderators the queue: approve or reject every reply before anything is published."""

import secrets
from collections.abc import Sequence

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField, ValidationError

from moderation import lifecycle, markup, review
from moderation.db import db
from moderation.models import Action, Entry
from moderation.review import decisions
from moderation.web import answers, guards, sessions

bp = Blueprint("queue", __name__, url_prefix="/queue")
bp.before_request(guards.signed_in)

#: So many of those that were left as they are can be told one by one.
NAMED = 10
#: A note for the log is a sentence, not an essay.
MOST_NOTE = 1000


@bp.get("/")
def index() -> AnyResponse:
    """List what waits, or what was decided."""
    view = next((view for view in review.View if view == request.args.get("view")), review.View.WAITING)
    page = review.page(guards.account(), view=view, after=request.args.get("after"), now=guards.clock())
    done = sessions.told()
    response = make_response(render_template("queue/index.html", page=page, done=done))
    if done:
        sessions.forget_told(response)
    return response


@bp.get("/<id:revision_id>")
def show(revision_id: int) -> AnyResponse:
    """Show one reply by itself."""
    card = review.card(guards.account(), revision_id, now=guards.clock())
    if card is None:
        raise NotFound
    return make_response(render_template("queue/show.html", card=card))


@bp.post("/decisions")
def decide() -> AnyResponse:
    """Carry out one press on one or many revisions."""
    form = DecisionForm()
    if not form.validate():
        return answers.error_page(422, gettext("Nothing was decided"), form.first_error())
    outcome = decisions.decide_all(
        Action(form.action.data or ""),
        form.choices,
        by=guards.account(),
        now=guards.clock(),
        batch=secrets.token_urlsafe(9),
        digit=form.digit,
        note=form.note.data,
    )
    if not outcome.entries:
        db.session.rollback()
        return _conflict(outcome)
    db.session.commit()
    return _decided(outcome)


@bp.errorhandler(decisions.UnknownReason)
def _unknown_reason(_: decisions.UnknownReason) -> AnyResponse:
    db.session.rollback()
    text = gettext("There is no reason on that digit. Choose another, or reject without one.")
    return answers.error_page(422, gettext("Nothing was decided"), text)


@bp.post("/undo")
def undo() -> AnyResponse:
    """Take back one press of one's own."""
    undone = decisions.undo(_batch(request.form.get("batch", "")), by=guards.account(), now=guards.clock())
    if not undone.entries:
        db.session.rollback()
        return answers.error_page(
            409, gettext("There is nothing to undo"), gettext("It was undone already, or somebody changed it since.")
        )
    db.session.commit()
    if answers.wants_json():
        return make_response({"undone": len(undone.entries), "skipped": [revision.id for revision in undone.skipped]})
    left = [decisions.skipped(revision, lifecycle.AlreadyDecided(revision)) for revision in undone.skipped[:NAMED]]
    return _back({"undone": _counted(undone.entries), "skipped": len(undone.skipped), "named": _named(left)})


class DecisionForm(FlaskForm):
    """One press: what to do with which revisions, at the turn each was seen."""

    action = StringField()
    reason = StringField()
    note = StringField()

    def __init__(self) -> None:
        super().__init__(formdata=MultiDict(request.form))
        self.choices: list[decisions.Choice] = []
        self.digit: int | None = None

    def validate_action(self, field: StringField) -> None:
        """Refuse what is no decision."""
        if field.data not in {str(action) for action in lifecycle.DECISIONS}:
            raise ValidationError(gettext("Choose approve, reject, spam, reopen or return."))
        self.choices = [_choice(text) for text in request.form.getlist("revision")]
        if not self.choices:
            raise ValidationError(gettext("Tick at least one reply."))
        if len(self.choices) > decisions.MOST_AT_ONCE:
            raise ValidationError(gettext("At most %(number)s replies at once.", number=decisions.MOST_AT_ONCE))

    def validate_reason(self, field: StringField) -> None:
        """Refuse a reason that is no digit."""
        digit = field.data or ""
        if digit and not (len(digit) == 1 and digit in "123456789"):
            raise ValidationError(gettext("A reason is a digit from 1 to 9."))
        self.digit = int(digit) if digit else None

    def validate_note(self, field: StringField) -> None:
        """Refuse a note that is too long, or that cannot be stored."""
        if len(field.data or "") > MOST_NOTE or "\0" in (field.data or ""):
            raise ValidationError(gettext("A note has at most %(number)s characters.", number=MOST_NOTE))

    def first_error(self) -> str:
        """Return the first thing that is wrong."""
        return next((str(field.errors[0]) for field in self if field.errors), "")


def _choice(text: str) -> decisions.Choice:
    """Read ID:TURN. Raises `BadRequest` for anything else."""
    id_, _, turn = text.partition(":")
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (id_, turn)):
        raise BadRequest
    return decisions.Choice(guards.row_number(id_), int(turn))


def _batch(name: str) -> str | None:
    """Read which press to undo, None for the newest. What is no name of one is another, unknown one."""
    return "?" if markup.unprintable(name) else name[:24] or None


def _decided(outcome: decisions.Outcome) -> AnyResponse:
    if answers.wants_json():
        return make_response(
            {
                "batch": outcome.batch,
                "decided": [
                    {"revision": e.revision_id, "status": e.to_status, "turn": e.turn} for e in outcome.entries
                ],
                "skipped": [_skipped_json(skipped) for skipped in outcome.skipped],
            }
        )
    return _back(
        {
            "action": outcome.action,
            "number": _counted(outcome.entries),
            "batch": outcome.batch,
            "skipped": len(outcome.skipped) + outcome.unknown,
            "named": _named(outcome.skipped[:NAMED]),
        }
    )


def _back(done: dict[str, object]) -> AnyResponse:
    """Lead back to the list, and the place in it, that the press came from; there it says what was done."""
    place = request.form
    to = url_for(".index", view=place.get("view") or None, after=place.get("after") or None)
    response = make_response(redirect(to, 303))
    sessions.tell(response, done)
    return response


def _named(skipped: Sequence[decisions.Skipped]) -> list[tuple[int, str]]:
    """Say of each that was left as it is who moved it last, what they did and when."""
    return [
        (one.revision.comment.newest.id, answers.said(one.last.action, who=one.who, at=one.last.at) if one.last else "")
        for one in skipped
    ]


def _conflict(outcome: decisions.Outcome) -> AnyResponse:
    """Say who was faster, what they did and when; or that there is no such reply, if none of it is the account's."""
    if not outcome.skipped:
        raise NotFound
    if answers.wants_json():
        body = {
            "title": gettext("Already decided"),
            "status": 409,
            "skipped": [_skipped_json(one) for one in outcome.skipped],
        }
        return make_response(body, 409, {"Content-Type": "application/problem+json"})
    cards = {
        skipped.revision.id: review.card(guards.account(), skipped.revision.comment.newest.id, now=guards.clock())
        for skipped in outcome.skipped[: review.PAGE]
    }
    return make_response(render_template("queue/conflict.html", outcome=outcome, cards=cards), 409)


def _skipped_json(skipped: decisions.Skipped) -> dict[str, object]:
    last = skipped.last
    return {
        "revision": skipped.revision.id,
        "status": skipped.revision.status,
        "turn": skipped.revision.turn,
        "newest": skipped.revision.comment.newest.id,
        "who": skipped.who,
        "what": last.action if last else None,
        "when": last.at.isoformat(timespec="seconds") if last else None,
    }


def _counted(entries: list[Entry]) -> int:
    return len({entry.subject for entry in entries})
