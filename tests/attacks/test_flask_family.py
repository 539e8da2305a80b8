"""What went wrong in Flask and its kin, and in the servers they run on."""

import re
from pathlib import Path

import pytest

from tests.attacks import wire
from tests.attacks.conftest import Place
from tests.attacks.wire import FORM
from tests.conftest import ORIGIN, PASSWORD

ROOT = Path(__file__).parents[2]
LOOKED_AT = (
    "/queue/",
    "/log/",
    "/account/",
    "/account/sign-in",
    "/account/sites",
    "/settings/courier/site",
    "/no/such",
    "/account",
)


# CVE-2023-30861, CVE-2026-27205: what was made for one session was kept for others.
@pytest.mark.parametrize("path", LOOKED_AT)
def test_what_depends_on_a_session_says_so_and_is_kept_by_nobody(place: Place, path: str) -> None:
    for answer in (place.by("Ines").get(path), place.stranger().get(path)):
        assert answer.varies_by("Cookie"), path
        assert answer.headers["Cache-Control"] == "no-store"


def test_what_a_cache_may_keep_sets_no_cookie_for_anybody(place: Place) -> None:
    page = place.page()
    for name in ("thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json", "accent.css"):
        target = f"/sites/courier/{name}?page={page}"
        mine, theirs = place.by("Ines").get(target), place.get(target)
        assert (mine.body, mine.cookies, theirs.cookies) == (theirs.body, [], [])
        assert mine.headers["Cache-Control"].startswith("public")


JSON_BODIES = (
    '{"comment":"x"}'.encode("utf-16"),
    '{"comment":"x"}'.encode("utf-32"),
    b"\xff\xfe" + b"\0" * 5000,
    b"[" * 100_000,
    b'{"comment":' * 20_000,
    b'{"comment":"' + b"\\u0000" * 10_000 + b'"}',
    b'{"parent":' + b"9" * 100_000 + b"}",
    b'{"parent":1e999999}',
    b'{"comment":NaN}',
    b'{"a":1,' * 5 + b"}",
    b"",
    b"null",
    b'"x"',
    b'{"comment":{"$ne":1}}',
    b'{"__proto__":{"x":1},"comment":["x"]}',
)


# CVE-2018-1000656: JSON in an encoding that nobody sends.
@pytest.mark.parametrize("body", JSON_BODIES, ids=range(len(JSON_BODIES)))
def test_a_body_that_is_no_flat_json_is_answered(place: Place, body: bytes) -> None:
    number = place.held(page=place.page())
    for path in ("/sites/courier/replies", "/sites/courier/preview", f"{place.receipt(number)}/edit"):
        for kind in ("application/json", "application/json; charset=utf-16", "application/json; charset=x-none"):
            answer = place.ask("POST", path, [("Content-Type", kind), ("Accept", "application/json")], body)
            # JSON in UTF-16 is read as JSON, where its words are all that is needed; everything else is refused.
            read = b"c\0" in body and not path.endswith("replies")
            assert 400 <= answer.status < 500 or (read and answer.status == 200), (path, kind, answer.status)


def multipart(parts: bytes, edge: bytes = b"e") -> bytes:
    """Put parts into a body."""
    return parts + b"\r\n--" + edge + b"--\r\n"


PART = b'--e\r\nContent-Disposition: form-data; name="comment"\r\n\r\n'
PARTS = {
    "many parts": multipart(b'--e\r\nContent-Disposition: form-data; name="x"\r\n\r\nx\r\n' * 1500),
    "line ends without end": multipart(PART + b"\r\n" * 200_000),
    "returns without end": multipart(PART + b"\r" * 300_000),
    "a line end and then nothing of it": multipart(PART + b"\n" + b"a" * 500_000),
    "an edge that nearly comes": multipart(PART + b"\r\n--f" * 80_000),
    "no end": PART + b"x" * 1000,
    "headers without end": b"--e\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    "a name without end": b'--e\r\nContent-Disposition: form-data; name="' + b"x" * 300_000,
    "a large field": multipart(PART + b"x" * 650_000),
    "a file for a text": multipart(b'--e\r\nContent-Disposition: form-data; name="comment"; filename="x"\r\n\r\nx'),
    "only an edge": b"--e--\r\n",
    "nothing": b"",
}


