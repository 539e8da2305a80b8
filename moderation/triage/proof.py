"""How the reply was sent: the hidden field, the proof of work, the time it took, the mark of our form."""

from moderation.triage.evidence import Evidence, Finding

#: Nobody reads the form, writes and sends in less.
HURRY = 2.0


def check(evidence: Evidence) -> list[Finding]:
    """Notice what a program does and a person does not."""
    found = [Finding("trap")] if evidence.trapped else []
    if evidence.unproven:
        found.append(Finding("no-proof"))
    if not evidence.from_form:
        return found
    if evidence.written_in is None:
        found.append(Finding("no-token"))
    elif evidence.written_in < HURRY:
        found.append(Finding("hurried", {"number": int(evidence.written_in)}))
    return found
