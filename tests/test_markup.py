"""What authors write is shown as they mean it, and as nodes says the same."""

import pytest

from moderation.markup import Format, links, nodes, plain_text, render
from tests.markup_audit import (
    REL,
)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>two</p>\n<p>three</p>\n"),
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>\n"),
        ("> a\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n"),
        ("1986. What a summer", "<p>1986. What a summer</p>\n"),
        ("```py\n<b>\n```", "<pre><code>&lt;b&gt;\n</code></pre>\n"),
        ("# a", "<p># a</p>\n"),
        ("a\n===", "<p>a<br>===</p>\n"),
        ("a\n\n---", "<p>a</p>\n<p>---</p>\n"),
        ("|a|\n|-|\n|b|", "<p>|a|<br>|-|<br>|b|</p>\n"),
        ("<b>a</b>", "<p>&lt;b&gt;a&lt;/b&gt;</p>\n"),
        ("<div>\n*a*\n</div>", "<p>&lt;div&gt;<br><em>a</em><br>&lt;/div&gt;</p>\n"),
        ("![a](http://b.example/c.png)", f'<p>!<a href="http://b.example/c.png"{REL}>a</a></p>\n'),
        ("[a](https://b.example/c 'd')", f'<p><a href="https://b.example/c"{REL}>a</a></p>\n'),
        ("[a](<https://b.example/c d>)", f'<p><a href="https://b.example/c%20d"{REL}>a</a></p>\n'),
        ("<ana@example.org>", f'<p><a href="mailto:ana@example.org"{REL}>ana@example.org</a></p>\n'),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("[a](/b) [c](//d.example)", "<p>[a](/b) [c](//d.example)</p>\n"),
        ("[a](http://b@c.example)", "<p>[a](http://b@c.example)</p>\n"),
        ("[a](mailto:b@c.example?bcc=d@e.example)", "<p>[a](mailto:b@c.example?bcc=d@e.example)</p>\n"),
        (
            "c\n\n[a]: http://b.example 'unseen'",
            f"<p>c</p>\n<p>[a]: <a href=\"http://b.example\"{REL}>http://b.example</a> 'unseen'</p>\n",
        ),
        ("&lt;b&gt; &amp; &copy; &#1;", "<p>&lt;b&gt; &amp; © \ufffd</p>\n"),
        ("a\0b\x07\ud800", "<p>a\ufffdb\ufffd\ufffd</p>\n"),
        ("", ""),
    ],
)
def test_markdown_is_what_a_letter_needs_and_no_more(source, html):
    assert render(source, Format.MARKDOWN) == html


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>two</p>\n<p>three</p>\n"),
        ("*a* _b_ `c` > d\n- e\n1. f", "<p>*a* _b_ `c` &gt; d<br>- e<br>1. f</p>\n"),
        ("<b>&amp;\\*", "<p>&lt;b&gt;&amp;amp;\\*</p>\n"),
        (
            "http://a.example/b?c=d&e",
            f'<p><a href="http://a.example/b?c=d&amp;e"{REL}>http://a.example/b?c=d&amp;e</a></p>\n',
        ),
        ("[a](http://b.example)", f'<p>[a](<a href="http://b.example"{REL}>http://b.example</a>)</p>\n'),
    ],
)
def test_plain_text_stays_as_it_was_typed(source, html):
    assert render(source, Format.PLAIN) == html


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("see http://a.example.", ["http://a.example"]),
        ("(https://a.example/b)", ["https://a.example/b"]),
        ("https://a.example/b_(c)_d!", ["https://a.example/b_(c)_d"]),
        ("https://a.example/b).)", ["https://a.example/b"]),
        ("“https://a.example/b”", ["https://a.example/b"]),
        ("看https://a.example/b。好", ["https://a.example/b"]),
        ("HTTP://A.example:8080/b#c", ["HTTP://A.example:8080/b#c"]),
        ("http://a.example: two http://b.example", ["http://a.example", "http://b.example"]),
        ("http://localhost:4000/a", ["http://localhost:4000/a"]),
        ("http://bücher.example/ü", ["http://xn--bcher-kva.example/%C3%BC"]),
        ("http://a.example@b.example/", []),
        ("http://a.example:80@b.example/", []),
        ("http://a%2eexample/", []),
        ("http://a.example\\@b.example/", []),
        ("http://intranet/", []),
        ("xhttp://a.example git+http://a.example", []),
        ("www.a.example readme.md ana@example.org ftp://a.example //a.example", []),
        ("http://a.example/" + "b" * 2000, []),
    ],
)
def test_bare_addresses_are_linked_and_nothing_else(text, addresses):
    assert links(render(text, Format.PLAIN)) == addresses


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("**http://a.example/b** _http://a.example/c_d_", ["http://a.example/b", "http://a.example/c_d"]),
        ("<http://a.example/b>", ["http://a.example/b"]),
        ("`http://a.example/b`", []),
        ("[http://a.example](http://b.example)", ["http://b.example"]),
        ("[c http://a.example/](http://b.example)", ["http://b.example"]),
    ],
)
def test_bare_addresses_keep_out_of_the_way_of_markdown(text, addresses):
    assert links(render(text, Format.MARKDOWN)) == addresses


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("one<br />\ntwo\r\n\r\n\r\nthree", "<p>one<br>two</p><p>three</p>"),
        ("<p>a</p>\n<p>b\n\nc</p>", "<p>a</p><p>b</p><p>c</p>"),
        ("a\n<blockquote>b\n\nc</blockquote>\nd", "<p>a</p><blockquote><p>b</p><p>c</p></blockquote><p>d</p>"),
        ("<ul>\n<li>a</li>\n<li>b\nc</li>\n</ul>", "<ul><li>a</li><li>b<br>c</li></ul>"),
        ("<pre>a\n\n  b</pre>", "<pre>a\n\n  b</pre>"),
        ("<b>a\n\nb</b>", "<p><b>a</b></p><p><b>b</b></p>"),
        ("<div class='x'><span style='color:red'>a</span></div>b", "<p>a</p><p>b</p>"),
        ("<a href='http://a.example/' onclick='b()' title='c'>d</a>", f'<p><a href="http://a.example/"{REL}>d</a></p>'),
        ("<a href='/b'>c</a> <a name=d>e</a>", f"<p><a{REL}>c</a> <a{REL}>e</a></p>"),
        ("<a href='htt&Tab;p://a.example'>b</a>", f"<p><a{REL}>b</a></p>"),
        ("<a href='http://a.example\\@b.example'>c</a>", f"<p><a{REL}>c</a></p>"),
        ("<a href='http://a.example/&#1;'>c</a>", f'<p><a href="http://a.example/\ufffd"{REL}>c</a></p>'),
        ("<img src=x onerror=alert(1)>a<script>alert(2)</script>", "<p>a</p>"),
        ("a &lt;b&gt; &amp; &eacute; &#1;&#x1f;&#65535;&#13;", "<p>a &lt;b&gt; &amp; é \ufffd\ufffd\ufffd</p>"),
        ("<s>a</s> <STRIKE>b</STRIKE>", "<p><del>a</del> <del>b</del></p>"),
        ("<a\nhref='http://a.example/'\n\n>b</a>", f'<p><a href="http://a.example/"{REL}>b</a></p>'),
        ("a<!-- b -->c <!-- <b>d", "<p>ac &lt;!-- <b>d</b></p>"),
        ("<svg <b>a <math", "<p>&lt;svg <b>a &lt;math</b></p>"),
        ("a < b > c & d", "<p>a &lt; b &gt; c &amp; d</p>"),
    ],
)
def test_imported_html_looks_as_wordpress_shows_it(source, html):
    assert render(source, Format.HTML) == html


