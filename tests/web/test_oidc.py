"""A team's own sign-in: opens accounts that are there, for who began, by what is proven."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from sqlalchemy import update

from moderation.db import db
from moderation.models import Account, Role
from tests.conftest import make_account
from tests.issuer import CLIENT, SECRET, Issuer, issuer
from tests.web.asking import Page, dump
from tests.web.signing import SECOND, SIGN_IN, code, entries, post, set_up_app, sign_in

BEGIN, BACK = "/account/team/", "/account/team/back"
NO_ACCOUNT = "That sign-in opens no account here."


@pytest.fixture
def team(app: Flask, site: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """Let a team have a sign-in, and Ana an account here and there."""
    make_account(app, "Ana", courier=Role.MODERATOR)
    with issuer() as made:
        made.person = {"sub": "ana-1", "email": "Ana@staff.example"}
        settings = {"OIDC_ISSUER": made.url, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": SECRET}
        for name, value in settings.items():
            monkeypatch.setitem(app.config, name, value)
        yield made


def led(client: FlaskClient) -> dict[str, str]:
    """Begin, and return what the issuer is asked."""
    answer = client.get(BEGIN)
    assert answer.status_code == 303
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def come_back(client: FlaskClient, team: Issuer, **changes: str) -> Any:
    """Go there and back."""
    back = parse_qs(urlsplit(team.authorize(led(client))).query)
    return client.get(BACK, query_string={name: values[0] for name, values in back.items()} | changes)


def test_who_has_an_account_is_let_in_and_known_by_a_lasting_name(
    app: Flask, client: FlaskClient, team: Issuer
) -> None:
    assert "Sign in with your team" in Page(client.get(SIGN_IN)).words
    before = dump(app)
    asked = led(client)
    assert dump(app) == before
    assert (asked["scope"], asked["redirect_uri"]) == ("openid email", "http://127.0.0.1:8000/account/team/back")
    answer = come_back(client, team)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue/")
    assert client.get("/queue/").status_code == 200
    assert entries(app)[-2:] == [("add", "factor:team"), ("sign-in", "with:team")]
    # From now on the name counts: another address is the same person, the same address another's is not.
    team.person = {"sub": "ana-1", "email": "ana.new@staff.example"}
    assert come_back(app.test_client(), team).headers["Location"] == "/queue/"
    team.person = {"sub": "someone-else", "email": "ana@staff.example"}
    assert come_back(app.test_client(), team).headers["Location"] == SIGN_IN


def test_a_second_factor_is_asked_for_all_the_same(app: Flask, client: FlaskClient, team: Issuer) -> None:
    sign_in(ana := app.test_client())
    secret, _ = set_up_app(ana)
    assert come_back(client, team).headers["Location"] == SECOND
    assert client.get("/queue/").status_code == 303
    assert post(client, SECOND, code=code(secret)).headers["Location"] == "/queue/"
    assert entries(app)[-1] == ("sign-in", "with:team+totp")


OTHER_KEY = RSAKey.generate_key(2048, {"kid": "1"})
BENT: list[tuple[str, dict[str, Any]]] = [
    ("another issuer", {"iss": "https://evil.example"}),
    ("for another", {"aud": "another"}),
    ("for two, by another", {"aud": [CLIENT, "another"], "azp": "another"}),
    ("too old", {"exp": 1}),
    ("no end", {"exp": None}),
    ("another try", {"nonce": "another"}),
    ("no try", {"nonce": None}),
    ("nobody", {"sub": None}),
    ("not vouched for", {"email_verified": False}),
    ("vouched for in words", {"email_verified": "true"}),
    ("no address", {"email": None}),
    ("nobody here", {"email": "eve@evil.example"}),
    ("hostile", {"email": "a\0b@staff.example"}),
    ("hostile name", {"sub": "\0"}),
]


@pytest.mark.parametrize(("what", "bent"), BENT)
def test_what_is_not_proven_opens_nothing(
    app: Flask, client: FlaskClient, team: Issuer, what: str, bent: dict[str, Any]
) -> None:
    team.bent = bent
    before = dump(app)
    assert come_back(client, team).headers["Location"] == SIGN_IN
    assert NO_ACCOUNT in Page(client.get(SIGN_IN)).words
    assert client.get("/queue/").status_code == 303
    assert dump(app) == before


def test_another_key_state_issuer_or_browser_opens_nothing(app: Flask, client: FlaskClient, team: Issuer) -> None:
    before = dump(app)
    for changes in ({"state": "x"}, {"state": ""}, {"iss": "https://evil.example"}, {"code": "x"}, {"code": ""}):
        assert come_back(client, team, **changes).headers["Location"] == SIGN_IN
    query = {name: values[0] for name, values in parse_qs(urlsplit(team.authorize(led(client))).query).items()}
    assert app.test_client().get(BACK, query_string=query).headers["Location"] == SIGN_IN
    # The try is over with its first answer, whatever that was.
    client.get(BACK, query_string=query | {"state": "x"})
    assert client.get(BACK, query_string=query).headers["Location"] == SIGN_IN
    team.signs_with = OTHER_KEY
    assert come_back(client, team).headers["Location"] == SIGN_IN
    assert client.get("/queue/").status_code == 303
    assert dump(app) == before


@pytest.mark.sqlite_only
def test_only_some_domains_where_the_operator_says_so(
    app: Flask, client: FlaskClient, team: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "OIDC_DOMAINS", "courier.example, other.example")
    assert come_back(client, team).headers["Location"] == SIGN_IN
    monkeypatch.setitem(app.config, "OIDC_DOMAINS", "courier.example, Staff.example")
    assert come_back(client, team).headers["Location"] == "/queue/"


@pytest.mark.sqlite_only
def test_a_blocked_account_stays_closed(app: Flask, client: FlaskClient, team: Issuer) -> None:
    assert come_back(client, team).headers["Location"] == "/queue/"
    with app.app_context():
        db.session.execute(update(Account).values(active=False))
        db.session.commit()
    assert come_back(app.test_client(), team).headers["Location"] == SIGN_IN


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_an_issuer_that_describes_itself_badly_is_not_followed(
    app: Flask, client: FlaskClient, team: Issuer, described: dict[str, Any]
) -> None:
    team.described = described
    assert client.get(BEGIN).headers["Location"] == SIGN_IN
    assert "does not answer" in Page(client.get(SIGN_IN)).words


@pytest.mark.sqlite_only
def test_keys_on_this_machine_are_not_fetched_for_an_issuer_elsewhere(client: FlaskClient, team: Issuer) -> None:
    team.described = {"jwks_uri": "https://localhost:1/keys"}
    assert come_back(client, team).headers["Location"] == SIGN_IN
    assert "does not answer" in Page(client.get(SIGN_IN)).words


@pytest.mark.sqlite_only
def test_an_issuer_that_is_away_is_said(client: FlaskClient, team: Issuer) -> None:
    team.is_down = True
    assert client.get(BEGIN).headers["Location"] == SIGN_IN
    assert "Your team's sign-in does not answer." in Page(client.get(SIGN_IN)).words


@pytest.mark.sqlite_only
def test_without_an_issuer_there_is_nothing(client: FlaskClient) -> None:
    assert [client.get(path).status_code for path in (BEGIN, BACK)] == [404, 404]
    assert "Sign in with your team" not in Page(client.get(SIGN_IN)).words


@pytest.mark.sqlite_only
def test_a_try_is_not_kept_for_long(client: FlaskClient, team: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.web.oidc.WITHIN", -1)
    assert come_back(client, team).headers["Location"] == SIGN_IN
    assert "That took too long." in Page(client.get(SIGN_IN)).words


@pytest.mark.sqlite_only
@pytest.mark.parametrize("sender", ["cross-site", "same-site"])
def test_nobody_is_signed_in_because_a_page_led_them_here(client: FlaskClient, team: Issuer, sender: str) -> None:
    assert client.get(BEGIN, headers={"Sec-Fetch-Site": sender}).headers["Location"] == SIGN_IN
    assert client.get_cookie("session") is None
    assert client.get(BEGIN, headers={"Sec-Fetch-Site": "same-origin"}).headers["Location"].startswith(team.url)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("algorithm", ["none", "None", "HS256"])
def test_a_signature_that_anybody_could_make_opens_nothing(client: FlaskClient, team: Issuer, algorithm: str) -> None:
    team.algorithm = algorithm
    assert come_back(client, team).headers["Location"] == SIGN_IN
    assert NO_ACCOUNT in Page(client.get(SIGN_IN)).words
    team.algorithm = "RS256"
    assert come_back(client, team).headers["Location"] == "/queue/"
