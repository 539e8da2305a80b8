"""What `flask check` and the operators' page say: each thing that can be wrong, seen, and what to do about it."""

import json
import os
import re
import sqlite3
import stat
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import event, update

from moderation import accounts, backup, checks
from moderation.checks import Verdict, machine
from moderation.config import SECRETS
from moderation.db import clock, db
from moderation.models import Entry, Role, Via
from moderation.scratch import FORWARDED_BY
from tests.conftest import NOW, account_of, make_account, make_site, new_app, signed_in
from tests.web.asking import Page, send_form, stored


def said(app: Flask, verdict: Verdict, *, later: timedelta = timedelta()) -> str:
    """Return what is to be mended, or looked at, or in order."""
    with app.app_context():
        lines = [finding.line for finding in checks.run(app, now=clock() + later) if finding.verdict is verdict]
        db.session.rollback()
    return "\n".join(lines)


@pytest.fixture
def own(tmp_path: Path) -> Flask:
    """Return an installation of its own on SQLite, with one site."""
    app = new_app(f"sqlite:///{tmp_path / 'moderation.sqlite'}", tmp_path)
    with app.app_context():
        upgrade()
    make_site(app, "courier", "https://courier.example")
    return app


@pytest.mark.sqlite_only
def test_a_sound_installation(app: Flask) -> None:
    make_site(app, "courier", "https://courier.example")
    # It was made at another time than now.
    app.config["BACKUP_HOURS"] = 0
    fine = said(app, Verdict.OK)
    app.config["BACKUP_HOURS"] = 48
    for what in ("the secrets are long", "debug mode is off", "is https or local", "GiB are free", "hostile names"):
        assert what in fine
    for what in ("the database fits", "synced at every commit", "the clock says"):
        assert what in fine


def test_secrets_that_could_be_guessed(own: Flask) -> None:
    own.config["FORM_KEY"] = "ab" * 30
    assert "FORM_KEY can be guessed: make new ones" in said(own, Verdict.MEND)
    own.config["FORM_KEY"] = own.config["NETWORK_KEY"]
    assert "two secrets are the same" in said(own, Verdict.MEND)
    assert not [name for name in SECRETS if own.config[name] in said(own, Verdict.MEND)]


def test_debug_mode(own: Flask) -> None:
    own.debug = True
    assert "debug mode is on: unset FLASK_DEBUG" in said(own, Verdict.MEND)


@pytest.mark.parametrize(("by", "verdict"), [("near", Verdict.MEND), ("far", Verdict.LOOK)])
def test_headers_of_a_proxy_that_nobody_counts(own: Flask, by: str, verdict: Verdict) -> None:
    assert "headers of a proxy" not in said(own, verdict)
    own.extensions["scratch"].notice(FORWARDED_BY[by])
    assert re.search(r"headers of a proxy .*set MODERATION_PROXY_HOPS", said(own, verdict))
    own.config["PROXY_HOPS"] = 1
    assert "headers of a proxy" not in said(own, verdict)


def test_what_others_may_change_or_read(own: Flask, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "moderation.sqlite").chmod(0o644)
    assert f"may read the database in {tmp_path}: chmod 700" in said(own, Verdict.LOOK)
    tmp_path.chmod(0o700)
    assert said(own, Verdict.LOOK) == ""
    (tmp_path / "moderation.sqlite").chmod(0o666)
    assert f"others may change {tmp_path / 'moderation.sqlite'}: chmod -R go-w" in said(own, Verdict.MEND)


