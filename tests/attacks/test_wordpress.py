"""What went wrong in WordPress' comments."""

import json
import re

import pytest

from tests.attacks.conftest import HARBOUR, Listener, Place
from tests.attacks.looking import attributes_with, bodies, entries, sound
from tests.attacks.wire import FORM
from tests.conftest import ORIGIN

MOST = 65_525


# CVE-2019-9787
@pytest.mark.parametrize("who", ["Ana", "Ines", "Otto"])
def test_a_forged_form_with_a_moderators_cookie_is_anybodys_reply(place: Place, who: str) -> None:
    page, elsewhere = place.page(), place.page()
    fields = {"comment": "Forged <b>words</b> <a title=x rel=follow href=https://x.example>x</a>", "page": page}
    fields |= {"author": who, "email": "victim@staff.example", "format": "markdown"}
    headers = [("Content-Type", FORM), ("Accept", "application/json"), ("Sec-Fetch-Site", "cross-site")]
    body = "&".join(f"{name}={value}" for name, value in fields.items()).replace(" ", "+").encode()
    foreign = place.by(who).ask("POST", "/sites/courier/replies", [*headers, ("Origin", "https://evil.example")], body)
    assert foreign.status == 403
    number = place.by(who).ask("POST", "/sites/courier/replies", [*headers, ("Origin", ORIGIN)], body).json["comment"]
    anybodys = place.held(fields["comment"], page=elsewhere, author="Jo")
    mine, theirs = place.row(number), place.row(anybodys)
    assert mine["status"] == theirs["status"] == "pending"
    for one in (number, anybodys):
        place.decide("approve", one)
    [html] = [entry["html"] for entry in entries(place.read("thread.atom", page).body)]
    assert [html] == [entry["html"] for entry in entries(place.read("thread.atom", elsewhere).body)]
    assert html.startswith("<p>Forged &lt;b&gt;words")
    assert bodies(place.read("thread.json", page).json)


# CVE-2019-9787, CVE-2014-5346: what a session carries is sent by a page of ours, with the session's token.
SESSION_POSTS = (
    *("/queue/decisions", "/queue/undo", "/queue/notes", "/queue/answers", "/queue/order", "/queue/presence"),
    *("/account/sign-out", "/account/password", "/account/sessions/end", "/account/codes", "/account/app/remove"),
    *("/account/sites/courier/leave", "/settings/courier/site", "/settings/courier/reasons", "/settings/courier/pages"),
    *("/settings/courier/people/1/role", "/settings/courier/people/1/remove", "/settings/courier/people/invitations"),
    *("/settings/courier/transfer", "/settings/courier/transfer/import", "/settings/courier/transfer/export"),
    *("/settings/courier/snippet", "/log/verify", "/account/sign-in"),
)


@pytest.mark.parametrize("path", SESSION_POSTS)
def test_no_other_page_rides_on_a_session(place: Place, path: str) -> None:
    ines, before = place.by("Ines"), place.rows()
    token = ines.token()
    fields = f"csrf_token={token}&action=approve&name=Taken&role=owner".encode()
    for headers, body in (
        ([("Origin", "https://evil.example")], fields),
        ([("Origin", "null")], fields),
        ([("Sec-Fetch-Site", "cross-site")], fields),
        ([("Sec-Fetch-Site", "same-site")], fields),
        ([("Origin", ines.origin)], b"action=approve&csrf_token=" + token[::-1].encode()),
        ([("Origin", ines.origin)], b"action=approve"),
    ):
        answer = ines.ask("POST", path, [("Content-Type", FORM), *headers], body)
        assert answer.status in {400, 403}, (headers, answer.status)
    assert place.rows() == before
    assert ines.get("/queue/").status == 200


