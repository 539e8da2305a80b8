"""Reasons: written anew, moved, added, retired; what is wrong is said at its field, and the log names them all."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation import audit
from moderation.accounts import reasons
from moderation.db import db
from moderation.models import Entry, Reason
from tests.conftest import decide, site_of
from tests.web.asking import Page
from tests.web.test_settings import fields, ines, last_entry, tom

__all__ = ["ines", "tom"]


def there(app: Flask) -> list[tuple[int, int | None, str]]:
    """Return a site's reasons by their numbers: digit and label."""
    with app.app_context():
        return [(one.id, one.digit, one.label) for one in db.session.scalars(db.select(Reason).order_by(Reason.id))]


def press(client: FlaskClient, **changes: str) -> Any:
    sent = fields(client, "reasons") | {name.lstrip("_").replace("__", "-"): text for name, text in changes.items()}
    return client.post("/settings/courier/reasons", data=sent)


def test_a_reason_is_written_anew_and_the_log_says_how_it_was(app: Flask, ines: FlaskClient) -> None:
    answer = press(ines, _2__text="No  offers,\r\nplease.", _2__clause="4a", _2__category="fraud")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/courier/reasons?saved=reasons")
    with app.app_context():
        reason = site_of("courier").digits[3]
        assert (reason.label, reason.text, reason.clause, reason.category) == (
            *("Advertising", "No  offers,\nplease.", "4a", "fraud"),
        )
    assert last_entry(app)[3:] == (
        *("Ines", "settings:reasons"),
        "3. Advertising | § 4 | We do not publish offers or links to shops. → "
        "3. Advertising | § 4a | fraud | No  offers, ⏎ please.",
    )


def test_a_reason_is_added_on_the_next_free_digit(app: Flask, ines: FlaskClient) -> None:
    press(ines, _5__label="Too long", _5__text="Please be brief.")
    assert there(app)[5] == (6, 6, "Too long")
    assert fields(ines, "reasons")["6-digit"] == "7"


def test_two_reasons_change_places(app: Flask, ines: FlaskClient) -> None:
    press(ines, _0__digit="2", _1__digit="1")
    assert [digit for _, digit, _ in there(app)] == [2, 1, 3, 4, 5]
    assert fields(ines, "reasons")["0-label"] == "About a person, not the matter"


def test_a_retired_reason_is_offered_no_more_and_still_named(
    app: Flask, ines: FlaskClient, ana: FlaskClient, reply: Any
) -> None:
    reply("One.")
    reply("Two.")
    assert decide(ana, "reject", "1:0", reason="3").status_code == 200
    press(ines, _2__digit="")
    assert decide(ana, "reject", "2:0", reason="3").status_code == 422
    card = ana.get("/queue/1").get_data(as_text=True)
    assert "Advertising" in card
    offered = [tag.get("value") for _, tag in Page(ana.get("/queue/2")).tags if tag.get("name") == "reason"]
    assert offered == ["1", "2", "4", "5"]
    assert "Advertising" in ana.get("/log/").get_data(as_text=True)
    page = ines.get("/settings/courier/reasons")
    assert "1 retired" in Page(page).words
    # Brought back, on another digit.
    assert press(ines, _5__digit="9").status_code == 303
    assert there(app)[2] == (3, 9, "Advertising")
    with app.app_context():
        assert [proof.faults for proof in audit.verify()] == [[], []]


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"_0__label": ""}, "0-label", "1 to 100 characters, please."),
        ({"_0__label": "x" * 101}, "0-label", "1 to 100 characters, please."),
        ({"_0__text": " "}, "0-text", "1 to 1000 characters, please."),
        ({"_0__text": "x" * 1001}, "0-text", "1 to 1000 characters, please."),
        ({"_0__clause": "x" * 21}, "0-clause", "0 to 20 characters, please."),
        ({"_0__digit": "2"}, "1-digit", "The digit 2 is that of “Off the topic”, too."),
        ({"_0__category": "nonsense"}, "0-category", "One of the list, please."),
        ({"_0__digit": "10"}, "0-digit", "A digit from 1 to 9, or retired, please."),
        ({"_0__id": "99"}, "0-label", "There is no such reason any more."),
        ({"_0__id": "x"}, "0-label", "There is no such reason any more."),
        ({"_5__text": "Only a text."}, "5-label", "1 to 100 characters, please."),
        ({"_0__label": "a\x01b"}, "0-label", "There is a character in it that cannot be stored."),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_kept(
    app: Flask, ines: FlaskClient, changes: dict[str, str], field: str, why: str
) -> None:
    before = there(app)
    answer = press(ines, _3__text="Typed beside it.", **changes)
    assert answer.status_code == 422
    page = Page(answer)
    assert page.by_id[f"{field}-wrong"] == why
    kept = next(form for form in page.forms if "seen" in form)
    assert kept["3-text"] == "Typed beside it."
    typed = {name.lstrip("_").replace("__", "-"): text for name, text in changes.items()}
    assert {name: kept[name] for name in typed if not name.endswith(("digit", "category"))} == {
        name: text for name, text in typed.items() if not name.endswith(("digit", "category"))
    }
    assert there(app) == before


def test_another_site_s_reason_is_none_of_this_one_s(app: Flask, ines: FlaskClient, other_site: str) -> None:
    with app.app_context():
        foreign = site_of(other_site).digits[1].id
    assert press(ines, _0__id=str(foreign), _0__label="Mine now").status_code == 422
    with app.app_context():
        assert db.session.get_one(Reason, foreign).label == "Off the topic"


def test_two_owners_do_not_write_over_each_other(app: Flask, ines: FlaskClient, tom: FlaskClient) -> None:
    opened = fields(ines, "reasons")
    press(tom, _0__label="Elsewhere")
    answer = ines.post("/settings/courier/reasons", data=opened | {"1-label": "Too personal"})
    assert answer.status_code == 409
    assert "1. Elsewhere" in Page(answer).words
    kept = next(form for form in Page(answer).forms if "seen" in form)
    assert kept["1-label"] == "Too personal"
    assert [label for _, _, label in there(app)[:2]] == ["Elsewhere", "About a person, not the matter"]


def test_there_is_an_end_to_reasons(app: Flask, ines: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "MOST_REASONS", 5)
    sent = fields(ines, "reasons") | {"5-label": "One more", "5-text": "Too many.", "5-digit": "6", "5-id": ""}
    answer = ines.post("/settings/courier/reasons", data=sent)
    assert answer.status_code == 422
    assert len(there(app)) == 5
    with app.app_context():
        assert db.session.scalars(db.select(Entry.rule).where(Entry.rule == "settings:reasons")).all() == []
