"""Tell which page of a site an address means, and refuse every address that two programs could read differently."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from urllib.parse import quote

import idna

MAX_ADDRESS = 2_000

# Browsers drop some of these and read a backslash as a slash; RFC 3986 knows none of them, and browsers send none.
_REFUSED = re.compile('[\\s\x00-\x20\x7f-\xa0\\\\"<>`\ud800-\udfff\ufffe\uffff]')
_ADDRESS = re.compile(r"(https?)://([^/?#]+)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^@:\[\]%]+)(?::([0-9]{0,5}))?", re.IGNORECASE)
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
# What a browser takes for a number, so that 0x7f.1 is 127.0.0.1.
_NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# Escapes, and all that is neither unreserved nor given a meaning by RFC 3986.
_TO_NORMALISE = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~!$&'()*+,;=:@/?-]")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
# What campaigns, mail programs, WordPress and AMP add to an address without meaning another page.
_TRACKING = re.compile(r"utm_.*|mc_.*|fbclid|gclid|msclkid|ref|replytocom|amp", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class BadAddress(ValueError):
    """An address we cannot use."""


class NotAnAddress(BadAddress):
    """Not an http(s) address that every program reads alike."""


class ForeignPage(BadAddress):
    """A page on none of the site's origins."""


@dataclass(frozen=True)
class _Address:
    """An http(s) address in its parts: the host as a browser names it, the rest as it was written."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def site(self) -> str:
        """Return host and port without what does not tell pages apart: scheme, `www.`, and either default port."""
        host = self.host.removeprefix("www.") if self.host.count(".") > 1 else self.host
        return host if self.port in _DEFAULT_PORTS.values() else f"{host}:{self.port}"


def page_key(url: str, origins: Iterable[str]) -> str:
    """Return the one name of the page that an address means, at most 1,992 ASCII characters.

    A key with `https://` before it has itself for its key. Raises `ForeignPage` for a page on none of the origins,
    `NotAnAddress` for what is no address, in `url` or in `origins`.
    """
    return _key(url, tuple(origins))


# A reply is asked for its page several times: by the door, to see what is there, to open a thread.
@lru_cache(maxsize=256)
def _key(url: str, origins: tuple[str, ...]) -> str:
    address = _parse(url)
    if address.site not in {_parse(origin).site for origin in origins}:
        raise ForeignPage(url)
    path = _without_end(_resolved(_normalised(address.path)))
    query = sorted(
        part for part in _normalised(address.query).split("&") if part and not _TRACKING.fullmatch(part.split("=")[0])
    )
    # The slash keeps the host readable in `example.org/?p=1`, WordPress' plain address of an article.
    key = address.site + (f"{path or '/'}?{'&'.join(query)}" if query else path)
    # Escapes make an address longer, and PostgreSQL has no room in an index for more than 2,700 bytes. What begins with
    # a scheme again is to be an address still.
    if len(key) > MAX_ADDRESS - len("https://"):
        raise NotAnAddress(url)
    return key


def origin_of(url: str) -> str:
    """Return an address' origin as a browser writes it: scheme, host, and the port unless it is the scheme's own."""
    address = _parse(url)
    port = "" if address.port == _DEFAULT_PORTS[address.scheme] else f":{address.port}"
    return f"{address.scheme}://{address.host}{port}"


def host_named(text: str) -> str:
    """Return a host as browsers name it, from how people write one: `Bücher.example`, `*.x.example`, a whole address.

    Raises `NotAnAddress`.
    """
    bare = text.strip().removeprefix("*.").removeprefix(".")
    if "//" not in bare:
        bare = f"https://{bare.removeprefix('mailto:').rpartition('@')[2]}"
    return _parse(bare.rstrip(".")).host


def is_web_address(url: str) -> bool:
    """Tell whether an address is one that a commenter may give: http or https, a host with a dot or localhost."""
    try:
        host = _parse(url).host
    except NotAnAddress:
        return False
    return "." in host or host == "localhost"


def _without_end(path: str) -> str:
    """Return a path without its trailing slashes and `index.html`, in one pass from the end."""
    while (shorter := path.rstrip("/").removesuffix("/index.html")) != path:
        path = shorter
    return path


def _parse(url: str) -> _Address:
    """Take an address apart as the URL Standard does, but refuse what it would repair."""
    whole = _ADDRESS.fullmatch(url) if len(url) <= MAX_ADDRESS and not _REFUSED.search(url) else None
    authority = _AUTHORITY.fullmatch(whole[2]) if whole else None
    if not whole or not authority:
        raise NotAnAddress(url)
    scheme = whole[1].lower()
    port = int(authority[2] or _DEFAULT_PORTS[scheme])
    host = _browser_host(authority[1].lower())
    if not host or port > 65_535:
        raise NotAnAddress(url)
    return _Address(scheme, host, port, whole[3], whole[4] or "")


def _browser_host(written: str) -> str | None:
    """Return a host as browsers write it, None where they or we would not take it."""
    if written.startswith("["):
        # An IPv4 address in IPv6 clothes is written in different ways: in doubt it is refused.
        host = _or_none(lambda: ipaddress.IPv6Address(written[1:-1]).compressed)
        return None if host is None or ipaddress.IPv6Address(host).ipv4_mapped else f"[{host}]"
    host = written if written.isascii() else _or_none(lambda: idna.encode(written, uts46=True).decode())
    if not host or not _HOST.fullmatch(host):
        return None
    if _NUMERIC_HOST.fullmatch(host):
        return host if _or_none(lambda: str(ipaddress.IPv4Address(host))) == host else None
    # A browser takes apart what pretends to be an international name, and so do we.
    known = all(_or_none(partial(idna.ulabel, label)) for label in host.split(".") if label.startswith("xn--"))
    return host if known else None


def _or_none(read: Callable[[], str]) -> str | None:
    try:
        return read()
    except ValueError:
        return None


def _normalised(part: str) -> str:
    """Return a path or query in which every character is written in one way only."""

    def one_way(found: re.Match[str]) -> str:
        if len(found[0]) == 1:
            return quote(found[0], safe="")
        character = chr(int(found[0][1:], 16))
        return character if _UNRESERVED.fullmatch(character) else found[0].upper()

    return _TO_NORMALISE.sub(one_way, part)


def _resolved(path: str) -> str:
    """Return a path without its `.` and `..`."""
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "".join(f"/{segment}" for segment in kept)