# CVE-2015-3440, CVE-2015-3438, CVE-2014-8834: cut behind the sanitiser, a tag was left open.
@pytest.mark.parametrize("size", [65_524, 65_525, 65_526, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("last", ["x", "ä", "\u20ac", "\U0001f600"], ids=["1 byte", "2 bytes", "3 bytes", "4 bytes"])
def test_what_is_too_long_is_refused_and_never_cut(place: Place, size: int, last: str) -> None:
    page = place.page()
    place.widen(MOST)
    comment = "<a title='" + "x" * (size - 10 - len(last.encode())) + last
    assert len(comment.encode()) == size
    answer = place.reply(comment, page=page)
    if size > MOST:
        assert (answer.status, set(answer.json["errors"])) == (422, {"comment"})
        return
    assert answer.status == 201
    assert place.row(answer.json["comment"])["text"] == comment
    assert place.row(answer.json["comment"])["status"] == "pending"


@pytest.mark.parametrize("field", ["author", "email", "url", "page", "key"])
def test_no_other_field_is_cut_either(place: Place, field: str) -> None:
    page = place.page()
    long = {"email": "a@" + "b" * 60 + ".example" * 6, "url": "https://a.example/" + "\U0001f600" * 300}
    before = place.rows()["comment"]
    answer = place.reply(**{"page": page, field: long.get(field, "\U0001f600" * 3000)})
    assert (answer.status, set(answer.json["errors"])) == (422, {field})
    assert place.rows()["comment"] == before


NAME = 'x" onmouseover="alert(1)" \'><img src=q onerror=alert(2)>'


# CVE-2024-4439
def test_a_name_is_words_in_every_attribute_of_every_rendering(place: Place) -> None:
    page = place.page()
    number = place.public(page=page, author=NAME, title=NAME, url="https://margit.example/")
    below = place.held(page=page, parent=number, author=NAME)
    otto, form = place.by("Otto"), {"page": page, "comment": "", "author": NAME, "parent": str(number)}
    pages = {
        "thread": place.read("thread", page),
        "fragment": place.read("thread.html", page),
        "form below a reply": place.get(f"/sites/courier/thread?page={page}&parent={number}"),
        "receipt": place.get(place.receipt(number)),
        "receipt of an answer": place.get(place.receipt(below)),
        "edit": place.get(place.receipt(below) + "/edit"),
        "queue": otto.get("/queue/"),
        "card": otto.get(f"/queue/{place.row(below)['revision']}"),
        "search": otto.get("/queue/?q=good+news"),
        "log": otto.get("/log/"),
        "retry": place.send_form(form),
        "confirm": place.send_form(form | {"comment": "Once more", "email": "a@home.example"}),
        "preview of settings": place.by("Ines").get("/settings/courier/snippet"),
    }
    for name, answer in pages.items():
        assert answer.status in {200, 422}, name
        sound(answer.text)
        # Where it stands in an attribute, all of it does: nothing of it became another one.
        for _, attribute, value in attributes_with(answer.text, "onmouseover"):
            encoded = attribute in {"href", "src"} and not re.search("[\"'<> ]", value)
            whole = attribute in {"value", "title", "aria-label", "data-author"} and NAME in value
            assert encoded or whole, (name, attribute, value)
    assert place.read("thread.json", page).json["comments"][0]["author"] == NAME
    [entry] = entries(place.read("thread.atom", page).body)
    assert entry["author"].startswith(NAME)


# WordPress 5.1 to 5.4.1: a link with the number showed what was held.
def test_no_address_shows_a_held_reply_to_anybody_else(place: Place) -> None:
    page = place.page()
    number = place.held("Plugh is what nobody reads yet.", page=page, author="Xyzzy")
    guesses = [f"unapproved={number}&moderation-hash=0", f"preview=1&id={number}", f"at=comment-{number}"]
    guesses += [f"parent={number}", f"status=pending&id={number}", "unapproved=1", "part=1&sort=newest&held=1"]
    for name in ("thread", "thread.html", "thread.json", "thread.atom", "form", "counts.json", "comments.atom"):
        for guess in guesses:
            answer = place.get(f"/sites/courier/{name}?page={page}&{guess}")
            assert answer.status in {200, 404}
            assert "plugh" not in answer.text.lower()
            assert "xyzzy" not in answer.text.lower()
    for token in (f"{number}.{'A' * 22}", str(number), f"{number}.", f"{number + 1}.{place.receipt(number)[-22:]}"):
        assert place.get(f"/receipts/{token}").status == 404
    own = place.get(place.receipt(number))
    assert own.headers["Cache-Control"] == "no-store"
    assert "noindex" in own.headers["X-Robots-Tag"]
    assert own.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}


# CVE-2023-39999, CVE-2020-25286: held, refused, other sites' words in lists, feeds, counts, tags.
def test_what_is_not_public_changes_no_public_byte(place: Place) -> None:
    page, quiet = place.page(), place.page()
    first = place.public(page=page)
    names = ("thread.html", "thread.json", "thread.atom", "counts.json")
    settled = lambda: place.read("thread.json", page).json["count"] == 1  # noqa: E731
    place.soon(settled, "the first reply is public")

    def seen() -> list[object]:
        found = [place.read(name, one) for name in names for one in (page, quiet)]
        found.append(place.get("/sites/courier/comments.atom"))
        return [(one.status, one.headers.get("ETag"), one.headers.get("Last-Modified"), one.body) for one in found]

    before = seen()
    secret = "Frobnicate is a secret."
    for action in ("", "reject", "spam", "return"):
        for one, more in ((page, {"parent": first}), (page, {}), (quiet, {})):
            number = place.held(f"{secret} {action} {one} {more}", page=one, author="Frob", **more)
            if action:
                place.decide(action, number)
    place.public(f"{secret} elsewhere", page=place.page(HARBOUR), site="harbour")
    assert seen() == before


# CVE-2023-5561: an address found letter by letter, by asking.
@pytest.mark.parametrize("name", ["q", "search", "email", "author", "s"])
def test_nobody_searches_for_an_address(place: Place, name: str) -> None:
    page = place.page()
    number = place.public(page=page, email="findme@hidden.example")
    for public in ("thread", "thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json", "form"):
        asked = [place.get(f"/sites/courier/{public}?page={page}&{name}={what}") for what in ("findme", "nobody")]
        fresh = re.compile(rb'"(token|key)":"[^"]*"|value="[^"]*"')
        assert len({(fresh.sub(b"", one.body.replace(b"findme", b"nobody")), one.status) for one in asked}) == 1
        assert all(b"hidden.example" not in one.body for one in asked)
    assert place.get("/queue/?q=findme").location == "/account/sign-in"
    # A moderator of another site finds nothing either.
    found = place.by("Eve").get("/queue/?view=approved&q=findme")
    assert f"/queue/{place.row(number)['revision']}" not in found.text


NUMBERS = (
    *("127.0.0.1", "127.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0", "[::1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.0.0.1.", "localhost", "LOCALHOST", "127.0.0.1%00.courier.example"),
    *(
        "courier.example@127.0.0.1",
        "127.0.0.1#@courier.example",
        "127.0.0.1\\@courier.example",
        "\u2460\u2461\u2466.0.0.1",
    ),
)


# CVE-2022-3590, CVE-2013-0235, CVE-2016-4029
@pytest.mark.parametrize("host", NUMBERS)
def test_the_check_of_a_page_calls_no_machine_by_any_spelling(place: Place, listener: Listener, host: str) -> None:
    at = listener.url.removeprefix("http://127.0.0.1").rstrip("/")
    for scheme in ("http", "https"):
        answer = place.by("Ines").post("/settings/courier/snippet", {"page": f"{scheme}://{host}{at}/"})
        assert answer.status == 422
    assert listener.calls == []


# The same, where an owner makes the machine an origin of the site.
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_machine_that_is_made_an_origin_is_not_called(place: Place, listener: Listener, host: str) -> None:
    origin = f"http://{host}:{listener.url.rstrip('/').rpartition(':')[2]}"
    with place.origin("harbour", origin):
        answer = place.by("Eve").post("/settings/harbour/snippet", {"page": origin + "/"})
        assert answer.status == 200
    assert listener.calls == []


def test_a_form_leads_nowhere_that_it_names(place: Place) -> None:
    page = place.page()
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", f"{ORIGIN}/x"):
        fields = {"comment": f"To {target}", "author": "Jo", "email": "jo@home.example", "page": page}
        theme = f"/sites/courier/wp-comments-post.php?page={page}"
        answer = place.send_form(fields | {"redirect_to": target}, path=theme)
        assert (answer.status, answer.location) == (200, None)
        fields |= {"token": place.read("form", page).json["token"], "redirect_to": target}
        answer = place.send_form(fields)
        assert answer.status == 303
        assert re.fullmatch(r"/receipts/\d+\.[\w-]{22}", answer.location or "")
    for path in ("replies", "wp-comments-post.php"):
        answer = place.get(f"/sites/courier/{path}")
        assert (answer.status, "POST" in answer.headers["Allow"]) == (405, True)


def test_nobodys_address_stands_in_anything_public(place: Place) -> None:
    page = place.page()
    place.public(page=page, email="sender@private.example")
    for name in ("thread", "thread.html", "thread.json", "thread.atom", "comments.atom"):
        assert "private.example" not in place.read(name, page).text
    assert "private.example" not in json.dumps(place.get("/openapi.json").json)
