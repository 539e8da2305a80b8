"""MDN HTTP Observatory's scoring, computed over the answers of a running server behind https."""

import http.client
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.conftest import ORIGIN, PAGE, PASSWORD
from tests.server import DEADLINE, Server, flask, running

BASE = {"BASE_URL": "https://reply.example", "PROXY_HOPS": 1, "DEMO": 0}
EMAIL = "ana@staff.example"
HALF_A_YEAR = 15_768_000


class Visitor:
    """A browser in front of a proxy that speaks https; it keeps its cookies."""

    def __init__(self, server: Server) -> None:
        self.server, self.jar = server, dict[str, str]()

    def ask(self, path: str, **fields: str) -> tuple[http.client.HTTPResponse, str]:
        """Ask for a path, or send fields to it."""
        headers = {"Host": "reply.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        if fields:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": "https://reply.example/"}
            headers |= {"Origin": "https://reply.example", "Sec-Fetch-Site": "same-origin"}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE)
        try:
            connection.request("POST" if fields else "GET", path, urlencode(fields) if fields else None, headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.split(";")[0].partition("=")
            self.jar[name] = value
        return answer, body

    def sign_in(self) -> list[str]:
        """Sign in; return the cookies that were set on the way."""
        form, html = self.ask("/account/sign-in")
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', html)
        assert found is not None
        done, _ = self.ask("/account/sign-in", email=EMAIL, password=PASSWORD, csrf_token=found[1])
        assert done.status == 303
        return [line for answer in (form, done) for line in answer.headers.get_all("Set-Cookie", [])]


class Scripts(HTMLParser):
    """The addresses of a page's scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.sources.append(dict(attrs).get("src") or "")


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Return a visitor of a running server with one site and one owner."""
    instance: Path = tmp_path_factory.mktemp("observatory")
    with running(instance, **BASE) as server:
        assert flask("site", "create", "courier", "--origin", ORIGIN, instance=instance, **BASE).returncode == 0
        options = ("--name", "Ana", "--owner-of", "courier", "--password-stdin")
        made = flask("account", "create", EMAIL, *options, instance=instance, given=PASSWORD, **BASE)
        assert made.returncode == 0, made.stderr
        yield Visitor(server)


def directives(policy: str) -> dict[str, list[str]]:
    """Read a content security policy."""
    parts = [part.split() for part in policy.split(";") if part.strip()]
    return {name.lower(): values for name, *values in parts}


def of_policy(headers: http.client.HTTPMessage) -> int:
    policy = directives(headers.get("Content-Security-Policy", ""))
    if not policy:
        return -25
    scripts = policy.get("script-src", policy.get("default-src", ["*"]))
    loose = {"'unsafe-inline'", "'unsafe-eval'", "data:", "*", "http:", "https:"}
    if loose & set(scripts) or "*" in policy.get("object-src", policy.get("default-src", ["*"])):
        return -20
    if "'unsafe-inline'" in policy.get("style-src", policy.get("default-src", [])):
        return 0
    return 10 if policy.get("default-src") == ["'none'"] else 5


def of_cookies(lines: list[str], *, hsts: bool) -> int:
    score = 5 if lines else 0
    for line in lines:
        flags = {flag.strip().lower().partition("=")[0]: flag.strip().partition("=")[2] for flag in line.split(";")[1:]}
        if "secure" not in flags:
            score = min(score, -5 if hsts else -40)
        if "httponly" not in flags:
            score = min(score, -30)
        if flags.get("samesite", "") not in {"Lax", "Strict"}:
            score = min(score, -20 if "samesite" in flags else 0)
    return score


def of_hsts(headers: http.client.HTTPMessage) -> int:
    found = re.search(r"max-age=(\d+)", headers.get("Strict-Transport-Security", ""))
    if found is None:
        return -20
    return -10 if int(found[1]) < HALF_A_YEAR else 5 if "preload" in headers["Strict-Transport-Security"] else 0


def of_framing(headers: http.client.HTTPMessage) -> int:
    allowed = directives(headers.get("Content-Security-Policy", "")).get("frame-ancestors")
    return -20 if allowed is None or "*" in allowed else 5


def of_rest(headers: http.client.HTTPMessage) -> int:
    private = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
    score = 5 if headers.get("Referrer-Policy") in private else 0
    score += 0 if headers.get("X-Content-Type-Options") == "nosniff" else -5
    score += 10 if headers.get("Cross-Origin-Resource-Policy") in {"same-origin", "same-site"} else 0
    shared = headers.get("Access-Control-Allow-Origin") == "*" and "Access-Control-Allow-Credentials" in headers
    return score - (50 if shared else 0)


def of_scripts(html: str) -> int:
    return -50 if [source for source in Scripts(html).sources if re.match(r"http:|//", source)] else 0


def score(headers: http.client.HTTPMessage, html: str, cookies: list[str]) -> int:
    """Return the score: from 100 down, and up again only from 90."""
    hsts = of_hsts(headers)
    parts = [of_policy(headers), of_cookies(cookies, hsts=hsts >= 0), hsts, of_framing(headers), of_scripts(html)]
    parts.append(of_rest(headers))
    base = 100 + sum(part for part in parts if part < 0)
    return base + sum(part for part in parts if part > 0) if base >= 90 else base


# What is wrong with an answer of others has to show: a score that knows no bad answer says nothing of a good one.
def test_the_score_knows_bad_answers() -> None:
    nothing = http.client.HTTPMessage()
    assert (
        score(nothing, "<script src=http://x.example/a.js></script>", ["session=1"]) == 100 - 25 - 40 - 20 - 20 - 50 - 5
    )


@pytest.mark.parametrize(
    "path", ["/queue/", "/settings/courier/site", "/account/", "/account/sign-in", "/log/", "/", "/no/such/page"]
)
def test_pages_of_the_service_score_a_hundred_and_more(visitor: Visitor, path: str) -> None:
    cookies = visitor.sign_in()
    answer, html = visitor.ask(path)
    assert answer.status == {"/": 303, "/no/such/page": 404}.get(path, 200)
    assert score(answer.headers, html, cookies) >= 130
    assert all(line.startswith("__Host-") for line in cookies)


def test_the_thread_page_scores_with_its_allowed_framing(visitor: Visitor) -> None:
    stranger = Visitor(visitor.server)
    answer, html = stranger.ask(f"/sites/courier/thread?page={quote(PAGE, safe='')}")
    assert (answer.status, stranger.jar) == (200, {})
    assert directives(answer.headers["Content-Security-Policy"])["frame-ancestors"] == [ORIGIN]
    assert score(answer.headers, html, []) >= 125
