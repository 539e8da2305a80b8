"""Links in the text, those an edit adds, and the website left with the name."""

from moderation import markup
from moderation.triage.evidence import Evidence, Finding


def check(evidence: Evidence) -> list[Finding]:
    """Notice where a reply leads."""
    found = []
    hosts = markup.link_hosts(evidence.html)
    if hosts:
        found.append(Finding("links", {"number": len(markup.links(evidence.html)), "hosts": ", ".join(hosts[:8])}))
    if evidence.replaces is not None:
        added = [host for host in hosts if host not in markup.link_hosts(evidence.replaces)]
        if added:
            found.append(Finding("adds-link", {"hosts": ", ".join(added[:8])}))
    if evidence.url:
        found.append(Finding("website", {"hosts": markup.host_of(evidence.url)}))
    return found
