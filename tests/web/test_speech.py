"""Visitors are spoken to in the language they ask for, else in the site's; moderators in English."""

from collections.abc import Callable
from typing import Any

import pytest
from babel import Locale
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale

from moderation import languages
from moderation.web import wording
from tests.catalogs import TRANSLATED, translated
from tests.conftest import NOW, PAGE, decide
from tests.web.asking import JSON, REPLIES, TYPED, Page, change_site, public, receipt_path, send_form

Reply = Callable[..., Any]

pytestmark = pytest.mark.sqlite_only

every_language = pytest.mark.parametrize("locale", TRANSLATED)


def spoken(page: Page) -> tuple[str | None, str | None]:
    """Return the language and the direction that a page says it has."""
    attributes = next(attributes for tag, attributes in page.tags if tag == "html")
    return attributes["lang"], attributes["dir"]


def as_said(locale: str) -> tuple[str, str]:
    """Return what a page in this language has to say of itself."""
    return languages.tag(locale), "rtl" if locale in {"ar", "fa", "he"} else "ltr"


@every_language
def test_a_site_speaks_its_language(app: Flask, client: FlaskClient, locale: str) -> None:
    change_site(app, locale=locale)
    public(client, client.post(REPLIES, data={**TYPED, "page": PAGE}, headers=JSON).json["comment"])
    thread = Page(client.get("/sites/courier/thread", query_string={"page": PAGE}))
    assert spoken(thread) == as_said(locale)
    assert translated(locale, "Your email address will not be published.") in thread.words
    assert translated(locale, "Save my name, email, and website in this browser for the next time I comment.") in (
        thread.words
    )
    assert thread.actions == ["/sites/courier/replies"]
    held = client.post(REPLIES, data={**TYPED, "page": PAGE, "comment": ""})
    assert spoken(Page(held)) == as_said(locale)
    assert Page(held).by_id["comment-wrong"] == translated(locale, "Please write a comment.")


@every_language
def test_who_asks_for_a_language_is_answered_in_it(client: FlaskClient, locale: str) -> None:
    tag = languages.tag(locale)
    typed = {**TYPED, "page": PAGE, "comment": ""}
    as_json = client.post(f"{REPLIES}?lang={tag}", data=typed, headers=JSON)
    assert (as_json.status_code, as_json.headers["Content-Language"]) == (422, tag)
    assert as_json.json["title"] == translated(locale, "Your reply was not sent yet")
    assert as_json.json["errors"] == {"comment": [translated(locale, "Please write a comment.")]}
    page = Page(client.post(f"{REPLIES}?lang={tag}", data=typed))
    assert spoken(page) == as_said(locale)
    assert page.by_id["comment-wrong"] == translated(locale, "Please write a comment.")
    # What is mended and sent from here is answered alike, and so is its receipt.
    assert page.actions == [f"/sites/courier/replies?lang={tag}"]
    answer = client.post(page.actions[0], data={**page.fields, "comment": "Wider is good news."})
    assert (answer.status_code, answer.headers["Location"].endswith(f"?lang={tag}")) == (303, True)
    receipt = Page(client.get(answer.headers["Location"]))
    assert spoken(receipt) == as_said(locale)
    assert translated(locale, "Your reply is held for review") in receipt.words
    assert all(action.endswith(f"?lang={tag}") for action in receipt.actions)


@every_language
def test_previews_speak(client: FlaskClient, locale: str) -> None:
    tag = languages.tag(locale)
    empty = client.post(f"/sites/courier/preview?lang={tag}", data={"comment": ""}, headers=JSON)
    assert empty.json["title"] == translated(locale, "There is nothing to preview yet")
    foreign = Page(client.post(f"{REPLIES}?lang={tag}", data={**TYPED, "page": PAGE}))
    assert spoken(foreign) == as_said(locale)
    assert translated(locale, "Read it once more, then post it") in foreign.words
    assert set(foreign.actions) == {f"/sites/courier/replies?lang={tag}"}


@every_language
def test_receipts_speak_in_every_state(client: FlaskClient, ana: FlaskClient, reply: Reply, locale: str) -> None:
    path, lang = receipt_path(reply()), f"?lang={languages.tag(locale)}"
    edit = Page(client.get(f"{path}/edit{lang}"))
    assert spoken(edit) == as_said(locale)
    assert translated(locale, "Every version is read by a person.") in edit.words
    assert edit.actions == [f"{path}/edit{lang}"]
    stale = client.post(f"{path}/edit{lang}", data={"comment": "New.", "revision": "1:7"})
    assert translated(locale, "Send the new version") in Page(stale).words
    decide(ana, "reject", "1:0", reason="2")
    rejected = Page(client.get(f"{path}{lang}"))
    assert translated(locale, "Your reply was not approved") in rejected.words
    answer = client.post(f"{path}/withdraw{lang}", environ_overrides={"CONTENT_LENGTH": "0"})
    assert (answer.status_code, spoken(Page(answer))) == (409, as_said(locale))
    assert translated(locale, "Nothing was changed.") in Page(answer).words


@every_language
def test_errors_speak(app: Flask, client: FlaskClient, locale: str) -> None:
    tag = languages.tag(locale)
    for path, text in (
        (f"/receipts/1.{'a' * 22}", "There is no receipt here"),
        ("/sites/nowhere/thread", "There is nothing here"),
        ("/nowhere", "There is nothing here"),
    ):
        answer = client.get(path, query_string={"lang": tag})
        assert (answer.status_code, spoken(Page(answer))) == (404, as_said(locale))
        assert translated(locale, text) in Page(answer).words
    # Refused before anybody asks for the site, and yet in its language.
    change_site(app, locale=locale)
    long = client.post(REPLIES, data=b"comment=" + b"a" * 700_000, content_type="application/x-www-form-urlencoded")
    assert (long.status_code, spoken(Page(long))) == (413, as_said(locale))
    assert translated(locale, "That is too long") in Page(long).words
    strange = client.post(REPLIES, data="x", content_type="text/plain", headers=JSON)
    assert strange.json["title"] == translated(locale, "This kind of content is not taken")


