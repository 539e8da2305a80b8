"""The settings pages: who may see them, what each press changes, what the log says of it, and who was faster."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import accounts, audit
from moderation.db import db
from moderation.models import Action, Comment, Entry, Kind, Role, Site, Via
from tests.conftest import NOW, ORIGIN, PAGE, make_account, make_site, signed_in, site_of
from tests.web.asking import Page, get, public, send_form

PAGES = ("site", "snippet", "form", "moderation", "reasons", "privacy", "notifications", "transfer")


@pytest.fixture
def ines(app: Flask, site: str) -> FlaskClient:
    """Return an owner of the site, signed in."""
    make_account(app, "Ines", courier=Role.OWNER)
    return signed_in(app, "ines@staff.example")


@pytest.fixture
def tom(app: Flask, site: str) -> FlaskClient:
    """Return another owner of the site, signed in."""
    make_account(app, "Tom", courier=Role.OWNER)
    return signed_in(app, "tom@staff.example")


def fields(client: FlaskClient, page: str, *, key: str = "courier") -> dict[str, str]:
    """Return what the page's form would send; of lists what is chosen."""
    answer = client.get(f"/settings/{key}/{page}")
    assert answer.status_code == 200
    shown = Page(answer)
    assert shown.unbalanced == []
    found = next(form for form in shown.forms if "seen" in form)
    chosen = None
    for tag, attributes in shown.tags:
        if tag == "select":
            chosen = attributes["name"]
        elif tag == "option" and "selected" in attributes and chosen:
            found[chosen] = attributes["value"] or ""
    return found


def press(client: FlaskClient, page: str, *, key: str = "courier", **changes: Any) -> Any:
    """Open a page, change fields, and save."""
    sent: dict[str, Any] = dict(fields(client, page, key=key)) | changes
    if page == "form" and "required" not in changes:
        sent["required"] = ["", "author", "email"]
    return client.post(f"/settings/{key}/{page}", data=sent)


def stored(app: Flask, *names: str) -> list[Any]:
    with app.app_context():
        site = site_of("courier")
        return [getattr(site, name) for name in names]


def last_entry(app: Flask) -> tuple[Any, ...]:
    with app.app_context():
        entry = db.session.scalars(select(Entry).order_by(Entry.id.desc()).limit(1)).one()
        assert not any(proof.faults for proof in audit.verify())
        who = db.session.get(accounts.Account, entry.account_id) if entry.account_id else None
        return entry.kind, entry.action, entry.via, who.name if who else None, entry.rule, entry.note


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_for_owners_of_the_site_alone(app: Flask, ines: FlaskClient, ana: FlaskClient, page: str) -> None:
    make_site(app, "harbour", "https://harbour.example")
    assert ines.get(f"/settings/courier/{page}").status_code == 200
    assert ana.get(f"/settings/courier/{page}").status_code == 403
    stranger = app.test_client().get(f"/settings/courier/{page}")
    assert (stranger.status_code, stranger.headers["Location"]) == (303, "/account/sign-in")
    foreign, unknown = (ines.get(f"/settings/{key}/{page}") for key in ("harbour", "nowhere"))
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.get_data() == unknown.get_data()


@pytest.mark.parametrize(
    "path",
    [
        *("site", "form", "moderation", "privacy", "reasons", "pages", "snippet"),
        *("transfer", "transfer/import", "transfer/export"),
    ],
)
def test_a_press_is_for_owners_of_the_site_alone(app: Flask, ines: FlaskClient, ana: FlaskClient, path: str) -> None:
    make_site(app, "harbour", "https://harbour.example")
    token = {"csrf_token": Page(ines.get("/settings/courier/site")).fields["csrf_token"]}
    assert ines.post(f"/settings/courier/{path}").status_code == 400, "without the session's token"
    assert [ines.post(f"/settings/{key}/{path}", data=token).status_code for key in ("harbour", "nowhere")] == [404] * 2
    token = {"csrf_token": Page(ana.get("/queue/")).fields["csrf_token"]}
    assert ana.post(f"/settings/courier/{path}", data=token).status_code == 403
    with app.app_context():
        assert [site.version for site in db.session.scalars(select(Site))] == [1, 1]


def test_the_list_names_the_sites_one_owns_and_leads_on_where_there_is_one(app: Flask, site: str) -> None:
    make_site(app, "harbour", "https://harbour.example")
    make_account(app, "Uma", courier=Role.OWNER, harbour=Role.MODERATOR)
    answer = signed_in(app, "uma@staff.example").get("/settings/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/courier/site")
    make_account(app, "Vic", courier=Role.OWNER, harbour=Role.OWNER)
    words = Page(signed_in(app, "vic@staff.example").get("/settings/")).words
    assert ("Courier" in words, "Harbour" in words) == (True, True)
    make_account(app, "Wim", courier=Role.MODERATOR)
    wim = signed_in(app, "wim@staff.example")
    assert "You own no site." in Page(wim.get("/settings/")).words
    assert "Settings" not in Page(wim.get("/queue/")).words


