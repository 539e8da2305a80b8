"""Who may change a site: what the doors for owners share, so that none of them can forget to ask."""

from flask import g, make_response, render_template, request
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts
from moderation.models import Role, Site
from moderation.web import guards


def only_owners() -> AnyResponse | None:
    """Let only owners past, each to their own sites, as a blueprint's `before_request`."""
    if (answer := guards.signed_in()) is not None:
        return answer
    key = (request.view_args or {}).get("key")
    if key is not None:
        g.site = _owned_site(key)
    return None


def _owned_site(key: str) -> Site:
    """Return a site of who is signed in. Raises `NotFound` for a stranger's, `Forbidden` where they do not own it."""
    mine = next((one for one in accounts.memberships_of(guards.account()) if one.site.key == key), None)
    if mine is None:
        raise NotFound
    if mine.role is not Role.OWNER:
        raise Forbidden
    return mine.site


def owned_sites() -> list[Site]:
    """Return the sites that who is signed in owns, by name."""
    return [one.site for one in accounts.memberships_of(guards.account()) if one.role is Role.OWNER]


def page(template: str, status: int = 200, **values: object) -> AnyResponse:
    """Show a page about the site that the request is about."""
    html = render_template(template, site=g.site, several=len(owned_sites()) > 1, **values)
    return make_response(html, status)
