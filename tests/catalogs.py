"""What stands in the catalogs, and what the sources say."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from moderation import languages

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "moderation" / "translations"
#: English needs no catalog.
TRANSLATED = [locale for locale in languages.LOCALES if locale != "en"]


@cache
def catalog(locale: str) -> Catalog:
    """Read a language's texts as its translators write them."""
    with (FOLDER / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=locale)


@cache
def compiled(locale: str) -> Catalog:
    """Read a language's texts as the service does."""
    with (FOLDER / locale / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        return read_mo(file)


def messages(locale: str) -> Iterator[Message]:
    """Yield a language's texts, without the header."""
    return (message for message in catalog(locale) if message.id)


def ways(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return all forms of a text that may be counted."""
    return text if isinstance(text, tuple) else (text,)


def translated(locale: str, text: str) -> str:
    """Say a text that has no number in it."""
    if locale == "en":
        return text
    message = catalog(locale).get(text)
    assert message is not None
    assert isinstance(message.string, str)
    return message.string


@cache
def extracted() -> dict[str | tuple[str, ...], set[str]]:
    """Return every public text of the sources, and the files that say it."""
    with (FOLDER / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found: dict[str | tuple[str, ...], set[str]] = {}
    walked = extract_from_dir(
        str(ROOT), methods, options, keywords=DEFAULT_KEYWORDS, directory_filter=lambda path: not _is_elsewhere(path)
    )
    for name, _line, text, _comments, _context in walked:
        found.setdefault(text, set()).add(name)
    return found


def _is_elsewhere(path: str) -> bool:
    relative = Path(path).relative_to(ROOT)
    return relative.parts[:1] != () and relative.parts[0] not in {"moderation", "templates"}
