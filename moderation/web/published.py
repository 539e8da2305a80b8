"""What the public reads: the thread as page, JSON and fragment, the feeds, the counts, and the embed."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from flask import Blueprint, current_app, g, make_response, render_template, request
from flask_babel import force_locale, gettext
from werkzeug.wrappers import Response as AnyResponse

from moderation import languages, publishing
from moderation.db import db
from moderation.models.pagekey import BadAddress, ForeignPage, page_key
from moderation.publishing import closing, counting, feeds, recent, strings, versions, writing
from moderation.publishing.document import Document, Sort, Wish
from moderation.publishing.ready import Asked, Kept, Kind
from moderation.web import answers, assets, front, guards, speech
from moderation.web.formmark import mark

bp = Blueprint("published", __name__)

#: More answers than these below one reply can be folded away.
LONG_BRANCH = 5


@bp.before_request
def _of_a_site() -> None:
    g.since = front.ready().clock()
    key = (request.view_args or {}).get("key")
    if key is not None:
        if request.endpoint != "published.thread":
            guards.open_to_all()
        g.site = guards.site_or_404(key)
        speech.speak_as(g.site)
        # Only a page that no cache keeps may ask the browser for its language.
        on_page = request.endpoint == "published.thread"
        g.language = speech.chosen() if on_page else languages.negotiate(request.args.get("lang", ""), g.site.locale)


@bp.get("/sites/<site:key>/thread")
def thread(key: str) -> AnyResponse:
    """Show a page's thread with a fresh form below: to frame, to link, to use without JavaScript."""
    guards.may_be_framed_by(g.site)
    page = request.args.get("page") or guards.referer_page(g.site) or ""
    replies = _fragment(page).forms[0].body[0].decode()
    of = publishing.thread_of(g.site, page)
    with force_locale(g.language):
        html = render_template(
            "published/thread.html",
            site=g.site,
            document=publishing.bare(g.site, page_key(page, g.site.origins), of),
            replies=replies,
            closed=of is not None and closing.is_closed(of, site=g.site, now=guards.clock()),
            strings=strings.of(0),
            parent=publishing.public_comment(g.site, page, request.args.get("parent", "")),
            page=page,
            mark=mark(g.site, page),
            form=None,
            errors={},
        )
    return make_response(html)


@bp.get("/sites/<site:key>/thread.json")
def thread_json(key: str) -> AnyResponse:
    """Answer a page's thread for scripts."""

    def write(found: Document, now: datetime) -> bytes:
        return writing.as_json(found, language=g.language, now=now)

    return front.respond(_thread(Kind.JSON, request.args.get("page", ""), write))


@bp.get("/sites/<site:key>/thread.html")
def thread_fragment(key: str) -> AnyResponse:
    """Answer a page's thread as a fragment, for sites that are built beforehand."""
    return front.respond(_fragment(request.args.get("page", "")))


@bp.get("/sites/<site:key>/thread.atom")
def thread_atom(key: str) -> AnyResponse:
    """Answer a page's newest comments as a feed."""
    page = page_key(request.args.get("page", ""), g.site.origins)

    def write() -> bytes:
        found = publishing.bare(g.site, page, publishing.thread_of(g.site, request.args.get("page", "")))
        title = gettext("Replies to %(page)s", page=found.title)
        return _feed(recent.on_page(g.site, found), title=title, link=found.url, address=_address(Kind.ATOM, found.url))

    return front.respond(_kept(Asked(Kind.ATOM, g.site.key, (page,), lang=g.language), write))


@bp.get("/sites/<site:key>/comments.atom")
def comments_atom(key: str) -> AnyResponse:
    """Answer the site's newest comments as a feed."""

    def write() -> bytes:
        title, link = gettext("Replies on %(site)s", site=g.site.name), g.site.origins[0] + "/"
        return _feed(recent.on_site(g.site), title=title, link=link, address=_address(Kind.SITE_ATOM))

    return front.respond(_kept(Asked(Kind.SITE_ATOM, g.site.key, lang=g.language), write))


@bp.get("/sites/<site:key>/counts.json")
def counts(key: str) -> AnyResponse:
    """Answer how many public comments pages have, by the addresses asked for."""
    pages = request.args.getlist("page")
    if len(set(pages)) > counting.MOST_COUNTS:
        with force_locale(g.language):
            title = gettext("At most %(number)s pages at once.", number=counting.MOST_COUNTS)
            return answers.error_page(422, title, gettext("Ask for the rest in another request."))
    keys = counting.keys_of(g.site, pages)
    asked = Asked(Kind.COUNTS, g.site.key, tuple(sorted(set(keys.values()))), pages=tuple(keys))
    return front.respond(_kept(asked, lambda: counting.counts_json(g.site, keys)))


