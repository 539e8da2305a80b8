"""Findings about a held reply, one check per file: they sort and explain, they never decide.

All checks run and all findings are kept, so that later evidence is never lost behind the first.
"""

from collections.abc import Callable

from flask_babel import gettext, ngettext

from moderation.triage import alike, hosts, links, proof, staff, words
from moderation.triage.evidence import Evidence, Finding, Watch

CHECKS: tuple[Callable[[Evidence], list[Finding]], ...] = (
    proof.check,
    staff.check,
    words.check,
    hosts.check,
    alike.check,
    links.check,
)

__all__ = ["Evidence", "Finding", "Watch", "describe", "examine", "names"]


def examine(evidence: Evidence) -> list[Finding]:
    """Run every check on a reply that is about to be held."""
    return [finding for check in CHECKS for finding in check(evidence)]


def names() -> list[tuple[str, str]]:
    """Name every finding there is, by its code."""
    return [
        ("watched-words", gettext("Words on the list")),
        ("watched-hosts", gettext("Hosts on the list")),
        ("links", gettext("Links")),
        ("adds-link", gettext("The edit adds a link")),
        ("website", gettext("Leaves a website")),
        ("alike", gettext("Same text as others")),
        ("staff", gettext("Named like a moderator")),
        ("hurried", gettext("Written in a hurry")),
        ("trap", gettext("Hidden field filled")),
        ("no-token", gettext("Not sent from our form")),
        ("no-proof", gettext("Without proof of work")),
    ]


def describe(finding: dict[str, object]) -> tuple[str, str]:
    """Say a stored finding in words: what, and why it matters."""
    values = finding.get("values")
    known = values if isinstance(values, dict) else {}
    number, leads_to = int(known.get("number", 0)), str(known.get("hosts", ""))
    match finding.get("code"):
        case "trap":
            return gettext("Hidden field filled"), gettext("People do not see that field; programs fill it.")
        case "hurried":
            return (
                ngettext("Written in %(num)d second", "Written in %(num)d seconds", number),
                gettext("Most people take longer to fill the form."),
            )
        case "staff":
            name = str(known.get("name", ""))
            return (
                gettext("Named like a moderator"),
                gettext("Readers may take it for %(name)s of this site.", name=f"\u2068{name}\u2069"),
            )
        case "no-proof":
            return gettext("Without proof of work"), gettext("It was asked for one, and confirmed by hand instead.")
        case "no-token":
            return gettext("Not sent from our form"), gettext("It came without the mark our own form carries.")
        case "watched-words":
            return ngettext("%(num)d word on the list", "%(num)d words on the list", number), str(
                known.get("words", "")
            )
        case "watched-hosts":
            return ngettext("Leads to %(num)d host on the list", "Leads to %(num)d hosts on the list", number), leads_to
        case "alike":
            return (
                ngettext("Same text as %(num)d other", "Same text as %(num)d others", number),
                gettext("The same words were sent to this site before."),
            )
        case "links":
            return ngettext("%(num)d link", "%(num)d links", number), leads_to
        case "adds-link":
            return gettext("The edit adds a link"), leads_to
        case "website":
            return gettext("Leaves a website"), leads_to
    return str(finding.get("code")), ""
