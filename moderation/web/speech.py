"""Which language a request is answered in, and how the pages keep to it: `lang` in the query, else the site's."""

from flask import Flask, g, has_request_context, request
from flask_babel import get_locale

from moderation import languages
from moderation.models import Site

#: Doors whose texts stand in no catalog.
ENGLISH = frozenset(
    {"queue", "together", "log", "people", "invitations", "settings", "moving", "operations", "operating", "demo"}
    | {"account", "profile", "factors", "passkeys", "confirm", "reset", "oidc"}
)
#: Addresses that speak; what stands below a receipt does too.
SPEAKING = frozenset({"published.thread", "submissions.take"})


def init_app(app: Flask) -> None:
    """Let every link and form of a page carry the language that was asked for, and pages name theirs."""
    app.url_defaults(_keep)
    app.jinja_env.globals.update(locale=get_locale, language=current)


def speak_as(site: Site) -> None:
    """Let what is answered from here on be in the site's language, unless the request asks for another.

    Remembered apart from the site: when the database fails, nobody can ask it any more.
    """
    g.site_language = languages.negotiate("", site.locale)


def chosen() -> str:
    """Return the language of the current request, as its catalog is named; of what is no request, English."""
    if not has_request_context() or request.blueprint in ENGLISH:
        return "en"
    asked = request.args.get("lang", "")
    if asked == "auto":
        # Best first, as the browser weighs them.
        asked = ",".join(wish for wish, quality in request.accept_languages if quality > 0)
    return languages.negotiate(asked, g.get("site_language", "en"))


def current() -> str:
    """Name the language that is spoken now, as browsers do."""
    return languages.tag(str(get_locale()))


def _keep(endpoint: str, values: dict[str, object]) -> None:
    """Name the language in an address of ours where it is not the one that the site speaks anyway."""
    speaks = endpoint in SPEAKING or endpoint.startswith("receipts.")
    if not speaks or "lang" in values or "site_language" not in g:
        return
    language = str(get_locale())
    if language != g.site_language:
        values["lang"] = languages.tag(language)
