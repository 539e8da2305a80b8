"""What a database cuts, refuses or cannot count."""

import json

import pytest

from tests.attacks import wire
from tests.attacks.conftest import Place
from tests.attacks.wire import FORM
from tests.conftest import ORIGIN

PROGRAM = [("Content-Type", "application/json"), ("Accept", "application/json")]
UNSTORABLE = {"NUL": "a\0b", "high surrogate": "a\ud800b", "low surrogate": "a\udc00b", "no character": "a\uffffb"}
FIELDS = ("comment", "author", "email", "url", "page", "key", "title", "parent", "token", "format", "topic")


@pytest.mark.parametrize("kind", UNSTORABLE)
@pytest.mark.parametrize("field", FIELDS)
def test_what_one_database_refuses_is_refused_at_the_edge(place: Place, field: str, kind: str) -> None:
    before = place.rows()
    body = {"comment": "Words.", "author": "Jo", "email": "jo@home.example", "page": place.page()}
    body[field] = body.get(field, "") + UNSTORABLE[kind]
    answer = place.ask("POST", "/sites/courier/replies", PROGRAM, json.dumps(body).encode())
    assert (answer.status, field in answer.json["errors"]) == (422, True)
    assert place.rows() == before


@pytest.mark.parametrize("value", [b"%00", b"%ED%A0%80", b"%FF", b"%C0%80", b"%F8%88%80%80%80", b"a%EF%BF%BF"])
def test_bytes_that_are_no_text_are_answered_everywhere(place: Place, value: bytes) -> None:
    text = value.decode()
    for path in (
        *(
            f"/sites/courier/thread?page={text}",
            f"/sites/courier/thread.json?page={ORIGIN}/{text}&at={text}&sort={text}",
        ),
        *(f"/receipts/{text}", f"/invitations/{text}", f"/account/reset/{text}", f"/{text}", f"/static/{text}"),
        *(f"/sites/courier/counts.json?page={text}", f"/sites/{text}/thread", f"/account/start?code={text}"),
    ):
        assert place.get(path).status in {200, 400, 404, 422}, path
    for path in ("/queue/", "/log/", "/log/export.csv", "/queue/changes", "/log/numbers", "/settings/courier/site"):
        query = "&".join(
            f"{name}={text}" for name in ("q", "view", "after", "site", "who", "from", "since", "saved", "kind")
        )
        assert place.by("Ines").get(f"{path}?{query}").status in {200, 303, 400, 404, 422}, path
    for path in ("/queue/decisions", "/queue/undo", "/queue/notes", "/queue/presence", "/queue/order"):
        body = b"revision=" + value + b"&action=" + value + b"&batch=" + value + b"&order=" + value + b"&note=" + value
        token = wire.form({"csrf_token": place.by("Ines").token()})
        answer = place.by("Ines").ask("POST", path, [("Content-Type", FORM)], body + b"&" + token)
        assert answer.status < 500, path
    sign_in = place.stranger()
    body = b"email=" + value + b"&password=" + value + b"&csrf_token=" + sign_in.token().encode()
    assert sign_in.ask("POST", "/account/sign-in", [("Content-Type", FORM)], body).status < 500


NUMBERS = (2**31, 2**31 - 1, 2**63 - 1, 2**63, 2**64, 10**18, 10**30, 0, -1)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_beyond_the_database_is_the_number_of_nothing(place: Place, number: int) -> None:
    page = place.page()
    for parent in (number, str(number), f"{number}:0"):
        assert place.reply(page=page, parent=parent).status in {404, 422} or number == 0
    for path in (f"/receipts/{number}.{'A' * 22}", f"/sites/courier/thread.json?page={page}&part={number}"):
        assert place.get(path).status in {200, 404}
    assert (
        place.get(f"/sites/courier/thread?page={page}&parent={number}&at=comment-{number}&part={number}").status == 200
    )
    ines = place.by("Ines")
    for path in (
        f"/queue/{number}",
        f"/queue/?after={number}",
        f"/log/?after={number}",
        f"/queue/changes?since={number}",
    ):
        assert ines.get(path).status in {200, 404, 422}, path
    for path, fields in {
        "/queue/decisions": {"action": "approve", "revision": f"{number}:{number}"},
        "/queue/notes": {"revision": f"{number}:0", "note": "x"},
        "/queue/presence": {"revision": str(number)},
        "/queue/answers": {"revision": f"{number}:{number}", "comment": "x"},
        "/queue/undo": {"batch": str(number)},
        f"/settings/courier/people/{number}/role": {"role": "owner"},
        f"/settings/courier/people/{number}/remove": {},
        f"/settings/courier/people/invitations/{number}/revoke": {},
        "/settings/courier/site": {"seen": str(number), "radius": str(number), "page_size": str(number)},
    }.items():
        assert ines.post(path, fields, [("Accept", "application/json")]).status in {
            200,
            204,
            303,
            400,
            404,
            409,
            422,
        }, path


QUOTES = (
    "' OR '1'='1",
    "1; DROP TABLE comment--",
    "%' ESCAPE '",
    "\\",
    "x' UNION SELECT password FROM account--",
    '" MATCH *',
)


@pytest.mark.parametrize("text", QUOTES)
def test_no_text_is_part_of_a_question_to_the_database(place: Place, text: str) -> None:
    page = place.page()
    number = place.public(f"Words {text}", page=page, author=text, format="plain")
    assert place.row(number)["author"] == text
    query = wire.form(
        {"q": text, "site": text, "author": text, "view": "approved", "page": text, "network": text}
    ).decode()
    for path in ("/queue/", "/log/", "/log/export.json", "/log/numbers"):
        answer = place.by("Ines").get(f"{path}?{query}")
        assert answer.status in {200, 422}
        assert "argon2" not in answer.text
    for name in ("thread.json", "counts.json"):
        assert place.get(f"/sites/courier/{name}?{query}&at={wire.form({'': text}).decode()[1:]}").status in {200, 422}
    assert place.stranger().post("/account/sign-in", {"email": text, "password": text}).status == 422
    assert len(place.rows()["comment"]) > 0
