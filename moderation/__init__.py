"""Leave a Reply: pre-moderated comments for any website.

The map, from the doors inwards; imports point one way, down this page:

- web/          who may ask over HTTP: submissions, queue, log, published, receipts, account, settings, and others
- cli/          commands          - serving.py  server and worker in one process group
- worker.py     the loop that empties the outbox          - checks/   is this installation sound
- backup.py    a copy while it runs
- transfer/     import and export, one format per file
- intake.py     what happens when a reply arrives
- review/       the queue's and the log's questions   - receipts.py   what the commenter may see and ask
- teams.py      a team's own sign-in
- retention.py  forgetting
- lifecycle/    statuses and the transition table: the only maker and mover of revisions
- publishing/   what the public may see
- accounts/    who may do what              - notify/       who is told what
- triage/       findings about a held reply   - search.py     texts by their words
- audit.py      the log and its proof
- models/       what is stored
- db.py, disk.py, config.py, markup.py, languages.py, scratch.py, work.py   - lean.py  what the libraries need not load
"""

from moderation import lean  # noqa: F401 - first of all

# isort: split
import os
from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from flask_babel import Babel
from flask_migrate import Migrate
from flask_security import Security, SQLAlchemyUserDatastore, hash_password
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from moderation import accounts, cli, config, disk, models
from moderation.db import TELLS_CACHES
from moderation.db import db as database
from moderation.web import (
    account,
    actwords,
    answers,
    assets,
    confirm,
    demo,
    factors,
    factorwords,
    forwarded,
    front,
    guards,
    hosts,
    invitations,
    journal,
    lastseen,
    limits,
    log,
    logwords,
    moving,
    oidc,
    openapi,
    operating,
    operations,
    passkeys,
    people,
    profile,
    proving,
    published,
    queue,
    queuewords,
    reauth,
    reset,
    roles,
    sessions,
    settings,
    settingswords,
    speech,
    submissions,
    together,
    wording,
)

# Under another name: `moderation.receipts` is the room.
from moderation.web import receipts as receipts_door

ROOT = Path(__file__).resolve().parent.parent


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Wire the service: settings, database, accounts, doors, commands."""
    values = config.load(os.environ if environ is None else environ, root=ROOT)
    app = Flask(
        __name__,
        template_folder=str(ROOT / "templates"),
        instance_path=str(values["INSTANCE_PATH"]),
        static_folder="static",
    )
    app.config.update(values)
    app.config.update(_of_libraries(values))
    if hops := app.config["PROXY_HOPS"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]

    database.init_app(app)
    # What is kept ready needs to know nothing of who asks, and goes out ahead of everything but the odd hosts.
    ahead = front.answer_ready(front.init_app(app), app.wsgi_app)
    app.wsgi_app = hosts.refuse_others(app.config, ahead)  # type: ignore[method-assign, assignment]
    Migrate(app, database, directory=str(ROOT / "moderation" / "migrations"), render_as_batch=True)
    Babel(
        app,
        default_translation_directories=str(ROOT / "moderation" / "translations"),
        locale_selector=speech.chosen,
    )

    # In this order: a line in the journal for every request, then what may not pass, then the forged form.
    journal.init_app(app)
    guards.init_app(app)
    sessions.init_app(app)
    csrf = CSRFProtect(app)
    datastore = SQLAlchemyUserDatastore(database, models.Account, models.Membership)  # type: ignore[arg-type]
    Security(app, datastore, register_blueprint=False)
    # Sessions alone sign people in: no token in a query or a body does, and no cookie that would remember somebody.
    app.login_manager.user_loader(accounts.signed_in_as)  # type: ignore[attr-defined]
    app.login_manager.request_loader(lambda _: None)  # type: ignore[attr-defined]
    app.login_manager._load_user_from_remember_cookie = lambda _: None  # type: ignore[attr-defined]
    with app.app_context():
        app.extensions["nobody"] = hash_password(proving.NOBODY)

    for door in (
        *(submissions, queue, together, log, published, receipts_door, people, invitations),
        *(account, profile, factors, passkeys, confirm, reset, oidc),
        *(settings, moving, operations, operating, openapi, demo),
    ):
        app.register_blueprint(door.bp)
    # No session to ride on: these answer everybody alike, and check the Origin instead.
    for door in (submissions, receipts_door):
        csrf.exempt(door.bp)
    for part in (answers, assets, limits, forwarded, lastseen, reauth, speech, wording, roles):
        part.init_app(app)
    for part in (actwords, factorwords, queuewords, logwords, settingswords):
        part.init_app(app)
    cli.init_app(app)
    return app


def _of_libraries(settings: Mapping[str, str | int | bool]) -> dict[str, object]:
    """Say our settings in the words of the libraries."""
    secure = str(settings["BASE_URL"]).startswith("https://")
    on_sqlite = str(settings["DATABASE_URL"]).startswith("sqlite")
    return {
        "SQLALCHEMY_DATABASE_URI": _driver(str(settings["DATABASE_URL"])),
        # One connection for the request and one for its session, for every thread.
        "SQLALCHEMY_ENGINE_OPTIONS": {
            # A file is there or not; a server may have gone since it was last asked.
            "pool_pre_ping": not on_sqlite,
            "pool_size": 2 * int(settings["THREADS"]) + 2,
            # Where caches in front are to be told, what raises a version puts the news into the outbox.
            "execution_options": {TELLS_CACHES: bool(settings["PURGE_URL"])},
            "connect_args": {"factory": disk.Connection} if on_sqlite else {},
        },
        "MAX_CONTENT_LENGTH": guards.MOST_BODY,
        "MAX_FORM_MEMORY_SIZE": guards.MOST_BODY,
        "MAX_FORM_PARTS": 1100,
        "SESSION_COOKIE_NAME": "__Host-session" if secure else "session",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,
        # Every message of a form is one of ours; the library would read its own catalog anew for each request.
        "WTF_I18N_ENABLED": False,
        "WTF_CSRF_SSL_STRICT": secure,
        "SECURITY_PASSWORD_SALT": settings["PASSWORD_SALT"],
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        # OWASP's second choice: 19 MiB, two passes, one lane.
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__rounds": 2,
            "argon2__memory_cost": 19_456,
            "argon2__parallelism": 1,
        },
        "SECURITY_DEFAULT_REMEMBER_ME": False,
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_TRACKABLE": False,
        "SECURITY_SEND_REGISTER_EMAIL": False,
        "BABEL_DEFAULT_LOCALE": "en",
        "BABEL_DEFAULT_TIMEZONE": "UTC",
        "SEND_FILE_MAX_AGE_DEFAULT": 31_536_000,
    }


def _driver(url: str) -> str:
    """Name the PostgreSQL driver; both spellings of the scheme are in use."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url
