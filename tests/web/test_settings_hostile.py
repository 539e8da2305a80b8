"""Whatever is typed into the settings: an answer that is no error of ours, the message at its field, the words kept."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderation.accounts.settings import CONCERNS
from moderation.web.settingsforms import PARTS
from tests.web.asking import Page
from tests.web.test_settings import fields, ines, stored

__all__ = ["ines"]

unhurried = settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NASTY = st.sampled_from(
    [
        *(
            "\0",
            "\ud7ff\ufffe",
            "\u202e",
            "<script>alert(1)</script>",
            "'\"><img src=x onerror=alert(1)>",
            "{{7*7}}",
            "%s",
        ),
        *("9" * 30, "-1", "٣", "1e9", "0x10", " 7 ", "a" * 20_000, "\n" * 1000, "https://", "http://[::1", "*", "**"),
        *("javascript:alert(1)", "#000000", "#GGGGGG", "en", "../../etc/passwd", "\u0000\u0001", "e\u0301" * 500),
    ]
)
TYPED = st.one_of(NASTY, st.text(max_size=200))


def parsed(answer: Any) -> Page:
    """Expect a page that is whole, with nothing of what was typed in it as markup."""
    page = Page(answer)
    assert page.unbalanced == []
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert all("src" in attributes for attributes in scripts)
    assert [
        tag for tag, attributes in page.tags if tag == "img" or any(name.startswith("on") for name in attributes)
    ] == []
    return page


@pytest.mark.sqlite_only
@pytest.mark.parametrize("concern", CONCERNS)
def test_every_form_of_settings_answers_anything(app: Flask, ines: FlaskClient, concern: str) -> None:
    begun = fields(ines, concern)

    @unhurried
    @given(
        changes=st.dictionaries(st.sampled_from([*CONCERNS[concern], "seen", "other"]), TYPED, min_size=1, max_size=4)
    )
    def answer_anything(changes: dict[str, str]) -> None:
        sent = begun | {"seen": str(stored(app, "version")[0])} | changes
        answer = ines.post(f"/settings/courier/{concern}", data=sent)
        assert answer.status_code in (303, 409, 422)
        if answer.status_code == 303:
            return
        page = parsed(answer)
        kept = next(form for form in page.forms if "seen" in form)
        for name in set(changes) & set(CONCERNS[concern]) - {"locale", "required", "proof", "require_second"}:
            assert same(kept[name], changes[name])
        if answer.status_code == 422:
            assert [id_ for id_ in page.by_id if id_.endswith("-wrong")] != []

    answer_anything()
    assert ines.get(f"/settings/courier/{concern}").status_code == 200


@pytest.mark.sqlite_only
def test_the_form_of_reasons_answers_anything(app: Flask, ines: FlaskClient) -> None:
    begun = fields(ines, "reasons")
    names = [f"{place}-{part}" for place in (0, 1, 5) for part in PARTS] + ["seen", "99-label", "x-label"]

    @unhurried
    @given(changes=st.dictionaries(st.sampled_from(names), TYPED, min_size=1, max_size=4))
    def answer_anything(changes: dict[str, str]) -> None:
        sent = begun | {"seen": str(stored(app, "version")[0])} | changes
        answer = ines.post("/settings/courier/reasons", data=sent)
        assert answer.status_code in (303, 409, 422)
        if answer.status_code != 303:
            parsed(answer)

    answer_anything()
    assert ines.get("/settings/courier/reasons").status_code == 200


@pytest.mark.sqlite_only
def test_the_addresses_of_pages_may_be_anything(ines: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    token = fields(ines, "site")["csrf_token"]

    @unhurried
    @given(page=TYPED, action=TYPED)
    def answer_anything(page: str, action: str) -> None:
        for path in ("pages", "snippet"):
            data = {"csrf_token": token, "page": page, "action": action}
            answer = ines.post(f"/settings/courier/{path}", data=data)
            assert answer.status_code == 422
            parsed(answer)

    answer_anything()


def same(shown: str, typed: str) -> bool:
    """Whether a field shows what was typed, as a form sends it."""
    plain = typed.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    return shown.replace("\r\n", "\n").replace("\r", "\n") in (plain, plain[:200_000])
