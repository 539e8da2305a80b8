"""Whatever is sent in, what comes out is safe, is the author's words, and comes soon."""

import base64
import json
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moderation import markup
from moderation.markup import Format, nodes, plain_text, render, tidy_name, tidy_text
from tests.markup_audit import (
    DATA,
    LARGEST,
    Audit,
    faults,
    unhurried,
    without_white_space_between_blocks,
    written,
)

HOSTILE = [
    *(">", "> ", "\n> ", "[", "]", "![", "![](", "[a](", "[a](<", "[a][b]", "[[a]]", "[a]: b\n", "(", "((", "*", "**"),
    *("*a*", "*a ", "**a *b ", "_a ", "a_b", "`", "`a", "```\n", "~", "~~a", "<", "<a ", "<!--", "<![CDATA[", "<?"),
    *("&", "&#", "&#0", "\\", "\t", "\n", "\n\n- a", "\n- a\n\n  b", "\n1. a", "\n\t", "- > ", "=\n", "\0", "\u202e"),
    *(
        "://",
        "http://",
        "http://[",
        "<http://",
        "http://a.b",
        "http://a.b/(",
        "http://a.b/)",
        "http://a.b/é",
        "http://a.b ",
    ),
    *(
        "http://a.b/[(",
        "http://xn--",
        "http://a.b/" + "x" * 1990,
        "https://a.b:",
        "//a.b ",
        "a.com ",
        "a@b.c",
        "mailto:",
    ),
    *(
        "<b>",
        "<b>x\n\n",
        "<b id=1>x\n\n",
        "<b><i><p>x",
        "<a href=http://a.b/>x\n\n",
        "<p>",
        "<pre>",
        "<ul><li>",
        "<li>",
    ),
    *(
        "<blockquote>",
        "</b>",
        "<table><tr>",
        "<svg>",
        "<math>",
        "<select>",
        "<template>",
        "<br>\n",
        "<script>",
        "\u0300",
    ),
    *("a\u0315\u0300", "\u0344", "é", "😀"),
]
BOMBS = {
    "formatting left open, each another": "<p>" + "".join(f"<b id={n}>" for n in range(3_000)) + "<p>x" * 6_000,
    "a long link left open": f"<p><a href='http://a.example/{'x' * 1_900}'>" + "<p>x" * 15_000,
    "nested emphasis": "*a **b " * 4_000 + "c* d** " * 4_000,
    "nested brackets": "[" * 30_000 + "]" * 30_000,
    "a tower of marks": "a" + "\u0315\u0300" * 15_000,
    "a reference of many digits": "&#" + "9" * 60_000,
    "a reference of many zeros": "&#" + "0" * 60_000 + "9",
    "closed before opened": "</ul>" * 5_000 + "<ul><li>" * 5_000,
}
BOMBS |= {ascii(seed): (seed * LARGEST)[: LARGEST // len(seed[0].encode())] for seed in HOSTILE}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_nothing_grows_or_gets_through(source):
    for format in Format:
        made = render(source, format)
        json.dumps(nodes(made))
        assert len(made) < 11 * (len(source) + 200)
        assert Audit(made).faults == []


@pytest.mark.fuzz
@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_nothing_takes_long(source):
    def text():
        tidy_name(source)
        return tidy_text(source)

    for act in (text, *(lambda format=format: render(source, format) for format in Format)):
        start = time.process_time()
        made = act()
        assert time.process_time() - start < 2, "0.9 s is the worst on a slow machine"
    for format in Format:
        made = render(source, format)
        start = time.process_time()
        json.dumps(nodes(made))
        assert time.process_time() - start < 2
        assert len(made) < 11 * (len(source) + 200)
        assert Audit(made).faults == []


def attack_strings():
    if (folder := DATA / "html5sec").exists():
        for name in ("vectors.txt", "rss.txt"):
            text = (folder / name).read_text(errors="replace")
            yield from re.split(r"(?=<div id=)", text)
            yield text[:LARGEST]
    if (folder := DATA / "payloadbox_xss").exists():
        yield from (folder / "xss-payload-list.txt").read_text(errors="replace").splitlines()
    if (folder := DATA / "blns").exists():
        yield from json.loads((folder / "blns.json").read_text())
        yield from (
            base64.b64decode(text).decode(errors="replace")
            for text in json.loads((folder / "blns.base64.json").read_text())
        )


@pytest.mark.skipif(not DATA.exists(), reason="the collections of attacks are not here")
def test_no_known_attack_survives():
    attacks = list(dict.fromkeys(attack_strings()))
    assert len(attacks) > 6_000
    survived = {}
    for attack in attacks:
        html = render(attack, Format.HTML)
        outcomes = [
            html,
            render(attack, Format.PLAIN),
            render(attack, Format.MARKDOWN),
            render(f"[a]({attack}) <{attack}> http://a.example/{attack}", Format.MARKDOWN),
            render(f"<a href='{attack}'>b</a>", Format.HTML),
        ]
        if found := [fault for outcome in outcomes for fault in Audit(outcome).faults]:
            survived[attack] = found
        assert "".join(map(written, nodes(html))) == built(html)
    assert survived == {}


def built(html):
    """Return the HTML that nodes are to give back: unsafe links are only their words."""
    html = without_white_space_between_blocks(html)
    return re.sub(r"<a>(.*?)</a>", r"\1", html, flags=re.DOTALL)


ATOMS = "a b \n \n\n > - 1. * ** _ ` ``` ~~ [ ] ( ) ! < > & ; : / \\ \" ' = # é \0 \ud800 &#1; &lt; http://a.example/ "
ATOMS += (
    "javascript: mailto:a@b.c <b> </b> <p> </p> <a> </a> <ul> <li> </ul> <pre> </pre> <blockquote> <br> <svg> <style> "
)
ATOMS += (
    "<math> <script> </script> <!-- --> <![CDATA[ ]]> <img onerror= <table> <select> href= <textarea> <i> <em> </em>"
)
sources = st.lists(
    st.sampled_from([*ATOMS.split(" "), " ", "\n", "\n\n", "<a href='http://a.example/?b&c'>"]), max_size=30
)
sources = st.one_of(sources.map("".join), st.text(st.characters(codec=None, categories=None), max_size=60))


@unhurried
@given(sources)
@example("<a href='http://a.example/?<b>\"&amp;lt;'>x")
@example("<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>")
@example("<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>")
def test_no_text_makes_unsafe_html(source):
    assert faults(source) == []


@unhurried
@given(sources, st.sampled_from(Format))
@example("- a\n  - b\n\n    c\n- d", Format.MARKDOWN)
@example("<a href='http://a.example/?<b>\"&amp;lt;'>x", Format.HTML)
def test_nodes_say_the_same_as_the_html(source, format):
    html = render(source, format)
    assert without_white_space_between_blocks("".join(map(written, nodes(html)))) == built(html)
    assert all(
        isinstance(node, list) and node[0] in markup.BLOCKS | {"br"} for node in nodes(render(source, Format.PLAIN))
    )
    assert json.loads(json.dumps(nodes(html))) == nodes(html)


@unhurried
@given(st.text(st.sampled_from("ab \n>-*_`~[](!1.#<&é"), max_size=80))
def test_no_word_of_a_plain_text_is_lost(source):
    assert plain_text(render(source, Format.PLAIN)).split() == source.split()


@unhurried
@given(st.lists(st.text(st.sampled_from("abc"), min_size=1), min_size=1).map(" ".join), st.integers(0, 60))
def test_no_word_is_lost_at_any_depth(words, depth):
    assert re.findall(r"\w+", plain_text(render("> " * depth + words, Format.MARKDOWN))) == words.split()


@pytest.mark.parametrize(
    "source", ["&#<h>1", "&<h>#1;", "&#x<b\n>1", "&#<!-- -->1;", "&#1<h>1;", "&#<h>13;", "&#&#13;1;", "<p>&#<x>xb;"]
)
def test_no_tag_that_goes_leaves_a_reference_to_what_may_not_stand_there(source):
    assert faults(source) == []
