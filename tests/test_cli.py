"""Commands do what they say, and answer what they cannot do in one line and another exit code than 0."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask_security.utils import verify_password
from sqlalchemy import select

from moderation import accounts, audit
from moderation.db import db
from moderation.models import Comment, Entry, Kind, Membership, Reason, Role
from tests.conftest import NOW, PAGE, account_of, make_account, make_site, new_app, site_of
from tests.server import flask
from tests.transfer.wxr import START, comment, export, item

PASSWORD = "the ramp starts by the noticeboard"
EDDA = ["account", "create", "Edda@Home.example.org", "--name", "Edda", "--password-stdin"]


def ask(app: Flask, *arguments: str, given: str | bytes = "") -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), input=given)


def refused(result: Result) -> str:
    """Return the last line, provided the command ended in a sentence and not in a traceback."""
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.output
    return result.output.strip().splitlines()[-1]


def test_a_new_site_has_reasons_a_log_and_its_origins(app):
    said = ask(
        app, "site", "create", "courier", "--origin", "HTTPS://Courier.example:443/", "--origin", "http://a.example"
    )
    assert (said.exit_code, said.output.splitlines()[0]) == (
        0,
        "Site courier for https://courier.example, http://a.example.",
    )
    with app.app_context():
        site = site_of("courier")
        assert (site.name, site.origins) == ("courier.example", ["https://courier.example", "http://a.example"])
        assert [reason.digit for reason in site.reasons] == [1, 2, 3, 4, 5]
        assert [proof.faults for proof in audit.verify()] == [[], []]


def test_a_site_is_known_to_the_running_service_at_once(app):
    client = app.test_client()
    assert client.get(f"/sites/courier/thread.json?page={PAGE}").status_code == 404
    ask(app, "site", "create", "courier", "--origin", "https://courier.example")
    assert client.get(f"/sites/courier/thread.json?page={PAGE}").status_code == 200


def test_a_site_may_have_an_owner_from_the_start(app):
    make_account(app, "Ana")
    assert (
        ask(app, "site", "create", "a", "--origin", "https://a.example", "--owner", "ana@staff.example").exit_code == 0
    )
    with app.app_context():
        assert db.session.scalars(select(Membership.role)).all() == [Role.OWNER]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Courier", "--origin", "https://a.example"], "Error: Invalid value for KEY: a key has 1 to 40 of a-z 0-9 -"),
        (["a" * 41, "--origin", "https://a.example"], "Error: Invalid value for KEY: a key has 1 to 40 of a-z 0-9 -"),
        (["a\n", "--origin", "https://a.example"], "Error: Invalid value for KEY: a key has 1 to 40 of a-z 0-9 -"),
        (["a"], "Error: Missing option '--origin'."),
        (["a", "--origin", "a.example"], "Error: Invalid value for --origin: an origin looks like https://example.org"),
        (
            ["a", "--origin", "ftp://a.example"],
            "Error: Invalid value for --origin: an origin looks like https://example.org",
        ),
        (["courier", "--origin", "https://a.example"], "Error: There is a site courier already."),
        (
            ["a", "--origin", "https://a.example", "--name", "n" * 201],
            "Error: Invalid value for --name: a name has 1 to 200 characters",
        ),
        (
            ["a", "--origin", "https://a.example", "--owner", "no@body.example"],
            "Error: There is no account no@body.example.",
        ),
    ],
)
def test_a_site_that_cannot_be_made_is_refused_in_a_line(app, site, arguments, said):
    assert refused(ask(app, "site", "create", *arguments)) == said
    with app.app_context():
        assert [proof.chain for proof in audit.verify()] == ["installation", "courier"]


def test_a_new_account_signs_in_with_the_password_from_standard_input(app, site):
    said = ask(app, *EDDA, "--owner-of", "courier", given=f"{PASSWORD}\r\nmore\n")
    assert (said.exit_code, said.output) == (0, "edda@home.example.org: owner of courier\n")
    with app.app_context():
        edda = account_of("edda@home.example.org")
        assert (edda.name, verify_password(PASSWORD, edda.password)) == ("Edda", True)
        assert accounts.sites_of(edda) == [site_of("courier")]
        assert PASSWORD not in str(db.session.execute(select(Entry.note, Entry.rule, Entry.subject)).all())


def test_an_account_that_is_there_gets_another_role_and_keeps_its_password(app, site):
    make_site(app, "herald", "https://herald.example")
    make_account(app, "Ana", courier=Role.OWNER)
    said = ask(app, "account", "create", "ANA@staff.example", "--moderator-of", "herald", "--password-stdin", given="x")
    assert said.exit_code == 0
    assert said.output == (
        "ana@staff.example has an account already; name and password stay.\nana@staff.example: moderator of herald\n"
    )
    with app.app_context():
        ana = account_of("ana@staff.example")
        roles = {membership.site.key: membership.role for membership in ana.memberships}
        assert (ana.name, roles) == ("Ana", {"courier": Role.OWNER, "herald": Role.MODERATOR})
        assert verify_password(PASSWORD, ana.password)


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (
            ["account", "create", "edda"],
            PASSWORD,
            "Error: Invalid value for EMAIL: An email address must have an @-sign.",
        ),
        (EDDA[:-1], "", "Error: A new account needs a password: give it on standard input with --password-stdin."),
        (EDDA, "", "Error: The password is short: it needs 12 to 128 characters, and not to be easily guessed."),
        (EDDA, "short\n", "Error: The password is short: it needs 12 to 128 characters, and not to be easily guessed."),
        (EDDA, "a" * 129, "Error: The password is long: it needs 12 to 128 characters, and not to be easily guessed."),
        (
            EDDA,
            "a" * 20,
            "Error: The password is guessable: it needs 12 to 128 characters, and not to be easily guessed.",
        ),
        (EDDA, b"\xff\xfe secret secret\n", "Error: The password is not in UTF-8."),
        ([*EDDA[:4], "n" * 101, EDDA[-1]], PASSWORD, "Error: Invalid value for --name: a name has 1 to 100 characters"),
        (
            [*EDDA, "--owner-of", "nosuch"],
            PASSWORD,
            "Error: There is no site nosuch. Add it with: flask site create nosuch --origin URL",
        ),
        (
            [*EDDA, "--owner-of", "courier", "--moderator-of", "courier"],
            PASSWORD,
            "Error: Owner of courier is moderator there too: give one of the two.",
        ),
    ],
)
def test_an_account_that_cannot_be_made_is_refused_in_a_line(app, site, arguments, given, said):
    assert refused(ask(app, *arguments, given=given)) == said
    with app.app_context():
        assert accounts.any_account() is False


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return an export: two published, one held, one pingback, one that cannot be read."""
    comments = [comment(1), comment(2, 9), comment(3, approved="0"), comment(4, type="pingback"), comment("")]
    path = tmp_path / "export.xml"
    path.write_bytes(export(item(*comments, link="https://old.example/bridge")))
    return path


