"""The form that WordPress themes have is taken as it is."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation.db import db
from moderation.models import Comment, Thread
from tests.conftest import ORIGIN, PAGE
from tests.web.asking import JSON, TYPED, Page, dump, send_form, stored

POST = "/sites/courier/wp-comments-post.php"
#: What a theme's form sends, with names and numbers of its own.
THEME = {**TYPED, "submit": "Post Comment", "comment_post_ID": "12", "comment_parent": "0", "wp-comment-cookies": "yes"}
OTHER = f"{ORIGIN}/news/other"


@pytest.fixture
def imported(app: Flask, client: FlaskClient) -> dict[str, int]:
    """Bring in a public comment of WordPress' post 12; return our number by WordPress' number."""
    send_form(client, comment="Imported.")
    with app.app_context():
        comment = db.session.scalars(select(Comment)).one()
        comment.source, comment.source_id = "wordpress", "7001"
        comment.thread.source, comment.thread.source_id = "wordpress", "12"
        comment.revisions[0].status = "approved"  # type: ignore[assignment]
        db.session.commit()
        return {"7001": comment.id}


def _confirmed(client: FlaskClient, answer: Any) -> Any:
    page = Page(answer)
    assert (answer.status_code, "Read it once more" in page.words) == (200, True)
    return client.post(page.actions[0], data=page.fields)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("query", "post", "referer", "page"),
    [
        ({"page": OTHER}, "12", PAGE, "courier.example/news/other"),
        ({}, "12", OTHER, "courier.example/news/mill-lane"),
        ({"page": ""}, "12", OTHER, "courier.example/news/mill-lane"),
        ({}, "99", OTHER, "courier.example/news/other"),
        ({}, "", OTHER, "courier.example/news/other"),
        ({}, "", f"{ORIGIN}/?p=77", "courier.example/?p=77"),
    ],
)
def test_the_page_is_asked_of_action_import_and_referer_in_this_order(
    app: Flask,
    client: FlaskClient,
    imported: dict[str, int],
    query: dict[str, str],
    post: str,
    referer: str,
    page: str,
) -> None:
    fields = {**THEME, "comment_post_ID": post, "page": "https://courier.example/not/this"}
    answer = client.post(POST, query_string=query, data=fields, headers={"Referer": referer})
    taken = _confirmed(client, answer)
    assert taken.status_code == 303
    assert (stored(app)[-1]["page"], stored(app)[-1]["author"]) == (page, "Margit")


@pytest.mark.sqlite_only
@pytest.mark.parametrize("referer", [None, "", ORIGIN, f"{ORIGIN}/", "about:blank", "x"])
def test_without_a_page_it_is_422_at_the_page(app: Flask, client: FlaskClient, referer: str | None) -> None:
    headers = {} if referer is None else {"Referer": referer}
    answer = client.post(POST, data=THEME, headers={**JSON, **headers})
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"page"})
    as_form = client.post(POST, data=THEME, headers=headers)
    assert as_form.status_code == 422
    assert {name: Page(as_form).fields[name] for name in TYPED} == TYPED
    assert stored(app) == []


@pytest.mark.sqlite_only
def test_a_held_imported_parent_is_as_unknown_as_none(
    app: Flask, client: FlaskClient, imported: dict[str, int]
) -> None:
    with app.app_context():
        db.session.scalars(select(Comment)).one().revisions[0].status = "pending"  # type: ignore[assignment]
        db.session.commit()
    answers = []
    for number in ("7001", "7003"):
        fields = {**THEME, "comment_parent": number}
        confirm = client.post(POST, query_string={"page": PAGE}, data=fields)
        answers.append((Page(confirm).fields["parent"] == number, client.post(POST, data=fields, headers=JSON).text))
    assert answers[0] == answers[1]


def test_a_foreign_referer_is_a_foreign_page(app: Flask, client: FlaskClient) -> None:
    answer = client.post(POST, data=THEME, headers={**JSON, "Referer": "https://evil.example/page"})
    assert answer.status_code == 403
    assert stored(app) == []


@pytest.mark.parametrize(("parent", "expected"), [("7001", "imported"), ("0", None), ("", None)])
def test_a_parent_is_looked_up_among_imported_ones_first(
    app: Flask, client: FlaskClient, imported: dict[str, int], parent: str, expected: str | None
) -> None:
    answer = client.post(POST, data={**THEME, "comment_parent": parent}, headers=JSON)
    assert answer.status_code == 201
    assert stored(app)[-1]["parent"] == (imported["7001"] if expected else None)


def test_a_parent_may_be_one_of_ours(app: Flask, client: FlaskClient, imported: dict[str, int]) -> None:
    ours = str(imported["7001"])
    assert client.post(POST, data={**THEME, "comment_parent": ours}, headers=JSON).status_code == 201
    assert stored(app)[-1]["parent"] == imported["7001"]
    unknown = client.post(POST, data={**THEME, "comment": "x", "comment_parent": "99999"}, headers=JSON)
    assert unknown.status_code == 404


def test_flat_json_may_give_the_numbers_as_numbers(app: Flask, client: FlaskClient, imported: dict[str, int]) -> None:
    answer = client.post(POST, json={**THEME, "comment_post_ID": 12, "comment_parent": 7001})
    assert answer.status_code == 201
    assert stored(app)[-1]["parent"] == imported["7001"]
    broken = client.post(POST, json={**THEME, "comment_parent": [7001]})
    assert (broken.status_code, set(broken.json["errors"])) == (422, {"comment_parent"})


@pytest.mark.sqlite_only
def test_a_theme_s_form_is_shown_once_more_before_it_is_taken(app: Flask, client: FlaskClient) -> None:
    answer = client.post(POST, data=THEME, headers={"Referer": PAGE})
    before = stored(app)
    taken = _confirmed(client, answer)
    assert (before, taken.status_code) == ([], 303)
    assert (stored(app)[0]["text"], stored(app)[0]["status"]) == (TYPED["comment"], "pending")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("field", ["comment_post_ID", "comment_parent"])
def test_hostile_numbers_are_422_or_of_no_consequence(
    app: Flask, client: FlaskClient, imported: dict[str, int], field: str
) -> None:
    before = dump(app)
    for text in ("a\0b", "\0", "9" * 5000, "1' OR '1'='1", "٧٠٠١", "-1", "\ufffe"):
        for headers in (JSON, {}):
            body = {**THEME, field: text, "comment": ""}
            assert client.post(POST, data=body, headers={**headers, "Referer": PAGE}).status_code == 422, text
    assert dump(app) == before


@pytest.mark.sqlite_only
def test_get_is_405_and_says_what_is_allowed(client: FlaskClient) -> None:
    answer = client.get(POST)
    assert (answer.status_code, sorted(answer.headers["Allow"].split(", "))) == (405, ["OPTIONS", "POST"])


@pytest.mark.sqlite_only
def test_a_redirect_asked_for_in_the_form_is_not_followed(app: Flask, client: FlaskClient) -> None:
    fields = {**THEME, "redirect_to": "https://evil.example/"}
    page = Page(client.post(POST, data=fields, headers={"Referer": PAGE}))
    taken = client.post(page.actions[0], data={**page.fields, "redirect_to": "https://evil.example/"})
    assert taken.headers["Location"].startswith("/receipts/")


def test_another_site_s_import_is_not_looked_at(app: Flask, client: FlaskClient, other_site: str) -> None:
    send_form(client, comment="Imported.")
    with app.app_context():
        thread = db.session.scalars(select(Thread)).one()
        thread.source, thread.source_id = "wordpress", "12"
        db.session.commit()
    answer = client.post(f"/sites/{other_site}/wp-comments-post.php", data=THEME, headers=JSON)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"page"})
