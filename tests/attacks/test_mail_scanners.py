"""Machines that open every link in a letter before its reader does, and press nothing."""

import pytest

from tests.attacks.conftest import Place
from tests.attacks.looking import Reader

AGENTS = ("Mozilla/5.0 (SafeLinks)", "BarracudaCentral", "Googlebot", "facebookexternalhit/1.1", "")
PURPOSES = ([], [("Purpose", "prefetch")], [("Sec-Purpose", "prefetch;prerender")], [("X-Moz", "prefetch")])


def links(place: Place, number: int) -> dict[str, str]:
    """Return each link that a letter can hold."""
    receipt = place.receipt(number)
    found = {"receipt": receipt, "edit": f"{receipt}/edit", "withdraw": f"{receipt}/withdraw"}
    return found | {"resume": f"{receipt}/resume", "invitation": place.invitation(), "reset": place.reset("Rita")}


@pytest.mark.parametrize("agent", AGENTS)
def test_a_scanner_that_opens_every_link_uses_none_up(place: Place, agent: str) -> None:
    number = place.held(page=place.page())
    there = links(place, number)
    before = place.rows()
    for path in there.values():
        for headers in PURPOSES:
            for method in ("HEAD", "GET", "GET", "OPTIONS"):
                answer = place.ask(method, path, [*headers, ("User-Agent", agent)])
                assert answer.status in {200, 405}
                assert answer.cookies == [] or "session=" in str(answer.cookies)
    assert place.rows() == before
    # And all still work.
    fields = {"name": "New", "email": f"scanned-{number}@staff.example", "password": "a sentence nobody guesses"}
    assert place.stranger().post(there["invitation"], fields).status == 303
    assert place.ask("POST", there["withdraw"], body=b"").status == 303
    assert place.row(number)["status"] == "withdrawn"


def test_a_scanner_that_follows_what_a_page_links_to_presses_nothing(place: Place) -> None:
    number = place.held(page=place.page())
    there = links(place, number)
    before = place.rows()
    for path in there.values():
        answer = place.get(path)
        if answer.status != 200:
            continue
        for tag, of in Reader(answer.text).tags:
            target = of.get("href" if tag == "a" else "src", "")
            if target.startswith("/"):
                assert place.get(target).status in {200, 303, 304, 404}
            if tag == "form" and of.get("method", "get").lower() == "get":
                assert place.get(of.get("action") or path).status in {200, 303}
    assert place.rows() == before


@pytest.mark.parametrize("token", ["x", "1.AAAAAAAAAAAAAAAAAAAAAA", "A" * 64, "%00", "%F0%9F%98%80"])
def test_a_link_that_is_none_answers_like_one_that_was_used(place: Place, token: str) -> None:
    for path in (f"/receipts/{token}", f"/invitations/{token}", f"/account/reset/{token}"):
        answer = place.get(path)
        assert answer.status == 404
        assert answer.headers["Cache-Control"] == "no-store"