# CVE-2023-25577, CVE-2023-46136, CVE-2024-49767
@pytest.mark.parametrize("kind", PARTS)
def test_a_form_in_parts_made_to_keep_a_parser_busy_is_answered(place: Place, kind: str) -> None:
    for path in ("/sites/courier/replies", "/sites/courier/preview", "/account/sign-in", "/queue/decisions"):
        for edge in ("e", "e; charset=x", "", "e" * 5000):
            headers = [("Content-Type", f"multipart/form-data; boundary={edge}"), ("Accept", "application/json")]
            answer = place.ask("POST", path, headers, PARTS[kind])
            assert 400 <= answer.status < 500, (path, edge[:9], answer.status)


@pytest.mark.parametrize("size", [655_360, 655_361, 1_048_577])
def test_a_form_takes_no_more_memory_than_a_reply_needs(place: Place, size: int) -> None:
    body = b"comment=" + b"x" * (size - 8)
    answer = place.ask("POST", "/sites/courier/replies", [("Content-Type", FORM), ("Accept", "application/json")], body)
    assert answer.status == (422 if size <= 655_360 else 413)
    many = place.ask("POST", "/sites/courier/replies", [("Content-Type", FORM)], b"a=&" * 200_000)
    assert many.status in {413, 422}


COOKIES = (
    *("=session={0}", "==session={0}", " =session={0}", "a=b;=session={0}", "Session={0}", "__Host-session={0}"),
    *("session=x; session={0}x", "session", "session=", "; ; ;", "=", "session=\x7f", 'session="{0}', "$Version=1; a"),
    *(
        "session=" + "a" * 6000,
        "a=b; " * 1000,
        "session=.eJx.x.x",
        "session={0}.{0}",
        "lang=../../x; back=https://evil",
    ),
)


# CVE-2023-23934: a cookie without a name passed for one with it.
@pytest.mark.parametrize("cookie", COOKIES, ids=range(len(COOKIES)))
def test_a_cookie_of_another_shape_is_nobodys(place: Place, cookie: str) -> None:
    real = place.by("Ana").jar["session"]
    answer = place.get("/queue/", [("Cookie", cookie.format(real))])
    assert (answer.status, answer.location) in {(303, "/account/sign-in"), (400, None)}


SLASHES = (
    *(
        "//evil.example",
        "//evil.example/",
        "///evil.example/..",
        "/\\evil.example",
        "//evil.example/%2e%2e",
        "/%2f%2fevil",
    ),
    *("//evil.example/queue", "/queue//evil.example", "/%5cevil.example/", "//evil%40.example/", "/%09/evil.example"),
    *("/queue", "//queue", "/queue/../queue", "/./queue", "/log", "/settings", "/account", "/account//sign-in"),
    *(
        "/account/confirm",
        "/account/team",
        "/;@evil.example/",
        "http://evil.example/queue",
        "http://evil.example//queue",
    ),
    *("https://evil.example/", "evil.example", "@evil.example", "*", "/queue?next=//evil.example", "//queue/?x=//evil"),
)


# CVE-2020-28724, CVE-2021-32618, CVE-2023-49438, CVE-2021-23401: led elsewhere by slashes, backslashes and ways back.
@pytest.mark.parametrize("target", SLASHES)
def test_no_target_leads_elsewhere(place: Place, target: str) -> None:
    more = [
        [("X-Forwarded-Host", "evil.example")],
        [("X-Original-URL", "//evil.example")],
        [("X-Forwarded-Proto", "https")],
    ]
    for headers in ([], *more):
        for browser in (place.stranger(), place.by("Ana")):
            answer = browser.ask("GET", target, headers)
            assert answer.status in {200, 303, 308, 400, 404, 421}
            where = answer.location
            # One slash, and then neither another nor a backslash nor a blank.
            assert where is None or re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", where), where


TARGETS = ("https://evil.example", "//evil.example", "/////evil.example", "\\\\\\evil.example", "/\\evil.example")
TARGETS += (
    "/\t/evil.example",
    "\x01https://evil.example",
    "/queue/\r\nLocation: //evil.example",
    "javascript:alert(1)",
)


