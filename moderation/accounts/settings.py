"""What a site may be set to, and how that changes: bounded, logged with before and after, nobody's change lost."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import select

from moderation import audit, languages, markup
from moderation.db import db
from moderation.models import Account, Action, Entry, Kind, Proof, Site, Via
from moderation.models.pagekey import BadAddress, host_named, origin_of
from moderation.models.site import MAX_COMMENT_BYTES, REQUIRABLE

Value: TypeAlias = str | int | tuple[str, ...]

#: Origins of a site, words and hosts it watches for, letters of one of them, and of its guidelines.
MOST_ORIGINS, MOST_WATCHED, MOST_LETTERS, MOST_GUIDELINES = 30, 500, 100, 5000
#: What a number of a site may be.
BOUNDS = {
    "radius": (0, 32),
    "page_size": (10, 300),
    "close_days": (0, 36_500),
    "max_comment": (100, MAX_COMMENT_BYTES),
    "target_hours": (1, 720),
    "undo_seconds": (0, 600),
    "return_days": (0, 365),
    "keep_network_days": (0, 3650),
    "keep_email_days": (0, 3650),
    "keep_refused_days": (0, 3650),
}
#: What is set together. Two people who change different ones of these do not get into each other's way.
CONCERNS: dict[str, tuple[str, ...]] = {
    "site": ("name", "origins", "locale", "accent", "radius", "page_size"),
    "form": ("required", "max_comment", "guidelines", "close_days"),
    "moderation": (
        "target_hours",
        "undo_seconds",
        "return_days",
        "watched_words",
        "watched_hosts",
        "proof",
        "require_second",
    ),
    "privacy": ("keep_network_days", "keep_email_days", "keep_refused_days"),
}
#: What is on or off.
SWITCHES = frozenset({"require_second"})
#: How the rule of an entry begins that tells of settings; what they concern follows.
RULE = "settings:"


class BadValue(ValueError):
    """A value that a setting of a site cannot have; says which, and why."""

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting}: {why}")
        self.setting, self.why = setting, why


class Overtaken(Exception):
    """Somebody else changed the same settings since they were looked at; nothing was changed."""

    def __init__(self, entries: Sequence[tuple[Entry, str | None]]) -> None:
        super().__init__(f"{len(entries)} changes since")
        #: What was changed, with the names of those who did.
        self.entries = entries


@dataclass(frozen=True)
class Changes:
    """What is to change of a site; None leaves it as it is."""

    name: str | None = None
    origins: tuple[str, ...] | None = None
    locale: str | None = None
    accent: str | None = None
    radius: int | None = None
    page_size: int | None = None
    close_days: int | None = None
    max_comment: int | None = None
    required: tuple[str, ...] | None = None
    guidelines: str | None = None
    target_hours: int | None = None
    undo_seconds: int | None = None
    return_days: int | None = None
    watched_words: tuple[str, ...] | None = None
    watched_hosts: tuple[str, ...] | None = None
    keep_network_days: int | None = None
    keep_email_days: int | None = None
    keep_refused_days: int | None = None
    require_second: bool | None = None
    proof: str | None = None


def change_site(
    of: Site, changes: Changes, *, now: datetime, via: Via, by: Account | None = None, seen: int | None = None
) -> list[str]:
    """Change a site's settings, and log what each was before and after. Then its version rises.

    Returns the names of those that changed. `seen` is the version that was looked at. Raises `BadValue` and
    `Overtaken`; then nothing has changed.
    """
    wanted = {name: kept(name, value) for name, value in vars(changes).items() if value is not None}
    hold(
        of, seen=seen, concerns=[concern for concern, names in CONCERNS.items() if not wanted.keys().isdisjoint(names)]
    )
    changed = {name: value for name, value in wanted.items() if getattr(of, name) != value}
    if not changed:
        return []
    said = [f"{name}: {_said(getattr(of, name))} → {_said(value)}" for name, value in changed.items()]
    for name, value in changed.items():
        setattr(of, name, value)
    note_change(of, said, concerns=_concerns_of(changed), now=now, via=via, by=by)
    return list(changed)


def hold(of: Site, *, seen: int | None, concerns: Iterable[str]) -> None:
    """Lock a site and read it afresh. Raises `Overtaken` where any of these concerns changed since it was seen."""
    db.session.scalars(
        select(Site).where(Site.id == of.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    ).one()
    if seen is not None and seen < of.version and (entries := _since(of, seen, frozenset(concerns))):
        raise Overtaken(entries)


def note_change(
    of: Site, said: Sequence[str], *, concerns: Iterable[str], now: datetime, via: Via, by: Account | None
) -> None:
    """Raise a site's version, and log what changed; the entry's turn is the version that the change made."""
    of.version += 1
    db.session.flush()
    audit.record(
        audit.Event(
            kind=Kind.SETTING,
            action=Action.CHANGE,
            subject=f"site:{of.id}",
            via=via,
            at=now,
            site_id=of.id,
            account_id=by.id if by else None,
            turn=of.version,
            rule=RULE + ",".join(concerns),
            note="\n".join(said),
        )
    )


def note_transfer(of: Site, rule: str, *, by: Account, now: datetime) -> None:
    """Log that somebody brought comments in or took them along; `rule` says which."""
    audit.record(
        audit.Event(
            kind=Kind.SETTING,
            action=Action.CHANGE,
            subject=f"site:{of.id}",
            via=Via.WEB,
            at=now,
            site_id=of.id,
            account_id=by.id,
            rule=rule,
        )
    )


def kept(name: str, value: Value) -> str | int | list[str]:
    """Return a value of a setting as it is stored. Raises `BadValue`."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        least, most = BOUNDS[name]
        if least <= value <= most:
            return value
        raise BadValue(name, f"a whole number from {least} to {most}")
    if isinstance(value, tuple):
        return _LISTS[name](value)
    if markup.unprintable(value):
        raise BadValue(name, "no character that cannot be stored")
    return _TEXTS[name](value)