@bp.get("/sites/<site:key>/accent.css")
def accent(key: str) -> AnyResponse:
    """Answer the site's one colour, and its corners."""

    def write() -> bytes:
        return f":root{{--lar-accent:{g.site.accent};--lar-radius:{g.site.radius}px}}\n".encode()

    return front.respond(_kept(Asked(Kind.ACCENT, g.site.key), write))


@bp.get("/embed.js")
def embed() -> AnyResponse:
    """Answer the custom element `<leave-a-reply>`."""
    guards.open_to_all()
    return assets.file(Kind.EMBED, "embed.js")


@bp.errorhandler(BadAddress)
def _bad_page(error: BadAddress) -> AnyResponse:
    guards.open_to_all()
    with force_locale(g.language):
        if isinstance(error, ForeignPage):
            title = gettext("This page does not belong to the site")
            return answers.error_page(403, title, gettext("It has an address of its own elsewhere."))
        said = gettext("The address has to name a page, as in ?page=https://example.org/article.")
        return answers.error_page(422, gettext("Which page?"), said)


def _fragment(page: str) -> Kept:
    def write(found: Document, now: datetime) -> bytes:
        html = render_template(
            "published/_thread.html",
            site=g.site,
            document=found,
            closed=found.is_closed(now),
            strings=strings.of(found.count),
            page=found.url,
            lang=_wished_language(),
            long_branch=LONG_BRANCH,
        )
        return html.encode()

    return _thread(Kind.HTML, page, write)


def _thread(kind: Kind, page: str, write: Callable[[Document, datetime], bytes]) -> Kept:
    """Return a part of a thread from memory, built if need be. Raises `BadAddress`."""
    store = front.ready()
    with store.alone((kind, g.site.key, page_key(page, g.site.origins))):
        cut = publishing.cut(g.site, page, _wish(), kept=store.outlines)
        part = cut.document
        asked = Asked(kind, g.site.key, (part.page,), sort=part.sort, part=part.part, lang=g.language)
        if kept := store.fresh(asked, part.stamp, since=g.since):
            return kept
        now = guards.clock()
        with force_locale(g.language):
            body = write(publishing.filled(cut), now)
        # Until it closes by age; by the same clock that found it open.
        lasts = (part.closes - now).total_seconds() if part.closes and not part.is_closed(now) else None
        return store.keep(asked, part.stamp, body, since=g.since, lasts=lasts)


def _kept(asked: Asked, write: Callable[[], bytes]) -> Kept:
    """Return what was asked from memory, built if need be."""
    store = front.ready()
    with store.alone(asked):
        stamp = versions.stamp(db.session.connection(), asked)
        if kept := store.fresh(asked, stamp, since=g.since):
            return kept
        with force_locale(g.language):
            body = write()
        return store.keep(asked, stamp, body, since=g.since)


def _wish() -> Wish:
    """Read which part is asked for; what makes no sense is the first."""
    digits = request.args.get("part", "")
    part = int(digits.lstrip("0")[:9] or 0) if digits.isascii() and digits.isdigit() else 1
    sort = Sort.NEWEST if request.args.get("sort") == Sort.NEWEST else Sort.OLDEST
    return Wish(sort, part, request.args.get("at", ""))


def _wished_language() -> str | None:
    """Name the language for links to carry along, where it is not the site's own."""
    return languages.tag(g.language) if g.language != languages.negotiate("", g.site.locale) else None


def _feed(news: list[recent.News], *, title: str, link: str, address: str) -> bytes:
    return feeds.as_atom(
        g.site,
        news,
        title=title,
        link=link,
        self_link=address,
        service=current_app.config["BASE_URL"],
        language=g.language,
    )


def _address(kind: Kind, page: str = "") -> str:
    """Write a feed's one address, however it was asked for."""
    query = [f"page={quote(page, safe='')}"] if page else []
    query += [f"lang={lang}"] if (lang := _wished_language()) else []
    return f"{current_app.config['BASE_URL']}/sites/{g.site.key}/{kind}{'?' if query else ''}{'&'.join(query)}"
