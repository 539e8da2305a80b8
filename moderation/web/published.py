"""What the public reads: the thread as page, JSON and fragment, the feeds, the counts, and the embed."""

import gzip

from flask import Blueprint, Response, current_app, g, make_response, render_template, request
from flask_babel import force_locale, gettext
from werkzeug.wrappers import Response as AnyResponse

from moderation import publishing
from moderation.models.pagekey import BadAddress, ForeignPage
from moderation.publishing import feeds, strings
from moderation.publishing.document import Document, Item
from moderation.web import answers, guards
from moderation.web.formmark import mark

bp = Blueprint("published", __name__)

#: What lets a CDN or nginx in front take the world; a takedown is gone from caches within 40 s.
CACHED = "public, max-age=10, stale-while-revalidate=30, stale-if-error=600"


@bp.before_request
def _of_a_site() -> None:
    key = (request.view_args or {}).get("key")
    if key is not None:
        if request.endpoint != "published.thread":
            guards.open_to_all()
        g.site = guards.site_or_404(key)


@bp.get("/sites/<site:key>/thread")
def thread(key: str) -> AnyResponse:
    """Show a page's thread with a fresh form below: to frame, to link, to use without JavaScript."""
    guards.may_be_framed_by(g.site)
    page = request.args.get("page") or guards.referer_page(g.site) or ""
    found = publishing.document(g.site, page)
    parent = _parent(found)
    with force_locale(g.site.locale):
        html = render_template(
            "published/thread.html",
            site=g.site,
            document=found,
            strings=strings.of(found.count),
            parent=parent,
            page=page,
            mark=mark(g.site, page),
            form=None,
            errors={},
        )
    return make_response(html)


@bp.get("/sites/<site:key>/thread.json")
def thread_json(key: str) -> AnyResponse:
    """Answer a page's thread for scripts."""
    found = publishing.document(g.site, request.args.get("page", ""))
    return _public(publishing.as_json(found), "application/json")


@bp.get("/sites/<site:key>/thread.html")
def thread_fragment(key: str) -> AnyResponse:
    """Answer a page's thread as a fragment, for sites that are built beforehand."""
    found = publishing.document(g.site, request.args.get("page", ""))
    with force_locale(g.site.locale):
        html = render_template(
            "published/_thread.html", site=g.site, document=found, strings=strings.of(found.count), page=found.url
        )
    return _public(html.encode(), "text/html; charset=utf-8")


@bp.get("/sites/<site:key>/thread.atom")
def thread_atom(key: str) -> AnyResponse:
    """Answer a page's newest comments as a feed."""
    found = publishing.document(g.site, request.args.get("page", ""))
    with force_locale(g.site.locale):
        title = gettext("Replies to %(page)s", page=found.title)
    body = feeds.as_atom(
        g.site,
        publishing.newest_of(found),
        title=title,
        link=found.url,
        self_link=_self_link(),
        service=current_app.config["BASE_URL"],
    )
    return _public(body, "application/atom+xml; charset=utf-8")


@bp.get("/sites/<site:key>/comments.atom")
def comments_atom(key: str) -> AnyResponse:
    """Answer the site's newest comments as a feed."""
    with force_locale(g.site.locale):
        title = gettext("Replies on %(site)s", site=g.site.name)
    body = feeds.as_atom(
        g.site,
        publishing.newest(g.site),
        title=title,
        link=g.site.origins[0] + "/",
        self_link=_self_link(),
        service=current_app.config["BASE_URL"],
    )
    return _public(body, "application/atom+xml; charset=utf-8")


@bp.get("/sites/<site:key>/counts.json")
def counts(key: str) -> AnyResponse:
    """Answer how many public comments pages have, by the addresses asked for."""
    pages = request.args.getlist("page")
    if len(set(pages)) > publishing.MOST_COUNTS:
        return answers.error_page(
            422,
            gettext("At most %(number)s pages at once.", number=publishing.MOST_COUNTS),
            gettext("Ask for the rest in another request."),
        )
    return _public(publishing.counts_json(g.site, pages), "application/json")


@bp.get("/sites/<site:key>/accent.css")
def accent(key: str) -> AnyResponse:
    """Answer the site's one colour."""
    return _public(f":root{{--lar-accent:{g.site.accent}}}\n".encode(), "text/css; charset=utf-8")


@bp.get("/embed.js")
def embed() -> AnyResponse:
    """Answer the custom element `<leave-a-reply>`."""
    response = current_app.send_static_file("embed.js")
    response.headers["Cache-Control"] = "public, max-age=300, stale-while-revalidate=86400"
    guards.open_to_all()
    return response


@bp.errorhandler(BadAddress)
def _bad_page(error: BadAddress) -> AnyResponse:
    guards.open_to_all()
    if isinstance(error, ForeignPage):
        return answers.error_page(
            403, gettext("This page does not belong to the site"), gettext("It has an address of its own elsewhere.")
        )
    return answers.error_page(
        422, gettext("Which page?"), gettext("The address has to name a page, as in ?page=https://example.org/article.")
    )


def _public(body: bytes, content_type: str) -> Response:
    """Answer public bytes under the hash that names them."""
    packed = request.accept_encodings["gzip"] > 0 and len(body) > 500
    if packed:
        body = gzip.compress(body, 6, mtime=0)
    response = Response(body, content_type=content_type)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = CACHED
    response.set_etag(publishing.etag(body))
    guards.open_to_all()
    response.make_conditional(request)
    return response


def _self_link() -> str:
    return str(current_app.config["BASE_URL"]) + request.full_path.rstrip("?")


def _parent(found: Document) -> Item | None:
    """Return the comment a reply is to go to, if it is public on this page."""
    wanted = request.args.get("parent", "")
    return next((item for item in found.items if item.is_public and str(item.id) == wanted), None)