def _name(value: str) -> str:
    tidy = markup.tidy_name(value)
    if not 0 < len(tidy) <= 200:
        raise BadValue("name", "1 to 200 characters")
    return tidy


def _accent(value: str) -> str:
    if re.fullmatch(r"#[0-9a-f]{6}", value) is None:
        raise BadValue("accent", "a colour like #2c52a0, in small letters")
    return value


def _locale(value: str) -> str:
    if value not in languages.LOCALES:
        raise BadValue("locale", f"none of {', '.join(languages.LOCALES)}")
    return value


def _guidelines(value: str) -> str:
    tidy = markup.tidy_text(value)
    if len(tidy) > MOST_GUIDELINES:
        raise BadValue("guidelines", f"at most {MOST_GUIDELINES} characters")
    return tidy


def _required(value: tuple[str, ...]) -> list[str]:
    if unknown := [one for one in value if one not in REQUIRABLE]:
        raise BadValue("required", f"{unknown[0]!r} is none of {', '.join(REQUIRABLE)}")
    return [name for name in REQUIRABLE if name in value]


def _origins(value: tuple[str, ...]) -> list[str]:
    found = _each("origins", value, origin_of, "is no origin; one looks like https://example.org", MOST_ORIGINS)
    if not found:
        raise BadValue("origins", "at least one origin, as in https://example.org")
    return found


def _watched_hosts(value: tuple[str, ...]) -> list[str]:
    return _each("watched_hosts", value, host_named, "is no host; one looks like shop.example", MOST_WATCHED)


def _watched_words(value: tuple[str, ...]) -> list[str]:
    why = f"has no letter or number, or more than {MOST_LETTERS} characters"
    return _each("watched_words", value, _word, why, MOST_WATCHED)


def _word(text: str) -> str:
    tidy = markup.tidy_name(text)
    if len(tidy) > MOST_LETTERS or not any(character.isalnum() for character in tidy):
        raise BadAddress(text)
    return tidy


def _proof(value: str) -> str:
    if value not in set(Proof):
        raise BadValue("proof", f"one of {', '.join(Proof)}")
    return value


_TEXTS: dict[str, Callable[[str], str]] = {
    "proof": _proof,
    "name": _name,
    "accent": _accent,
    "locale": _locale,
    "guidelines": _guidelines,
}
_LISTS: dict[str, Callable[[tuple[str, ...]], list[str]]] = {
    "required": _required,
    "origins": _origins,
    "watched_words": _watched_words,
    "watched_hosts": _watched_hosts,
}


def _each(name: str, lines: tuple[str, ...], read: Callable[[str], str], why: str, most: int) -> list[str]:
    """Read a list line by line, each once. Raises `BadValue` that names the line."""
    if len(lines) > most:
        raise BadValue(name, f"at most {most} lines")
    found: dict[str, None] = {}
    for line in lines:
        try:
            if markup.unprintable(line):
                raise BadAddress(line)
            found[read(line)] = None
        except BadAddress as error:
            shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line[:60])
            raise BadValue(name, f"“{shown}” {why}.") from error
    return list(found)


def _concerns_of(names: Iterable[str]) -> list[str]:
    return [concern for concern, those in CONCERNS.items() if not frozenset(names).isdisjoint(those)]


def _since(of: Site, seen: int, concerns: frozenset[str]) -> list[tuple[Entry, str | None]]:
    rows = db.session.execute(
        select(Entry, Account.name)
        .outerjoin(Account, Account.id == Entry.account_id)
        .where(Entry.site_id == of.id, Entry.action == Action.CHANGE, Entry.subject == f"site:{of.id}")
        .where(Entry.kind == Kind.SETTING, Entry.turn > seen)
        .order_by(Entry.id)
    )
    return [
        (entry, name)
        for entry, name in rows
        if not concerns.isdisjoint((entry.rule or "").removeprefix(RULE).split(","))
    ]


def _said(value: object) -> str:
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return " ⏎ ".join(text.splitlines())
