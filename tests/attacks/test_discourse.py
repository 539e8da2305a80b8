"""What went wrong in Discourse."""

import re

import pytest

from tests.attacks.conftest import Place
from tests.attacks.looking import bodies, sound
from tests.attacks.test_disqus_and_kin import SLOW
from tests.conftest import ORIGIN

#: Headers by which proxies, frameworks and scripts of old let a request say what it is about.
POISON = (
    [("X-Forwarded-Host", "evil.example")],
    [("X-Host", "evil.example"), ("X-Forwarded-Server", "evil.example"), ("Forwarded", "host=evil.example")],
    [("X-Original-URL", "/queue/"), ("X-Rewrite-URL", "/queue/")],
    [("X-Forwarded-Proto", "http"), ("X-Forwarded-Scheme", "http"), ("X-Forwarded-Port", "1")],
    [("X-Forwarded-Prefix", "/evil"), ("X-Script-Name", "/evil"), ("Script-Name", "/evil")],
    [("X-HTTP-Method-Override", "POST"), ("X-Method-Override", "DELETE")],
    [("X-Requested-With", "XMLHttpRequest"), ("Discourse-Present", "true"), ("Discourse-Logged-In", "true")],
    [("Accept", "application/json")],
    [("Accept", "text/evil;q=1")],
    [("Accept-Language", "de"), ("Accept-Charset", "utf-16")],
    [("Origin", "https://evil.example")],
    [("Origin", ORIGIN)],
    [("Referer", "https://evil.example/")],
    [("Range", "bytes=0-10")],
    [("If-Modified-Since", "Wed, 21 Oct 2099 07:28:00 GMT")],
    [("Cookie", "session=poison; lang=de")],
    [("Authorization", "Basic eDp5")],
    [("Content-Type", "application/json")],
)
PUBLIC = ("thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json", "accent.css")


# CVE-2024-47773: what one visitor's headers made was shown to all.
@pytest.mark.parametrize("headers", POISON, ids=lambda headers: headers[0][0])
@pytest.mark.parametrize("name", PUBLIC)
def test_no_header_of_one_visitor_changes_what_others_are_shown(
    place: Place, name: str, headers: list[tuple[str, str]]
) -> None:
    query = f"?page={place.page()}"
    poisoned = place.get(f"/sites/courier/{name}{query}", headers)
    after = place.get(f"/sites/courier/{name}{query}")
    assert (poisoned.status, poisoned.body, poisoned.headers["ETag"]) == (200, after.body, after.headers["ETag"])
    for answer in (poisoned, after):
        assert "evil" not in answer.text + str(answer.headers)
        assert answer.headers["Cache-Control"].startswith("public")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.cookies == []


# CVE-2021-41271: an error was kept for an address that is good.
def test_no_error_is_kept_for_any_address(place: Place) -> None:
    page = place.page()
    bad = ["/sites/courier/thread.json", "/sites/courier/thread.json?page=x", "/sites/nobody/thread.json", "/no/such"]
    bad += [f"/sites/courier/thread.html?page=https://evil.example{at}" for at in ("/", "/x")]
    bad += [f"/sites/courier/counts.json?{'&'.join(f'page={page}/{n}' for n in range(200))}", "/static/no.css"]
    bad += ["/receipts/x", "/queue/1", "/sites/courier/replies", "/embed.js/", "/sites/courier/thread.json/"]
    for target in bad:
        for method in ("GET", "HEAD", "POST", "PUT"):
            answer = place.ask(method, target, body=b"" if method in {"POST", "PUT"} else None)
            assert answer.status >= 300 or target.startswith("/sites/courier/counts")
            if answer.status >= 300:
                assert answer.headers["Cache-Control"] == "no-store", (method, target)
                assert "ETag" not in answer.headers
    for name in ("thread.json", "thread.html", "thread.atom"):
        odd = ([("Content-Length", "x")], [("Accept-Encoding", "\0")], [("Host", "evil.example")], [("Host", "")])
        broken = [place.read(name, page, headers=headers) for headers in odd]
        assert [one.headers.get("Cache-Control") for one in broken if one.status not in {200, 400}] in (
            [],
            ["no-store"],
        )
        assert place.read(name, page).status == 200


# A cache would keep today's file for a year under the name that tomorrow's will have.
def test_a_file_is_kept_under_its_own_version_alone(place: Place) -> None:
    page = place.read("thread", place.page()).text
    name, version = re.findall(r'"(/static/[\w.-]+\.css)\?v=(\w+)"', page)[0]
    for query in ("", "?v=", "?v=1", f"?v={version}x", f"?v={version[::-1]}", f"?x=1&v={'0' * 12}"):
        for _ in "ab":
            assert place.get(name + query).headers["Cache-Control"] == "public, no-cache", query
    assert "immutable" in place.get(f"{name}?v={version}").headers["Cache-Control"]
    assert place.get(f"/static/none.css?v={version}").headers["Cache-Control"] == "no-store"


