"""What went wrong in Isso."""

import json

import pytest

from tests.attacks import wire
from tests.attacks.conftest import Listener, Place
from tests.attacks.looking import attributes_with, bodies, entries, sound
from tests.attacks.wire import FORM
from tests.conftest import ORIGIN, make_account
from tests.transfer import wxr

BREAKOUT = "http://x.example/?'onmouseover='alert(document.domain)'x='"


# CVE-2026-27469, GHSA-9fww-8cpr-q66r
def test_a_website_with_quotes_breaks_out_of_no_attribute_anywhere(place: Place) -> None:
    page = place.page()
    number = place.public(f"First [link]({BREAKOUT}).", page=page, url=BREAKOUT, author="Q'o\"te")
    edited = wire.form({"comment": f"Second <a href='{BREAKOUT}' onclick='alert(1)'>link</a>."})
    path = place.receipt(number)
    assert place.ask("POST", f"{path}/edit", [("Content-Type", FORM)], edited).status == 303
    ana, shown = place.by("Ana"), f"/queue/{place.row(number)['revision']}"
    for answer in (
        *(place.read("thread", page), place.read("thread.html", page), place.get(path), place.get(f"{path}/edit")),
        *(ana.get("/queue/"), ana.get(shown), ana.get("/log/")),
    ):
        assert answer.status == 200
        sound(answer.text)
        links = attributes_with(answer.text, "x.example")
        assert {(tag, name) for tag, name, _ in links} <= {("a", "href")}
    assert place.decide("approve", number).status == 200
    thread = place.read("thread.json", page, headers=[("Accept-Encoding", "identity")])
    assert thread.json["comments"][0]["url"] == BREAKOUT
    assert len(bodies(thread.json)) == len(entries(place.read("thread.atom", page).body)) == 1


def test_a_website_with_quotes_is_no_attribute_after_an_import(place: Place) -> None:
    page, words = place.page(), f"<a href='{BREAKOUT}' onclick='alert(1)'>x</a>"
    place.bring(wxr.export(wxr.item(wxr.comment(1, author_url=BREAKOUT, content=words), link=page, id_=31)))
    answer = place.read("thread.html", page)
    sound(answer.text)
    assert {(tag, name) for tag, name, _ in attributes_with(answer.text, "x.example")} == {("a", "href")}


@pytest.mark.parametrize("path", ["replies", "wp-comments-post.php", "preview"])
def test_no_content_type_is_no_way_around_the_origin(place: Place, path: str) -> None:
    for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example", "http://courier.example"):
        body = json.dumps({"comment": "Not from here.", "page": place.page()}).encode()
        headers = [("Origin", origin), ("Accept", "application/json")]
        answer = place.ask("POST", f"/sites/courier/{path}", headers, body)
        assert answer.status == 403, origin
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_at_a_link_that_can_be_passed_on_changes_nothing(place: Place, method: str) -> None:
    number = place.held(page=place.page())
    paths = [place.receipt(number) + more for more in ("", "/edit", "/withdraw", "/resume")]
    paths += [place.invitation(), place.invitation() + "/sign-in", place.reset("Rita")]
    paths += ["/queue/decisions", "/queue/undo", "/account/sign-out", f"/queue/{place.row(number)['revision']}"]
    before = place.rows()
    for path in paths:
        assert place.ask(method, path).status in {200, 303, 404, 405, 403}
        place.by("Ana").ask(method, path)
    assert place.rows() == before
    assert place.by("Ana").get("/queue/").status == 200


def test_no_link_names_an_e_mail_address(place: Place) -> None:
    number = place.held(page=place.page(), email="someone@home.example")
    for path in (place.receipt(number), place.invitation(email="new@home.example"), place.reset("Rita")):
        assert "@" not in path
        assert "%40" not in path.lower()
        assert "home.example" not in path


def test_a_link_dies_with_its_use(place: Place) -> None:
    invitation, password = place.invitation(), "a sentence that nobody guesses"
    fields = {"name": "New", "email": "new-one@staff.example", "password": password}
    assert place.stranger().post(invitation, fields).status == 303
    assert place.stranger().post(invitation, fields | {"email": "another@staff.example"}).status == 404
    with place.app.app_context():
        make_account(place.app, "Forgetful")
    reset = place.reset("Forgetful")
    assert [place.stranger().post(reset, {"password": password}).status for _ in "ab"] == [303, 404]
    assert [place.get(path).status for path in (invitation, reset)] == [404, 404]


@pytest.mark.parametrize("other", ["another page", "another site", "held", "none"])
def test_a_parent_that_is_not_public_on_the_page_is_none(place: Place, other: str) -> None:
    page = place.page()
    parent = {
        "another page": lambda: place.public(page=place.page()),
        "another site": lambda: place.public(page=place.page("https://harbour.example"), site="harbour"),
        "held": lambda: place.held(page=page),
        "none": lambda: 10**9,
    }[other]()
    answer = place.reply(page=page, parent=parent)
    assert (answer.status, answer.json["title"]) == (404, "The reply you answer is not there any more.")


@pytest.mark.parametrize(
    "comment", ["", " \n ", "x" * 65_526, "a\0b", "\ud800", "&nbsp;"], ids=lambda text: repr(text[:9])
)
def test_an_edit_is_checked_as_a_reply_is(place: Place, comment: str) -> None:
    number = place.held(page=place.page())
    body = json.dumps({"comment": comment}).encode()
    headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
    sent, edited = (
        place.reply(comment, page=place.page()),
        place.ask("POST", f"{place.receipt(number)}/edit", headers, body),
    )
    assert sent.status == edited.status == 422
    assert sent.json["errors"]["comment"] == edited.json["errors"]["comment"]


def test_a_page_is_not_fetched_for_its_title(place: Place, listener: Listener) -> None:
    page = place.page()
    number = place.held(page=page, title=listener.url, url=listener.url, comment=f"See {listener.url}x.png")
    headers = [("Origin", ORIGIN), ("Referer", listener.url), ("Accept", "application/json")]
    fields = {"comment": "Elsewhere", "page": listener.url, "author": "Jo", "email": "jo@home.example"}
    assert place.send_form(fields, headers).status == 403
    assert place.read("thread", listener.url).status == 403
    assert place.by("Ana").get(f"/queue/{place.row(number)['revision']}").status == 200
    assert listener.calls == []
