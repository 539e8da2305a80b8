"""What the settings pages ask: each form keeps what was typed, and says at the field what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, StringField

from moderation.accounts import BadValue, Changes, reasons, settings
from moderation.models import Reason, Site

#: Settings that are written one a line.
LINES = frozenset({"origins", "watched_words", "watched_hosts"})
#: More than any field takes: what is longer is cut before it is looked at, and told that it is too long.
MOST_TYPED = 200_000


class SettingsForm(FlaskForm):
    """Settings of one concern, as texts."""

    concern: ClassVar[str]
    #: The site's version that was looked at.
    seen = StringField()

    def __init__(self, site: Site, asked: MultiDict[str, str] | None = None) -> None:
        names = settings.CONCERNS[self.concern]
        stored = {name: _written(getattr(site, name)) for name in names} | {"seen": str(site.version)}
        super().__init__(formdata=asked if asked is not None else MultiDict(), data=stored)
        #: What is ticked of the fields that a reply must have.
        self.ticked = [one for one in asked.getlist("required") if one] if asked is not None else list(site.required)
        self._asked = asked

    def changes(self) -> Changes | None:
        """Return what was asked for; None where a field cannot be that, which then says so."""
        wanted: dict[str, settings.Value] = {}
        for name in settings.CONCERNS[self.concern]:
            try:
                if self._asked is None or name in self._asked:
                    value = self._value(name)
                    settings.kept(name, value)
                    wanted[name] = value
            except BadValue as bad:
                self.complain(bad)
        return None if self.faults else Changes(**wanted)  # type: ignore[arg-type]

    def complain(self, bad: BadValue) -> None:
        """Say at the field what is wrong."""
        self[bad.setting].errors = [sentence(bad.why)]

    @property
    def faults(self) -> list[Field]:
        """The fields that something is wrong with."""
        return [field for field in self if field.errors]

    @property
    def version(self) -> int | None:
        """The version that was looked at; of one that does not read, the oldest."""
        return number_in(self.seen.data) or 0

    def typed(self, name: str) -> str:
        """Return what stands in a field, as it can be shown again."""
        return shown(self[name].data)

    def is_on(self, name: str) -> bool:
        """Whether a switch is on, as it stands or as it was just set."""
        return "on" in self._asked.getlist(name) if self._asked is not None else self[name].data == "on"

    def _value(self, name: str) -> settings.Value:
        text = (self[name].data or "")[:MOST_TYPED]
        if name in settings.BOUNDS:
            number = number_in(text)
            least, most = settings.BOUNDS[name]
            if number is None:
                raise BadValue(name, f"a whole number from {least} to {most}")
            return number
        if name == "required":
            return tuple(self.ticked)
        if name in settings.SWITCHES:
            return self.is_on(name)
        if name in LINES:
            return tuple(line.strip() for line in text.splitlines() if line.strip())
        return text.strip().lower() if name == "accent" else text


class SiteForm(SettingsForm):
    """What the site is called, where its pages are, and what its threads look like."""

    concern = "site"
    name = StringField()
    origins = StringField()
    locale = StringField()
    accent = StringField()
    radius = StringField()
    page_size = StringField()


class ReplyingForm(SettingsForm):
    """What a reply has to have, and when a page takes no more."""

    concern = "form"
    required = StringField()
    max_comment = StringField()
    guidelines = StringField()
    close_days = StringField()


class ModerationForm(SettingsForm):
    """How fast, with what way back, and what is watched for."""

    concern = "moderation"
    target_hours = StringField()
    undo_seconds = StringField()
    return_days = StringField()
    watched_words = StringField()
    watched_hosts = StringField()
    proof = StringField()
    require_second = StringField()


class PrivacyForm(SettingsForm):
    """How long things are kept."""

    concern = "privacy"
    keep_network_days = StringField()
    keep_email_days = StringField()
    keep_refused_days = StringField()


FORMS: Mapping[str, type[SettingsForm]] = {
    form.concern: form for form in (SiteForm, ReplyingForm, ModerationForm, PrivacyForm)
}


@dataclass
class Row:
    """One reason as it stands in the form."""

    id: str
    digit: str
    label: str
    text: str
    clause: str
    category: str
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written into the row for a new reason."""
        return not (self.id or self.label.strip() or self.text.strip() or self.clause.strip())


PARTS = ("id", "digit", "label", "text", "clause", "category")


class ReasonsForm:
    """All reasons of a site, and a row for a new one."""

    def __init__(self, site: Site, asked: MultiDict[str, str] | None = None) -> None:
        self.seen = site.version if asked is None else number_in(asked.get("seen", "")) or 0
        self.rows = [_row_of(reason) for reason in _in_order(site.reasons)] if asked is None else _rows_in(asked)
        if not any(not row.id for row in self.rows) and len(self.rows) < reasons.MOST_REASONS:
            free = next((digit for digit in range(1, 10) if str(digit) not in {row.digit for row in self.rows}), None)
            self.rows.append(Row("", str(free or ""), "", "", "", ""))

    def drafts(self) -> list[reasons.Draft]:
        """Return the reasons as they are to be; see `complain`."""
        return [
            reasons.Draft(
                # One that is no number is no reason of the site: 0 never is.
                id=(number_in(row.id) or 0) if row.id else None,
                digit=number_in(row.digit) if row.digit else None,
                label=row.label,
                text=row.text,
                clause=row.clause,
                category=row.category,
            )
            for row in self._written
        ]

    def complain(self, bad: BadValue) -> None:
        """Say at the field what is wrong."""
        place, _, part = bad.setting.partition(".")
        self._written[int(place)].faults[part] = sentence(bad.why)

    @property
    def active(self) -> list[Row]:
        """Those that can be given, and the new one."""
        return [row for row in self.rows if row.digit or not row.id or row.faults]

    @property
    def retired(self) -> list[Row]:
        """Those that the log alone names."""
        return [row for row in self.rows if row not in self.active]

    @property
    def has_faults(self) -> bool:
        """Whether something is wrong."""
        return any(row.faults for row in self.rows)

    @property
    def _written(self) -> list[Row]:
        return [row for row in self.rows if not row.is_empty]


def sentence(why: str) -> str:
    """Say what is wrong as a sentence."""
    if why.endswith("."):
        return why
    return gettext("%(what)s, please.", what=why[:1].upper() + why[1:])


def shown(text: str | None) -> str:
    """Return what was typed as a page can show it."""
    return (text or "")[:MOST_TYPED].encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def number_in(text: str | None) -> int | None:
    """Read a whole number; None for what is none, or larger than any that is asked for."""
    bare = (text or "").strip()
    digits = bare.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return None
    return int(bare)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "\n".join(value) if isinstance(value, list) else str(value)


def _in_order(there: Sequence[Reason]) -> list[Reason]:
    return sorted(there, key=lambda reason: (reason.digit is None, reason.digit or 0, reason.id))


def _row_of(reason: Reason) -> Row:
    digit = str(reason.digit or "")
    return Row(str(reason.id), digit, reason.label, reason.text, reason.clause, reason.category)


def _rows_in(asked: MultiDict[str, str]) -> list[Row]:
    """Read the rows in their order; of what belongs to no row nothing is read."""
    rows = []
    for place in range(reasons.MOST_REASONS + 1):
        if any(f"{place}-{part}" in asked for part in PARTS):
            id_, digit, label, text, clause, category = (
                shown(asked.get(f"{place}-{part}", ""))[:5000] for part in PARTS
            )
            rows.append(Row(id_, digit, label, text, clause, category))
    return rows
