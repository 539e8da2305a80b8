"""Hosts that a site's owner watches for, with all that stand below them: in links, and as the author's website."""

from moderation import markup
from moderation.models.pagekey import BadAddress, host_named
from moderation.triage.evidence import Evidence, Finding

#: So many are named on the card.
NAMED = 8


def check(evidence: Evidence) -> list[Finding]:
    """Notice where a reply leads to a host on the site's list."""
    watched = frozenset(evidence.watch.hosts)
    if not watched:
        return []
    there = [*markup.links(evidence.html), *([evidence.watch.website] if evidence.watch.website else [])]
    hosts = dict.fromkeys(host for address in there if (host := _host(address)))
    hits = [host for host in hosts if not watched.isdisjoint(_above(host))]
    return [Finding("watched-hosts", {"number": len(hits), "hosts": ", ".join(hits[:NAMED])})] if hits else []


def _host(address: str) -> str:
    try:
        return host_named(address.partition("?")[0])
    except BadAddress:
        # What no browser reads alike has still a host to most of them.
        return markup.host_of(address).lower().rstrip(".")


def _above(host: str) -> list[str]:
    """Name a host and all that it stands below."""
    labels = host.split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]