@pytest.mark.parametrize(("free", "verdict"), [(2**29, Verdict.LOOK), (2**20, Verdict.MEND), (2**31, Verdict.OK)])
def test_room_on_the_disk(own: Flask, free: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
    assert f"{free / 2**30:.1f} GiB are free" in said(own, verdict)


def test_a_database_that_is_not_synced(own: Flask) -> None:
    with own.app_context():

        @event.listens_for(db.engine, "connect")
        def _(connection: Any, __: Any) -> None:
            connection.execute("PRAGMA synchronous=OFF")

        db.engine.dispose()
    assert "NOT synced at every commit (journal_mode wal, synchronous 0" in said(own, Verdict.MEND)


def test_a_cluster_that_is_not_synced_as_that_of_the_tests_is(app: Flask) -> None:
    if "postgresql" in app.config["DATABASE_URL"]:
        assert re.search(r"postgresql, NOT synced at every commit .*fsync off", said(app, Verdict.MEND))
    else:
        assert "sqlite, synced at every commit" in said(app, Verdict.OK)


def test_a_clock_that_went_back(own: Flask) -> None:
    with own.app_context():
        db.session.execute(update(Entry).values(at=clock() + timedelta(hours=2)))
        db.session.commit()
    assert "which is to come: set the clock" in said(own, Verdict.MEND)


def test_redis_that_does_not_answer(tmp_path: Path) -> None:
    app = new_app(f"sqlite:///{tmp_path / 'm.sqlite'}", tmp_path, LIMITS_URL="redis://:hush@127.0.0.1:1/0")
    with app.app_context():
        upgrade()
    assert "does not answer: each machine counts for itself" in said(app, Verdict.MEND)
    assert "hush" not in said(app, Verdict.MEND)


@pytest.mark.parametrize("text", machine.HOSTILE)
def test_a_hostile_name_writes_no_header(text: str) -> None:
    assert not machine._writes_headers(text)


def test_a_library_that_lets_headers_be_written_is_seen(own: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless(EmailMessage):
        """A mail that takes what it is given, as old libraries did."""

        def as_bytes(self, *_: Any, **__: Any) -> bytes:
            return f"To: {self['To']}\r\nSubject: Ana\r\nBcc: everybody@evil.example\r\n\r\nA reply waits.".encode()

    monkeypatch.setattr(machine, "EmailMessage", Careless)
    assert "a name can write headers of a mail here" in said(own, Verdict.MEND)


def test_a_backup_and_its_age(own: Flask, tmp_path: Path) -> None:
    day, week = timedelta(days=1), timedelta(days=7)
    with own.app_context():
        db.session.execute(update(Entry).values(at=clock()))
        db.session.commit()
    assert "no backup yet, of an installation that is new" in said(own, Verdict.OK, later=day)
    assert "there is no backup: run flask backup every day" in said(own, Verdict.MEND, later=week)
    made = own.test_cli_runner().invoke(args=["backup"])
    assert (made.exit_code, Path(made.output.strip()).parent) == (0, tmp_path / "backups")
    assert "the newest backup is of" in said(own, Verdict.OK, later=day)
    assert re.search(r"the newest backup is of .*: run flask backup", said(own, Verdict.MEND, later=week))
    marker = tmp_path / "backups" / backup.ELSEWHERE
    marker.touch()
    later = (clock() + timedelta(days=6)).timestamp()
    os.utime(marker, (later, later))
    assert "the newest backup" in said(own, Verdict.OK, later=week)


def test_a_backup_is_a_whole_installation(own: Flask, tmp_path: Path) -> None:
    send_form(own.test_client())
    (tmp_path / "config.py").write_text("REPLY_PAUSE = 7\n")
    made = Path(own.test_cli_runner().invoke(args=["backup"]).output.strip())
    assert {path.name for path in made.iterdir()} == {"moderation.sqlite", "secrets.json", "config.py", "manifest.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o600}
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    manifest = json.loads((made / "manifest.json").read_text())
    assert (manifest["comments"], len(manifest["sha256"]["moderation.sqlite"])) == (1, 64)
    again = new_app(f"sqlite:///{made / 'moderation.sqlite'}", made)
    assert stored(again) == stored(own)
    assert (again.config["RECEIPT_KEY"], again.config["REPLY_PAUSE"]) == (own.config["RECEIPT_KEY"], 7)


def test_so_many_backups_are_kept_and_a_broken_one_is_none(own: Flask, tmp_path: Path) -> None:
    for number in range(4):
        backup.make(tmp_path / "moderation.sqlite", instance=tmp_path, keep=2, now=clock() + timedelta(hours=number))
    assert len(list((tmp_path / "backups").iterdir())) == 2
    with sqlite3.connect(tmp_path / "moderation.sqlite") as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("INSERT INTO membership (account_id, site_id, role) VALUES (77, 1, 'owner')")
    before = sorted((tmp_path / "backups").iterdir())
    refused = own.test_cli_runner().invoke(args=["backup"])
    assert (refused.exit_code, "No backup was made" in refused.output) == (1, True)
    assert sorted((tmp_path / "backups").iterdir()) == before


def test_postgresql_is_backed_up_by_its_own_means(app: Flask) -> None:
    said_ = app.test_cli_runner().invoke(args=["backup"])
    if "postgresql" in app.config["DATABASE_URL"]:
        assert (said_.exit_code, "pg_dump" in said_.output) == (1, True)
    else:
        assert said_.exit_code == 0


@pytest.mark.sqlite_only
def test_the_page_is_for_those_who_run_the_installation(app: Flask, client: FlaskClient, ana: FlaskClient) -> None:
    make_account(app, "Ines", courier=Role.OWNER)
    with app.app_context():
        account = account_of("ines@staff.example")
        accounts.set_operator(account, accounts.Operator.ON, now=NOW, via=Via.CLI)
        db.session.commit()
    ines = signed_in(app, "ines@staff.example")
    asked = [each.get("/operations/check") for each in (client, ana, ines)]
    assert [answer.status_code for answer in asked] == [303, 403, 200]
    page = Page(asked[2])
    assert page.unbalanced == []
    assert "Is this installation sound?" in page.words
    assert "the secrets are long and differ" in page.words
    # What it says of secrets is not what they are.
    assert not [name for name in SECRETS if app.config[name] in page.html]
