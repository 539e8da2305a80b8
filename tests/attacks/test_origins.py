"""Who may read, send and frame what: origins, messages between pages, and marks of forms."""

import re
from pathlib import Path

import pytest

from tests.attacks import wire
from tests.attacks.conftest import HARBOUR, Place
from tests.attacks.wire import FORM
from tests.conftest import ORIGIN

STATIC = Path(__file__).parents[2] / "moderation" / "static"
EVERYWHERE = (
    *("thread", "thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json", "accent.css", "form"),
)
STAFF = ("/queue/", "/log/", "/account/", "/account/sign-in", "/settings/courier/site", "/settings/courier/snippet")


def ancestors(answer: wire.Answer) -> str:
    """Return who may frame an answer."""
    found = re.search(r"frame-ancestors ([^;]*)", answer.headers["Content-Security-Policy"])
    assert found is not None
    return found[1]


@pytest.mark.parametrize("origin", [ORIGIN, "https://evil.example", "null", None])
def test_any_page_reads_what_is_published_and_none_with_credentials(place: Place, origin: str | None) -> None:
    page = place.page()
    for name in EVERYWHERE:
        for browser in (place.stranger(), place.by("Ines")):
            headers = [("Origin", origin)] if origin else []
            answer = browser.get(f"/sites/courier/{name}?page={page}", headers)
            assert "Access-Control-Allow-Credentials" not in answer.headers
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            if name == "thread":
                assert allowed is None
            elif name == "form":
                assert allowed == (ORIGIN if origin == ORIGIN else None)
                assert answer.varies_by("Origin")
            else:
                assert (allowed, answer.varies_by("Origin")) == ("*", False)


def test_pages_of_the_staff_are_framed_by_nobody_and_those_of_a_thread_by_its_site(place: Place) -> None:
    number, page = place.held(page=place.page()), place.page()
    for path in (*STAFF, f"/queue/{place.row(number)['revision']}", "/no/such", "/settings/courier/people"):
        assert ancestors(place.by("Ines").get(path)) == "'none'"
    for path in (f"/sites/courier/thread?page={page}", place.receipt(number), f"/sites/courier/form?page={page}"):
        assert ancestors(place.get(path)) == ORIGIN
    assert ancestors(place.get(f"/sites/harbour/thread?page={place.page(HARBOUR)}")) == HARBOUR


def test_a_form_in_a_frame_needs_no_cookie_and_sets_none(place: Place) -> None:
    page = place.page()
    shown = place.read("thread", page)
    fields = {"comment": "Framed.", "author": "Jo", "email": "jo@home.example", "page": page}
    found = re.search(r'name="token" value="([^"]+)"', shown.text)
    assert found is not None
    sent = place.send_form(fields | {"token": found[1]}, [("Origin", place.stranger().origin)])
    assert (sent.status, shown.cookies, sent.cookies) == (303, [], [])
    receipt = place.get(sent.location or "")
    assert (receipt.status, receipt.cookies) == (200, [])


@pytest.mark.parametrize("kind", ["another page", "another site", "changed", "none", "another's", "long"])
def test_a_forms_mark_is_good_for_its_site_and_page_alone(place: Place, kind: str) -> None:
    page = place.page()
    right = str(place.read("form", page).json["token"])
    mark = {
        "another page": str(place.read("form", place.page()).json["token"]),
        "another site": str(place.read("form", place.page(HARBOUR), key="harbour").json["token"]),
        "changed": right[:-1] + ("A" if right[-1] != "A" else "B"),
        "none": "",
        "another's": place.receipt(place.held(page=page)).removeprefix("/receipts/"),
        "long": right + "A" * 5000,
    }[kind]
    fields = {"comment": f"Marked: {kind}.", "author": "Jo", "email": "jo@home.example", "page": page}
    answer = place.send_form(fields | {"token": mark})
    # Shown once more, with a mark of its own; nothing is held.
    assert (answer.status, answer.location) == (200, None)
    assert [row for row in place.stored(page) if row["text"] == fields["comment"]] == []


# A token of one purpose opens no other door.
def test_a_token_opens_its_own_door_alone(place: Place) -> None:
    page = place.page()
    number = place.held(page=page)
    receipt = place.receipt(number).removeprefix("/receipts/")
    invitation = place.invitation().removeprefix("/invitations/")
    reset = place.reset("Rita").removeprefix("/account/reset/")
    form = str(place.read("form", page).json["token"])
    session = place.by("Ana").jar["session"]
    doors = {"/receipts/": receipt, "/invitations/": invitation, "/account/reset/": reset}
    for door, own in doors.items():
        for token in (receipt, invitation, reset, form, session, "."):
            expected = 200 if token == own else 404
            assert place.get(f"{door}{token}").status == expected, (door, token)


@pytest.mark.parametrize("name", ["thread.js", "frame.js", "embed.js"])
def test_a_message_between_pages_names_its_reader_and_is_believed_of_one_sender(name: str) -> None:
    script = (STATIC / name).read_text()
    assert not re.search(r"""postMessage\([^;]*,\s*["']\*["']\s*\)""", script)
    for listening in re.findall(r"""addEventListener\(["']message["'].{0,400}""", script, re.DOTALL):
        assert re.search(r"\b(source|origin)\b.*(===|includes|has)", listening, re.DOTALL), name


@pytest.mark.parametrize("content", [FORM, "text/plain", "application/json", "multipart/form-data; boundary=e", None])
@pytest.mark.parametrize("door", ["receipts", "replies"])
def test_no_kind_of_body_is_a_way_past_the_origin(place: Place, door: str, content: str | None) -> None:
    number = place.held(page=place.page())
    path = f"{place.receipt(number)}/withdraw" if door == "receipts" else "/sites/courier/replies"
    before = place.rows()
    headers = [("Content-Type", content)] if content else []
    for origin in ("https://evil.example", HARBOUR, f"{ORIGIN}.evil.example"):
        answer = place.ask("POST", path, [*headers, ("Origin", origin)], b"comment=x")
        assert answer.status == 403
    doubled = place.ask("POST", path, [*headers, ("Origin", ORIGIN), ("Origin", "https://evil.example")], b"comment=x")
    assert doubled.status in {400, 403}
    assert place.rows() == before


def test_the_cookie_is_for_http_alone_and_rides_with_no_form_of_others(place: Place) -> None:
    visitor = place.stranger()
    form = visitor.get("/account/sign-in")
    fields = {"email": "rita@staff.example", "password": "the ramp starts by the noticeboard"}
    signed_in = visitor.post("/account/sign-in", fields)
    lines = [line for line in (*form.cookies, *signed_in.cookies) if line.startswith("session=")]
    assert len(lines) == 2
    for line in lines:
        flags = {flag.strip().lower() for flag in line.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)