def nest(levels):
    return "> " * levels + "word"


def test_what_is_nested_beyond_use_is_shown_as_typed():
    assert render(nest(19), Format.MARKDOWN).count("<blockquote>") == 19
    assert render(nest(20), Format.MARKDOWN) == f"<p>{'&gt; ' * 20}word</p>\n"
    assert plain_text(render(nest(1_000), Format.MARKDOWN)) == nest(1_000)
    assert plain_text(render("*a **b " * 30 + "c** d*" * 30, Format.MARKDOWN)).startswith("*a **b")


def test_imported_quotes_nested_beyond_use_are_flattened():
    inner = "<blockquote>" * 500 + "a" + "</blockquote>" * 500
    assert render(f"{inner}b", Format.HTML) == f"{'<blockquote>' * 10}<p>a</p>{'</blockquote>' * 10}<p>b</p>"
    assert render("</ul>" * 500 + "<ul><li>" * 500 + "a", Format.HTML).count("<ul>") == 5


def test_what_is_marked_up_beyond_use_is_shown_as_typed():
    assert render("*a* " * 2_500, Format.MARKDOWN).count("<em>") == 2_500
    assert render("*a* " * 2_501, Format.MARKDOWN).count("<em>") == 0


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            '<p>text <a href="https://a.example" rel="x">b</a></p>',
            [["p", "text ", ["a", {"href": "https://a.example"}, "b"]]],
        ),
        ("<p>a<br>b</p>\n<p>c</p>\n", [["p", "a", ["br"], "b"], ["p", "c"]]),
        ("<ul>\n<li>a</li>\n</ul>\n", [["ul", ["li", "a"]]]),
        ("<p><em>a</em> <em>b</em></p>", [["p", ["em", "a"], " ", ["em", "b"]]]),
        ("<pre><code>a\n\n b</code></pre>", [["pre", ["code", "a\n\n b"]]]),
        ("<p>&lt;b&gt; &amp;amp;&nbsp;</p>", [["p", "<b> &amp;\xa0"]]),
        # never made by render, but never to be built either
        ('<p><a href="javascript:alert(1)">a</a><a>b</a></p>', [["p", "a", "b"]]),
        ('<p onclick="a()">b<script>c</script><img src=d></p>', [["p", "b", "c"]]),
        ("</p>a<p>b<em>c</p>d", ["a", ["p", "b", ["em", "c"]], "d"]),
        ("", []),
    ],
)
def test_nodes_carry_tags_words_and_addresses_only(html, expected):
    assert nodes(html) == expected


def test_nodes_do_not_nest_beyond_bounds():
    deepest, levels = nodes("<blockquote>" * 1_000 + "word"), 0
    while isinstance(deepest, list):
        deepest, levels = deepest[-1], levels + 1
    assert (deepest, levels) == ("word", 21)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("one\ntwo\n\n\nthree", "one\ntwo\n\nthree"),
        ("*a* **b** `c` [d](http://e.example)", "a b c d"),
        ("> a\n\nb", "a\n\nb"),
        ("- a\n- b\n\nc", "a\nb\n\nc"),
        ("- a\n  - b", "a\n\nb"),
        ("```\na\n\n  b\n```\nc", "a\n\n  b\n\nc"),
        ("a < b &amp; c", "a < b & c"),
        ("```\n```", ""),
    ],
)
def test_plain_text_is_the_words_alone(source, words):
    assert plain_text(render(source, Format.MARKDOWN)) == words


def test_links_come_in_order_with_repeats():
    html = render("[a](http://b.example) http://a.example\n\n> - http://b.example/?x&y <c@d.example>", Format.MARKDOWN)
    assert links(html) == ["http://b.example", "http://a.example", "http://b.example/?x&y", "mailto:c@d.example"]
