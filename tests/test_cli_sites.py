"""What operators set of a site by command: told to the public at once, logged with before and after."""

import pytest
from flask import Flask

from moderation import audit
from moderation.db import db
from moderation.models import Action, Entry, Kind
from tests.conftest import ORIGIN, PAGE, make_site, site_of
from tests.test_cli import ask, refused


@pytest.fixture
def courier(app: Flask) -> Flask:
    """Return the app with the site "courier"."""
    make_site(app, "courier", ORIGIN)
    return app


def settings(app: Flask) -> dict[str, object]:
    found = app.test_client().get(f"/sites/courier/thread.json?page={PAGE}").json
    return {name: found["settings"][name] for name in ("name", "accent", "radius", "required", "max")}


def test_what_is_set_is_public_at_once_and_logged(courier: Flask) -> None:
    told = settings(courier)
    said = ask(courier, "site", "set", "courier", "--accent", "#7a1f2b", "--radius", "0", "--required", "url, author")
    assert (said.exit_code, said.output) == (0, "Site courier: accent, radius, required changed.\n")
    assert settings(courier) == told | {"accent": "#7a1f2b", "radius": 0, "required": ["comment", "author", "url"]}
    with courier.app_context():
        entry = db.session.scalars(db.select(Entry).order_by(Entry.id.desc()).limit(1)).one()
        assert (entry.kind, entry.action, entry.subject) == (Kind.SETTING, Action.CHANGE, "site:1")
        assert entry.note == "accent: #2c52a0 → #7a1f2b\nradius: 4 → 0\nrequired: author, email → author, url"
        assert [proof.faults for proof in audit.verify()] == [[], []]


def test_every_option_reaches_its_setting(courier: Flask) -> None:
    given = {
        "name": "The Courier",
        "origins": "https://b.example/, http://B.example:80/x",
        "locale": "de",
        "accent": "#7a1f2b",
        "radius": "0",
        "page-size": "50",
        "close-days": "30",
        "max-comment": "1000",
        "required": "",
        "guidelines": "Stay *kind*.",
        "target-hours": "8",
        "undo-seconds": "30",
        "return-days": "7",
        "watched-words": "casino*, buy now",
        "watched-hosts": "Bücher.example, *.shop.example, https://x.example/y",
        "keep-network-days": "7",
        "keep-email-days": "365",
        "keep-refused-days": "0",
        "require-second": "on",
    }
    arguments = [part for name, text in given.items() for part in (f"--{name}", text)]
    said = ask(courier, "site", "set", "courier", *arguments)
    assert said.output == f"Site courier: {', '.join(name.replace('-', '_') for name in given)} changed.\n"
    with courier.app_context():
        site = site_of("courier")
        assert {name: getattr(site, name.replace("-", "_")) for name in given} == {
            "name": "The Courier",
            "origins": ["https://b.example", "http://b.example"],
            "locale": "de",
            "accent": "#7a1f2b",
            "radius": 0,
            "page-size": 50,
            "close-days": 30,
            "max-comment": 1000,
            "required": [],
            "guidelines": "Stay *kind*.",
            "target-hours": 8,
            "undo-seconds": 30,
            "return-days": 7,
            "watched-words": ["casino*", "buy now"],
            "watched-hosts": ["xn--bcher-kva.example", "shop.example", "x.example"],
            "keep-network-days": 7,
            "keep-email-days": 365,
            "keep-refused-days": 0,
            "require-second": True,
        }
        assert site.version == 2
    assert ask(courier, "site", "set", "courier", "--require-second", "off").exit_code == 0
    with courier.app_context():
        assert site_of("courier").require_second is False


def test_what_stays_as_it_is_raises_no_version(courier: Flask) -> None:
    said = ask(courier, "site", "set", "courier", "--accent", "#2c52a0")
    assert said.output == "Site courier: nothing changed.\n"
    with courier.app_context():
        assert site_of("courier").version == 1


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("--accent", "red", "a colour like #2c52a0, in small letters"),
        ("--accent", "#2c52a0;}", "a colour like #2c52a0, in small letters"),
        ("--accent", "#2c52a0\n", "a colour like #2c52a0, in small letters"),
        ("--radius", "33", "a whole number from 0 to 32"),
        ("--radius", "-1", "a whole number from 0 to 32"),
        ("--page-size", "0", "a whole number from 10 to 300"),
        ("--close-days", "99999999999", "a whole number from 0 to 36500"),
        ("--max-comment", "65526", "a whole number from 100 to 65525"),
        ("--required", "author,phone", "'phone' is none of author, email, url"),
        ("--name", "", "1 to 200 characters"),
        ("--name", "a\x00b", "no character that cannot be stored"),
        ("--origins", "", "at least one origin, as in https://example.org"),
        ("--origins", "https://a.example,ftp://b.example", "“ftp://b.example” is no origin"),
        ("--guidelines", "x" * 5001, "at most 5000 characters"),
        ("--target-hours", "0", "a whole number from 1 to 720"),
        ("--undo-seconds", "601", "a whole number from 0 to 600"),
        ("--return-days", "366", "a whole number from 0 to 365"),
        ("--watched-words", "casino,***", "“***” has no letter or number"),
        ("--watched-words", "x" * 101, "“" + "x" * 60 + "” has no letter or number, or more than 100 characters"),
        ("--watched-words", ",".join(map(str, range(501))), "at most 500 lines"),
        ("--watched-hosts", "a b", "“a b” is no host"),
        ("--watched-hosts", "https://", "“https://” is no host"),
        ("--keep-network-days", "3651", "a whole number from 0 to 3650"),
        ("--keep-email-days", "-1", "a whole number from 0 to 3650"),
        ("--keep-refused-days", "3651", "a whole number from 0 to 3650"),
        ("--locale", "tlh", "none of "),
    ],
)
def test_what_cannot_be_set_is_refused_by_its_option(courier: Flask, option: str, value: str, why: str) -> None:
    line = refused(ask(courier, "site", "set", "courier", "--radius", "7", option, value))
    assert line.startswith(f"Error: Invalid value for {option}: {why}")
    with courier.app_context():
        assert (site_of("courier").version, site_of("courier").radius) == (1, 4)


def test_a_page_is_closed_and_opened(courier: Flask) -> None:
    def closed() -> bool:
        return bool(courier.test_client().get(f"/sites/courier/thread.json?page={PAGE}").json["closed"])

    assert not closed()
    assert ask(courier, "site", "close", "courier", PAGE).output == "courier.example/news/mill-lane is closed.\n"
    assert closed()
    assert ask(courier, "site", "open", "courier", f"{PAGE}/").output == "courier.example/news/mill-lane is open.\n"
    assert not closed()
    line = refused(ask(courier, "site", "close", "courier", "https://evil.example/"))
    assert line == f"Error: Invalid value for URL: not the address of a page on {ORIGIN}"
    assert refused(ask(courier, "site", "set", "nobody", "--radius", "1")).startswith("Error: There is no site nobody.")