@pytest.mark.parametrize("target", TARGETS)
def test_no_way_back_leads_elsewhere(place: Place, target: str) -> None:
    number, page = place.held(page=place.page()), place.page()
    named = dict.fromkeys(("next", "back", "list", "redirect_to", "to", "url", "return_to", "at", "order"), target)
    query = wire.form(named).decode()
    ana, seen = place.by("Ana"), f"{place.row(number)['revision']}:0"
    invitation = place.invitation()
    answers = [
        ana.post(f"/queue/decisions?{query}", named | {"action": "approve", "revision": seen}),
        ana.post(f"/queue/undo?{query}", named),
        ana.post(f"/queue/order?{query}", named),
        ana.post(f"/queue/order?{query}", named | {"order": "newest"}),
        ana.post(f"/queue/notes?{query}", named | {"revision": seen, "note": "Look."}),
        place.stranger().post(f"{invitation}/sign-in?{query}", named),
        place.ask("POST", f"{place.receipt(number)}/withdraw?{query}", [("Content-Type", FORM)], wire.form(named)),
        place.send_form(named | {"comment": "x", "page": page}, [("Referer", "https://evil.example/")]),
        place.get(f"/account/confirm/?{query}"),
        place.by("Ines").get(f"/account/confirm/?{query}"),
        place.by("Ines").post(f"/account/confirm/?{query}", named | {"password": PASSWORD}),
        place.get(f"/account/team/back?{query}&state=x&code=y"),
    ]
    for answer in answers:
        where = answer.location
        assert where is None or re.match(r"/(account|queue|receipts|invitations)/", where), where
        assert not re.search(r"[\s\\]", where or ""), where
        assert "evil.example" not in str(answer.headers.get("Refresh", ""))
        parts = (where or "").split("?")[0]
        assert "evil" not in parts


# CVE-2021-21241: the sign-in page gave the token of whoever was signed in, as JSON, to any page.
def test_no_page_gives_a_token_to_another_page(place: Place) -> None:
    evil = [("Origin", "https://evil.example"), ("Accept", "application/json")]
    for path in ("/account/sign-in", "/account/sign-in?include_auth_token", "/queue/", "/account/"):
        answer = place.by("Ines").get(path, evil)
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "auth_token" not in answer.text
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    for way in ("?auth_token={0}", "?session={0}", "?remember_token={0}"):
        session = place.by("Ines").jar["session"]
        assert place.get("/queue/" + way.format(session)).status == 303
    for name in ("Authentication-Token", "Authorization", "X-Session", "Cookie2"):
        assert place.get("/queue/", [(name, place.by("Ines").jar["session"])]).status == 303


NAMES = (
    *(
        "https://evil.example",
        "https://courier.example.evil.example",
        "https://COURIER.example",
        "http://courier.example",
    ),
    *("https://courier.example:8443", "https://xcourier.example", "https://courierXexample", "null", "", "*"),
    *("https://courier.example/", "https://courier.example\thttps://evil.example", "https://courier.example+evil"),
    *("https://courier.example.", "https://user@courier.example", "file://", "https://courier.example%00.evil.example"),
)


# CVE-2020-25032, CVE-2024-6221, -6839, -6844, -6866: an origin or a path that nearly matches.
@pytest.mark.parametrize("origin", NAMES)
def test_an_origin_that_nearly_matches_is_another(place: Place, origin: str) -> None:
    number = place.held(page=place.page())
    headers = [("Origin", origin), ("Access-Control-Request-Method", "POST")]
    for method, path in (
        *(("GET", "/sites/courier/form"), ("OPTIONS", "/sites/courier/replies"), ("OPTIONS", "/sites/courier/preview")),
        *(("GET", place.receipt(number)), ("GET", "/sites/courier/thread"), ("OPTIONS", "/sites/courier//replies")),
        *(
            ("OPTIONS", "/sites/courier/replies+x"),
            ("OPTIONS", "/sites/courier/Replies"),
            ("GET", "/sites/COURIER/form"),
        ),
    ):
        answer = place.ask(method, path, headers)
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers.get("Access-Control-Allow-Origin") in {None, "*"}
        if answer.headers.get("Access-Control-Allow-Origin") == "*":
            assert answer.status >= 400, (method, path)
    good = place.ask("GET", "/sites/courier/form", [("Origin", ORIGIN)])
    assert (good.headers["Access-Control-Allow-Origin"], good.varies_by("Origin")) == (ORIGIN, True)


# CVE-2024-1681: a path or a header wrote lines into the log.
def test_no_request_writes_a_line_of_its_own_into_the_log(place: Place) -> None:
    mark = "forgedline"
    for target in (f"/x%0a{mark}=1", f"/x%0d%0a{mark}=1", f"/sites/courier/thread?page=%0a{mark}", f"/%1b[2J{mark}"):
        place.get(target)
    headers = [("User-Agent", f"\\n{mark}"), ("Referer", f"%0a{mark}"), ("Origin", f"https://x%0a{mark}")]
    place.get("/sites/courier/form", [*headers, ("Host", f"{mark}.example")])
    place.get("/healthz", [("X-Request-ID", mark), ("X-Forwarded-For", f"{mark}\t1")])
    lines = place.server.output.splitlines()
    assert [line for line in lines if line.lstrip().startswith(mark) or "\x1b[2J" in line] == []