def test_what_is_saved_is_public_at_once_and_logged_with_before_and_after(app: Flask, ines: FlaskClient) -> None:
    answer = press(ines, "site", accent="#7A1F2B", name="The  Courier ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/courier/site?saved=name,accent")
    assert "Saved: Name; Colour." in Page(ines.get(answer.headers["Location"])).words
    assert get(ines, "thread.json").json["settings"]["accent"] == "#7a1f2b"
    assert last_entry(app) == (
        *(Kind.SETTING, Action.CHANGE, Via.WEB, "Ines", "settings:site"),
        "name: Courier → The Courier\naccent: #2c52a0 → #7a1f2b",
    )


SAVED = [
    ("site", "origins", f"{ORIGIN}\r\n\r\nhttps://www.courier.example/x", [ORIGIN, "https://www.courier.example"]),
    ("site", "locale", "de", "de"),
    ("site", "radius", " 12 ", 12),
    ("site", "page_size", "10", 10),
    ("form", "required", ["", "url"], ["url"]),
    ("form", "required", [""], []),
    ("form", "max_comment", "100", 100),
    ("form", "guidelines", "Stay *kind*.\r\nAlways.", "Stay *kind*.\nAlways."),
    ("form", "close_days", "30", 30),
    ("moderation", "target_hours", "1", 1),
    ("moderation", "undo_seconds", "0", 0),
    ("moderation", "return_days", "3", 3),
    ("moderation", "watched_words", "casino*\r\n buy  now \r\ncasino*", ["casino*", "buy now"]),
    (
        "moderation",
        "watched_hosts",
        "*.Bücher.example\nhttps://shop.example/x",
        ["xn--bcher-kva.example", "shop.example"],
    ),
    ("privacy", "keep_network_days", "7", 7),
    ("privacy", "keep_email_days", "365", 365),
    ("privacy", "keep_refused_days", "0", 0),
]


@pytest.mark.parametrize(("page", "name", "typed", "kept"), SAVED)
def test_every_setting_is_saved_and_shown_again(
    app: Flask, ines: FlaskClient, page: str, name: str, typed: Any, kept: Any
) -> None:
    answer = press(ines, page, **{name: typed})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/settings/courier/{page}?saved={name}")
    assert stored(app, name, "version") == [kept, 2]
    if name != "required":
        shown = "\n".join(kept) if isinstance(kept, list) else str(kept)
        assert fields(ines, page)[name].replace("\r\n", "\n") == shown
    # Saved once more as it stands, nothing changes.
    again = press(ines, page, **({"required": ["", *kept]} if name == "required" else {}))
    assert again.headers["Location"].endswith("?saved=nothing")
    assert stored(app, "version") == [2]


REFUSED = [
    ("site", "name", "", "1 to 200 characters, please."),
    ("site", "name", "x\0y", "No character that cannot be stored, please."),
    ("site", "origins", "", "At least one origin, as in https://example.org, please."),
    ("site", "origins", f"{ORIGIN}\nftp://x.example", "“ftp://x.example” is no origin"),
    ("site", "locale", "tlh", "None of en, ar"),
    ("site", "accent", "red", "A colour like #2c52a0"),
    ("site", "accent", "#2c52a0;}", "A colour like #2c52a0"),
    ("site", "radius", "33", "A whole number from 0 to 32, please."),
    ("site", "radius", "٣", "A whole number from 0 to 32, please."),
    ("site", "page_size", "9" * 400, "A whole number from 10 to 300, please."),
    ("form", "required", ["", "phone"], "'phone' is none of author, email, url, please."),
    ("form", "max_comment", "1e3", "A whole number from 100 to 65525, please."),
    ("form", "guidelines", "x" * 5001, "At most 5000 characters, please."),
    ("form", "close_days", "-1", "A whole number from 0 to 36500, please."),
    ("moderation", "target_hours", "0", "A whole number from 1 to 720, please."),
    ("moderation", "undo_seconds", "", "A whole number from 0 to 600, please."),
    ("moderation", "watched_words", "casino\n***", "“***” has no letter or number"),
    ("moderation", "watched_words", "\n".join(map(str, range(501))), "At most 500 lines, please."),
    ("moderation", "watched_hosts", "<b>", "“<b>” is no host; one looks like shop.example."),
    ("privacy", "keep_refused_days", "4000", "A whole number from 0 to 3650, please."),
]


