"""What an owner watches for, as tables: what a listed word or host finds, and what it leaves alone."""

import time

import pytest
from flask import Flask

from moderation import markup, triage
from moderation.markup import Format
from moderation.triage import Evidence, Watch, hosts, words
from moderation.triage.skeleton import skeleton
from tests.world import make_world


def evidence(text: str, **watch: object) -> Evidence:
    return Evidence(html=markup.render(text, Format.MARKDOWN), url="", alike=0, watch=Watch(**watch))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listed", "text", "hit"),
    [
        ("casino", "The best casino, by far.", True),
        ("casino", "CASINO!", True),
        ("casino", "Casinos are elsewhere.", False),
        ("casino*", "Casinos are elsewhere.", True),
        ("*casino", "A minicasino.", True),
        ("*casino*", "minicasinos", True),
        ("casino", "minicasino", False),
        # Width, style, case.
        ("casino", "ｃａｓｉｎｏ", True),
        ("casino", "𝓬𝓪𝓼𝓲𝓷𝓸", True),
        ("straße", "STRASSE", True),
        # Letters of other alphabets: in the text, and on the list.
        ("casino", "с\u0430sin\u043e", True),
        ("casino", "c\u03b1sin\u03bf", True),
        ("с\u0430sin\u043e", "casino", True),
        ("hotmoney", "\u041d\u041e\u0422\u041c\u039fN\u0395\u03a5", True),
        ("привет", "Привет!", True),
        ("привет", "ПРИВЕТ", True),
        ("привет", "При вет", False),
        # What nobody sees.
        ("casino", "ca\u200bsi\u00adno", True),
        ("casino", "ca\ufeffsino", True),
        # Marks tell words apart: schon is not schön.
        ("schön", "schon", False),
        ("schön", "scho\u0308n", True),
        # Phrases, whatever stands between their words.
        ("buy now", "Buy, now!", True),
        ("buy now", "buy **now**", True),
        ("buy now", "buy\nnow", True),
        ("buy now", "now buy", False),
        ("c++", "I write C++ all day.", True),
        # Scripts without spaces.
        ("賭場", "最好的賭場在這裡", True),
        ("คาสิโน", "ไปคาสิโนกัน", True),
        # Nothing is a pattern.
        (".*", "anything", False),
        ("(a+)+$", "aaaa", False),
        ("(a+)+$", "a", True),
        ("a*b", "a b", True),
        ("a*b", "aXb", False),
        # A number is no word that looks like it.
        ("loo", "100", False),
        ("100", "100", True),
    ],
)
def test_a_listed_word_is_found(listed: str, text: str, hit: bool) -> None:
    found = words.check(evidence(text, words=[listed]))
    assert [finding.values for finding in found] == ([{"number": 1, "words": listed}] if hit else [])


def test_the_author_s_name_is_looked_through_and_what_hit_is_named() -> None:
    found = words.check(evidence("Hello spam", words=["spam", "casino", "eggs"], author="Casino Royale"))
    assert [(finding.code, finding.values) for finding in found] == [
        ("watched-words", {"number": 2, "words": "spam, casino"})
    ]


@pytest.mark.parametrize(
    ("listed", "text", "website", "hit"),
    [
        ("shop.example", "https://shop.example/x", "", "shop.example"),
        ("shop.example", "https://www.shop.example/x", "", "www.shop.example"),
        ("shop.example", "https://a.b.shop.example", "", "a.b.shop.example"),
        ("shop.example", "https://myshop.example", "", ""),
        ("shop.example", "https://shop.example.org", "", ""),
        ("shop.example", "https://other.example/?u=shop.example", "", ""),
        ("shop.example", "[news](https://SHOP.example)", "", "shop.example"),
        ("shop.example", "Hello.", "https://shop.example", "shop.example"),
        ("shop.example", "Hello.", "", ""),
        ("shop.example", "[mail](mailto:me@shop.example)", "", "shop.example"),
        ("xn--bcher-kva.example", "https://bücher.example", "", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "https://xn--bcher-kva.example", "", "xn--bcher-kva.example"),
        ("example", "https://shop.example", "", "shop.example"),
        ("192.0.2.7", "http://192.0.2.7/", "", "192.0.2.7"),
    ],
)
def test_a_listed_host_is_found(listed: str, text: str, website: str, hit: str) -> None:
    found = hosts.check(evidence(text, hosts=[listed], website=website))
    assert [finding.values for finding in found] == ([{"number": 1, "hosts": hit}] if hit else [])


def test_a_long_list_over_a_long_text_takes_no_time() -> None:
    listed = [f"{number}{'a' * 95}*" for number in range(500)]
    begun = time.perf_counter()
    assert words.check(evidence("a" * 20_000 + " b" * 20_000, words=listed)) == []
    assert time.perf_counter() - begun < 2


def test_a_skeleton_is_stable() -> None:
    for text in ("Casino", "с\u0430sin\u043e", "ＡＢＣ", "İstanbul", "ﬁn", "\u1e9e"):
        assert skeleton(skeleton(text)) == skeleton(text)


@pytest.mark.sqlite_only
def test_a_reply_and_its_edit_are_held_whatever_is_found(app: Flask) -> None:
    world = make_world(app)
    with app.app_context():
        site = world.site
        site.watched_words, site.watched_hosts = ["casino"], ["shop.example"]
        comment = world.reply("My casino.", url="https://www.shop.example/")
        assert comment.newest.status == "pending"
        codes = [finding["code"] for finding in comment.newest.findings]
        assert codes[-3:] == ["watched-words", "watched-hosts", "website"]
        assert [triage.describe(finding) for finding in comment.newest.findings[-3:-1]] == [
            ("1 word on the list", "casino"),
            ("Leads to 1 host on the list", "www.shop.example"),
        ]