# CVE-2018-1000164: CR and LF in what is repeated in a header.
def test_no_answer_has_a_header_that_a_request_wrote(place: Place) -> None:
    evil = "%0d%0aSet-Cookie:%20x=1%0d%0a%0d%0a<script>"
    paths = [f"/queue/{evil}", f"/{evil}", f"/sites/courier/thread?page={evil}&lang={evil}", f"/settings{evil}/"]
    paths += [f"/log/?{evil}=1", f"/queue?{evil}", f"/account/sites?x={evil}", f"/receipts/x{evil}"]
    for path in paths:
        for browser in (place.stranger(), place.by("Ines")):
            answer = browser.get(path)
            assert "x=1" not in answer.cookies
            assert answer.status in {200, 303, 308, 400, 404, 422}
    ines = place.by("Ines")
    answer = ines.post("/settings/courier/pages", {"page": f"{ORIGIN}/a\r\nSet-Cookie: x=1", "action": "close"})
    assert (answer.status, answer.cookies) == (422, [])


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Smuggled: 1\r\n\r\n"
FIRST = (
    b"POST /sites/courier/preview HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
)
BOTH = {
    "length and chunks": FIRST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks and length": FIRST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": FIRST + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + SMUGGLED,
    "two lengths in one": FIRST + b"Content-Length: 0, 60\r\n\r\n" + SMUGGLED,
    "a length with a sign": FIRST + b"Content-Length: +0\r\n\r\n" + SMUGGLED,
    "a length below nothing": FIRST + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "a length in another base": FIRST + b"Content-Length: 0x0\r\n\r\n" + SMUGGLED,
    "a length with a line": FIRST + b"Content-Length:\n 0\r\n\r\n" + SMUGGLED,
    "chunks by another name": FIRST + b"Transfer-Encoding: xchunked\r\nContent-Length: 60\r\n\r\n" + SMUGGLED,
    "chunks twice": FIRST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a blank before the colon": FIRST + b"Transfer-Encoding : chunked\r\nContent-Length: 60\r\n\r\n" + SMUGGLED,
    "a bad chunk": FIRST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + SMUGGLED,
    "a chunk without end": FIRST + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\nxxxxx\r\n0\r\n\r\n" + SMUGGLED,
    "a bare return": FIRST + b"X: a\rTransfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n" + SMUGGLED,
    "two hosts": FIRST + b"Host: evil.example\r\nContent-Length: 0\r\n\r\n",
    "a header folded": FIRST + b"X: a\r\n Content-Length: 60\r\nContent-Length: 0\r\n\r\n",
}


# CVE-2024-1135, CVE-2024-6827, and waitress' six: two readers of one connection that disagree where a request ends.
@pytest.mark.parametrize("kind", BOTH)
def test_a_request_with_two_ends_has_one_reading_or_none(place: Place, kind: str) -> None:
    came = wire.statuses(wire.send_all(place.port, BOTH[kind]))
    # Refused, and the connection with it; or read as RFC 9112 says, chunks before a length: then what follows is the
    # next request, as every proxy that reads so will have sent it.
    rfc = kind in {"length and chunks", "chunks and length"}
    assert len(came) <= 1 or (rfc and len(came) == 2), came
    assert all(status < 500 for status in came[:1]), came
    assert place.get("/healthz").status == 200


def test_nothing_is_stored_of_a_body_that_has_no_measured_length(place: Place) -> None:
    before = place.rows()
    head = b"POST /sites/courier/replies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    body = (
        b'{"comment":"Chunked words.","author":"Jo","email":"j@home.example","page":"https://courier.example/chunked"}'
    )
    chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    came = wire.send_all(place.port, head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunked)
    assert wire.statuses(came) == [411]
    assert place.rows() == before


# CVE-2021-33026, and pickles in general; CVE-2025-47278: keys for the time of a change.
@pytest.mark.parametrize(
    "word", ["pickle", "marshal", "shelve", "yaml.load", "SECRET_KEY_FALLBACKS", "flask_caching", "feedgen"]
)
def test_the_product_uses_no(word: str) -> None:
    sources = [*(ROOT / "moderation").rglob("*.py"), ROOT / "wsgi.py"]
    assert len(sources) > 100
    assert [str(path) for path in sources if word in path.read_text()] == []


# CVE-2020-28493: Jinja's own linking.
@pytest.mark.parametrize("filter_", ["urlize", "autoescape false", "|xmlattr"])
def test_no_template_uses(filter_: str) -> None:
    templates = list((ROOT / "templates").rglob("*.html"))
    assert len(templates) > 20
    assert [str(path) for path in templates if filter_ in path.read_text()] == []
