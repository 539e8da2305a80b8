"""Links in the text, those an edit adds, and the website left with the name."""

from urllib.parse import urlsplit

from moderation import markup
from moderation.triage.evidence import Evidence, Finding


def check(evidence: Evidence) -> list[Finding]:
    """Notice where a reply leads."""
    found = []
    hosts = _hosts(evidence.html)
    if hosts:
        found.append(Finding("links", {"number": len(markup.links(evidence.html)), "hosts": ", ".join(hosts[:8])}))
    if evidence.replaces is not None:
        added = [host for host in hosts if host not in _hosts(evidence.replaces)]
        if added:
            found.append(Finding("adds-link", {"hosts": ", ".join(added[:8])}))
    if evidence.url:
        found.append(Finding("website", {"hosts": _host(evidence.url)}))
    return found


def _hosts(html: str) -> list[str]:
    """Return the real hosts of the links, each once, in order."""
    return list(dict.fromkeys(_host(link) for link in markup.links(html)))


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or link
    except ValueError:
        return link
