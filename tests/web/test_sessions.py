"""An account's sessions: how long they last, what it sees of them, and how it ends them."""

from datetime import timedelta

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from moderation.db import clock, db
from moderation.models import Account, Role, WebSession
from moderation.web import reauth, sessions
from tests.conftest import PASSWORD, make_account, signed_in
from tests.web.asking import Page, dump, send_form
from tests.web.signing import ANA, SIGN_IN, entries, post, sign_in

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
NEW = "a lantern over the towpath"


def age(app: Flask, **columns: timedelta) -> None:
    """Let times of every session lie further back."""
    with app.app_context():
        for row in db.session.scalars(select(WebSession)):
            for name, by in columns.items():
                setattr(row, name, getattr(row, name) - by)
        db.session.commit()


def test_the_account_sees_its_sessions_and_its_last_sign_ins(app: Flask, ana: FlaskClient) -> None:
    other = app.test_client()
    other.environ_base["HTTP_USER_AGENT"] = FIREFOX + " <script>"
    other.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    sign_in(other)
    page = Page(ana.get("/account/"))
    assert page.unbalanced == []
    assert "Firefox, Linux" in page.words
    assert "from 203.0.113.0/24" in page.words
    assert "203.0.113.9" not in page.html
    assert page.words.count("this session") == 1
    assert page.words.count("Signed in with password") == 2
    make_account(app, "Piet", courier=Role.MODERATOR)
    assert "Firefox" not in Page(signed_in(app, "piet@staff.example").get("/account/")).words


def test_one_session_is_ended_and_no_stranger_s(app: Flask, ana: FlaskClient) -> None:
    other = signed_in(app, ANA)
    make_account(app, "Piet", courier=Role.MODERATOR)
    piet = signed_in(app, "piet@staff.example")
    with app.app_context():
        hashes = list(db.session.scalars(select(WebSession.id_hash)))
    mine = [form["session"] for form in Page(ana.get("/account/")).forms if "session" in form]
    assert len(mine) == 1
    for each in [*(set(hashes) - set(mine)), "x", "\0", "ä" * 100]:
        assert post(ana, "/account/sessions/end", seen="/account/", session=each).status_code == 303
    assert [client.get("/queue/").status_code for client in (ana, other, piet)] == [200, 200, 200]
    answer = post(ana, "/account/sessions/end", seen="/account/", session=mine[0])
    assert answer.headers["Location"] == "/account/"
    assert "That session is ended." in Page(ana.get("/account/")).words
    assert "That session is ended." not in Page(ana.get("/account/")).words
    assert [client.get("/queue/").status_code for client in (ana, other, piet)] == [200, 303, 200]
    assert ("sign-out", "sessions:one") in entries(app)


def test_all_other_sessions_are_ended(app: Flask, ana: FlaskClient) -> None:
    others = [signed_in(app, ANA) for _ in range(2)]
    post(ana, "/account/sessions/end", seen="/account/")
    assert "2 other sessions are ended." in Page(ana.get("/account/")).words
    assert [client.get("/queue/").status_code for client in (ana, *others)] == [200, 303, 303]


