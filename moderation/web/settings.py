"""Gives owners the settings of their sites: each a form that says what it does, what is wrong, and who was faster."""

from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts
from moderation.accounts import reasons
from moderation.db import db
from moderation.models import Via
from moderation.models.pagekey import BadAddress, page_key
from moderation.notify import outward
from moderation.publishing import closing, snippet
from moderation.web import guards, limits, owning, reauth
from moderation.web.settingsforms import FORMS, ReasonsForm, shown

bp = Blueprint("settings", __name__, url_prefix="/settings")
bp.before_request(owning.only_owners)

CONCERN = "<any(site, form, moderation, privacy):concern>"


@bp.get("/")
def index() -> AnyResponse:
    """List the sites one owns; of one site, lead there."""
    owned = owning.owned_sites()
    if len(owned) == 1:
        return redirect(url_for(".show", key=owned[0].key, concern="site"), 303)
    return make_response(render_template("settings/index.html", sites=owned))


@bp.get(f"/<site:key>/{CONCERN}")
def show(key: str, concern: str) -> AnyResponse:
    """Show the settings of one concern."""
    _ask_who(concern)
    return owning.page(f"settings/{concern}.html", form=FORMS[concern](g.site))


@bp.post(f"/<site:key>/{CONCERN}")
def save(key: str, concern: str) -> AnyResponse:
    """Change them."""
    _ask_who(concern)
    form = FORMS[concern](g.site, request.form)
    changes = form.changes()
    if changes is None:
        return owning.page(f"settings/{concern}.html", 422, form=form)
    try:
        changed = accounts.change_site(
            g.site, changes, now=guards.clock(), via=Via.WEB, by=guards.account(), seen=form.version
        )
    except accounts.Overtaken as overtaken:
        form.seen.data = str(g.site.version)
        return owning.page(f"settings/{concern}.html", 409, form=form, others=overtaken.entries)
    db.session.commit()
    return redirect(url_for(".show", key=key, concern=concern, saved=",".join(changed) or "nothing"), 303)


def _ask_who(concern: str) -> None:
    """Ask for a fresh proof where settings erase; of the page already, so that nothing typed is lost."""
    if concern == "privacy":
        reauth.require_fresh(back=url_for(".show", key=g.site.key, concern=concern))


@bp.get("/<site:key>/reasons")
def show_reasons(key: str) -> AnyResponse:
    """Show what replies are rejected for."""
    return owning.page("settings/reasons.html", form=ReasonsForm(g.site))


@bp.post("/<site:key>/reasons")
def save_reasons(key: str) -> AnyResponse:
    """Change what replies are rejected for."""
    form = ReasonsForm(g.site, request.form)
    try:
        number = reasons.change_reasons(
            g.site, form.drafts(), now=guards.clock(), via=Via.WEB, by=guards.account(), seen=form.seen
        )
    except accounts.BadValue as bad:
        form.complain(bad)
        db.session.rollback()
        return owning.page("settings/reasons.html", 422, form=form)
    except accounts.Overtaken as overtaken:
        form.seen = g.site.version
        return owning.page("settings/reasons.html", 409, form=form, others=overtaken.entries)
    db.session.commit()
    return redirect(url_for(".show_reasons", key=key, saved="reasons" if number else "nothing"), 303)


@bp.post("/<site:key>/pages")
def set_closed(key: str) -> AnyResponse:
    """Let one page take no more replies, or take them again."""
    page, closed = request.form.get("page", "").strip(), request.form.get("action") == "close"
    try:
        thread = closing.set_closed(g.site, page, closed=closed, now=guards.clock(), via=Via.WEB, by=guards.account())
    except BadAddress:
        db.session.rollback()
        why = gettext(
            "This is not the address of a page of the site, as in %(page)s.", page=f"{g.site.origins[0]}/news"
        )
        return owning.page("settings/form.html", 422, form=FORMS["form"](g.site), page=shown(page), page_fault=why)
    by_age = not closed and closing.is_closed(thread, site=g.site, now=guards.clock())
    db.session.commit()
    done = "closed" if closed else "aged" if by_age else "opened"
    return redirect(url_for(".show", key=key, concern="form", saved=done), 303)


@bp.get("/<site:key>/notifications")
def notifications(key: str) -> AnyResponse:
    """Show who is told when something changes."""
    purged = urlsplit(current_app.config["PURGE_URL"])
    return owning.page("settings/notifications.html", cache=purged.hostname, method=current_app.config["PURGE_METHOD"])


@bp.get("/<site:key>/snippet")
def show_snippet(key: str) -> AnyResponse:
    """Show the tag to paste, and what it looks like."""
    return _snippet(g.site.origins[0] + "/")


@bp.post("/<site:key>/snippet")
def check_snippet(key: str) -> AnyResponse:
    """Ask one of the site's pages, and say whether the tag is there and can work."""
    page = request.form.get("page", "").strip()
    try:
        page_key(page, g.site.origins)
    except BadAddress:
        why = gettext(
            "This is not the address of a page of the site, as in %(page)s.", page=f"{g.site.origins[0]}/news"
        )
        return _snippet(shown(page), status=422, page_fault=why)
    limits.count_preview(guards.network())
    service, at = current_app.config["BASE_URL"], guards.clock()
    # Nobody who writes waits for somebody else's server.
    guards.begin_reading()
    try:
        answer = outward.ask(outward.Call("GET", page, outward.Reach.PUBLIC, headers={"Accept": "text/html"}))
    except outward.Unreachable as away:
        return _checked(page, at, failed=str(away))
    if answer.status != 200:
        return _checked(page, at, failed=str(answer.status))
    html = answer.body.decode(errors="replace")
    found = snippet.look(html, key=key, service=service, page=page, policies=answer.policies)
    return _checked(page, at, found=found, cut=len(answer.body) >= outward.MOST_READ)


def _checked(
    page: str, at: datetime, *, failed: str = "", found: list[snippet.Finding] | None = None, cut: bool = False
) -> AnyResponse:
    checked = {"page": page, "at": at, "failed": failed, "found": found or [], "cut": cut}
    return _snippet(page, checked=checked)


def _snippet(page: str, *, status: int = 200, **values: object) -> AnyResponse:
    service, key, first = current_app.config["BASE_URL"], g.site.key, g.site.origins[0] + "/"
    example = f"{g.site.origins[0]}/this-article"
    ways = {
        "tag": snippet.tag(key, service=service, page=example),
        "frame": snippet.frame(key, service=service, page=example),
        "link": snippet.link(key, service=service, page=example),
    }
    thread = snippet.thread_address(key, service=service, page=first)
    return owning.page("settings/snippet.html", status, page=page, ways=ways, first=first, thread=thread, **values)
