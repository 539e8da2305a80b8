"""Second factors: an app's codes and recovery codes, each good once, and who needs them before anything else."""

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from moderation.accounts import factors
from moderation.db import db
from moderation.models import Account, Role, Site, Totp
from moderation.web import reauth
from tests.conftest import PASSWORD, account_of, make_account, make_site, signed_in, token_in
from tests.test_cli import ask
from tests.web.asking import Page, dump
from tests.web.signing import ANA, SECOND, SIGN_IN, code, entries, post, recovery_codes, set_up_app, sign_in
from tests.web.test_guards import PUBLIC

SET_UP = {"factors.required", "factors.app", "factors.add_app", "factors.make_codes", "factors.remove_app"}
SET_UP |= {"passkeys.add_form", "passkeys.add", "passkeys.remove", "confirm.ask", "confirm.check"}


def test_an_app_is_set_up_and_asked_for(app: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    other = signed_in(app, ANA)
    secret, answer = set_up_app(ana)
    assert (answer.status_code, len(recovery_codes(answer))) == (200, 10)
    # Who signed in without it is signed out; this session goes on.
    assert (ana.get("/queue/").status_code, other.get("/queue/").status_code) == (200, 303)
    assert secret not in repr(dump(app))
    first = sign_in(client)
    assert (first.status_code, first.headers["Location"]) == (303, SECOND)
    assert client.get("/queue/").status_code == 303
    wrong = post(client, SECOND, code="000000")
    assert (wrong.status_code, "That is not the code of this moment." in Page(wrong).words) == (422, True)
    assert post(client, SECOND, code=code(secret)).headers["Location"] == "/queue/"
    assert client.get("/queue/").status_code == 200
    assert entries(app)[-2:] == [("fail", "factor:totp"), ("sign-in", "with:password+totp")]
    assert "Right password, but wrong: app's code" in Page(client.get("/account/")).words


def test_each_code_counts_once_and_not_long(app: Flask, ana: FlaskClient) -> None:
    secret, _ = set_up_app(ana)
    first, second = app.test_client(), app.test_client()
    now = code(secret)
    for client in (first, second):
        sign_in(client)
    assert post(first, SECOND, code=f"{now[:3]} {now[3:]}").status_code == 303
    assert post(second, SECOND, code=now).status_code == 422
    for wrong in (
        code(secret, steps=-1),
        code(secret, steps=-3),
        code(secret, steps=4),
        "",
        "12345",
        "١٢٣٤٥٦",
        "x" * 9999,
    ):
        assert post(second, SECOND, code=wrong).status_code == 422
    assert post(second, SECOND, code=code(secret, steps=1)).status_code == 303


def test_of_many_at_once_one_is_let_in_by_a_code(app: Flask, ana: FlaskClient) -> None:
    secret, answer = set_up_app(ana)
    clients = [app.test_client() for _ in range(4)]
    for client in clients:
        sign_in(client)
    for proof in ({"code": code(secret)}, {"recovery": recovery_codes(answer)[0]}):
        tokens = [token_in(client, SECOND) for client in clients]
        ready = threading.Barrier(len(clients))

        def press(
            number: int, proof: dict[str, str] = proof, tokens: list[str] = tokens, ready: threading.Barrier = ready
        ) -> int:
            ready.wait()
            return clients[number].post(SECOND, data={"csrf_token": tokens[number], **proof}).status_code

        with ThreadPoolExecutor(len(clients)) as pool:
            answers = list(pool.map(press, range(len(clients))))
        assert Counter(answers) == {303: 1, 422: len(clients) - 1}
        clients.pop(answers.index(303))


def test_recovery_codes_are_good_once_and_shown_once(app: Flask, ana: FlaskClient) -> None:
    _, answer = set_up_app(ana)
    codes = recovery_codes(answer)
    assert len(set(codes)) == 10
    kept = repr(dump(app))
    assert not [one for one in codes if one in kept or one.replace("-", "") in kept]
    client = app.test_client()
    sign_in(client)
    assert post(client, SECOND, recovery="aaaa-bbbb-cccc").status_code == 422
    assert post(client, SECOND, recovery=f" {codes[0].upper()} ").status_code == 303
    assert "9 are left." in Page(client.get("/account/")).words
    again = app.test_client()
    sign_in(again)
    assert post(again, SECOND, recovery=codes[0]).status_code == 422
    new = recovery_codes(post(client, "/account/codes", seen="/account/"))
    assert post(again, SECOND, recovery=codes[1]).status_code == 422
    assert post(again, SECOND, recovery=new[1].replace("-", "")).status_code == 303
    assert ("sign-in", "with:password+recovery") in entries(app)


@pytest.mark.sqlite_only
def test_codes_cannot_be_guessed_and_guessing_locks_no_other_factor_out(
    app: Flask, ana: FlaskClient, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, answer = set_up_app(ana)
    sign_in(client)
    monkeypatch.setitem(app.config, "SIGN_INS_PER_HOUR", 3)
    assert [post(client, SECOND, code="000000").status_code for _ in range(4)] == [422, 422, 422, 429]
    elsewhere = app.test_client()
    elsewhere.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    sign_in(elsewhere)
    assert post(elsewhere, SECOND, code=code(secret)).status_code == 429
    assert post(elsewhere, SECOND, recovery=recovery_codes(answer)[0]).status_code == 303


@pytest.mark.sqlite_only
def test_the_first_proof_waits_only_for_its_own_account_and_password(
    app: Flask, ana: FlaskClient, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, _ = set_up_app(ana)
    assert client.get(SECOND).headers["Location"] == SIGN_IN
    assert post(client, SECOND, seen=SIGN_IN, code=code(secret)).headers["Location"] == SIGN_IN
    sign_in(client)
    late = app.test_client()
    late.set_cookie("session", client.get_cookie("session").value)
    token = token_in(late, SECOND)
    monkeypatch.setattr("moderation.web.entering.HALFWAY", reauth.FRESH * 0)
    answer = late.post(SECOND, data={"csrf_token": token, "code": code(secret)})
    assert (answer.headers["Location"], late.get("/queue/").status_code) == (SIGN_IN, 303)
    monkeypatch.undo()
    with app.app_context():
        db.session.execute(update(Account).values(fs_uniquifier="another"))
        db.session.commit()
    assert client.get(SECOND).headers["Location"] == SIGN_IN


def test_an_app_is_not_set_up_by_a_wrong_code_or_for_another(app: Flask, ana: FlaskClient, piet: FlaskClient) -> None:
    form = next(form for form in Page(ana.get("/account/app")).forms if "sealed" in form)
    assert ana.post("/account/app", data={**form, "code": "000000"}).status_code == 422
    theirs = {"csrf_token": token_in(piet, "/account/"), "code": "000000", "sealed": form["sealed"]}
    assert "That took too long." in Page(piet.post("/account/app", data=theirs)).words
    for sealed in ("", "x", "ä", "\0", form["sealed"][:-4]):
        answer = ana.post("/account/app", data={**form, "sealed": sealed, "code": "000000"})
        assert (answer.status_code, "That took too long." in Page(answer).words) == (422, True)
    with app.app_context():
        assert db.session.scalars(select(Totp)).all() == []


def test_the_last_factor_is_removed_with_its_codes(app: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    set_up_app(ana)
    assert post(ana, "/account/app/remove", seen="/account/").headers["Location"] == "/account/"
    assert dump(app)["totp"] == dump(app)["recovery_code"] == []
    assert sign_in(client).headers["Location"] == "/queue/"
    assert [entry for entry in entries(app) if entry[0] in {"add", "remove"}] == [
        ("add", "factor:totp"),
        ("add", "factor:recovery"),
        ("remove", "factor:totp"),
    ]


def test_an_operator_removes_what_is_lost(app: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    set_up_app(ana)
    said = ask(app, "account", "factors", ANA)
    assert said.output == "authenticator app  yes\npasskeys           none\nrecovery codes     10 left\n"
    removed = ask(app, "account", "factors", ANA, "--remove")
    assert removed.output == f"1 second factors of {ANA} are removed, and its sessions ended.\n"
    assert ana.get("/queue/").status_code == 303
    assert sign_in(client).headers["Location"] == "/queue/"
    assert ("remove", "factor:all") in entries(app)


@pytest.mark.sqlite_only
def test_another_key_reads_no_secret_and_says_so_to_nobody(app: Flask, ana: FlaskClient, client: FlaskClient) -> None:
    secret, _ = set_up_app(ana)
    sign_in(client)
    token = token_in(client, SECOND)
    app.config["FACTOR_KEY"], before = "k" * 40, app.config["FACTOR_KEY"]
    try:
        assert client.post(SECOND, data={"csrf_token": token, "code": code(secret)}).status_code == 422
    finally:
        app.config["FACTOR_KEY"] = before


def test_what_is_delicate_asks_for_a_fresh_proof(app: Flask, ana: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, _ = set_up_app(ana)
    with monkeypatch.context() as later:
        later.setattr("moderation.web.reauth.FRESH", reauth.FRESH * 0)
        asked = ana.get("/account/app?x=1")
        assert (asked.status_code, asked.headers["Location"]) == (303, "/account/confirm/?next=/account/app?x%3D1")
        before = dump(app)
        for path in ("/account/codes", "/account/app/remove", "/account/passkeys/", "/account/passkeys/remove"):
            answer = post(ana, path, seen="/account/")
            assert answer.headers["Location"].startswith("/account/confirm/?next=/account/"), path
        told = ana.post(
            "/account/codes", data={"csrf_token": token_in(ana, "/account/")}, headers={"Accept": "application/json"}
        )
        assert (told.status_code, told.json["title"]) == (403, "A fresh proof is needed")
        assert dump(app) == before
    confirm = "/account/confirm/?next=/account/app"
    kept = ana.get_cookie("session").value
    assert post(ana, confirm, password="wrong").status_code == 422
    assert post(ana, confirm, code="000000").status_code == 422
    assert "That is not your password." in Page(post(ana, confirm)).words
    assert ana.get_cookie("session").value == kept
    assert post(ana, confirm, password=PASSWORD).headers["Location"] == "/account/app"
    assert ana.get_cookie("session").value != kept
    assert post(ana, confirm, code=code(secret, steps=1)).headers["Location"] == "/account/app"


@pytest.mark.parametrize(
    ("path", "fields", "back"),
    [
        ("/settings/courier/people/1/role", {"role": "owner"}, "/settings/courier/people"),
        ("/settings/courier/people/1/remove", {}, "/settings/courier/people"),
        ("/settings/courier/people/invitations", {"role": "reader"}, "/settings/courier/people"),
        ("/settings/courier/people/invitations/1/revoke", {}, "/settings/courier/people"),
        ("/account/sites/courier/leave", {}, "/account/sites"),
        ("/settings/courier/privacy", {"keep_refused_days": "1"}, "/settings/courier/privacy"),
        ("/settings/courier/transfer/export", {}, "/settings/courier/transfer"),
    ],
)
def test_people_erasure_and_exports_ask_for_a_fresh_proof(
    app: Flask, site: str, monkeypatch: pytest.MonkeyPatch, path: str, fields: dict[str, str], back: str
) -> None:
    make_account(app, "Ines", courier=Role.OWNER)
    ines = signed_in(app, "ines@staff.example")
    token = token_in(ines, "/settings/courier/site")
    before = dump(app)
    monkeypatch.setattr("moderation.web.reauth.FRESH", reauth.FRESH * 0)
    answer = ines.post(path, data={"csrf_token": token, **fields})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/account/confirm/?next={back}")
    assert dump(app) == before


EVIL = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "/account/sign-out",
    "/nothing",
    "/queue/\r\nX: y",
    "",
    "/%2fevil",
]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("target", EVIL)
def test_a_proof_leads_to_pages_of_ours_alone(ana: FlaskClient, target: str) -> None:
    token = token_in(ana, "/account/")
    form = {"csrf_token": token, "password": PASSWORD}
    answer = ana.post("/account/confirm/", query_string={"next": target}, data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/")


def require(app: Flask, how: str) -> None:
    """Let a second factor be needed."""
    if how == "site":
        assert (
            ask(app, "site", "set", "courier", "--require-second", "on").output
            == "Site courier: require_second changed.\n"
        )
    else:
        app.config["REQUIRE_SECOND_FACTOR"] = True


@pytest.fixture
def needed(app: Flask, request: pytest.FixtureRequest) -> Any:
    """Take the operator's wish back at the end."""
    yield
    app.config["REQUIRE_SECOND_FACTOR"] = False


@pytest.mark.parametrize("how", ["site", "operator"])
def test_nothing_is_reached_without_a_needed_factor(app: Flask, ana: FlaskClient, needed: None, how: str) -> None:
    token = token_in(ana, "/queue/")
    require(app, how)
    before = dump(app)
    asked = {rule.endpoint for rule in app.url_map.iter_rules()} - PUBLIC - SET_UP
    assert asked & {"queue.decide", "log.index", "profile.index", "together.present"}
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in asked:
            continue
        path = re.sub(r"<any\((\w+).*?>", r"\1", rule.rule)
        path = re.sub(r"<(?:\w+:)?(\w+)>", "1", path)
        for method in rule.methods & {"GET", "HEAD", "POST"}:
            answer = ana.open(path, method=method, data={"csrf_token": token} if method == "POST" else None)
            led = answer.status_code == 303 and answer.headers["Location"] == "/account/second-factor"
            assert led if method == "GET" else answer.status_code == 403, (rule.endpoint, method)
    assert dump(app) == before


def test_who_needs_a_factor_is_led_to_it_and_then_let_in(app: Flask, ana: FlaskClient, needed: None) -> None:
    require(app, "site")
    page = Page(ana.get("/account/second-factor"))
    assert "A second factor is needed" in page.words
    _, answer = set_up_app(ana)
    assert len(recovery_codes(answer)) == 10
    assert ana.get("/queue/").status_code == 200
    # The last one stays.
    post(ana, "/account/app/remove", seen="/account/")
    assert "You need a second factor here." in Page(ana.get("/account/")).words
    with app.app_context():
        assert factors.has_second(account_of(ANA))
        db.session.execute(update(Site).values(require_second=False))
        db.session.commit()
    post(ana, "/account/app/remove", seen="/account/")
    with app.app_context():
        assert not factors.has_second(account_of(ANA))


@pytest.mark.sqlite_only
def test_a_site_asks_it_of_its_own_people_alone(app: Flask, ana: FlaskClient) -> None:

    make_site(app, "harbour", "https://harbour.example", require_second=True)
    assert ana.get("/queue/").status_code == 200
