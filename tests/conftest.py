"""What the tests share: an app on both databases, people, sites, and ways to ask."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import text

from moderation import accounts, create_app
from moderation.db import db, set_reading
from moderation.models import Account, Role, Site, Via

pytest_plugins = ["tests.environment"]

for name in [name for name in os.environ if name.startswith("MODERATION_") and not name.startswith("MODERATION_TEST_")]:
    # The developer's own installation is nobody's test.
    del os.environ[name]

BASE_URL = "http://127.0.0.1:8000"
ORIGIN = "https://courier.example"
PAGE = f"{ORIGIN}/news/mill-lane"
PASSWORD = "the ramp starts by the noticeboard"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
#: Real data that may lie beside the project; tests over it run where it does.
DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what touches the database on both; `@pytest.mark.sqlite_only` says why not."""
    if "database" in metafunc.fixturenames:
        kinds = ["sqlite"] if metafunc.definition.get_closest_marker("sqlite_only") else ["sqlite", "postgresql"]
        metafunc.parametrize("database", kinds, scope="session", indirect=True)


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a database's address: a migrated, empty one."""
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('database') / 'moderation.sqlite'}"
    return url


@pytest.fixture(scope="session")
def installation(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return an app on a migrated database, one for all tests of a run that use this database."""
    app = new_app(database, tmp_path_factory.mktemp("instance"))
    with app.app_context():
        upgrade()
    yield app
    with app.app_context():
        db.engine.dispose()


def new_app(database: str, instance: Path, **settings: str) -> Flask:
    """Make an app as `wsgi.py` does, with settings of its own."""
    environ = {
        "MODERATION_DATABASE_URL": database,
        "MODERATION_INSTANCE_PATH": str(instance),
        "MODERATION_LOG_LEVEL": "error",
        # Tests send more in a minute than people do.
        **{f"MODERATION_{whose}_REPLIES_PER_MINUTE": "0" for whose in ("NETWORK", "THREAD", "SITE")},
        "MODERATION_PROOF_FROM_PER_MINUTE": "0",
        "MODERATION_RECEIPTS_PER_MINUTE": "1000",
    }
    app = create_app(environ | {f"MODERATION_{name}": value for name, value in settings.items()})
    app.config["TESTING"] = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    # What a test has stored it reads at once.
    app.extensions["ready"].age = 0.0
    return app


@pytest.fixture
def app(installation: Flask) -> Iterator[Flask]:
    """Return the app, its database emptied, and no pause between replies."""
    installation.config["REPLY_PAUSE"] = 0
    with installation.app_context():
        _empty()
    installation.extensions["ready"].clear()
    yield installation
    set_reading(False)


def _empty() -> None:
    """Empty every table, and begin the installation's chain anew."""
    tables = list(db.metadata.sorted_tables)
    with db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"TRUNCATE {', '.join(table.name for table in tables)} RESTART IDENTITY CASCADE"))
        else:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            connection.exec_driver_sql("DELETE FROM revision_words")
            for table in reversed(tables):
                connection.execute(table.delete())
            connection.exec_driver_sql("DELETE FROM sqlite_sequence")
        connection.execute(
            text(
                "INSERT INTO log_head (hash, pending, approved, rejected, spam, returned, superseded, withdrawn)"
                " VALUES ('', 0, 0, 0, 0, 0, 0, 0)"
            )
        )


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    """Hold an app context, for tests that ask rooms directly; never together with `client`."""
    with app.app_context():
        yield
        db.session.rollback()


@pytest.fixture
def site(app: Flask) -> str:
    """Make the site "courier" and return its key."""
    return make_site(app, "courier", ORIGIN)


def make_site(app: Flask, key: str, *origins: str, **changes: Any) -> str:
    """Make a site."""
    with app.app_context():
        made = accounts.create_site(key, name=key.title(), origins=list(origins), now=NOW, via=Via.CLI)
        for name, value in changes.items():
            setattr(made, name, value)
        db.session.commit()
    return key


def make_account(app: Flask, name: str, **roles: Role) -> str:
    """Make an account with roles by site key, and return its address."""
    email = f"{name.lower()}@staff.example"
    with app.app_context():
        account = accounts.create_account(email, name=name, password_hash=_hash_once(), now=NOW, via=Via.CLI)
        for key, role in roles.items():
            site = accounts.site(key)
            assert site is not None
            accounts.grant(account, site, role, now=NOW, via=Via.CLI)
        db.session.commit()
    return email


_hashed: dict[str, str] = {}


def _hash_once() -> str:
    """Hash the one password once an installation, for each has a salt of its own: argon2 is slow on purpose."""
    salt = current_app.config["PASSWORD_SALT"]
    if salt not in _hashed:
        _hashed[salt] = accounts.hashed(PASSWORD)
    return _hashed[salt]


@pytest.fixture
def client(app: Flask, site: str) -> FlaskClient:
    """Return a visitor."""
    return app.test_client()


@pytest.fixture
def ana(app: Flask, site: str) -> FlaskClient:
    """Return a moderator of the site, signed in."""
    make_account(app, "Ana", courier=Role.MODERATOR)
    return signed_in(app, "ana@staff.example")


@pytest.fixture
def piet(app: Flask, site: str) -> FlaskClient:
    """Return another moderator of the site, signed in."""
    make_account(app, "Piet", courier=Role.MODERATOR)
    return signed_in(app, "piet@staff.example")


def signed_in(app: Flask, email: str) -> FlaskClient:
    """Sign in as a person does: through the form."""
    client = app.test_client()
    answer = client.post(
        "/account/sign-in",
        data={"email": email, "password": PASSWORD, "csrf_token": token_in(client, "/account/sign-in")},
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue/")
    return client


def token_in(client: FlaskClient, path: str) -> str:
    """Read the form's token from a page."""
    html = client.get(path).get_data(as_text=True)
    return html.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]


@pytest.fixture
def reply(client: FlaskClient) -> Callable[..., Any]:
    """Return a function that sends a reply as a program does, and returns the answer."""

    def send(comment: str = "Wider is good news.", **fields: Any) -> Any:
        headers = {"Accept": "application/json", **fields.pop("headers", {})}
        sender = {"REMOTE_ADDR": fields.pop("address", "127.0.0.1")}
        body = {"comment": comment, "author": "Margit", "email": "margit@home.example", "page": PAGE} | fields
        return client.post("/sites/courier/replies", data=body, headers=headers, environ_overrides=sender)

    return send


def decide(client: FlaskClient, action: str, *seen: str, **fields: str) -> Any:
    """Decide as a moderator's page does: revisions as ID:TURN."""
    data = {"action": action, "revision": list(seen), "csrf_token": csrf(client), **fields}
    return client.post("/queue/decisions", data=data, headers={"Accept": "application/json"})


def undo(client: FlaskClient, batch: str = "") -> Any:
    """Undo as a moderator's page does."""
    data = {"batch": batch, "csrf_token": csrf(client)}
    return client.post("/queue/undo", data=data, headers={"Accept": "application/json"})


def csrf(client: FlaskClient) -> str:
    """Return the session's token, as every form of the queue carries it."""
    return token_in(client, "/queue/")


def account_of(email: str) -> Account:
    """Return an account; inside an app context."""
    found = accounts.find(email)
    assert found is not None
    return found


def site_of(key: str) -> Site:
    """Return a site; inside an app context."""
    found = accounts.site(key)
    assert found is not None
    return found