# CVE-2024-38360
def test_lists_to_watch_for_have_an_end(place: Place) -> None:
    form = place.fields_of("Ines", "/settings/courier/moderation")
    before = place.rows()["site"]
    for setting, line in (("watched_words", "word{}"), ("watched_hosts", "h{}.example")):
        many = "\n".join(line.format(number) for number in range(501))
        for value in (many, "x" * 101 if setting == "watched_words" else "x" * 300 + ".example", "\n" * 10 + "\0"):
            answer = place.by("Ines").post("/settings/courier/moderation", form | {setting: value})
            assert answer.status == 422
            sound(answer.text)
    assert place.rows()["site"] == before


AGENTS = (
    "Mozilla/5.0 " + "(" * 7000,
    "a" * 7000,
    "Mozilla/" + "5.0 " * 1500 + "x",
    "\t \t" * 2000 + "!",
    "AppleWebKit" * 600,
)


# CVE-2023-23621: the browser's name is read where sessions are listed.
@pytest.mark.parametrize("agent", AGENTS, ids=range(len(AGENTS)))
def test_a_browser_of_any_name_is_answered(place: Place, agent: str) -> None:
    headers = [("User-Agent", agent)]
    visitor = place.stranger()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get("/account/sign-in", headers).text)
    assert token is not None
    fields = {"email": "rita@staff.example", "password": "the ramp starts by the noticeboard"}
    assert visitor.post("/account/sign-in", fields | {"csrf_token": token[1]}, headers).status == 303
    listed = visitor.get("/account/")
    assert listed.status == 200
    sound(listed.text)
    assert len(listed.body) < 100_000


ADDRESSES = (
    *(
        "a" * 64 + "@" + "b." * 5000 + "c",
        "@" * 20_000,
        "a@" + "-" * 20_000,
        '"' * 20_000 + "@x.example",
        "a." * 20_000,
    ),
    *("a@" + "xn--" * 5000, "a@" + "\u0130" * 5000 + ".example", "(" * 20_000 + "a@b.example", " " * 20_000 + "@"),
)


# CVE-2022-23548, CVE-2024-3651: addresses that keep a pattern, or the reader of international names, busy.
@pytest.mark.parametrize("address", ADDRESSES, ids=range(len(ADDRESSES)))
def test_an_address_made_to_keep_a_pattern_busy_is_answered(place: Place, address: str) -> None:
    page = place.page()
    assert place.reply(page=page, email=address).status == 422
    assert place.reply(page=page, url=f"https://{address}/").status == 422
    assert place.reply(page=f"{ORIGIN}/{address}").status in {201, 422}
    assert place.reply(page=f"https://{address}/").status in {403, 422}
    assert place.reply(page=page, author=address).status in {201, 422}
    assert place.stranger().post("/account/sign-in", {"email": address, "password": "x"}).status == 422
    invited = place.by("Ines").post("/settings/courier/people/invitations", {"role": "reader", "email": address})
    assert invited.status == 422


@pytest.mark.parametrize("kind", sorted(SLOW))
def test_every_other_field_of_a_text_is_answered_too(place: Place, kind: str) -> None:
    page, text = place.page(), SLOW[kind]
    assert place.reply(page=page, title=text).status == 201
    for field in ("author", "url"):
        assert place.reply(page=page, **{field: text}).status in {201, 422}
    found = place.by("Ana").post("/queue/order", {"order": text, "list": text})
    assert found.status in {303, 422}
    assert place.by("Ana").get(f"/queue/?q={'%5B' * 2000}").status in {200, 422}


# CVE-2023-37906
def test_what_is_said_to_a_decision_has_an_end(place: Place) -> None:
    number = place.held(page=place.page())
    seen = f"{place.row(number)['revision']}:0"
    form = place.fields_of("Ines", "/settings/courier/reasons")
    ana, long = place.by("Ana"), "\U0001f600" * 1001
    before = place.rows()
    for path, fields in (
        ("/queue/decisions", {"action": "reject", "revision": seen, "note": long}),
        ("/queue/notes", {"revision": seen, "note": long}),
        ("/queue/answers", {"revision": seen, "comment": "x" * 66_000}),
    ):
        assert ana.post(path, fields, [("Accept", "application/json")]).status == 422, path
    text = next(name for name in form if name.endswith("-text"))
    assert place.by("Ines").post("/settings/courier/reasons", form | {text: long}).status == 422
    assert place.rows() == before


