"""Every public text in every language: whole, with its numbers and its blanks, and given to who asks for it."""

import ast
import io
import re
from collections import Counter
from gettext import c2py
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo, write_mo
from babel.util import pathmatch
from flask import Flask
from flask_babel import force_locale, gettext
from jinja2 import Environment, meta

from moderation import languages
from moderation.publishing import strings
from tests.catalogs import FOLDER, ROOT, TRANSLATED, catalog, compiled, extracted, messages, translated, ways
from tests.conftest import new_app

#: Categories in the order of the forms of a catalog.
CATEGORIES = ("zero", "one", "two", "few", "many", "other")
#: Every rule repeats within these.
COUNTED = (*range(1100), 1_000_000, 1_000_001, 2_000_000)
#: What is written alike in English, by the languages that do.
ALIKE = {
    "%(time)s UTC": set(TRANSLATED),
    "%(field)s: %(fault)s": set(TRANSLATED) - {"fr", "ja", "zh_Hans", "zh_Hant"},
    "%(days)s d %(hours)s h": {"cs", "es", "pt_BR"},
    "%(hours)s h %(minutes)s min": {"cs", "es", "fr", "it", "pt_BR", "ro"},
    "%(minutes)s min": {"cs", "da", "es", "fi", "fr", "it", "nb", "nl", "pl", "pt_BR", "ro", "sv"},
    "%(num)d minute": {"fr", "ro"},
    "%(num)d minutes": {"fr"},
    "Name": {"de"},
    "Website": {"de", "nl"},
    "Email": {"el", "id", "it", "ro", "ru", "uk", "vi"},
    "Error %(status)s": {"es"},
    "Error: %(title)s": {"es"},
}
#: What speaks to moderators alone.
CONSOLE = {
    *("account", "accountforms", "actwords", "invitations", "log", "logwords", "people"),
    *("queue", "queueforms", "queuewords", "roles", "sessions", "together"),
    *("moving", "settings", "settingsforms", "settingswords"),
    *("confirm", "factors", "factorwords", "oidc", "passkeys", "passwordform", "profile", "proving", "reset"),
}
#: Public templates hold these of the console's, where moderators see them.
CONSOLE_TEMPLATES = {"queue/_way.html"}

every_language = pytest.mark.parametrize("locale", TRANSLATED)


def test_the_languages_are_those_with_a_catalog() -> None:
    assert sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/messages.po")) == sorted(TRANSLATED)
    assert sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/messages.mo")) == sorted(TRANSLATED)
    assert len(set(languages.LOCALES)) == len(languages.LOCALES) >= 28
    assert [str(Locale.parse(locale)) for locale in languages.LOCALES] == list(languages.LOCALES)


@every_language
def test_every_public_text_is_translated_and_nothing_else_is(locale: str) -> None:
    found = {message.id: message for message in messages(locale)}
    assert found.keys() == extracted().keys()
    assert [id_ for id_, message in found.items() if message.fuzzy or message.context] == []
    assert [id_ for id_, message in found.items() if not all(text.strip() for text in ways(message.string))] == []
    assert len(catalog(locale).obsolete) == 0


@every_language
def test_nothing_is_left_in_english(locale: str) -> None:
    same = {text for message in messages(locale) for text in ways(message.string) if text in ways(message.id)}
    assert same == {text for text, where in ALIKE.items() if locale in where}


@every_language
def test_blanks_are_kept(locale: str) -> None:
    for message in messages(locale):
        for index, text in enumerate(ways(message.string)):
            asked = _blanks(ways(message.id)[-1])
            # A form that stands for one number alone may say it in words.
            spoken = asked - Counter({"%(num)d": 1}) if _stands_for_one(locale, message.id, index) else asked
            assert _blanks(text) in (asked, spoken), text
            # What is left of percent signs and braces would fail, or wait for a value that never comes.
            assert re.search(r"[%{}]", re.sub(r"%\(\w+\)[sd]", "", text)) is None, text


def _blanks(text: str) -> Counter[str]:
    return Counter(re.findall(r"%\(\w+\)[sd]", text))


