"""Signing in and out, sessions that live on the server, and the page on which the first owner is made."""

import json
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from moderation import accounts
from moderation.db import clock, db
from moderation.models import Account, Entry, Membership, Role, WebSession
from tests.conftest import BASE_URL, PASSWORD, make_account, make_site, new_app, signed_in, token_in
from tests.web.asking import dump

SIGN_IN = "/account/sign-in"


def sign_in(client: FlaskClient, email: str = "ana@staff.example", password: str = PASSWORD, **fields: str) -> Any:
    """Try to sign in."""
    form = {"email": email, "password": password, "csrf_token": token_in(client, SIGN_IN), **fields}
    return client.post(SIGN_IN, data=form)


@pytest.fixture
def ana_exists(app: Flask, site: str) -> str:
    """Make the account, without signing in."""
    return make_account(app, "Ana", courier=Role.MODERATOR)


def cookie(client: FlaskClient) -> str | None:
    """Return the session's cookie."""
    found = client.get_cookie("session", domain="localhost")
    return found.value if found else None


def test_the_right_password_opens_the_queue(app: Flask, client: FlaskClient, ana_exists: str) -> None:
    answer = sign_in(client, " ANA@staff.example ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue/")
    assert client.get("/queue/").status_code == 200
    with app.app_context():
        entry = db.session.scalars(select(Entry).order_by(Entry.id.desc()).limit(1)).one()
        assert (entry.kind, entry.action, entry.subject, entry.note) == ("sign-in", "sign-in", "account:1", None)


def test_a_wrong_password_and_an_unknown_address_answer_alike(app: Flask, client: FlaskClient, ana_exists: str) -> None:
    with app.app_context():
        blocked = make_account(app, "Blocked", courier=Role.MODERATOR)
        db.session.execute(update(Account).where(Account.email == blocked).values(active=False))
        db.session.commit()
    before = dump(app, besides=("web_session",))
    tried = [
        ("ana@staff.example", PASSWORD + "x"),
        ("ana@staff.example", PASSWORD.upper()),
        ("ana@staff.example", ""),
        ("ana@staff.example", "p" * 100_000),
        ("nobody@staff.example", PASSWORD),
        ("blocked@staff.example", PASSWORD),
        ("", ""),
        ("a\0b@staff.example", PASSWORD),
        ("ana@staff.example\0", PASSWORD),
        ("ana@staff.example", PASSWORD + "\0"),
        ("\ufffe" * 400, PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ]
    answers = [(sign_in(client, email, password), email) for email, password in tried]
    assert [answer.status_code for answer, _ in answers] == [422] * len(tried)
    for answer, _ in answers:
        assert "Email and password do not match." in answer.get_data(as_text=True)
        assert PASSWORD not in answer.get_data(as_text=True)
    known, unknown = (re.sub(r'value="[^"]*"', "", answers[at][0].get_data(as_text=True)) for at in (0, 4))
    assert known == unknown
    assert dump(app, besides=("web_session",)) == before
    assert client.get("/queue/").status_code == 303


def test_too_many_failures_are_refused_before_anything_is_hashed(
    app: Flask, client: FlaskClient, ana_exists: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SIGN_INS_PER_HOUR", 3)
    assert [sign_in(client, password="wrong").status_code for _ in range(3)] == [422] * 3
    # Whoever hashed would find no hash to check against, and break.
    monkeypatch.setitem(app.extensions, "nobody", None)
    with app.app_context():
        right = db.session.scalars(select(Account.password)).one()
        db.session.execute(update(Account).values(password="no hash at all"))
        db.session.commit()
    refused = [sign_in(client, email) for email in ("ana@staff.example", "nobody@staff.example")]
    assert [answer.status_code for answer in refused] == [429] * 2
    # Until the hour is over in which they were counted.
    assert all(3500 < int(answer.headers["Retry-After"]) <= 3600 for answer in refused)
    with app.app_context():
        db.session.execute(update(Account).values(password=right))
        db.session.commit()
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "198.51.100.9"}}
    form = {"password": PASSWORD, "csrf_token": token_in(client, SIGN_IN)}
    same_address = client.post(SIGN_IN, data={**form, "email": "ana@staff.example"}, **elsewhere)
    assert same_address.status_code == 429
    make_account(app, "Piet", courier=Role.MODERATOR)
    other_address = client.post(SIGN_IN, data={**form, "email": "piet@staff.example"}, **elsewhere)
    assert other_address.status_code == 303


