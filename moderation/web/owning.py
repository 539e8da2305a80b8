"""Who may change a site: what the doors for owners share, so that none of them can forget to ask."""

from flask import g, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts
from moderation.accounts import Right
from moderation.models import Site
from moderation.web import guards, roles


def only_owners() -> AnyResponse | None:
    """Let only owners past, each to their own sites, as a blueprint's `before_request`."""
    if (answer := guards.signed_in()) is not None:
        return answer
    key = (request.view_args or {}).get("key")
    if key is not None:
        g.site = roles.site_to(Right.MANAGE, key)
    return None


def owned_sites() -> list[Site]:
    """Return the sites that who is signed in may set up, by name."""
    return accounts.sites_of(guards.account(), Right.MANAGE)


def page(template: str, status: int = 200, **values: object) -> AnyResponse:
    """Show a page about the site that the request is about."""
    html = render_template(template, site=g.site, several=len(owned_sites()) > 1, **values)
    return make_response(html, status)
