"""Gives moderators the queue: approve or reject every reply before anything is published."""

import secrets
from collections.abc import Sequence

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts, lifecycle, markup, review
from moderation.db import db
from moderation.models import Action, Entry, Revision
from moderation.review import decisions
from moderation.review.context import context
from moderation.web import actwords, answers, guards, sessions
from moderation.web.queueforms import DecisionForm, FilterForm, back_to_list, written

bp = Blueprint("queue", __name__, url_prefix="/queue")
bp.before_request(guards.signed_in)

#: So many of those that were left as they are can be told one by one.
NAMED = 10


@bp.get("/")
def index() -> AnyResponse:
    """List what waits, or what was decided."""
    form = FilterForm()
    form.validate()
    wanted = form.wanted(order=session.get("order"))
    page = review.page(guards.account(), wanted, after=request.args.get("after"), now=guards.clock())
    me, told = guards.account(), sessions.told()
    # What another page is to say is not for this one.
    done = told if told and not {"action", "undone"}.isdisjoint(told) else None
    html = render_template(
        "queue/index.html",
        page=page,
        form=form,
        done=done,
        mark=written(page.sums.marks),
        colleagues=lambda card: review.colleagues(page.staff, card, besides=me),
    )
    response = make_response(html)
    if told:
        sessions.forget_told(response)
    return response


@bp.post("/order")
def order() -> AnyResponse:
    """Remember which end of the waiting list comes first."""
    chosen = request.form.get("order")
    session["order"] = next((one for one in review.Order if one == chosen), review.Order.OLDEST)
    return redirect(back_to_list(url_for(".index")), 303)


@bp.get("/<id:revision_id>")
def show(revision_id: int) -> AnyResponse:
    """Show one reply by itself."""
    card = review.card(guards.account(), revision_id, now=guards.clock())
    if card is None:
        raise NotFound
    staff = accounts.staff_around(guards.account())
    return make_response(
        render_template(
            "queue/show.html",
            card=card,
            context=context(card),
            memberships=accounts.standings_of(guards.account()),
            colleagues=lambda shown: review.colleagues(staff, shown, besides=guards.account()),
        )
    )


@bp.post("/decisions")
def decide() -> AnyResponse:
    """Carry out one press on one or many revisions."""
    form = DecisionForm()
    if not form.validate():
        return answers.error_page(422, gettext("Nothing was decided"), form.first_error())
    guards.begin_writing()
    unseen = review.everything(guards.account(), form.wanted, upto=form.upto) if form.upto is not None else []
    outcome = decisions.decide_all(
        Action(form.action.data or ""),
        # What was ticked counts as it was seen: what changed since is left, and named.
        [*unseen, *form.choices],
        by=guards.account(),
        now=guards.clock(),
        batch=secrets.token_urlsafe(9),
        digit=form.digit,
        note=form.note.data,
    )
    if not outcome.entries:
        db.session.rollback()
        if outcome.denied and not outcome.skipped:
            raise accounts.Denied(accounts.Right.DECIDE)
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
        return make_response(
            {
                "batch": undone.batch,
                "undone": _counted(undone.entries),
                "back": _moved_json(undone.entries),
                "skipped": [revision.id for revision in undone.skipped],
                "gone_out": undone.gone_out,
            }
        )
    left = [decisions.skipped(revision, lifecycle.AlreadyDecided(revision)) for revision in undone.skipped[:NAMED]]
    return _back(
        {
            "undone": _counted(undone.entries),
            "skipped": len(undone.skipped),
            "named": _named(left),
            "gone_out": undone.gone_out,
        }
    )


def _batch(name: str) -> str | None:
    """Read which press to undo, None for the newest. What is no name of one is another, unknown one."""
    return "?" if markup.unprintable(name) else name[:24] or None


def _decided(outcome: decisions.Outcome) -> AnyResponse:
    if answers.wants_json():
        return make_response(
            {
                "batch": outcome.batch,
                "decided": _moved_json(outcome.entries),
                "skipped": [
                    *(_skipped_json(skipped) for skipped in outcome.skipped),
                    *(_denied_json(revision) for revision in outcome.denied),
                ],
            }
        )
    return _back(
        {
            "action": outcome.action,
            "number": _counted(outcome.entries),
            "batch": outcome.batch,
            "skipped": len(outcome.skipped) + outcome.unknown,
            "named": _named(outcome.skipped[:NAMED]),
            "denied": len(outcome.denied),
        }
    )


def _back(done: dict[str, object]) -> AnyResponse:
    """Lead back to the list, and the place in it, that the press came from; there it says what was done."""
    response = make_response(redirect(back_to_list(url_for(".index")), 303))
    sessions.tell(response, done)
    return response


def _named(skipped: Sequence[decisions.Skipped]) -> list[tuple[int, str]]:
    """Say of each that was left as it is who moved it last, what they did and when."""
    return [
        (
            one.revision.comment.newest.id,
            actwords.said(one.last.action, who=one.who, at=one.last.at) if one.last else "",
        )
        for one in skipped
    ]


def _conflict(outcome: decisions.Outcome) -> AnyResponse:
    """Say who was faster, what they did and when; or that there is no such reply, if none of it is the account's."""
    if not outcome.skipped:
        # The same words for a reply that never was, for other people's, and for what was one's own until a moment ago.
        title = gettext("Nothing was decided: this is on none of your sites, or not any more")
        text = gettext("If you worked on its site until now, your role there was taken away. Load the queue again.")
        return answers.error_page(404, title, text)
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
    memberships = accounts.standings_of(guards.account())
    page = render_template("queue/conflict.html", outcome=outcome, cards=cards, memberships=memberships)
    return make_response(page, 409)


def _moved_json(entries: Sequence[Entry]) -> list[dict[str, object]]:
    return [{"revision": one.revision_id, "status": one.to_status, "turn": one.turn} for one in entries]


def _skipped_json(skipped: decisions.Skipped) -> dict[str, object]:
    last = skipped.last
    return {
        "revision": skipped.revision.id,
        "status": skipped.revision.status,
        "turn": skipped.revision.turn,
        "newest": skipped.revision.comment.newest.id,
        "author": skipped.revision.comment.author or gettext("Anonymous"),
        "who": skipped.who,
        "what": last.action if last else None,
        "when": last.at.isoformat(timespec="seconds") if last else None,
        "said": actwords.said(last.action, who=skipped.who, at=last.at) if last else "",
    }


def _denied_json(revision: Revision) -> dict[str, object]:
    return {
        "revision": revision.id,
        "status": revision.status,
        "turn": revision.turn,
        "newest": revision.comment.newest.id,
        "author": revision.comment.author or gettext("Anonymous"),
        "who": None,
        "what": None,
        "when": None,
        "said": gettext("On %(site)s you may only read.", site=revision.comment.thread.site.name),
    }


def _counted(entries: list[Entry]) -> int:
    return len({entry.subject for entry in entries})
