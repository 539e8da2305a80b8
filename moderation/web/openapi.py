"""Describes the public part over HTTP, as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from flask import Blueprint, Response, current_app, jsonify

from moderation import languages
from moderation.web import guards
from moderation.web.replyform import MOST

bp = Blueprint("openapi", __name__)

JSON, PROBLEM, HTML, ATOM = "application/json", "application/problem+json", "text/html", "application/atom+xml"
FORM = "application/x-www-form-urlencoded"

#: What an answer of this code says, wherever it is given.
SAID = {
    "200": "Done.",
    "201": "Held; nothing of it is public before a moderator approves it.",
    "303": "Done; the page named by Location tells more.",
    "304": "What the caller has is still right.",
    "400": "The request is not well-formed.",
    "403": "Closed, a page of another site, or sent by a foreign page.",
    "404": "There is no such site, comment or receipt: what is held answers the same.",
    "405": "Not by this method.",
    "409": "It collides with what is there: sent already, or changed meanwhile.",
    "411": "A body has to say its length.",
    "413": "More than is taken.",
    "415": "Neither a form nor JSON.",
    "422": "What is wrong, field by field.",
    "429": "Too soon; Retry-After says when.",
    "503": "Nothing was stored; send it again after Retry-After.",
}
#: What may be answered to any request, and to any that carries a body.
ALWAYS, OF_BODIES = ("404", "405", "503"), ("400", "403", "411", "413", "415", "422", "429")

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
OBJECT = {"type": "object"}
NODES = {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}


@bp.get("/openapi.json")
def describe() -> Response:
    """Answer the description."""
    guards.open_to_all()
    response = jsonify(_document(current_app.config["BASE_URL"]))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@cache
def _document(service: str) -> dict[str, object]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Leave a Reply",
            "version": "1",
            "summary": "Comments that are held until a moderator approves them.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": service}],
        "paths": paths(),
        "components": {"schemas": _schemas()},
    }


def paths() -> dict[str, dict[str, object]]:
    """Describe every public address, by its methods."""
    return _of_sites() | _of_receipts() | _of_the_service()


def _of_sites() -> dict[str, dict[str, object]]:
    site, page = [_named("site")], [_named("site"), _page()]
    part = [*page, _query("sort", {"enum": ["oldest", "newest"]}), _query("part", TEXT), _query("at", TEXT), _lang()]
    read = {
        "thread": ("A page's thread with its form, to link or to frame", part, HTML, TEXT),
        "thread.json": ("A part of a page's public comments, with settings and words", part, JSON, _ref("Thread")),
        "thread.html": ("The same as a fragment of HTML", part, HTML, TEXT),
        "thread.atom": ("A page's newest comments as a feed", [*page, _lang()], ATOM, TEXT),
        "comments.atom": ("A site's newest comments as a feed", [*site, _lang()], ATOM, TEXT),
        "counts.json": ("How many public comments pages have", [*site, _pages(), _lang()], JSON, _ref("Counts")),
        "accent.css": ("A site's colour and corners", site, "text/css", TEXT),
        "form": ("What a form must have fresh", [*page, _lang()], JSON, _ref("Fresh")),
    }
    found: dict[str, dict[str, object]] = {
        f"/sites/{{site}}/{name}": {"get": _read(summary, parameters, kind, schema)}
        for name, (summary, parameters, kind, schema) in read.items()
    }
    held = {"201": (JSON, _ref("Held")), "200": (HTML, TEXT), "303": (HTML, TEXT), "409": None}
    found["/sites/{site}/replies"] = {"post": _sent("Hold a reply", [*site, _lang()], _ref("Reply"), held)}
    found["/sites/{site}/wp-comments-post.php"] = {
        "post": _sent("Hold a reply sent by a WordPress form", [*page, _lang()], _ref("WordPressReply"), held)
    }
    shown = {"200": (JSON, {"type": "object", "required": ["body"], "properties": {"body": NODES}})}
    found["/sites/{site}/preview"] = {
        "post": _sent("Render a text as it would be published", [*site, _lang()], _ref("Preview"), shown)
    }
    return found


def _of_receipts() -> dict[str, dict[str, object]]:
    token = [_named("token"), _lang()]
    done = {"200": (JSON, _ref("Receipt")), "303": (HTML, TEXT)}
    # Told with the receipt as it is now.
    moved = done | {"409": (JSON, _ref("Receipt"))}
    text = {"type": "object", "properties": {"comment": TEXT, "revision": TEXT}}
    return {
        "/receipts/{token}": {"get": _read("What became of a reply", token, JSON, _ref("Receipt"), or_page=True)},
        "/receipts/{token}/edit": {
            "get": _read("The form in which its text is changed", token, HTML, TEXT),
            "post": _sent("Hold another text in its place", token, text, done | {"409": None}),
        },
        "/receipts/{token}/withdraw": {"post": _sent("Take it back", token, {"type": "object"}, moved)},
        "/receipts/{token}/resume": {"post": _sent("Let it wait again", token, {"type": "object"}, moved)},
    }


def _of_the_service() -> dict[str, dict[str, object]]:
    state = {"type": "object", "required": ["status"], "properties": {"status": TEXT}}
    return {
        "/embed.js": {"get": _read("The custom element <leave-a-reply>", [], "text/javascript", TEXT)},
        "/healthz": {"get": _read("Alive", [], JSON, state)},
        "/readyz": {"get": _read("Ready: the database answers", [], JSON, state)},
        "/openapi.json": {"get": _read("This description", [], JSON, {"type": "object"})},
    }


def _read(
    summary: str, parameters: Sequence[object], kind: str, schema: object, *, or_page: bool = False
) -> dict[str, object]:
    content = {kind: {"schema": schema}} | ({HTML: {"schema": TEXT}} if or_page else {})
    answers: dict[str, object] = {"200": {"description": SAID["200"], "content": content}}
    answers["304"] = {"description": SAID["304"]}
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": answers | _problems((*ALWAYS, "400", "403", "422", "429")),
    }


def _sent(
    summary: str, parameters: Sequence[object], body: object, answered: Mapping[str, tuple[str, object] | None]
) -> dict[str, object]:
    answers: dict[str, object] = {
        # Of JSON a browser's form gets the page.
        code: {"description": SAID[code], "content": {content[0]: {"schema": content[1]}, HTML: {"schema": TEXT}}}
        for code, content in answered.items()
        if content is not None
    }
    others = [code for code, content in answered.items() if content is None]
    return {
        "summary": summary,
        "parameters": parameters,
        "requestBody": {"required": True, "content": {FORM: {"schema": body}, JSON: {"schema": body}}},
        "responses": answers | _problems((*ALWAYS, *OF_BODIES, *others)),
    }


def _problems(codes: Iterable[str]) -> dict[str, object]:
    """Say what went wrong: a problem for programs, a page for browsers."""
    content = {PROBLEM: {"schema": _ref("Problem")}, HTML: {"schema": TEXT}}
    return {code: {"description": SAID[code], "content": content} for code in sorted(codes)}


def _ref(name: str) -> dict[str, object]:
    return {"$ref": f"#/components/schemas/{name}"}


def _named(name: str) -> dict[str, object]:
    pattern = {"site": f"^{guards.SiteKey.regex}$", "token": f"^{guards.Token.regex}$"}[name]
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}


def _query(name: str, schema: object) -> dict[str, object]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _page() -> dict[str, object]:
    return _query("page", {"type": "string", "format": "uri", "maxLength": MOST["page"]})


def _pages() -> dict[str, object]:
    return _query("page", {"type": "array", "items": {"type": "string", "format": "uri"}})


def _lang() -> dict[str, object]:
    examples = [languages.tag(locale) for locale in languages.LOCALES]
    return _query("lang", {"type": "string", "examples": examples})


def _object(required: str = "", **properties: object) -> dict[str, object]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _schemas() -> dict[str, object]:
    maybe, whole = {"type": ["string", "null"]}, {"type": ["integer", "null"]}
    written = {name: {"type": "string", "maxLength": MOST[name]} for name in ("author", "email", "url")}
    said = {"comment": TEXT, **written, "title": TEXT, "key": TEXT, "token": TEXT, "proof": TEXT, "format": TEXT}
    parent = {"type": ["string", "integer", "null"]}
    return {
        "Reply": _object("comment page", page=TEXT, parent=parent, **said),
        "WordPressReply": _object("comment", comment_post_ID=parent, comment_parent=parent, **said),
        "Preview": _object("comment", comment=TEXT, format=TEXT),
        "Held": _object("status receipt comment", status={"const": "held"}, receipt=TEXT, comment=NUMBER),
        "Problem": _object(
            "title status",
            type=TEXT,
            title=TEXT,
            status=NUMBER,
            errors={"type": "object", "additionalProperties": {"type": "array", "items": TEXT}},
        ),
        "Fresh": _object(
            "token key wait",
            work=OBJECT,
            token=TEXT,
            key=TEXT,
            wait=_object("half most", half=whole, most=whole),
        ),
        "Counts": {"type": "object"},
        "Node": {"anyOf": [TEXT, {"type": "array"}]},
        "Thread": _object(
            "comments count part parts",
            comments={"type": "array", "items": {"type": "object"}},
            count=NUMBER,
            part=NUMBER,
            parts=NUMBER,
        ),
        "Receipt": _object(
            "status since comment public page revision",
            status={"enum": ["held", "published", "rejected", "returned", "withdrawn"]},
            since=TEXT,
            decided=maybe,
            reason={"type": ["object", "null"]},
            comment=TEXT,
            public={"type": "boolean"},
            page=TEXT,
            revision=TEXT,
        ),
    }