def _stands_for_one(locale: str, id_: str | tuple[str, ...], form: int) -> bool:
    plural = c2py(catalog(locale).plural_expr)
    return isinstance(id_, tuple) and sum(plural(number) == form for number in COUNTED) == 1


@every_language
def test_forms_are_those_of_the_language(locale: str) -> None:
    read = catalog(locale)
    plural, category = c2py(read.plural_expr), Locale.parse(locale).plural_form
    used = [name for name in CATEGORIES if any(category(number) == name for number in COUNTED)]
    assert [CATEGORIES.index(used[plural(number)]) for number in COUNTED] == [
        CATEGORIES.index(category(number)) for number in COUNTED
    ]
    assert read.num_plurals == len(used)
    counted = [message for message in messages(locale) if isinstance(message.id, tuple)]
    assert {len(message.string) for message in counted} == {len(used)}


@every_language
def test_a_text_is_safe_to_print(locale: str) -> None:
    for message in messages(locale):
        for text in ways(message.string):
            # A template prints a translation as it stands, in attributes too.
            assert re.search(r"[<>&\"]", text) is None, text
            # What turns the direction, and other characters that nobody sees; Persian divides words by one.
            assert re.search("[\u200b\u200d-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x1f]", text) is None, text
            assert text == text.strip()
            assert "  " not in text
            assert "\u200c" not in text or locale == "fa"


@every_language
def test_a_sentence_ends_as_one(locale: str) -> None:
    for message in messages(locale):
        for text in ways(message.string) if locale != "th" else ():
            if ways(message.id)[0].endswith("."):
                assert text[-1] in ".。।", text
            else:
                assert text[-1] not in "。।", text


@every_language
def test_what_is_compiled_is_what_is_written(locale: str) -> None:
    again = io.BytesIO()
    write_mo(again, catalog(locale))
    again.seek(0)
    assert _read(read_mo(again)) == _read(compiled(locale))
    assert compiled(locale).plural_forms == catalog(locale).plural_forms


def _read(found: Catalog) -> list[tuple[object, object]]:
    # The header names the Babel that wrote it.
    return [(message.id, message.string) for message in found if message.id]


@every_language
def test_a_header_names_nobody(locale: str) -> None:
    headers = dict(catalog(locale).mime_headers)
    assert headers["Project-Id-Version"] == "Leave a Reply"
    assert (headers["Language"], headers["Last-Translator"], headers["Language-Team"]) == (locale, "", "")
    assert "@" not in "".join(headers.values())
    assert headers["POT-Creation-Date"] == headers["PO-Revision-Date"] == "2026-11-25 00:00+0000"


def test_the_sources_say_nothing_that_is_not_extracted() -> None:
    with (FOLDER / "babel.cfg").open() as file:
        public = [pattern for pattern, _ in parse_mapping_cfg(file)[0]]
    speaking = {path.relative_to(ROOT).as_posix() for path in (ROOT / "moderation").rglob("*.py") if _speaks(path)}
    silent = {path for path in speaking if not any(pathmatch(pattern, path) for pattern in public)}
    # `triage` names findings, which moderators read.
    assert silent == {f"moderation/web/{name}.py" for name in CONSOLE} | {"moderation/triage/__init__.py"}
    shown = _shown_by([path for path in _templates() if path.partition("/")[0] in _PUBLIC] + ["error.html"])
    unread = {name for name in shown if not any(pathmatch(pattern, f"templates/{name}") for pattern in public)}
    assert unread == CONSOLE_TEMPLATES


_PUBLIC = {"published", "receipts", "submissions"}


def _speaks(path: Path) -> bool:
    called = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return any(isinstance(name, ast.Name) and name.id in {"gettext", "ngettext", "_"} for name in called)


