"""Whether a page carries the tag, as tables: what is seen from outside, and what of the page's policy is in the way."""

import time

import pytest

from moderation.publishing import snippet
from moderation.publishing.snippet import Fault, Finding, look

SERVICE, PAGE = "https://reply.example", "https://courier.example/news"
SCRIPT = '<script src="https://reply.example/embed.js" async></script>'
TAG = '<leave-a-reply site="courier"></leave-a-reply>'


def found(html: str, *policies: str) -> list[tuple[Fault, str]]:
    findings = look(html, key="courier", service=SERVICE, page=PAGE, policies=policies)
    return [(one.fault, one.about) for one in findings]


@pytest.mark.parametrize(
    ("html", "faults"),
    [
        (SCRIPT + TAG, []),
        (TAG + SCRIPT, []),
        (snippet.tag("courier", service=SERVICE, page=PAGE), []),
        (snippet.frame("courier", service=SERVICE, page=PAGE), []),
        ("<p>Hello", [(Fault.NO_TAG, ""), (Fault.NO_SCRIPT, "")]),
        ("", [(Fault.NO_TAG, ""), (Fault.NO_SCRIPT, "")]),
        (SCRIPT, [(Fault.NO_TAG, "")]),
        (TAG, [(Fault.NO_SCRIPT, "")]),
        (SCRIPT + TAG.replace("courier", "Courier"), [(Fault.OTHER_KEY, "Courier")]),
        (SCRIPT + "<leave-a-reply>", [(Fault.OTHER_KEY, "")]),
        (
            TAG + SCRIPT.replace("reply.example", "old.example"),
            [(Fault.OTHER_SCRIPT, "https://old.example/embed.js")],
        ),
        (TAG + '<script src="/embed.js">', [(Fault.OTHER_SCRIPT, "https://courier.example/embed.js")]),
        (TAG + '<base href="https://reply.example/"><script src="embed.js">', []),
        (TAG + SCRIPT.replace("async", "type=module"), [(Fault.MODULE, "")]),
        (f"<!-- {SCRIPT}{TAG} -->", [(Fault.NO_TAG, ""), (Fault.NO_SCRIPT, "")]),
        (TAG + '<script src="http://[broken">', [(Fault.NO_SCRIPT, "")]),
        ("<" * 5000 + "\0\ud800<![x" + SCRIPT + TAG, []),
        (f"<!-- {SCRIPT}{TAG}", [(Fault.NO_TAG, ""), (Fault.NO_SCRIPT, "")]),
        (f"<!-- x -->{SCRIPT}<!----><LEAVE-A-REPLY SITE=courier>", []),
    ],
)
def test_what_a_page_lacks_is_named(html: str, faults: list[tuple[Fault, str]]) -> None:
    assert found(html) == faults


@pytest.mark.parametrize(
    ("policy", "kept_out"),
    [
        ("", []),
        ("img-src 'self'", []),
        ("script-src https://reply.example; connect-src https://reply.example", []),
        ("default-src 'self'", ["script-src", "connect-src"]),
        ("default-src 'self' https://reply.example", []),
        ("default-src *", []),
        ("default-src https:", []),
        ("default-src 'none'; script-src reply.example; connect-src *.example", []),
        ("script-src https://*.reply.example", ["script-src"]),
        ("script-src https://reply.example:8443", ["script-src"]),
        ("script-src https://reply.example/other.js", ["script-src"]),
        ("script-src https://reply.example/embed.js; connect-src 'none'", ["connect-src"]),
        ("script-src 'strict-dynamic' https://reply.example", ["script-src"]),
        ("script-src 'nonce-abc' 'strict-dynamic'", []),
        ("script-src-elem https://reply.example; script-src 'none'", []),
        ("SCRIPT-SRC 'NONE'", ["script-src"]),
        (";;; script-src", ["script-src"]),
    ],
)
def test_a_policy_that_keeps_the_service_out_is_named(policy: str, kept_out: list[str]) -> None:
    wanted = [(Fault.POLICY, directive) for directive in kept_out]
    assert found(SCRIPT + TAG, policy) == wanted
    assert found(f'<meta http-equiv="Content-Security-Policy" content="{policy}">{SCRIPT}{TAG}') == wanted
    # Each of several policies counts.
    assert found(SCRIPT + TAG, "default-src *", policy) == wanted


def test_a_frame_needs_another_permission() -> None:
    frame = snippet.frame("courier", service=SERVICE, page=PAGE)
    assert found(frame, "default-src 'self'") == [(Fault.POLICY, "frame-src")]
    assert found(frame, "default-src 'self'; child-src https://reply.example") == []


def test_what_is_written_can_be_pasted_whatever_the_page_is_called() -> None:
    written = snippet.tag("courier", service=SERVICE, page='https://courier.example/?a="><script>&b=1')
    assert "<script>&" not in written
    assert Finding(Fault.NO_TAG) not in look(written, key="courier", service=SERVICE, page=PAGE)


@pytest.mark.parametrize(
    "piece", ["<", "<!", "<!--", "<a ", "<![", "<?", "<script ", "<script a='", "<meta a=", "&", "-->"]
)
def test_no_page_takes_long(piece: str) -> None:
    begun = time.perf_counter()
    found((piece * 70_000)[:65_536])
    assert time.perf_counter() - begun < 1
