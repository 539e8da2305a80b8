"""Addresses that two programs read differently."""

import pytest

from tests.attacks import wire
from tests.attacks.conftest import Place
from tests.attacks.looking import bodies, entries
from tests.attacks.wire import FORM
from tests.conftest import ORIGIN

TRAPS = (
    "\x01javascript:alert(1)",
    " \x00javascript:alert(1)",
    "java\tscript:alert(1)",
    "javascript://courier.example/%0aalert(1)",
    "/\t/evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http://good.example\\@evil.example/",
    "http://good.example@evil.example/",
    "http://evil.example#@good.example/",
    "http:/evil.example",
    "http:evil.example",
    "https:///evil.example",
    "http://[::1",
    "http://evil.example:99999/",
    "http://evil.example:8\t0/",
    "https://ev\u00adil.example\u200b/",
    "https://evil.example\u2028/",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:x",
    "blob:https://courier.example/x",
    "view-source:https://x.example",
    "htt\tp://6\t6.000146.0x7.147/",
    "http://0x7f.1/",
)


@pytest.mark.parametrize("url", TRAPS)
def test_a_website_that_programs_read_differently_is_none(place: Place, url: str) -> None:
    answer = place.reply(page=place.page(), url=url)
    # Every browser leaves out what is invisible in a host's name, and reads what follows # as no host.
    read = url in {"https://ev\u00adil.example\u200b/", "http://evil.example#@good.example/"}
    assert answer.status == 422 or (read and answer.status == 201), answer.text


@pytest.mark.parametrize("url", TRAPS)
def test_a_link_in_a_text_leads_where_it_says_or_is_none(place: Place, url: str) -> None:
    page = place.page()
    if "\0" in url or "\x01" in url:
        assert place.reply(f"[here]({url})", page=page).status == 422
        return
    place.public(f"[here](<{url}>) and <{url}> and <a href='{url}'>there</a>", page=page)
    assert len(entries(place.read("thread.atom", page).body)) == 1
    assert len(bodies(place.read("thread.json", page).json)) == 1


@pytest.mark.parametrize("url", TRAPS)
def test_a_page_that_programs_read_differently_is_none(place: Place, url: str) -> None:
    before = place.rows()["thread"]
    for page in (url, ORIGIN + url, f"{ORIGIN}@{url}", f"{ORIGIN}/..{url}"):
        answer = place.reply(page=page)
        mine = page.startswith(f"{ORIGIN}/") and not set("\\\t\x00\x01\u2028") & set(page)
        assert answer.status in {403, 422} or (mine and answer.status == 201), (page, answer.status)
    made = [row for row in place.rows()["thread"] if row not in before]
    assert [row for row in made if not any(str(cell).startswith("courier.example/") for cell in row)] == []


EMAILS = (
    *("alice@example.org)bob@example.com", "alice@example.org,bob@example.com", "<alice@example.org>", "a@b@c.example"),
    *(
        "alice@example.org\r\nBcc: bob@example.com",
        "alice@example.org\nX: y",
        '"a\r\nb"@example.org',
        "alice@example.org;b",
    ),
    *("alice@[127.0.0.1]", "alice@localhost", "alice", "@example.org", "a\0b@example.org", "alice@example.org "),
    *("alice@exam\u00adple.org", "alice@example\u3002org", "=cmd|' /C calc'!A0@example.org", "\u202ealice@example.org"),
)


# CVE-2023-27043: where an address ends.
@pytest.mark.parametrize("email", EMAILS)
def test_an_address_that_programs_read_differently_writes_to_nobody_else(place: Place, email: str) -> None:
    page = place.page()
    answer = place.reply(page=page, email=email)
    if answer.status == 201:
        kept = place.row(answer.json["comment"])["email"]
        assert not set('\r\n,;<>()\0"') & set(kept)
        assert kept.count("@") == 1
        return
    assert (answer.status, set(answer.json["errors"])) == (422, {"email"})


ABSOLUTE = ("http://evil.example/queue/", "http://evil.example/healthz", "//evil.example/queue/", "http:///queue/")


@pytest.mark.parametrize("target", ABSOLUTE)
@pytest.mark.parametrize("host", [None, "evil.example", "127.0.0.1"])
def test_a_target_that_names_a_host_makes_no_other(place: Place, target: str, host: str | None) -> None:
    answer = place.get(target, [("Host", host)] if host else [])
    assert "evil.example" not in str(answer.location)
    assert "evil.example" not in answer.text
    assert answer.status in {200, 303, 308, 400, 404, 421}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "127.0.0.1@evil.example", "a b"]
)
def test_a_link_is_never_made_for_a_host_that_a_request_names(place: Place, host: str) -> None:
    invite = b"role=reader&csrf_token=" + place.by("Ines").token().encode()
    headers = [("Host", host), ("Content-Type", FORM), ("Origin", place.by("Ines").origin)]
    before = place.rows()
    answer = place.by("Ines").ask("POST", "/settings/courier/people/invitations", headers, invite)
    assert answer.status in {400, 421}
    for path in ("/sites/courier/comments.atom", "/sites/courier/thread", "/openapi.json", "/account/sign-in"):
        answer = place.get(path, [("Host", host)])
        assert (answer.status in {400, 421}, host.encode() in answer.body) == (True, False)
    assert place.rows() == before
    honest = wire.ask(place.port, "GET", "/openapi.json", [("X-Forwarded-Host", host)])
    assert host not in honest.text
