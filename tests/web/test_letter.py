"""What moderators read: what deceives is named, links tell their host, words sought are marked; all of it is inert."""

import pytest

from moderation import markup
from moderation.web.letter import letter, plainly


def shown(text: str, words: str = "") -> str:
    return str(letter(markup.render(text, markup.Format.MARKDOWN), words)).strip()


LINK = '<a href="{0}" rel="noreferrer nofollow ugc noopener" target="_blank"><mark>{1}</mark></a>'
HOST = ' <small class="host"><bdi>{0}</bdi></small>'


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Wider is *good* news.", "<p>Wider is <em>good</em> news.</p>"),
        ("a<br>b & c", "<p>a&lt;br&gt;b &amp; c</p>"),
        (
            "https://home.example/a",
            f"<p>{LINK.format('https://home.example/a', 'https://home.example/a')}</p>",
        ),
        (
            "[your bank](https://evil.example/login)",
            f"<p>{LINK.format('https://evil.example/login', 'your bank')}{HOST.format('evil.example')}</p>",
        ),
        (
            "[https://bank.example/](https://evil.example/)",
            f"<p>{LINK.format('https://evil.example/', 'https://bank.example/')}{HOST.format('evil.example')}</p>",
        ),
        (
            "pay\u202elap",
            '<p>pay<span class="trick" title="Right-to-left override">U+202E</span>lap</p>',
        ),
        ("vi\u200dagra", '<p>vi<span class="trick" title="Zero width joiner">U+200D</span>agra</p>'),
        ("می\u200cخواهم \U0001f468\u200d\U0001f469", "<p>می\u200cخواهم \U0001f468\u200d\U0001f469</p>"),
    ],
)
def test_a_text_is_shown_as_it_would_be_published_with_tricks_named(text: str, written: str) -> None:
    assert shown(text) == written


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        ("garden", ["garden", "Garden"]),
        ("GÄRDEN", ["garden", "Garden"]),
        ("gard*", ["garden", "Garden", "gardener"]),
        ("den", []),
        ("", []),
    ],
)
def test_the_words_of_a_question_are_marked(words: str, marked: list[str]) -> None:
    html = shown("A garden, a Garden and a gardener.", words)
    assert [part.partition("</mark>")[0] for part in html.split('<mark class="hit">')[1:]] == marked
    assert html.replace('<mark class="hit">', "").replace("</mark>", "") == shown("A garden, a Garden and a gardener.")


def test_what_is_marked_is_never_markup() -> None:
    hostile = "<script>alert(1)</script> \u202e<img src=x onerror=alert(1)>"
    assert "<script" not in shown(hostile, "script alert img")
    assert "<img" not in shown(hostile, "script alert img")
    assert "<" not in str(plainly(hostile)).replace('<span class="trick"', "").replace("</span>", "")
