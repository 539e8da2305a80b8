"""The same words by anybody, anywhere on the site."""

from moderation.triage.evidence import Evidence, Finding


def check(evidence: Evidence) -> list[Finding]:
    """Notice a text that was sent before."""
    return [Finding("alike", {"number": evidence.alike})] if evidence.alike else []
