"""The demo article: a page of somebody else's site, on another origin than the service."""

from flask import Blueprint, current_app, g, make_response, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from moderation.config import demo_origin

bp = Blueprint("demo", __name__, url_prefix="/demo")


@bp.get("/mill-lane")
def article() -> AnyResponse:
    """Show the article; only under its own name, never on the service's origin."""
    mine = demo_origin(current_app.config["BASE_URL"])
    if not current_app.config["DEMO"] or mine is None or f"{request.scheme}://{request.host}" != mine:
        raise NotFound
    service = current_app.config["BASE_URL"]
    g.csp = (
        f"default-src 'none'; script-src {service}; style-src 'self' {service}; connect-src {service}; "
        f"img-src 'self' data:; frame-src {service}; form-action {service}; base-uri 'none'; "
        "require-trusted-types-for 'script'"
    )
    framed = "framed" in request.args
    return make_response(
        render_template("demo/article.html", service=service, page=f"{mine}/demo/mill-lane", framed=framed)
    )