NUMBERS = """\
      3  new
      2  published
      1  held
      1  pingbacks, counted apart and not imported
      1  left out: no id
      3  of them on pages of old.example, moved to https://courier.example
      1  without their parent, kept at the top level
"""


def test_an_import_says_what_it_did_and_a_dry_run_says_the_same_before(app, site, file):
    rehearsed = ask(app, "import", "wordpress", str(file), "--site", "courier", "--dry-run")
    assert (rehearsed.exit_code, rehearsed.output) == (0, f"Dry run, nothing was stored.\n{NUMBERS}")
    with app.app_context():
        assert db.session.scalars(select(Comment)).all() == []
    done = ask(app, "import", "wordpress", str(file), "--site", "courier")
    assert (done.exit_code, done.output) == (0, f"Imported into courier.\n{NUMBERS}")
    again = ask(app, "import", "wordpress", str(file), "--site", "courier")
    assert again.output.splitlines()[-1] == "      3  here already, left as they are"
    assert ask(app, "audit", "verify").exit_code == 0


def test_a_file_that_breaks_off_keeps_what_came_before_and_fails_by_name_and_line(app, site, tmp_path):
    path = tmp_path / "broken.xml"
    path.write_text(f"{START}\n{item(comment(1), comment(2))}\n<item><b")
    done = ask(app, "import", "wordpress", str(path), "--site", "courier")
    assert done.exit_code == 1
    assert done.output == (
        "Imported into courier.\n      2  new\n      2  published\n"
        f"Error: {path}: The file breaks at line 3, after comment 2 on https://courier.example/bridge; "
        "2 comments were read before.\n"
    )
    with app.app_context():
        assert len(db.session.scalars(select(Entry).where(Entry.kind == Kind.IMPORT)).all()) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"root:x:0:0:", "The file is not a WordPress export: it is no XML at line 1."),
        (b"<html></html>", "The file is not a WordPress export: it begins with <html>, not with <rss>."),
        (b"\x1f\x8b\x08\x00", "The file is compressed. Unpack it first."),
        (b"<!DOCTYPE rss><rss/>", "The file declares a document type, which a WordPress export never does."),
    ],
)
def test_what_is_no_export_is_refused_in_a_line(app, site, tmp_path, content, said):
    path = tmp_path / "file.xml"
    path.write_bytes(content)
    assert refused(ask(app, "import", "wordpress", str(path), "--site", "courier")) == f"Error: {path}: {said}"