@pytest.mark.sqlite_only
def test_a_burst_is_counted_before_its_first_password_is_checked(
    app: Flask, ana_exists: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SIGN_INS_PER_HOUR", 3)
    clients = [app.test_client() for _ in range(12)]
    tokens = [token_in(client, SIGN_IN) for client in clients]
    ready = threading.Barrier(len(clients))

    def press(client: FlaskClient, token: str) -> int:
        ready.wait()
        form = {"email": "ana@staff.example", "password": "wrong", "csrf_token": token}
        return client.post(SIGN_IN, data=form).status_code

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = Counter(pool.map(press, clients, tokens))
    assert answers == {422: 3, 429: 9}


@pytest.mark.sqlite_only
def test_right_sign_ins_are_not_counted(
    app: Flask, client: FlaskClient, ana_exists: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SIGN_INS_PER_HOUR", 2)
    for _ in range(4):
        assert sign_in(client).status_code == 303


@pytest.mark.sqlite_only
def test_sign_in_gives_the_session_a_new_id(app: Flask, client: FlaskClient, ana_exists: str) -> None:
    client.get(SIGN_IN)
    before = cookie(client)
    sign_in(client)
    after = cookie(client)
    assert len({before, after, None}) == 3
    victim = app.test_client()
    victim.set_cookie("session", str(before))
    assert victim.get("/queue/").status_code == 303
    planted = app.test_client()
    planted.set_cookie("session", "planted-by-somebody-else")
    sign_in(planted)
    assert cookie(planted) not in {None, "planted-by-somebody-else"}
    with app.app_context():
        kept = db.session.scalars(select(WebSession)).all()
        assert after not in json.dumps([[row.id_hash, row.data] for row in kept])
        assert {len(row.id_hash) for row in kept} == {64}


def test_sign_out_ends_the_session_on_the_server(app: Flask, ana: FlaskClient) -> None:
    kept = cookie(ana)
    answer = ana.post("/account/sign-out", data={"csrf_token": token_in(ana, "/queue/")})
    assert (answer.status_code, answer.headers["Location"]) == (303, SIGN_IN)
    assert cookie(ana) is None
    thief = app.test_client()
    thief.set_cookie("session", str(kept))
    assert thief.get("/queue/").status_code == 303
    assert dump(app)["web_session"] == []


@pytest.mark.parametrize("how", ["deleted", "expired", "account", "inactive", "uniquifier"])
def test_a_session_ended_elsewhere_is_ended(app: Flask, ana: FlaskClient, how: str) -> None:
    with app.app_context():
        if how == "deleted":
            db.session.query(WebSession).delete()
        elif how == "expired":
            db.session.execute(update(WebSession).values(expires_at=clock()))
        elif how == "inactive":
            db.session.execute(update(Account).values(active=False))
        elif how == "uniquifier":
            db.session.execute(update(Account).values(fs_uniquifier="another"))
        else:
            db.session.query(Membership).delete()
            db.session.execute(update(Entry).values(account_id=None))
            db.session.query(Account).delete()
        db.session.commit()
    assert (ana.get("/queue/").status_code, ana.get("/queue/1").status_code) == (303, 303)
    refused = ana.post("/queue/undo", data={"csrf_token": token_in(ana, SIGN_IN)})
    assert refused.status_code == 403


@pytest.mark.sqlite_only
@pytest.mark.parametrize("value", ["", "x", "\xff\xfe", "a" * 4000, "é", "%00", '"'])
def test_a_cookie_that_is_none_of_ours_is_nobody(app: Flask, client: FlaskClient, value: str) -> None:
    raw = {"HTTP_COOKIE": f"session={value}"}
    assert client.get("/queue/", environ_overrides=raw).status_code == 303
    assert client.get(SIGN_IN, environ_overrides=raw).status_code == 200


def _set_cookie(client: FlaskClient, **options: Any) -> str:
    (line,) = client.get(SIGN_IN, **options).headers.getlist("Set-Cookie")
    return str(line)


@pytest.mark.sqlite_only
def test_the_cookie_over_http_is_for_http_alone_and_lax(client: FlaskClient) -> None:
    name, *flags = _set_cookie(client).split("; ")
    assert (name.split("=")[0], set(flags)) == ("session", {"HttpOnly", "Path=/", "SameSite=Lax"})


@pytest.mark.sqlite_only
def test_the_cookie_over_https_is_bound_to_the_host(installation: Flask, app: Flask, tmp_path: Path) -> None:
    secure = new_app(installation.config["DATABASE_URL"], tmp_path, BASE_URL="https://reply.example")
    client = secure.test_client()
    at = {"base_url": "https://reply.example"}
    name, *flags = _set_cookie(client, **at).split("; ")
    assert (name.split("=")[0], set(flags)) == ("__Host-session", {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"})
    assert client.get(SIGN_IN, **at).headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "Strict-Transport-Security" not in app.test_client().get(SIGN_IN).headers
    with secure.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.mark.sqlite_only
def test_staying_signed_in_keeps_the_cookie(client: FlaskClient, ana_exists: str) -> None:
    lines = sign_in(client, stay="y").headers.getlist("Set-Cookie")
    assert [line.split("; ")[0].split("=")[0] for line in lines] == ["device", "session"]
    assert "Max-Age=2592000" in lines[1]
    (line,) = sign_in(client).headers.getlist("Set-Cookie")
    assert line.startswith("session=")
    assert "Max-Age" not in line


@pytest.mark.sqlite_only
def test_whoever_guesses_elsewhere_does_not_lock_the_owner_out(
    app: Flask, client: FlaskClient, ana_exists: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, strange = app.test_client(), app.test_client()
    sign_in(own)
    strange.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    monkeypatch.setitem(app.config, "SIGN_INS_PER_HOUR", 3)
    assert [sign_in(strange, password="wrong").status_code for _ in range(4)] == [422, 422, 422, 429]
    assert sign_in(client).status_code == 429
    assert sign_in(own).status_code == 303
    # Known only by what we have signed, and only as long as it does not guess itself.
    kept = own.get_cookie("device").value
    for forged in (kept[:-2], kept.replace(".", "x"), "x", '"'):
        client.set_cookie("device", forged)
        assert sign_in(client).status_code == 429
    assert [sign_in(own, password="wrong").status_code for _ in range(4)] == [422, 422, 422, 429]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/queue/undo"])
def test_nobody_is_led_elsewhere_after_sign_in(client: FlaskClient, ana_exists: str, target: str) -> None:
    assert client.get("/queue/", query_string={"next": target}).headers["Location"] == SIGN_IN
    token = token_in(client, SIGN_IN)
    form = {"email": "ana@staff.example", "password": PASSWORD, "csrf_token": token, "next": target}
    answer = client.post(SIGN_IN, data=form, query_string={"next": target}, headers={"Referer": target})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue/")


@pytest.mark.sqlite_only
def test_a_form_without_the_session_s_token_does_nothing(app: Flask, client: FlaskClient, ana_exists: str) -> None:
    before = dump(app, besides=("web_session",))
    stranger = token_in(app.test_client(), SIGN_IN)
    client.get(SIGN_IN)
    for token in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": stranger}):
        form = {"email": "ana@staff.example", "password": PASSWORD, **token}
        answer = client.post(SIGN_IN, data=form)
        assert answer.status_code == 400
        assert "The page was open too long" in answer.get_data(as_text=True)
    assert client.get("/queue/").status_code == 303
    assert dump(app, besides=("web_session",)) == before


OWNER = {"name": "Olga", "email": "olga@staff.example", "password": "a sentence that nobody guesses"}


def start(client: FlaskClient, code: str, **fields: str) -> Any:
    """Send the first owner's form."""
    token = token_in(client, SIGN_IN)
    return client.post("/account/start", data={**OWNER, "code": code, "csrf_token": token, **fields})


def code_of(app: Flask) -> str:
    """Return the one-time code that the server prints."""
    return accounts.start_code(app.config["SECRET_KEY"])


def test_the_first_owner_gets_every_site_and_is_signed_in(app: Flask, client: FlaskClient) -> None:
    make_site(app, "harbour", "https://harbour.example")
    page = client.get("/account/start", query_string={"code": code_of(app)})
    assert page.status_code == 200
    answer = start(client, code_of(app))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue/")
    assert client.get("/queue/").status_code == 200
    with app.app_context():
        account = db.session.scalars(select(Account)).one()
        assert (account.name, account.email, account.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")) == (
            "Olga",
            "olga@staff.example",
            True,
        )
        assert {(m.site.key, m.role) for m in account.memberships} == {("courier", "owner"), ("harbour", "owner")}
        assert account.operator is True


@pytest.mark.sqlite_only
def test_the_start_page_is_gone_when_there_is_an_owner(app: Flask, client: FlaskClient) -> None:
    start(client, code_of(app))
    other = app.test_client()
    assert other.get("/account/start", query_string={"code": code_of(app)}).status_code == 404
    before = dump(app, besides=("web_session",))
    assert start(other, code_of(app), email="eve@evil.example").status_code == 404
    assert dump(app, besides=("web_session",)) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize("code", ["", "x", "\0", "ä", "\ufffd", "9" * 5000])
def test_a_wrong_code_opens_nothing(app: Flask, client: FlaskClient, code: str) -> None:
    before = dump(app, besides=("web_session",))
    assert client.get("/account/start", query_string={"code": code}).status_code == 404
    assert start(client, code).status_code == 404
    assert client.get("/account/start").status_code == 404
    assert start(client, code_of(app)[:-1]).status_code == 404
    assert dump(app, besides=("web_session",)) == before


WRONG = [
    ("name", "", "Please enter your name, at most 100 characters."),
    ("name", "n" * 101, "Please enter your name, at most 100 characters."),
    ("name", "O\0", "Please enter your name, at most 100 characters."),
    ("email", "olga", "An address looks like name@example.org."),
    ("email", "o\0@staff.example", "An address looks like name@example.org."),
    ("password", "short", "At least 12 characters, please."),
    ("password", "p" * 129, "At most 128 characters, please."),
    ("password", "Password1234!", "That would be guessed at once. A sentence is fine."),
    ("password", "aaaaaaaaaaaaaaaa", "That would be guessed at once. A sentence is fine."),
    ("password", "olga@staff.example", "That would be guessed at once. A sentence is fine."),
]


def test_the_first_owner_s_form_says_what_is_wrong(app: Flask, client: FlaskClient) -> None:
    before = dump(app, besides=("web_session",))
    for field, value, message in WRONG:
        answer = start(client, code_of(app), **{field: value})
        assert answer.status_code == 422
        assert message in answer.get_data(as_text=True)
        assert OWNER["password"] not in answer.get_data(as_text=True)
    # The visitor's session was saved; what the door did not commit was not.
    assert dump(app, besides=("web_session",)) == before
    assert start(client, code_of(app)).status_code == 303


@pytest.mark.sqlite_only
def test_a_password_may_hold_anything(app: Flask, client: FlaskClient) -> None:
    odd = "pässwörd \0 mit \U0001f6a7 und NUL"
    assert start(client, code_of(app), password=odd).status_code == 303
    other = app.test_client()
    assert sign_in(other, "olga@staff.example", odd).status_code == 303
    assert sign_in(app.test_client(), "olga@staff.example", odd.replace("\0", "")).status_code == 422


@pytest.mark.sqlite_only
def test_a_refused_post_stores_nothing_though_the_session_is_saved(
    app: Flask, client: FlaskClient, ana: FlaskClient
) -> None:
    assert signed_in(app, "ana@staff.example").get("/queue/").status_code == 200
    body = {"comment": "x", "author": "y", "email": "a@b.example", "page": "https://courier.example/"}
    client.post("/sites/courier/replies", data=body, headers={"Accept": "application/json"})
    token = token_in(ana, "/queue/")
    before = dump(app, besides=("web_session",))
    for form in ({"action": "reject", "revision": "1:5"}, {"action": "x", "revision": "1:0"}, {"action": "approve"}):
        assert ana.post("/queue/decisions", data={**form, "csrf_token": token}).status_code in {409, 422}
    assert dump(app, besides=("web_session",)) == before
    assert ana.get("/queue/").status_code == 200
    assert app.config["BASE_URL"] == BASE_URL