# CVE-2023-22740, CVE-2024-24827: what is kept for somebody who only writes on, or sends files.
def test_what_is_not_sent_is_not_kept_and_files_are_the_owners_alone(place: Place) -> None:
    before = place.rows()
    for _ in range(5):
        assert place.send_form({"comment": "Draft", "page": place.page()}, path="/sites/courier/preview").status == 200
    for name in ("Rita", "Ana", "Eve"):
        assert place.upload(b"<rss/>", name=name).status in {403, 404}
    assert place.ask("POST", "/settings/courier/transfer", [("Content-Type", "text/xml")], b"x" * 700_000).status == 413
    assert place.rows() == before
    folder = place.server.instance / "imports"
    assert not folder.exists() or len(list(folder.iterdir())) <= 1


OWNERS = tuple(
    [("GET", f"/settings/courier/{page}") for page in ("site", "form", "moderation", "privacy", "notifications")]
    + [("GET", f"/settings/courier/{page}") for page in ("reasons", "snippet", "transfer", "people")]
    + [("POST", f"/settings/courier/{page}") for page in ("site", "form", "moderation", "privacy", "reasons", "pages")]
    + [("POST", f"/settings/courier/{page}") for page in ("snippet", "transfer", "transfer/import", "transfer/export")]
    + [("POST", f"/settings/courier/people/{page}") for page in ("invitations", "invitations/1/revoke")]
    + [("POST", f"/settings/courier/people/1/{page}") for page in ("role", "remove")]
    + [("GET", "/operations/check")]
)


# CVE-2022-36068
@pytest.mark.parametrize(("method", "path"), OWNERS)
def test_moderators_reach_nothing_of_the_owners(place: Place, method: str, path: str) -> None:
    before = place.rows()
    for name in ("Rita", "Ana"):
        browser = place.by(name)
        for target in (path, path + "?role=owner"):
            answer = browser.get(target) if method == "GET" else browser.post(target, {"role": "owner", "name": "Mine"})
            assert answer.status == 403
    # To the staff of another site it is not there at all.
    other = place.by("Eve").get(path) if method == "GET" else place.by("Eve").post(path, {"role": "owner"})
    assert other.status == (403 if path.startswith("/operations") else 404)
    stranger = place.stranger()
    stranger = stranger.get(path) if method == "GET" else stranger.post(path, {"role": "owner"})
    assert (stranger.status, stranger.location) in {(303, "/account/sign-in"), (403, None)}
    assert place.rows() == before


def test_every_address_of_the_owners_is_in_the_table(place: Place) -> None:
    rules = [rule for rule in place.app.url_map.iter_rules() if rule.rule.startswith("/settings/<site:key>")]
    covered = {path.removeprefix("/settings/courier/").replace("/1/", "/*/") for _, path in OWNERS}
    wanted: set[str] = set()
    for rule in rules:
        path = re.sub(r"<id:\w+>", "*", rule.rule.removeprefix("/settings/<site:key>/"))
        wanted |= {"site", "form", "moderation", "privacy"} if path.startswith("<any") else {path}
    assert wanted <= covered


# CVE-2026-44785
@pytest.mark.parametrize("action", ["reject", "spam", "return", "withdraw"])
def test_an_answer_to_a_hidden_reply_never_quotes_it(place: Place, action: str) -> None:
    page = place.page()
    parent = place.public("Frobozz said this.", page=page, author="Frobozz")
    below = place.public("Quite so.", page=page, parent=parent, author="Below")
    place.soon(lambda: place.read("thread.json", page).json["count"] == 2, "both are public")
    if action == "withdraw":
        assert place.ask("POST", f"{place.receipt(parent)}/withdraw", body=b"").status == 303
    else:
        place.decide(action if action != "return" else "reject", parent)
    place.soon(lambda: place.read("thread.json", page).json["count"] == 1, "the parent is hidden")
    answers = [place.read(name, page) for name in ("thread", "thread.html", "thread.json", "thread.atom")]
    answers += [place.get(f"/sites/courier/thread?page={page}&parent={one}") for one in (parent, below)]
    answers += [place.get("/sites/courier/comments.atom"), place.get(place.receipt(below))]
    for answer in answers:
        assert "frobozz" not in answer.text.lower()
    assert "in-reply-to" not in answers[3].text


FRAMES = (
    '<iframe src="https://www.youtube.com/embed/x" srcdoc="<script>alert(1)</script>"></iframe>',
    "<iframe src=javascript:alert(1)>",
    "<embed src=//evil.example><object data=//evil.example></object>",
    "https://www.youtube.com/watch?v=<script>alert(1)</script>",
)


# CVE-2025-48877
@pytest.mark.parametrize("frame", FRAMES)
def test_no_text_frames_anything(place: Place, frame: str) -> None:
    page = place.page()
    place.public(f"Look: {frame}", page=page)
    sound(place.read("thread.html", page).text)
    assert bodies(place.read("thread.json", page).json)
    assert "frame-src" not in place.read("thread", page).headers["Content-Security-Policy"]
    assert "default-src 'none'" in place.read("thread", page).headers["Content-Security-Policy"]
