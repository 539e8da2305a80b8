"""What operators see: is the installation sound, and what is to be done where it is not."""

from flask import Blueprint, current_app, make_response, render_template
from werkzeug.wrappers import Response as AnyResponse

from moderation import checks
from moderation.web import guards

bp = Blueprint("operating", __name__, url_prefix="/operations")
bp.before_request(guards.signed_in)
bp.before_request(guards.operators_only)


@bp.get("/check")
def check() -> AnyResponse:
    """Show what `flask check` says, as this process sees it."""
    findings = checks.run(current_app, now=guards.clock())
    page = render_template("operating/check.html", findings=findings, verdicts=checks.Verdict, now=guards.clock())
    return make_response(page)
