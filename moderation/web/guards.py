"""Who may ask: sites by key, origins, bodies, sign-in, transaction modes and security headers."""

from collections.abc import Iterable
from string import printable
from urllib.parse import quote_from_bytes, urlsplit

from flask import Flask, Response, current_app, g, redirect, request, session, url_for
from flask_security import current_user
from werkzeug.exceptions import Forbidden, LengthRequired, NotFound, RequestEntityTooLarge
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as AnyResponse

from moderation import accounts, db
from moderation.db import clock as clock
from moderation.models import Account, Site
from moderation.models.pagekey import BadAddress, origin_of
from moderation.web import speech

#: The most a request may carry: 65,525 characters of three bytes, percent-encoded, and the other fields. What is too
#: long for the form is told so at its field, and gets its words back.
MOST_BODY = 655_360
#: A body that is refused is still heard out, up to this length: more than a proxy in front lets through.
MOST_HEARD = 2**20
#: Doors that take files, and how much of whoever has signed in; a body is read before anybody asks who sends it.
TAKE_FILES = {"moving.rehearse": 33_600_000}
QUERY = printable.strip()
METHODS_THAT_READ = frozenset({"GET", "HEAD", "OPTIONS"})
#: Doors that see who asks, and for what, before they begin to write: no other writer waits for that.
READ_FIRST = frozenset({"queue.decide"})


class SiteKey(BaseConverter):
    """A site's key in a path."""

    regex = r"[a-z0-9][a-z0-9-]{0,39}"


class Id(BaseConverter):
    """A row's number in a path: ASCII digits, nothing else."""

    regex = r"[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return row_number(value)


class Token(BaseConverter):
    """A receipt's token in a path, or what is left of one."""

    regex = r"[^/]{1,64}"


def row_number(digits: str) -> int:
    """Return a row's number; one beyond what the database can hold is as unknown as the last it could."""
    return min(int(digits), db.MOST_ROWS)


def init_app(app: Flask) -> None:
    """Stand before every door of the app."""
    app.url_map.converters.update(site=SiteKey, id=Id, token=Token)
    app.before_request(_escape_query)
    app.before_request(_refuse_unmeasured_body)
    app.before_request(_refuse_foreign_sender)
    app.before_request(_choose_transaction_mode)
    app.teardown_request(lambda _: db.set_reading(False))
    app.after_request(_leave_no_transaction)
    app.after_request(_secure)


def site_or_404(key: str) -> Site:
    """Return a site by its key; its language is spoken from here on."""
    site = accounts.site(key)
    if site is None:
        raise NotFound
    speech.speak_as(site)
    return site


def signed_in() -> AnyResponse | None:
    """Let only signed-in accounts past, with a second factor where one is asked for: a blueprint's `before_request`."""
    answer = signed_in_by_password()
    if answer is not None or not lacks_second():
        return answer
    if request.method == "GET":
        return redirect(url_for("factors.required"), 303)
    raise Forbidden


def lacks_second() -> bool:
    """Whether who is signed in needs a second factor, and has proven none in this session."""
    asked = current_app.config["REQUIRE_SECOND_FACTOR"] or getattr(session, "asks_second", False)
    return bool(asked) and not session.get("second")


def signed_in_by_password() -> AnyResponse | None:
    """Let every signed-in account past: for the doors through which a second factor is set up, and no other."""
    if isinstance(current_user._get_current_object(), Account):
        return None
    if request.method in {"GET", "HEAD"}:
        return redirect(url_for("account.sign_in"), 303)
    raise Forbidden


def account() -> Account:
    """Return who is signed in."""
    user = current_user._get_current_object()
    if not isinstance(user, Account):
        raise Forbidden
    return user


def operators_only() -> None:
    """Let only those past who run the installation, as a blueprint's `before_request`."""
    if not may_operate(account()):
        raise Forbidden


def may_operate(who: Account) -> bool:
    """Whether somebody runs the installation."""
    return who.operator


def network() -> str:
    """Name the sender's network by its keyed hash."""
    return accounts.network_tag(request.remote_addr or "", secret=current_app.config["NETWORK_KEY"])


def refuse_foreign_origin(site: Site, *, null_is_absent: bool) -> None:
    """Raise `Forbidden` for a request that a page outside the site sent; there is no session to ride on here."""
    origin = request.headers.get("Origin")
    if origin is None or (origin == "null" and null_is_absent):
        return
    if origin not in own_origins(site):
        raise Forbidden


def own_origins(site: Site) -> set[str]:
    """Return the origins a site's form may be sent from: its own and the service's, by every name it answers to."""
    return {*site.origins, current_app.config["BASE_URL"], request.host_url.rstrip("/")}


def may_be_framed_by(site: Site) -> None:
    """Let the site's pages frame the answer; everything else is framed by nobody."""
    g.framed_by = site.origins


def open_to(site: Site) -> None:
    """Let scripts on the site's own pages read every answer of this request, never with credentials."""
    g.open_to = own_origins(site)


def open_to_all() -> None:
    """Let scripts on any page read the answer: it is public."""
    g.open_to = None