@pytest.mark.parametrize(("page", "name", "typed", "why"), REFUSED)
def test_what_cannot_be_is_said_at_its_field_and_kept(
    app: Flask, ines: FlaskClient, page: str, name: str, typed: Any, why: str
) -> None:
    other = {"site": "radius", "form": "close_days", "moderation": "return_days", "privacy": "keep_email_days"}[page]
    beside = {} if other == name else {other: "7"}
    answer = press(ines, page, **{name: typed}, **beside)
    assert answer.status_code == 422
    shown = Page(answer)
    assert why in shown.by_id[f"{name}-wrong"]
    sent = next(form for form in shown.forms if "seen" in form)
    if name not in ("required", "locale"):
        assert sent[name].replace("\r\n", "\n") == typed.replace("\0", "\ufffd")
    assert sent | beside == sent, "what else was typed is kept"
    assert stored(app, "version") == [1]


def test_two_owners_do_not_write_over_each_other(app: Flask, ines: FlaskClient, tom: FlaskClient) -> None:
    opened = fields(ines, "moderation")
    assert press(tom, "moderation", target_hours="8").status_code == 303
    answer = ines.post("/settings/courier/moderation", data=opened | {"watched_words": "casino"})
    assert answer.status_code == 409
    page = Page(answer)
    assert "somebody else changed this meanwhile" in page.words
    assert "Tom" in page.words
    assert "target_hours: 4 → 8" in page.words
    kept = next(form for form in page.forms if "seen" in form)
    assert (kept["watched_words"], kept["target_hours"]) == ("casino", "4")
    assert stored(app, "target_hours", "watched_words", "version") == [8, [], 2]
    # Whoever saves once more knows what they replace.
    assert ines.post("/settings/courier/moderation", data=kept).status_code == 303
    assert stored(app, "target_hours", "watched_words", "version") == [4, ["casino"], 3]


def test_what_does_not_meet_is_no_conflict(app: Flask, ines: FlaskClient, tom: FlaskClient) -> None:
    opened, reasons = fields(ines, "moderation"), fields(ines, "reasons")
    assert press(tom, "site", accent="#7a1f2b").status_code == 303
    assert ines.post("/settings/courier/moderation", data=opened | {"target_hours": "8"}).status_code == 303
    assert ines.post("/settings/courier/reasons", data=reasons | {"0-label": "Elsewhere"}).status_code == 303
    assert stored(app, "accent", "target_hours", "version") == ["#7a1f2b", 8, 4]


@pytest.mark.parametrize("seen", ["", "x", "-5", "٣", "9" * 50, "0"])
def test_whoever_does_not_say_what_they_saw_has_seen_nothing(app: Flask, ines: FlaskClient, seen: str) -> None:
    press(ines, "site", accent="#7a1f2b")
    assert press(ines, "site", name="Other", seen=seen).status_code == 409
    assert stored(app, "name") == ["Courier"]


def test_guidelines_stand_above_the_form_and_in_the_settings_of_scripts(app: Flask, ines: FlaskClient) -> None:
    press(ines, "form", guidelines="Stay *kind*.\n\n<script>alert(1)</script> [x](javascript:alert(1))")
    html = get(app.test_client(), "thread").get_data(as_text=True)
    assert '<div class="text" dir="auto"><p>Stay <em>kind</em>.</p>' in html
    assert html.index("Stay <em>kind") < html.index("data-reply")
    assert "<script>alert" not in html
    nodes = get(app.test_client(), "thread.json").json["settings"]["guidelines"]
    assert nodes[0] == ["p", "Stay ", ["em", "kind"], "."]


def test_a_page_is_closed_and_opened_by_its_address(app: Flask, ines: FlaskClient) -> None:
    def act(action: str, page: str) -> Any:
        token = Page(ines.get("/settings/courier/form")).fields["csrf_token"]
        data = {"page": page, "action": action, "csrf_token": token}
        return ines.post("/settings/courier/pages", data=data)

    assert act("close", f" {PAGE}/ ").headers["Location"] == "/settings/courier/form?saved=closed"
    assert get(ines, "thread.json").json["closed"] is True
    assert last_entry(app)[3:5] == ("Ines", "closed")
    assert act("open", PAGE).headers["Location"] == "/settings/courier/form?saved=opened"
    assert get(ines, "thread.json").json["closed"] is False
    for page in ("", "x", "https://evil.example/", "https://courier.example/" + "x" * 3000, "\0"):
        answer = act("close", page)
        assert answer.status_code == 422
        assert "not the address of a page of the site" in Page(answer).by_id["page-wrong"]
    with app.app_context():
        site_of("courier").close_days = 1
        db.session.commit()
    assert send_form(app.test_client()).status_code == 303
    public(ines, 1)
    with app.app_context():
        db.session.execute(db.update(Comment).values(received_at=NOW.replace(year=2025)))
        db.session.commit()
    assert act("open", PAGE).headers["Location"] == "/settings/courier/form?saved=aged"


def test_what_the_address_says_was_saved_is_only_what_could_be(ines: FlaskClient) -> None:
    for text in ("<b>x</b>", "name,<b>", "x" * 5000, "%00", "nothing,closed"):
        page = Page(ines.get(f"/settings/courier/site?saved={text}"))
        assert "<b>" not in page.words
        assert page.unbalanced == []