def _templates() -> list[str]:
    return [path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").rglob("*.html")]


def _shown_by(names: list[str]) -> set[str]:
    """Return these templates and all that they extend, include or import."""
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name not in seen:
            seen.add(name)
            source = (ROOT / "templates" / name).read_text()
            names += [found for found in meta.find_referenced_templates(environment.parse(source)) if found]
    return seen


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-at", "de"),
        ("de_CH", "de"),
        ("zh", "zh_Hans"),
        ("zh-CN", "zh_Hans"),
        ("zh-SG", "zh_Hans"),
        ("zh-TW", "zh_Hant"),
        ("zh-Hant-HK", "zh_Hant"),
        ("zh-Hans-TW", "zh_Hans"),
        ("zh_Hant", "zh_Hant"),
        ("zh-MO", "zh_Hant"),
        ("pt", "pt_BR"),
        ("pt-BR", "pt_BR"),
        ("pt-PT", "pt_BR"),
        ("nb", "nb"),
        ("no", "nb"),
        ("nn-NO", "nb"),
        ("iw", "he"),
        ("iw-IL", "he"),
        ("in", "id"),
        ("es-419", "es"),
        ("en-GB", "en"),
        ("eo, fr;q=0.8, de;q=0.7", "fr"),
        ("eo,,;q=1, -, _, pl", "pl"),
        ("  ja ;q=0.5", "ja"),
        ("*", "sv"),
        ("", "sv"),
        ("xx-YY", "sv"),
        ("../../etc/passwd", "sv"),
        ("de\0", "sv"),
        ("d" * 10_000, "sv"),
        ("de" + "-x" * 5_000, "sv"),
        ("xx," * 3_334, "sv"),
        ("xx," * 10 + "de", "sv"),
        ("\u0660\ud800", "sv"),
    ],
)
def test_who_asks_is_given_the_nearest(asked: str, given: str) -> None:
    assert languages.negotiate(asked, "sv") == given


def test_without_a_wish_it_is_the_site_s_language_or_english() -> None:
    assert [languages.negotiate("xx", default) for default in ("de-CH", "tlh", "")] == ["de", "en", "en"]


def test_a_language_is_named_as_browsers_do() -> None:
    assert [languages.tag(locale) for locale in ("de", "pt_BR", "zh_Hant")] == ["de", "pt-BR", "zh-Hant"]


@pytest.mark.parametrize("locale", languages.LOCALES)
@pytest.mark.sqlite_only
def test_what_scripts_count_has_every_form(app: Flask, locale: str) -> None:
    with app.app_context(), force_locale(locale):
        plurals, words = strings.plurals(), strings.of(5)
        unfilled = gettext("Reply to %(name)s", name="{name}")
    category = Locale.parse(locale).plural_form
    numbers = [number for number in COUNTED if category(number) in {"one", "two", "zero"}]
    alone = {
        category(number) for number in numbers if [category(other) for other in numbers].count(category(number)) == 1
    }
    for texts in plurals.values():
        assert texts.keys() == {category(number) for number in COUNTED} | {"other"}
        for name, text in texts.items():
            assert text.count("{num}") == 1 or (name in alone and "{num}" not in text), text
            assert re.search(r"[0-9]", text) is None, text
    assert "{name}" in unfilled
    assert words["reply_to"] == unfilled
    assert {name: re.findall(r"\{\w+\}", text) for name, text in words.items() if "{" in text} == {
        "leave_to": ["{name}"],
        "reply_to": ["{name}"],
        "usually": ["{time}"],
        "left": ["{number}"],
        "above": ["{name}"],
    }


@every_language
def test_who_speaks_to_the_page_is_understood(locale: str) -> None:
    # A link's spoken name holds what is written on it: "click Reply" finds "Reply to Margit".
    assert translated(locale, "Reply").lower() in translated(locale, "Reply to %(name)s").lower()


@pytest.mark.sqlite_only
def test_catalogs_are_read_when_somebody_asks_for_them(database: str, tmp_path: Path) -> None:
    app = new_app(database, tmp_path)
    with app.app_context():
        read = app.extensions["babel"].instance.domain_instance.cache
    assert read == {}
    assert app.test_client().get("/nowhere?lang=fi").status_code == 404
    assert {locale for locale, _domain in read} == {"fi"}