def test_a_session_that_was_ended_is_not_brought_back_by_a_new_id(
    app: Flask, ana: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof gives the session a new id; not one that was ended after it was read, and before it is saved."""
    form = Page(ana.get("/account/confirm/")).forms[-1]
    note = reauth.note_proof

    def note_and_be_ended() -> None:
        note()
        with db.engine.begin() as elsewhere:
            elsewhere.execute(delete(WebSession))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(reauth, "note_proof", note_and_be_ended)
        assert ana.post("/account/confirm/", data={**form, "password": PASSWORD}).status_code == 303
    assert dump(app)["web_session"] == []
    assert ana.get("/queue/").status_code == 303


@pytest.mark.parametrize(("stay", "idle", "most"), [(False, timedelta(hours=12), 7), (True, timedelta(days=30), 90)])
def test_a_session_ends_unused_and_ends_at_last(
    app: Flask, client: FlaskClient, stay: bool, idle: timedelta, most: int
) -> None:
    make_account(app, "Ana", courier=Role.MODERATOR)
    sign_in(client, **({"stay": "y"} if stay else {}))
    with app.app_context():
        row = db.session.scalars(select(WebSession)).one()
        assert abs(row.expires_at - row.created_at - idle) < timedelta(seconds=5)
    # Used for nearly all of its time: not longer by its use.
    age(app, created_at=timedelta(days=most) - timedelta(minutes=5), used_at=timedelta(hours=2))
    assert post(client, "/account/sessions/end", seen="/account/").status_code == 303
    with app.app_context():
        row = db.session.scalars(select(WebSession)).one()
        assert timedelta(minutes=4) < row.expires_at - clock() <= timedelta(minutes=5)
        db.session.execute(update(WebSession).values(expires_at=clock()))
        db.session.commit()
    assert client.get("/queue/").status_code == 303


def test_looking_writes_nothing_but_is_seen(app: Flask, ana: FlaskClient) -> None:
    watcher = signed_in(app, ANA)
    age(app, used_at=timedelta(hours=30), created_at=timedelta(hours=30))
    before = dump(app)
    assert watcher.get("/queue/").status_code == 200
    page = Page(ana.get("/account/"))
    assert dump(app) == before
    now = clock().replace(minute=0)
    assert f"last seen {now:%-d %b %Y}, {now:%H:%M} UTC" in " ".join(page.words.split())


def test_another_password_asks_for_the_present_one_and_ends_other_sessions(app: Flask, ana: FlaskClient) -> None:
    other, before = signed_in(app, ANA), ana.get_cookie("session").value
    wrong = post(ana, "/account/password", present="wrong", password=NEW)
    assert (wrong.status_code, "That is not your present password." in Page(wrong).words) == (422, True)
    weak = post(ana, "/account/password", present=PASSWORD, password="password1234")
    assert (weak.status_code, "That would be guessed at once." in Page(weak).words) == (422, True)
    assert other.get("/queue/").status_code == 200
    assert post(ana, "/account/password", present=PASSWORD, password=NEW).headers["Location"] == "/account/"
    assert ana.get_cookie("session").value != before
    assert "Your password is changed." in Page(ana.get("/account/")).words
    assert (ana.get("/queue/").status_code, other.get("/queue/").status_code) == (200, 303)
    assert sign_in(app.test_client()).status_code == 422
    assert sign_in(app.test_client(), password=NEW).status_code == 303
    assert entries(app).count(("change", "password:password")) == 1


@pytest.mark.sqlite_only
def test_who_only_knows_the_cookie_cannot_guess_the_present_password_for_long(
    app: Flask, ana: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SIGN_INS_PER_HOUR", 2)
    tried = [post(ana, "/account/password", present="wrong", password=NEW).status_code for _ in range(3)]
    assert tried == [422, 422, 429]


def test_signing_out_is_logged(app: Flask, ana: FlaskClient) -> None:
    post(ana, "/account/sign-out", seen="/account/")
    assert entries(app)[-1] == ("sign-out", None)
    post(ana, "/account/sign-out", seen=SIGN_IN)
    assert entries(app).count(("sign-out", None)) == 1


def test_a_session_of_an_account_that_was_blocked_is_nobody_s(app: Flask, ana: FlaskClient) -> None:
    assert ana.get("/queue/").status_code == 200
    with app.app_context():
        db.session.execute(update(Account).values(active=False))
        db.session.commit()
    assert ana.get("/queue/").status_code == 303


@pytest.mark.sqlite_only
def test_what_one_cookie_holds_is_worth_nothing_in_another(app: Flask, client: FlaskClient, ana: FlaskClient) -> None:
    post(ana, "/account/sessions/end", seen="/account/")
    said = ana.get_cookie("said")
    assert said is not None
    client.get(SIGN_IN)
    token = client.get_cookie("session")
    assert token is not None
    for name in ("said", "told"):
        with app.test_request_context(headers={"Cookie": f"{name}={token.value.removeprefix('.')}"}):
            assert (sessions.told(), sessions.said()) == (None, "")
    with app.test_request_context(headers={"Cookie": f"session=.{said.value}"}):
        assert dict(app.session_interface.open_session(app, request) or {}) == {}
    with app.test_request_context(headers={"Cookie": f"said={said.value}"}):
        assert sessions.said().endswith("ended.")


@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", ["/queue/", "/queue/1", "/log/", "/log/numbers", "/account/", "/account/sites"])
def test_signing_out_is_on_every_page(app: Flask, ana: FlaskClient, path: str) -> None:
    send_form(app.test_client())
    assert 'action="/account/sign-out"' in ana.get(path).get_data(as_text=True)
