"""What sanitisers let through, or changed behind the cleaning, through a running server: sent, published, and read."""

import pytest

from tests.attacks.conftest import Place
from tests.attacks.looking import bodies, entries, sound
from tests.journeys import attack
from tests.transfer import wxr

#: Told apart by what is known of them.
KNOWN = {
    "CVE-2018-7753": "<a href='jav&#x0D;ascript:alert(1)'>x</a> <a href='&#14;javascript:alert(1)'>x</a>",
    "CVE-2020-6802": "<noscript><style></noscript><img src=x onerror=alert(1)></style>",
    "CVE-2020-6816": "<math></p><style><!--</style><img src=x onerror=alert(1)>--></math>",
    "CVE-2020-6817": "<a style='" + "font-family:\\'" * 300 + "'>x</a>",
    "CVE-2021-23980": "<svg><p><style><!--</style><img src=x onerror=alert(1)>--></p></svg>",
    "CVE-2014-3146": "<a href='java\x0bscript:alert(1)'>x</a><a href='java&NewLine;script:alert(1)'>y</a>",
    "CVE-2018-19787": "<a href='j a v a s c r i p t:alert(1)'>x</a><a href='java%0ascript:alert(1)'>y</a>",
    "CVE-2020-27783": "<math><mi xlink:href='data:x'><style>"
    "<img title='</style><img src onerror=alert(1)>'></mi></math>",
    "CVE-2021-28957": "<form id=a></form><button formaction='javascript:alert(1)' form=a>x</button>",
    "CVE-2021-43818": "<svg><image href='data:image/svg+xml;base64,PHN2Zy8+'/></svg>"
    "<style>@import '//evil.example'</style>",
    "CVE-2017-15612": "[x](javascript:alert(1) 't') [y](JAVASCRIPT:alert(1)) [z]( javascript:alert(1))",
    "CVE-2017-16876": '![a" onerror="alert(1)](x) [a](x"onclick="alert(1)) <a"onclick="alert(1)">',
    "CVE-2022-34749": "![" + "![" * 4000 + "](" * 4000,
    "markdown2 2009": '<p>x</p><!--><script>alert(1)</script>--> <a href="x"\'onclick=alert(1)>',
    "CVE-2018-5773": "<http://x<img src=x onerror=alert(1)//>",
    "CVE-2020-11888": "<http://g<!s://q?<!-<[<script>alert(1);/\\*](http://g)->a>"
    "<http://g<!s://g.c?<!-<[a\\\\*](http://g)->a>",
    "CVE-2021-26813": "<" * 3000 + "!" + "<!" * 3000,
    "CVE-2016-9909": "<span title=x=`onclick=alert(1)`>x</span> <a title='`onmouseover=alert(1)'>y</a>",
    "CVE-2016-9910": "<a href=x\x0conclick=alert(1)>x</a>",
    "ammonia 3.1.2": "<svg><annotation-xml encoding='text/html'><style><img src=x onerror=alert(1)></style></svg>",
    "ammonia 4.1.2": "<math><mtext><table><mglyph><style><!--</style>"
    "<img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "left open": "<title><img src=x onerror=alert(1)>",
    "left open twice": "<textarea><img src=x onerror=alert(1)></textarea",
    "attributes of all": "<b title=x lang=y dir=rtl class=z id=reply data-x=1>bold</b>",
    "relative": "<a href=/account/sign-out>x</a> <a href=//evil.example>y</a> <a href='?x'>z</a> [w](../x)",
    "twice encoded": "&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt;img src=x onerror=alert(1)&amp;gt; &#60;b&#62;",
    "only a return": "one\rtwo\r\rthree <b>x\r</b>",
}


def plain(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(one for one in text if one in "\t\n\r" or ord(one) >= 32)


@pytest.mark.parametrize("kind", KNOWN)
def test_what_got_through_elsewhere_gets_nowhere(place: Place, kind: str) -> None:
    page, text, id_ = place.page(), KNOWN[kind], 300_000 + next(place.numbers)
    sent = [place.reply(text, page=page, format=form, author=f"A {form}") for form in ("markdown", "plain")]
    assert {answer.status for answer in sent} <= {201, 422}
    for answer in sent:
        if answer.status == 201:
            place.decide("approve", answer.json["comment"])
            revision = place.row(answer.json["comment"])["revision"]
            sound(place.by("Ana").get(f"/queue/{revision}").text)
            sound(place.get(place.receipt(answer.json["comment"])).text)
    place.bring(wxr.export(wxr.item(wxr.comment(id_, content="Imported. " + plain(text)), link=page, id_=id_)))
    shown = entries(place.read("thread.atom", page).body)
    assert len(shown) == 1 + [answer.status for answer in sent].count(201)
    assert len(bodies(place.read("thread.json", page).json)) == len(shown)
    for name in ("thread", "thread.html"):
        sound(place.read(name, page).text)


def test_a_collection_of_attacks_is_published_in_one_thread_and_does_nothing(place: Place) -> None:
    page, texts = place.page(), attack.strings(100)
    base = 400_000
    comments = [
        wxr.comment(base + at, content=plain(text), author=plain(text)[:80] or "A", author_url="https://a.example/")
        for at, text in enumerate(texts)
    ]
    place.bring(wxr.export(wxr.item(*comments, link=page, id_=base)))
    shown = 0
    for part in range(1, place.read("thread.json", page).json["parts"] + 1):
        thread = place.get(f"/sites/courier/thread.json?page={page}&part={part}").json
        shown += len(bodies(thread))
        sound(place.get(f"/sites/courier/thread?page={page}&part={part}").text)
    assert shown >= 30
    assert entries(place.read("thread.atom", page).body)
