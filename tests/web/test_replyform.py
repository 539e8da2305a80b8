"""Every field says what is wrong with it, at the field, and everything typed is kept."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import PAGE
from tests.web.asking import JSON, REPLIES, TYPED, Page, change_site, dump, send_form, stored

NO_COMMENT = "Please write a comment."
NO_NAME = "Please enter a name. A nickname is fine."
NO_EMAIL = "Please enter an email address. It is not published."
BAD_EMAIL = "An address looks like name@example.org."
BAD_URL = "A website begins with http:// or https://, as in https://example.org."
NO_PAGE = "The page this reply belongs to is missing."
BAD_PARENT = "This is not the number of a reply."
BAD_KEY = "A key has 16 to 64 of A-Z a-z 0-9 _ -."
UNPRINTABLE = "There is a character in it that cannot be stored."

WRONG = [
    ("comment", "", NO_COMMENT),
    ("comment", " \r\n\t ", NO_COMMENT),
    ("comment", "\u00a0", NO_COMMENT),
    ("comment", "\u200b\u2800\u3164 \u200e\ufeff", NO_COMMENT),
    ("comment", "****", None),
    ("comment", "a\0b", UNPRINTABLE),
    ("comment", "a\x1bb", UNPRINTABLE),
    ("comment", "a" * 5001, "That is 1 character too long; 5000 are possible."),
    ("comment", "a" * 5010, "That is 10 characters too long; 5000 are possible."),
    ("comment", "\U0001f6a7" * 5001, "That is 1 character too long; 5000 are possible."),
    ("author", "", NO_NAME),
    ("author", "  \u200b\u202e ", NO_NAME),
    ("author", "a\0b", UNPRINTABLE),
    ("author", "n" * 246, "At most 245 characters, please."),
    ("author", "\U0001f6a7" * 246, "At most 245 characters, please."),
    ("email", "", NO_EMAIL),
    ("email", "margit", BAD_EMAIL),
    ("email", "margit@", BAD_EMAIL),
    ("email", "@home.example", BAD_EMAIL),
    ("email", "margit@home", BAD_EMAIL),
    ("email", "mar git@home.example", BAD_EMAIL),
    ("email", "alice@example.org)bob@example.com", BAD_EMAIL),
    ("email", "a@b.example\r\nBcc: c@d.example", BAD_EMAIL),
    ("email", "a\0@home.example", UNPRINTABLE),
    ("email", f"{'m' * 60}@{'h' * 32}.example", "At most 100 characters, please."),
    ("url", "margit.example", BAD_URL),
    ("url", "javascript:alert(1)", BAD_URL),
    ("url", "\x01javascript:alert(1)", UNPRINTABLE),
    ("url", "java\tscript:alert(1)", BAD_URL),
    ("url", "data:text/html,<script>1</script>", BAD_URL),
    ("url", "ftp://margit.example/", BAD_URL),
    ("url", "//margit.example/", BAD_URL),
    ("url", "https://", BAD_URL),
    ("url", "https://margit.example\\@evil.example/", BAD_URL),
    ("url", 'https://margit.example/" onmouseover="alert(1)', BAD_URL),
    ("url", f"https://margit.example/{'u' * 178}", "At most 200 characters, please."),
    ("page", "", NO_PAGE),
    ("page", "  ", NO_PAGE),
    ("page", PAGE + "/" + "p" * 2000, "At most 2000 characters, please."),
    ("parent", "one", BAD_PARENT),
    ("parent", "-1", BAD_PARENT),
    ("parent", "1.5", BAD_PARENT),
    ("parent", "١", BAD_PARENT),
    ("parent", "1e999", BAD_PARENT),
    ("parent", "9" * 19, BAD_PARENT),
    ("parent", "9" * 5000, BAD_PARENT),
    ("parent", "1 or 1=1", BAD_PARENT),
    ("key", "short", BAD_KEY),
    ("key", "k" * 15, BAD_KEY),
    ("key", "k" * 65, BAD_KEY),
    ("key", "k" * 16 + "!", BAD_KEY),
    ("key", "k" * 16 + "ä", BAD_KEY),
    ("key", "k" * 16 + "\0", UNPRINTABLE),
    ("format", "html", "Write plain or markdown."),
    ("format", "MARKDOWN", "Write plain or markdown."),
    ("title", "a\0b", UNPRINTABLE),
    ("token", "a\0b", UNPRINTABLE),
    ("topic", "a\0b", UNPRINTABLE),
]
#: Of what our form shows, the fields a person typed into.
KEPT = ("comment", "author", "email", "url", "page", "title", "topic")


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("field", "text", "message"), [case for case in WRONG if case[2]])
def test_a_wrong_field_says_so_and_nothing_typed_is_lost(
    app: Flask, client: FlaskClient, field: str, text: str, message: str
) -> None:
    typed = {**TYPED, "page": PAGE, "title": "Mill Lane", field: text}
    as_json = client.post(REPLIES, data=typed, headers=JSON)
    assert (as_json.status_code, as_json.content_type) == (422, "application/problem+json")
    assert as_json.json == {
        "type": "about:blank",
        "title": "Your reply was not sent yet",
        "status": 422,
        "errors": {field: [message]},
    }
    as_form = client.post(REPLIES, data=typed)
    assert (as_form.status_code, as_form.mimetype) == (422, "text/html")
    page = Page(as_form)
    assert page.unbalanced == []
    if field in TYPED:
        assert page.by_id[f"{field}-wrong"] == message
        wrong = [attributes for _, attributes in page.tags if attributes.get("aria-invalid")]
        assert [attributes["id"] for attributes in wrong] == [field]
        assert f"{field}-wrong" in str(wrong[0]["aria-describedby"])
    assert message in page.words
    for name in KEPT:
        if name != "comment" or field != "comment":
            kept = typed.get(name, "")
            assert page.fields.get(name, "") == (kept.strip() if name == "page" else kept), name
    if field == "comment":
        # HTML turns line ends and NUL; the rest stands as it was typed.
        assert page.fields["comment"].replace("\r\n", "\n") == text.replace("\r\n", "\n")
    assert stored(app) == []


@pytest.mark.sqlite_only
def test_all_that_is_wrong_is_said_at_once(app: Flask, client: FlaskClient) -> None:
    wrong = {"comment": "", "author": "", "email": "margit", "url": "ftp://x.example", "page": PAGE, "key": "short"}
    answer = client.post(REPLIES, data=wrong, headers=JSON)
    assert set(answer.json["errors"]) == {"comment", "author", "email", "url", "key"}
    page = Page(client.post(REPLIES, data=wrong))
    assert {id_ for id_ in page.by_id if id_.endswith("-wrong")} == {
        "comment-wrong",
        "author-wrong",
        "email-wrong",
        "url-wrong",
    }
    assert stored(app) == []


@pytest.mark.sqlite_only
def test_a_retry_page_can_be_mended_and_sent(app: Flask, client: FlaskClient) -> None:
    page = Page(send_form(client, email="margit", title="Mill Lane"))
    answer = client.post(page.actions[0], data={**page.fields, "email": "margit@home.example"})
    assert answer.status_code == 303
    found = stored(app)[0]
    assert (found["text"], found["url"], found["title"]) == (TYPED["comment"], TYPED["url"], "Mill Lane")


AT_THE_LIMIT: list[dict[str, str]] = [
    {"author": "n" * 245},
    {"author": "\U0001f6a7" * 245},
    {"email": f"{'m' * 60}@{'h' * 31}.example"},
    {"url": f"https://margit.example/{'u' * 177}"},
    {"comment": "a" * 5000},
    {"comment": "\U0001f6a7" * 5000},
    {"comment": "ä" * 4999 + "\U0001f6a7"},
]


def test_what_just_fits_is_stored_whole(app: Flask, client: FlaskClient) -> None:
    for number, fields in enumerate(AT_THE_LIMIT):
        assert send_form(client, **{"comment": f"Reply {number}.", **fields}).status_code == 303
        found = stored(app)[-1]
        for name, text in fields.items():
            assert found["text" if name == "comment" else name] == text


LONG = [
    ("a" * 65_525, True),
    ("a" * 65_526, False),
    ("\U0001f6a7" * 16_381 + "a", True),  # 65,525 bytes
    ("\U0001f6a7" * 16_381 + "ab", False),
    ("a" * 65_522 + "\U0001f6a7", False),  # the last character ends at byte 65,526
    ("\U0001f6a7" * 16_382, False),
    # As long as the form's own field lets anybody write: told at the field, not thrown away as too large a request.
    ("\u8349" * 65_525, False),
]


def test_a_comment_of_65525_bytes_is_the_most_that_any_site_takes(app: Flask, client: FlaskClient) -> None:
    change_site(app, max_comment=70_000)
    texts = []
    for text, fits in LONG:
        answer = client.post(REPLIES, data={**TYPED, "page": PAGE, "comment": text}, headers=JSON)
        if fits:
            texts.append(text)
            assert answer.status_code == 201
        else:
            wrong = {"comment": ["That is more than can be stored."]}
            assert (answer.status_code, answer.json["errors"]) == (422, wrong)
        assert [found["text"] for found in stored(app)] == texts


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("required", "missing"),
    [
        (["author", "email"], {"author", "email"}),
        (["author"], {"author"}),
        (["email", "url"], {"email", "url"}),
        ([], set()),
    ],
)
def test_a_site_says_which_fields_it_requires(
    app: Flask, client: FlaskClient, required: list[str], missing: set[str]
) -> None:
    change_site(app, required=required)
    bare = {"comment": "Only words.", "page": PAGE}
    answer = client.post(REPLIES, data=bare, headers=JSON)
    assert answer.status_code == (422 if missing else 201)
    assert set(answer.json.get("errors", {})) == missing
    assert client.post(REPLIES, data={**bare, "comment": ""}, headers=JSON).json["errors"]["comment"] == [NO_COMMENT]
    page = Page(client.get("/sites/courier/thread", query_string={"page": PAGE}))
    marked = {attributes["id"] for tag, attributes in page.tags if "required" in attributes}
    assert marked == {"comment", *required}


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "url",
    [
        "http://margit.example",
        "HTTPS://Margit.Example/a?b=c#d",
        "https://xn--mller-kva.example/",
        "https://müller.example/",
        "https://margit.example:8443/~margit/",
        "http://localhost/",
        "https://192.0.2.7/",
    ],
)
def test_a_website_is_http_or_https(app: Flask, client: FlaskClient, url: str) -> None:
    assert send_form(client, url=f" {url} ").status_code == 303
    assert stored(app)[0]["url"] == url


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Margit   K. ", "Margit K."),
        ("Margit\r\nKöhler", "Margit Köhler"),
        ("Mar\u202egit\u200b", "Margit"),
        ("Margit Ko\u0308hler", "Margit Köhler"),
        ("<b>Margit</b>", "<b>Margit</b>"),
    ],
)
def test_a_name_is_one_tidy_line(app: Flask, client: FlaskClient, typed: str, kept: str) -> None:
    assert send_form(client, author=typed).status_code == 303
    assert stored(app)[0]["author"] == kept


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("format_", "html"),
    [
        (None, "<p>Wider is <em>good</em> news.</p>"),
        ("markdown", "<p>Wider is <em>good</em> news.</p>"),
        ("plain", "<p>Wider is *good* news.</p>"),
    ],
)
def test_the_text_is_markdown_unless_it_says_plain(
    app: Flask, client: FlaskClient, format_: str | None, html: str
) -> None:
    answer = send_form(client, format=format_)
    assert html in client.get(answer.headers["Location"]).get_data(as_text=True).replace("\n", "")
    assert stored(app)[0]["text"] == "Wider is *good* news."


@pytest.mark.sqlite_only
def test_words_typed_as_html_stay_words(app: Flask, client: FlaskClient) -> None:
    hostile = '<script>alert(1)</script><img src=x onerror="alert(1)">"\'`</textarea><b>bold'
    page = Page(send_form(client, comment=hostile, email="margit", author='"><script>alert(2)</script>'))
    assert page.fields["comment"] == hostile
    assert page.fields["author"] == '"><script>alert(2)</script>'
    assert [attributes for tag, attributes in page.tags if tag == "script" and "src" not in attributes] == []
    assert page.unbalanced == []
    assert stored(app) == []


@pytest.mark.sqlite_only
def test_of_a_repeated_field_the_first_counts(app: Flask, client: FlaskClient) -> None:
    body: Any = [(name, text) for name, text in {**TYPED, "page": PAGE}.items()]
    body += [("author", "Somebody else"), ("page", "https://evil.example/"), ("comment", "x" * 6000)]
    from werkzeug.datastructures import MultiDict

    assert client.post(REPLIES, data=MultiDict(body), headers=JSON).status_code == 201
    assert [(found["author"], found["text"]) for found in stored(app)] == [("Margit", TYPED["comment"])]


@pytest.mark.sqlite_only
def test_nothing_is_stored_of_a_refused_reply(app: Flask, client: FlaskClient) -> None:
    before = dump(app)
    for field, text, message in WRONG:
        if message:
            client.post(REPLIES, data={**TYPED, "page": PAGE, field: text}, headers=JSON)
    assert dump(app) == before