@pytest.mark.parametrize("locale", languages.LOCALES)
def test_times_are_written_as_the_language_does(app: Flask, locale: str) -> None:
    with app.app_context(), force_locale(locale):
        said = wording.moment(NOW)
    month = Locale.parse(locale).months["format"]["abbreviated"][11]
    assert "2026" in said
    assert "22" in said
    assert said.endswith(" UTC")
    # Finns and Czechs write the month as a number.
    assert month.strip(".") in said or "11" in said


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "22 Nov 2026, 10:00 UTC"),
        ("de", "22. Nov. 2026, 10:00 UTC"),
        ("ja", "2026年11月22日 10:00 UTC"),
        ("hu", "2026. nov. 22. 10:00 UTC"),
        ("ar", "22 نوفمبر 2026، 10:00 UTC"),
    ],
)
def test_a_day_stands_in_its_own_order(app: Flask, locale: str, said: str) -> None:
    with app.app_context(), force_locale(locale):
        assert wording.moment(NOW) == said


@pytest.mark.parametrize(
    ("wishes", "given"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.3, ja;q=0.9", "ja"),
        ("de;q=0, fr", "fr"),
        ("xx", "sv"),
        ("*", "sv"),
        ("", "sv"),
        (";;;=,,q", "sv"),
        ("d" * 10_000, "sv"),
    ],
)
def test_auto_is_the_browser_s_language(app: Flask, client: FlaskClient, reply: Reply, wishes: str, given: str) -> None:
    path = receipt_path(reply())
    change_site(app, locale="sv")
    asked = {"Accept-Language": wishes}
    page = Page(client.get(f"{path}?lang=auto", headers=asked))
    assert spoken(page) == as_said(given)
    # From here on it is named, so that the next page does not have to guess again.
    links = [str(attributes["href"]) for tag, attributes in page.tags if tag == "a" and "/edit" in str(attributes)]
    assert links == [f"{path}/edit" if given == "sv" else f"{path}/edit?lang={given}"]
    # Without being asked to, nobody guesses: two readers of a page read the same.
    assert spoken(Page(client.get(path, headers=asked))) == as_said("sv")


@pytest.mark.parametrize("lang", ["xx", "", "d" * 10_000, "../../x", "%00", "%ff%fe", "de%0d%0aX-Y:z", "\u202e"])
def test_a_language_that_there_is_not_breaks_nothing(client: FlaskClient, lang: str) -> None:
    answer = client.get(f"/sites/nowhere/thread?lang={lang}")
    assert answer.status_code == 404
    assert "X-Y" not in answer.headers
    assert spoken(Page(answer)) == as_said("en")


def test_of_two_languages_the_first_counts(client: FlaskClient) -> None:
    assert spoken(Page(client.get("/nowhere?lang=fi&lang=de"))) == as_said("fi")


def test_a_receipt_that_a_program_is_told_has_no_language(client: FlaskClient) -> None:
    answer = client.post(f"{REPLIES}?lang=de", data={**TYPED, "page": PAGE}, headers=JSON)
    assert (answer.status_code, "?" in answer.json["receipt"]) == (201, False)


def test_a_language_the_site_speaks_anyway_is_not_named(app: Flask, client: FlaskClient) -> None:
    change_site(app, locale="pt_BR")
    page = Page(client.post(f"{REPLIES}?lang=pt-PT", data={**TYPED, "page": PAGE, "comment": ""}))
    assert spoken(page) == as_said("pt_BR")
    assert page.actions == ["/sites/courier/replies"]
    assert "?" not in send_form(client).headers["Location"]


def test_the_console_speaks_english(app: Flask, ana: FlaskClient, reply: Reply) -> None:
    change_site(app, locale="ar")
    reply()
    asked = {"Accept-Language": "de"}
    for path in ("/queue/?lang=de", "/queue/1?lang=de", "/log/?lang=de", "/queue/99?lang=de"):
        assert spoken(Page(ana.get(path, headers=asked))) == as_said("en"), path
    assert spoken(Page(app.test_client().get("/account/sign-in?lang=de", headers=asked))) == as_said("en")


def test_names_and_texts_keep_their_own_direction(app: Flask, client: FlaskClient) -> None:
    change_site(app, locale="he", name="Courier")
    typed = {**TYPED, "page": PAGE, "title": "Mill Lane reopens"}
    public(client, client.post(REPLIES, data=typed, headers=JSON).json["comment"])
    html = client.get("/sites/courier/thread", query_string={"page": PAGE, "parent": "1"}).get_data(as_text=True)
    assert "<bdi>Margit</bdi>" in html
    assert "<bdi>Mill Lane reopens</bdi>" in html
    page = Page(client.get("/sites/courier/thread", query_string={"page": PAGE}))
    typed_into = [attributes for tag, attributes in page.tags if attributes.get("name") in TYPED]
    assert [attributes.get("dir") for attributes in typed_into] == ["auto"] * 4
    receipt = client.get(send_form(client, comment="Another.").headers["Location"]).get_data(as_text=True)
    assert "<bdi>Margit</bdi>" in receipt
    assert '<div class="words" dir="auto">' in receipt
