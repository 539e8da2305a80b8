"""What went wrong in Remark42."""

import pytest

from tests.attacks.conftest import Listener, Place
from tests.attacks.looking import entries, sound
from tests.conftest import ORIGIN

PIXEL = "https://evil.example/p.gif"
TRAVERSALS = (
    *("/static/../moderation.sqlite", "/static/%2E%2E/%2E%2E/config.py", "/static/..%2f..%2fwsgi.py"),
    *("/static/%2e%2e%5c%2e%2e%5cwsgi.py", "/static/..\\..\\wsgi.py", "/static//etc/passwd", "/static/%2Fetc%2Fpasswd"),
    *("/static/console.css/../../config.py", "/static/%252e%252e/%252e%252e/config.py", "/static/..;/config.py"),
    *("/../secrets.json", "/%2E%2E/secrets.json", "/sites/../secrets.json", "/static/a%00b.css", "/static/"),
    *("/receipts/..%2F..%2Fsecrets.json", "/sites/..%2Fx/thread", "/invitations/%2E%2E%2F", "/static/....//config.py"),
)


@pytest.mark.parametrize("target", TRAVERSALS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_path_climbs_out_and_no_error_names_one(place: Place, method: str, target: str) -> None:
    answer = place.ask(method, target)
    assert answer.status in {400, 404} or (answer.status, answer.location) == (308, "/static/etc/passwd"), answer.text
    told = answer.text + str(answer.headers)
    for secret in (str(place.server.instance), "site-packages", "Traceback", "SECRET_KEY", "root:", "moderation/"):
        assert secret not in told


# GHSA-74pc-3r2m-ppx3: links and tracking pixels of a stranger, in what is sent or shown on.
def test_a_picture_and_a_link_of_a_stranger_are_nowhere_loaded(place: Place) -> None:
    page = place.page()
    comment = (
        f"Look <a href=https://evil.example onclick=x>here</a> <img src={PIXEL}> ![x]({PIXEL}) [![x]({PIXEL})](/x)"
    )
    number = place.public(comment, page=page, author=f"<img src={PIXEL}>", title=f"<img src={PIXEL}>")
    shown = f"/queue/{place.row(number)['revision']}"
    for answer in (
        *(place.read(name, page) for name in ("thread", "thread.html")),
        *(place.get(place.receipt(number)), place.by("Ana").get(shown), place.by("Ana").get("/log/")),
    ):
        pictures = [of for tag, of in sound(answer.text).tags if tag in {"img", "image", "picture", "source", "link"}]
        assert [of for of in pictures if "evil.example" in str(of)] == []
    [entry] = [one for one in entries(place.read("thread.atom", page).body) if "here" in one["html"]]
    assert "<img" not in entry["html"]


# An image proxy, a title or a preview fetched for a reader: none is; nobody is called for what a stranger wrote.
def test_nothing_that_a_stranger_writes_makes_the_service_call_anybody(place: Place, listener: Listener) -> None:
    page, picture = place.page(), f"![x]({listener.url}x.png) {listener.url}"
    number = place.public(picture, page=page, url=listener.url, title=listener.url)
    forwarded = [("Referer", listener.url), ("X-Forwarded-Host", listener.url[7:-1]), ("Origin", ORIGIN)]
    for name in ("thread", "thread.json", "thread.html", "thread.atom", "form"):
        assert place.read(name, page, headers=forwarded).status == 200
    fields = {"comment": picture, "page": page, "url": listener.url, "author": "Jo", "email": "jo@home.example"}
    assert place.send_form(fields, forwarded).status == 200
    assert place.get(place.receipt(number), forwarded).status == 200
    assert listener.calls == []


@pytest.mark.parametrize("name", ["from", "next", "redirect_to", "url", "return", "continue", "back"])
@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "///evil.example"])
def test_nobody_is_led_elsewhere_by_signing_in(place: Place, name: str, target: str) -> None:
    visitor = place.stranger()
    fields = {"email": "rita@staff.example", "password": "wrong", name: target}
    query = f"/account/sign-in?{name}={target}"
    assert visitor.post(query, fields).location is None
    led = visitor.post(query, fields | {"password": "the ramp starts by the noticeboard"})
    assert (led.status, led.location) == (303, "/queue/")
    out = visitor.post(f"/account/sign-out?{name}={target}", {name: target})
    assert (out.status, out.location) == (303, "/account/sign-in")


HOSTILE_TITLES = (
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "\u202e</bdi><iframe name=x src=javascript:alert(1)>",
)


@pytest.mark.parametrize("title", HOSTILE_TITLES)
def test_titles_addresses_and_names_of_pages_are_hostile_words(place: Place, title: str) -> None:
    page = place.page() + "?q=%22%3E%3Cscript%3E&r='onload='x"
    number = place.public(page=page, title=title, author=title, url="https://a.example/%22%3E%3Cscript%3E")
    shown = f"/queue/{place.row(number)['revision']}"
    otto = place.by("Otto")
    for answer in (
        *(place.read(name, page) for name in ("thread", "thread.html")),
        *(place.get(place.receipt(number)), otto.get(shown), otto.get("/log/"), otto.get("/queue/?view=approved")),
        place.read("thread", page + f"&t={title[:20]}".replace(" ", "+").replace("\u202e", "")),
    ):
        assert answer.status in {200, 422}
        sound(answer.text)
    assert entries(place.read("thread.atom", page).body)
    assert place.read("thread.json", page).json["comments"][0]["body"]


def test_a_foreign_page_gets_no_credentials_and_no_ear_where_somebody_is_known(place: Place) -> None:
    evil = [("Origin", "https://evil.example")]
    number = place.held(page=place.page())
    targets = ["/queue/", "/log/", "/queue/changes", "/account/", "/settings/courier/site", place.receipt(number)]
    targets += ["/sites/courier/thread.json?page=" + place.page(), "/sites/courier/form", "/embed.js", "/openapi.json"]
    for target in targets:
        for method in ("GET", "OPTIONS"):
            answer = place.by("Ines").ask(method, target, evil)
            assert "Access-Control-Allow-Credentials" not in answer.headers
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert allowed is None or (allowed == "*" and target.startswith(("/sites/", "/embed.js", "/openapi.json")))