def begin_reading() -> None:
    """Read what a POST needs to be checked, before anything is written: no other writer waits for that."""
    db.db.session.rollback()
    db.set_reading(True)


def begin_writing() -> None:
    """Begin the transaction that writes; what was read before stays as it was read, unless it is asked for anew."""
    db.db.session.commit()
    db.set_reading(False)


def _escape_query() -> None:
    """Escape the bytes that no browser leaves in a query: the libraries read it as UTF-8 and fail where it is none."""
    request.query_string = quote_from_bytes(request.query_string, safe=QUERY).encode()


def _refuse_unmeasured_body() -> None:
    """Refuse a body without Content-Length: it would reach the app empty. No body at all needs no length."""
    takes_files = request.endpoint in TAKE_FILES and "_user_id" in session
    most = TAKE_FILES[request.endpoint or ""] if takes_files else MOST_BODY
    request.max_content_length = most
    has_body = "Transfer-Encoding" in request.headers or request.mimetype
    if request.method not in METHODS_THAT_READ and request.content_length is None and has_body:
        raise LengthRequired
    if (request.content_length or 0) > most:
        _hear_out()
        raise RequestEntityTooLarge


def _hear_out() -> None:
    """Read what is refused to its end, and forget it; of a body beyond all measure, nothing.

    Closed on a peer that is still sending, a connection may be reset, and the answer with it (RFC 9112, section 9.6).
    """
    left = request.content_length or 0
    while 0 < left <= MOST_HEARD and (some := request.environ["wsgi.input"].read(min(left, 65_536))):
        left -= len(some)


#: Doors without a session to ride on: they check the origin by their site.
WITHOUT_SESSION = frozenset({"submissions", "receipts"})
#: Who may send a form that a session carries: a page of ours, or the person.
OWN_SENDERS = frozenset({"same-origin", "none"})


def _refuse_foreign_sender() -> None:
    """Refuse, beside the token of each form, what a page of another origin sends into a session."""
    if request.method in METHODS_THAT_READ or request.url_rule is None or request.blueprint in WITHOUT_SESSION:
        return
    origin = request.headers.get("Origin")
    own = {current_app.config["BASE_URL"], request.host_url.rstrip("/")}
    if (origin is not None and origin not in own) or not is_own_sender():
        raise Forbidden


def is_own_sender() -> bool:
    """Whether a page of ours, or the person, makes this request, where the browser says so."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in OWN_SENDERS


def _choose_transaction_mode() -> None:
    db.set_reading(request.method in METHODS_THAT_READ or request.endpoint in READ_FIRST)


def _leave_no_transaction(response: Response) -> Response:
    """Give up what a door did not commit, before the session is saved by a connection of its own."""
    db.db.session.rollback()
    return response


def dressed() -> None:
    """Leave the answer of this request as it is: it was kept with all of its headers."""
    g.dressed = True


def _secure(response: Response) -> Response:
    if "dressed" in g:
        return response
    standing = standing_headers(
        current_app.config["BASE_URL"], csp=g.get("csp") or CSP, framed_by=g.get("framed_by") or ["'none'"]
    )
    for name, value in standing.items():
        response.headers.setdefault(name, value)
    if "open_to" in g:
        _allow_cross_origin(response)
    return response


#: No inline script or style, nothing from elsewhere.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'"
)
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: our own forms would then post `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "Cache-Control": "no-store",
}
#: Shown by itself after all, data is nothing but text.
DATA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
#: For any page's scripts to read, never with credentials.
OPEN_TO_ALL = {
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag",
}


def standing_headers(base_url: str, *, csp: str = CSP, framed_by: Iterable[str] = ("'none'",)) -> dict[str, str]:
    """Return the headers that every answer carries but data for everybody, unless its door says otherwise."""
    headers = SECURITY_HEADERS | {"Content-Security-Policy": f"{csp}; frame-ancestors {' '.join(framed_by)}"}
    return headers | _over_tls(base_url)


def headers_of_data(base_url: str) -> dict[str, str]:
    """Return the headers of what is no page: no policy of a document means anything to it, and a proxy reads each."""
    return DATA_HEADERS | _over_tls(base_url)


def _over_tls(base_url: str) -> dict[str, str]:
    if base_url.startswith("https://"):
        return {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
    return {}


def _allow_cross_origin(response: Response) -> None:
    headers = response.headers
    if g.open_to is None:
        headers.update(OPEN_TO_ALL)
        return
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    headers.add("Vary", "Origin")
    if request.headers.get("Origin") in g.open_to:
        headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        headers["Access-Control-Expose-Headers"] = "Retry-After"
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = "GET, POST"
            headers["Access-Control-Allow-Headers"] = "Content-Type, Accept"
            headers["Access-Control-Max-Age"] = "7200"


def referer_page(site: Site) -> str | None:
    """Return the page a form was sent from, where the browser tells more than its origin."""
    referer = request.headers.get("Referer", "")
    try:
        origin_of(referer)
    except BadAddress:
        return None
    parts = urlsplit(referer)
    return referer if parts.path.strip("/") or parts.query else None
