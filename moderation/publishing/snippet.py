"""The tag that a site's pages carry: how it is written, and whether a page that was asked for has it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape, unescape
from urllib.parse import quote, urljoin, urlsplit

#: Of a page's policy, what the tag needs: to run its script, and to ask the service.
NEEDED = ("script-src", "connect-src")
#: Tags that are looked at, with what stands in them; no attribute of them is longer.
_TAG = re.compile(r"<(leave-a-reply|script|iframe|base|meta)(?=[\s/>])([^<>]{0,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,40})(?:\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?""")


class Fault(StrEnum):
    """What may be wrong with a page's tag."""

    NO_TAG = "no-tag"
    OTHER_KEY = "other-key"
    NO_SCRIPT = "no-script"
    OTHER_SCRIPT = "other-script"
    MODULE = "module"
    POLICY = "policy"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and what it is about: a key, an address, a directive."""

    fault: Fault
    about: str = ""


@dataclass
class _Seen:
    keys: list[str] = field(default_factory=list)
    scripts: list[tuple[str, str]] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    base: str = ""


def tag(key: str, *, service: str, page: str) -> str:
    """Write the tag for a page."""
    thread = escape(thread_address(key, service=service, page=page))
    return (
        f'<script src="{service}/embed.js" async></script>\n'
        f'<leave-a-reply site="{key}">\n'
        f'  <a href="{thread}">Replies</a>\n'
        f"</leave-a-reply>"
    )


def frame(key: str, *, service: str, page: str) -> str:
    """Write the frame that shows the same without a script."""
    thread = escape(thread_address(key, service=service, page=page))
    return f'<iframe title="Replies" src="{thread}"></iframe>'


def link(key: str, *, service: str, page: str) -> str:
    """Write the link that leads to the same."""
    return f'<a href="{escape(thread_address(key, service=service, page=page))}">Read and leave replies</a>'


def thread_address(key: str, *, service: str, page: str) -> str:
    """Name the page of its own that a page's thread has."""
    return f"{service}/sites/{key}/thread?page={quote(page, safe=':/')}"


def look(html: str, *, key: str, service: str, page: str, policies: Sequence[str] = ()) -> list[Finding]:
    """Say what is wrong with a page's tag for a site; nothing, where it works as far as can be seen from outside."""
    seen = _read(html)
    thread = f"{service}/sites/{key}/thread"
    if any(address.split("?")[0] == thread for address in seen.frames):
        return _policy_faults([*policies, *seen.policies], ("frame-src",), service=service, page=page)
    found = list(_tag_faults(seen, key=key, service=service, page=page))
    return found + _policy_faults([*policies, *seen.policies], NEEDED, service=service, page=page)


def _tag_faults(seen: _Seen, *, key: str, service: str, page: str) -> Iterator[Finding]:
    if not seen.keys:
        yield Finding(Fault.NO_TAG)
    elif key not in seen.keys:
        yield Finding(Fault.OTHER_KEY, seen.keys[0][:60])
    ours = f"{service}/embed.js"
    scripts = {_joined(seen.base or page, address): kind for address, kind in seen.scripts}
    if ours in scripts:
        if scripts[ours] == "module":
            yield Finding(Fault.MODULE)
        return
    others = [address for address in scripts if urlsplit(address).path.endswith("/embed.js")]
    yield Finding(Fault.OTHER_SCRIPT, others[0][:200]) if others else Finding(Fault.NO_SCRIPT)


def _policy_faults(policies: Sequence[str], needed: Sequence[str], *, service: str, page: str) -> list[Finding]:
    """Name the directives that keep the service out; each policy of a page has to let it in."""
    kept_out = [
        directive
        for directive in needed
        if not all(_lets_in(_directives(policy), directive, service=service, page=page) for policy in policies)
    ]
    return [Finding(Fault.POLICY, directive) for directive in kept_out]


def _directives(policy: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in policy[:8000].split(";"):
        name, *sources = part.split()[:200] or [""]
        found.setdefault(name.lower(), sources)
    return found


def _lets_in(policy: dict[str, list[str]], directive: str, *, service: str, page: str) -> bool:
    names = {"script-src": ("script-src-elem", "script-src"), "frame-src": ("frame-src", "child-src")}
    sources = next(
        (policy[name] for name in (*names.get(directive, (directive,)), "default-src") if name in policy), None
    )
    if sources is None:
        return True
    if directive == "script-src" and any(one.lower() == "'strict-dynamic'" for one in sources):
        # Then addresses count for nothing; a nonce on the tag might.
        return any(one.lower().startswith("'nonce-") for one in sources)
    return any(_matches(source.lower(), service, page=page) for source in sources)


def _matches(source: str, service: str, *, page: str) -> bool:
    ours, theirs = urlsplit(service), urlsplit(page)
    if source == "*":
        return True
    if source == "'self'":
        return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
    if source.endswith(":"):
        return source[:-1] == ours.scheme
    named = re.fullmatch(r"(?:([a-z][a-z0-9+.-]*)://)?([^/:]+|\[[^\]]*\])(?::(\d+|\*))?(/.*)?", source)
    if named is None or source.startswith("'"):
        return False
    scheme, host, port, path = named.groups()
    fits = (ours.hostname or "") == host or (host.startswith("*.") and (ours.hostname or "").endswith(host[1:]))
    ports = {"http": "80", "https": "443"}
    on_port = port == "*" or (port or ports[ours.scheme]) == str(ours.port or ports[ours.scheme])
    return (
        (scheme or theirs.scheme) in (ours.scheme, "http") and fits and on_port and (path or "/") in ("/", "/embed.js")
    )


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address).partition("#")[0].partition("?")[0]
    except ValueError:
        return ""


def _read(html: str) -> _Seen:
    """Note of a page what the tag is made of: scripts, tags of ours, frames, policies. Takes a moment for any page.

    Not by the standard library's parser: it fails over what browsers read, and its time can grow with the square.
    """
    seen = _Seen()
    for name, written in _TAG.findall(_without_comments(html)):
        values = {found[0].lower(): unescape(found[1] or found[2] or found[3]) for found in _ATTRIBUTE.findall(written)}
        match name.lower():
            case "leave-a-reply":
                seen.keys.append(values.get("site", ""))
            case "script" if values.get("src"):
                seen.scripts.append((values["src"].strip(), values.get("type", "").strip().lower()))
            case "iframe":
                seen.frames.append(values.get("src", "").strip())
            case "base" if not seen.base and "://" in values.get("href", ""):
                seen.base = values["href"].strip()
            case "meta" if values.get("http-equiv", "").strip().lower() == "content-security-policy":
                seen.policies.append(values.get("content", ""))
    return seen


def _without_comments(html: str) -> str:
    kept, rest = [], html
    while True:
        before, begun, after = rest.partition("<!--")
        kept.append(before)
        if not begun:
            return "".join(kept)
        _, ended, rest = after.partition("-->")
        if not ended:
            return "".join(kept)
