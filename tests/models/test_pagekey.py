"""One page, one key; and every address that a browser could read differently is refused."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from moderation.models.pagekey import BadAddress, ForeignPage, NotAnAddress, is_web_address, origin_of, page_key

ORIGINS = [
    "https://example.org",
    "http://localhost:4000",
    "https://bücher.example",
    "http://192.0.2.7",
    "http://[::1]:80",
]
URLS = Path(__file__).parents[2] / "../shared/data/whatwg_url/urltestdata.json"
# How busy the machine is says nothing about the property.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://example.org", "example.org"),
        ("https://example.org/", "example.org"),
        ("http://example.org/a", "example.org/a"),
        ("https://www.example.org/a", "example.org/a"),
        ("HTTPS://WWW.Example.ORG/A", "example.org/A"),
        ("https://example.org:443/a", "example.org/a"),
        ("http://example.org:80/a", "example.org/a"),
        ("https://example.org:80/a", "example.org/a"),
        ("https://example.org:/a", "example.org/a"),
        ("https://example.org:0443/a", "example.org/a"),
        ("http://localhost:4000/a", "localhost:4000/a"),
        ("http://192.0.2.7/a", "192.0.2.7/a"),
        ("http://[::1]/a", "[::1]/a"),
        ("http://[0:0:0:0:0:0:0:1]/a", "[::1]/a"),
        ("https://bücher.example/a", "xn--bcher-kva.example/a"),
        ("https://BÜCHER.example/a", "xn--bcher-kva.example/a"),
        ("https://xn--bcher-kva.example/a", "xn--bcher-kva.example/a"),
        ("https://ｅxample。org/a", "example.org/a"),
        ("https://example.org/a/", "example.org/a"),
        ("https://example.org/a//", "example.org/a"),
        ("https://example.org//a", "example.org//a"),
        ("https://example.org/index.html", "example.org"),
        ("https://example.org/a/index.html", "example.org/a"),
        ("https://example.org/a/index.html/", "example.org/a"),
        ("https://example.org/myindex.html", "example.org/myindex.html"),
        ("https://example.org/index.html/a", "example.org/index.html/a"),
        ("https://example.org/a" + "/" * 1900, "example.org/a"),
        ("https://example.org/" + "/index.html" * 170, "example.org"),
        ("https://example.org/" + "a/" * 900, "example.org/" + "/".join("a" * 900)),
        ("https://example.org/a/./b/../c", "example.org/a/c"),
        ("https://example.org/a/%2e%2E/c", "example.org/c"),
        ("https://example.org/../../a", "example.org/a"),
        ("https://example.org/a/..", "example.org"),
        ("https://example.org/%7Eana/%61", "example.org/~ana/a"),
        ("https://example.org/a%2fb", "example.org/a%2Fb"),
        ("https://example.org/é", "example.org/%C3%A9"),
        ("https://example.org/%c3%a9", "example.org/%C3%A9"),
        ("https://example.org/%E9", "example.org/%E9"),
        ("https://example.org/100%", "example.org/100%25"),
        ("https://example.org/{a}|b", "example.org/%7Ba%7D%7Cb"),
        ("https://example.org/a#b", "example.org/a"),
        ("https://example.org/a#b?c=d", "example.org/a"),
        ("https://example.org#b", "example.org"),
        ("https://example.org?p=1", "example.org/?p=1"),
        ("https://example.org/?p=1", "example.org/?p=1"),
        ("https://example.org/index.html?p=1", "example.org/?p=1"),
        ("https://example.org/a/?p=1", "example.org/a?p=1"),
        ("https://example.org/a?", "example.org/a"),
        ("https://example.org/a?&&", "example.org/a"),
        ("https://example.org/a?b=2&a=1", "example.org/a?a=1&b=2"),
        ("https://example.org/a?a=2&a=1", "example.org/a?a=1&a=2"),
        ("https://example.org/a?q=../b", "example.org/a?q=../b"),
        ("https://example.org/a?q=é%41", "example.org/a?q=%C3%A9A"),
        ("https://example.org/a?q=1%262", "example.org/a?q=1%262"),
        ("https://example.org/a?utm_source=x&p=1&utm_medium=y", "example.org/a?p=1"),
        ("https://example.org/a?UTM_Source=x&utm%5Fid=3", "example.org/a"),
        ("https://example.org/a?fbclid=1&gclid=2&msclkid=3", "example.org/a"),
        ("https://example.org/a?mc_cid=1&mc_eid=2", "example.org/a"),
        ("https://example.org/a?ref=hn&replytocom=7&amp&amp=1", "example.org/a"),
        ("https://example.org/a?reference=1&amplitude=2&xutm_a=3", "example.org/a?amplitude=2&reference=1&xutm_a=3"),
    ],
)
def test_page_key_follows_the_table(url, key):
    assert page_key(url, ORIGINS) == key


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://example.org.example.com/",
        "https://notexample.org/",
        "https://blog.example.org/",
        "https://www.www.example.org/",
        "https://example.org:8443/",
        "http://localhost/",
        "http://www.localhost:4000/",
        "https://org/",
        "https://192.0.2.8/",
    ],
)
def test_a_page_elsewhere_is_foreign(url):
    with pytest.raises(ForeignPage):
        page_key(url, ORIGINS)


def test_without_origins_every_page_is_foreign():
    with pytest.raises(ForeignPage):
        page_key("https://example.org/", [])


def test_www_alone_is_a_name_like_any_other():
    assert page_key("https://www.com/", ["https://www.com"]) == "www.com"
    with pytest.raises(ForeignPage):
        page_key("https://com/", ["https://www.com"])


REFUSED = {
    "nothing": "",
    "a word": "example.org",
    "a path": "/a",
    "without scheme": "//example.org/a",
    "script": "javascript:alert(1)//https://example.org/",
    "script behind a control": "\x01javascript:alert(1)",
    "ftp": "ftp://example.org/",
    "file": "file:///etc/passwd",
    "one slash": "https:/example.org/",
    "no slash": "https:example.org/",
    "three slashes": "https:///example.org/",
    "empty host": "https://",
    "empty host with port": "https://:80/",
    "user": "https://user@example.org/",
    "user and password": "https://a:b@example.org/",
    "empty user": "https://@example.org/",
    "two hosts": "http://good@example.org/",
    "backslash for at": "http://good\\@example.org/",
    "backslash in path": "https://example.org/\\evil.example",
    "backslash in fragment": "https://example.org/#\\",
    "backslashes for slashes": "https:\\\\example.org/",
    "leading space": " https://example.org/",
    "trailing newline": "https://example.org/\n",
    "tab in scheme": "ht\ttps://example.org/",
    "tab in host": "https://exam\tple.org/",
    "newline in path": "https://example.org/a\nb",
    "NUL": "https://example.org/\0",
    "DEL": "https://example.org/\x7f",
    "no-break space": "https://example.org/\xa0",
    "ideographic space": "https://example.org/\u3000",
    "line separator": "https://example.org/\u2028",
    "lone surrogate": "https://example.org/\ud800",
    "lone surrogate in host": "https://ex\udfffample.org/",
    "quote": 'https://example.org/"onclick=',
    "tag": "https://example.org/<script>",
    "escaped host": "https://ex%61mple.org/",
    "escaped dot": "https://example%2eorg/",
    "escaped slash in host": "https://example.org%2f.evil.example/",
    "full-width slash in host": "https://example.org／.evil.example/",
    "full-width at": "https://a＠example.org/",
    "care-of sign": "https://example.org℀.evil.example/",
    "trailing dot": "https://example.org./",
    "leading dot": "https://.example.org/",
    "two dots": "https://example..org/",
    "forbidden in host": "https://exa^mple.org/",
    "long label": f"https://{'a' * 64}.org/",
    "long host": f"https://{'a.' * 126}org/",
    "bad punycode": "https://xn--/",
    "punycode of nothing foreign": "https://xn--example-.org/",
    "letters in port": "https://example.org:4a/",
    "Arabic digits in port": "https://example.org:٨٠/",
    "port too large": "https://example.org:65536/",
    "port too long": "https://example.org:000443/",
    "two ports": "https://example.org:80:80/",
    "short IPv4": "http://192.0.519/",
    "octal IPv4": "http://0300.0.2.7/",
    "hexadecimal IPv4": "http://0xc0.0.2.7/",
    "one number": "http://3221225991/",
    "one hexadecimal number": "http://0xc0000207/",
    "full-width digits, hexadecimal": "http://０xc0000207/",
    "too large IPv4": "http://192.0.2.256/",
    "bare IPv6": "http://::1/",
    "IPv6 with zone": "http://[fe80::1%25eth0]/",
    "IPv6 cut off": "http://[::1/",
    "IPv6 with more": "http://[::1].example.org/",
    "not IPv6": "http://[1:2]/",
    "too long": "https://example.org/" + "a" * 1981,
    "too long once escaped": "https://example.org/" + "é" * 400,
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_what_programs_could_read_differently_is_no_address(url):
    with pytest.raises(NotAnAddress):
        page_key(url, ORIGINS)


def test_an_address_may_have_2000_characters():
    assert page_key("https://example.org/" + "a" * 1980, ORIGINS) == "example.org/" + "a" * 1980


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://example.org", "https://example.org"),
        ("HTTPS://WWW.Example.org:443/a?b#c", "https://www.example.org"),
        ("http://example.org:443", "http://example.org:443"),
        ("https://example.org:80", "https://example.org:80"),
        ("http://localhost:04000/", "http://localhost:4000"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("http://[2001:DB8::0:1]/", "http://[2001:db8::1]"),
    ],
)
def test_origin_of_writes_what_a_browser_sends(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url", ["null", "", "*", "https://*.example.org", "example.org", "file://", "http://[::ffff:1.2.3.4]/"]
)
def test_what_is_no_origin_is_refused(url):
    with pytest.raises(BadAddress):
        origin_of(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org", True),
        ("http://example.org/~ana?b=c#d", True),
        ("https://bücher.example/ü", True),
        ("http://localhost:8000/", True),
        ("http://192.0.2.7/", True),
        ("http://x.com/?'onmouseover='alert(document.domain)'x='", True),  # an address; its printer escapes the quotes
        ("http://intranet/", False),
        ("http://[::1]/", False),
        ("http://2130706433/", False),
        ("mailto:ana@example.org", False),
        ("javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,x", False),
        ('https://example.org/"><script>', False),
        ("https://paypal.example@evil.example/", False),
        ("www.example.org", False),
        ("", False),
    ],
)
def test_is_web_address_follows_the_table(url, expected):
    assert is_web_address(url) is expected


texts = st.text(st.sampled_from(string.printable + "éß。．％／＠\u0301\u200d\ud800%%%...///:::@@[]0x"), max_size=40)
urls = st.one_of(
    st.text(max_size=60),
    texts.map("https://".__add__),
    texts.map("https://example.org/".__add__),
    texts.map("https://example.org".__add__),
)


@unhurried
@given(urls)
@example("https://example.org/index.html/index.html")
@example("https://example.org/a/%2e%2e/./%252e")
def test_a_key_is_its_own_key_and_nothing_but_bad_address_is_raised(url):
    try:
        key = page_key(url, ORIGINS)
    except BadAddress:
        return
    assert page_key(f"https://{key}", [*ORIGINS, "https://localhost:4000"]) == key
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key


@unhurried
@given(st.text(st.sampled_from("ab/.%2e?&=_é#"), max_size=30), st.sampled_from(["http://", "https://", "http://www."]))
def test_scheme_www_fragment_and_campaign_do_not_tell_pages_apart(rest, start):
    assume("#" not in rest)
    plain = page_key(f"https://example.org/{rest}", ORIGINS)
    campaign = ("&" if "?" in rest else "?") + "utm_source=x&fbclid=y"
    assert page_key(f"{start}example.org/{rest}{campaign}#part", ORIGINS) == plain


@unhurried
@given(urls)
def test_an_origin_is_its_own_origin(url):
    try:
        origin = origin_of(url)
    except BadAddress:
        assert not is_web_address(url)
        return
    assert origin_of(origin) == origin
    assert origin.isascii()


@pytest.mark.skipif(not URLS.exists(), reason="web-platform-tests' addresses are not here")
def test_where_we_take_an_address_browsers_name_the_same_host():
    agreed = 0
    for case in json.loads(URLS.read_text()):
        if isinstance(case, str) or (case.get("base") and "://" not in case["input"]):
            continue
        try:
            ours = origin_of(case["input"])
        except BadAddress:
            continue
        assert not case.get("failure"), ascii(case["input"])
        assert ours == f"{case['protocol']}//{case['host']}", ascii(case["input"])
        agreed += 1
    assert agreed > 70


@pytest.mark.parametrize("room", range(-3, 12))
def test_what_has_a_key_is_an_address_with_it_too(room: int) -> None:
    # 9 letters for each of these in the key, 3 bytes in the address.
    address = "https://courier.example/" + "x" * ((1992 - 16 - room) % 9) + "\u4e00" * ((1992 - 16 - room) // 9)
    try:
        key = page_key(address, ["https://courier.example"])
    except NotAnAddress:
        assert room < 0
    else:
        assert page_key(f"https://{key}", ["https://courier.example"]) == key