def test_an_import_needs_a_file_and_a_site_that_are_there(app, site, file):
    nosuch = refused(ask(app, "import", "wordpress", str(file), "--site", "nosuch"))
    assert nosuch == "Error: There is no site nosuch. Add it with: flask site create nosuch --origin URL"
    absent = refused(ask(app, "import", "wordpress", f"{file}.no", "--site", "courier"))
    assert absent == f"Error: Invalid value for 'FILE': '{file}.no': No such file or directory"


# The tests' PostgreSQL is not synced, to be fast; a check would say so.
@pytest.mark.sqlite_only
def test_a_check_of_a_sound_installation_finds_nothing_to_mend(app):
    said = ask(app, "check")
    assert (said.exit_code, "MEND" in said.output) == (0, False)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"BASE_URL": "http://reply.example", "PROXY_HOPS": "1"}, "plain http"),
        ({"BASE_URL": "https://reply.example"}, "set MODERATION_PROXY_HOPS"),
        ({"DATABASE_URL": "sqlite:////nonexistent/file.sqlite"}, "The database does not answer"),
        ({"DATABASE_URL": "postgresql://nobody@/none?host=/nonexistent"}, "The database does not answer"),
    ],
)
def test_a_check_names_what_is_to_be_mended(app, tmp_path, settings, named):
    url = settings.pop("DATABASE_URL", app.config["DATABASE_URL"])
    said = ask(new_app(url, tmp_path, **settings), "check")
    lines = [line for line in said.output.splitlines() if line.startswith("MEND")]
    assert (said.exit_code, len(lines)) == (1, 1)
    assert named in lines[0]


def test_a_check_finds_secrets_that_others_can_read(tmp_path):
    app = new_app(f"sqlite:///{tmp_path / 'new.sqlite'}", tmp_path)
    (tmp_path / "secrets.json").chmod(0o644)
    said = ask(app, "check")
    assert said.exit_code == 1
    assert f"MEND  {tmp_path / 'secrets.json'} is readable by others: chmod 600\n" in said.output
    assert "MEND  The database is empty. Run: flask db upgrade\n" in said.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["site", "create", "a", "--origin", "https://a.example"],
        [*EDDA],
        ["audit", "verify"],
        ["import", "wordpress", __file__, "--site", "a"],
        ["serve"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_command_trips_over_a_database_that_is_not_there_yet(tmp_path, arguments):
    app = new_app(f"sqlite:///{tmp_path / 'new.sqlite'}", tmp_path)
    assert refused(ask(app, *arguments, given=PASSWORD)) == "Error: The database is empty. Run: flask db upgrade"


def test_the_commands_for_scripts_work_from_a_shell(tmp_path):
    assert flask("db", "upgrade", instance=tmp_path).returncode == 0
    made = flask("site", "create", "courier", "--origin", "https://courier.example", instance=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    edda = flask(*EDDA, "--owner-of", "courier", instance=tmp_path, given=f"{PASSWORD}\n")
    assert (edda.returncode, edda.stdout, edda.stderr) == (0, "edda@home.example.org: owner of courier\n", "")
    twice = flask("site", "create", "courier", "--origin", "https://courier.example", instance=tmp_path)
    assert (twice.returncode, twice.stdout, twice.stderr) == (1, "", "Error: There is a site courier already.\n")


def test_default_reasons_have_words_for_moderator_and_author(app, site):
    with app.app_context():
        rows = db.session.scalars(select(Reason).order_by(Reason.digit)).all()
        assert [(row.digit, bool(row.label), bool(row.text)) for row in rows] == [(n, True, True) for n in range(1, 6)]
        assert site_of("courier").created_at == NOW
