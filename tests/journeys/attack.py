"""Strings that attack pages, a browser that notices when one gets through, and what may stand in a comment."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from moderation import markup
from tests.conftest import DATA

#: Our own, so that something is tried where the collections do not lie beside the project.
OURS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><style><img src=x onerror=alert(1)></style></svg>",
    "\"'><script>alert(1)</script>",
    "' autofocus onfocus=alert(1) x='",
    '" autofocus onfocus=alert(1) x="',
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script><![CDATA[",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<iframe src=javascript:parent.alert(1)></iframe>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form><button formaction=javascript:alert(1)>x</button></form>",
    "<base href=//evil.example><link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<object data=//evil.example></object><embed src=//evil.example><video src=//evil.example></video>",
    "<p style='position:fixed;inset:0;background:url(//evil.example)' class=sheet id=reply>x</p>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](&#1;javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](//evil.example/x) ![x](https://evil.example/p.gif)",
    "<javascript:alert(1)> <https://a.example/'onmouseover='alert(1)>",
    '[a](https://a.example/"onmouseover="alert(1) "title\' onmouseover=\'alert(1)")',
    "https://a.example/'onmouseover='alert(1)'x='",
    "`<script>alert(1)</script>`\n\n    <script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt;script&amp;gt;alert(1)",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} #{alert(1)} <%= alert(1) %>",
    "\u202e<script>alert(1)</script>\u2066 \u2028alert(1)\u2029",
    "<a href='jav&#x09;ascript:alert(1)'>x</a> <a href='\x09javascript:alert(1)'>y</a>",
)
#: Two at a time, where every string costs a page.
PAIRS = tuple(" ".join(OURS[at : at + 2]) for at in range(0, len(OURS), 2))
#: Websites that pass for addresses, and have something in them for whoever prints them carelessly.
ADDRESSES = (
    "https://a.example/?'onmouseover='alert(1)'x='",
    "https://a.example/&quot;onmouseover=alert(1)//",
    "https://a.example/javascript:alert(1)",
    "http://a.example/#'-alert(1)-'",
    "https://a.example/%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    "https://a.example/{{7*7}}",
)
EMAIL = "o'onfocus=alert`1`{n}@mail.example"

ALLOWED = markup.TAGS
_BROKEN_OFF = "//[\"'`-->]]>]</div>"


def strings(most: int) -> list[str]:
    """Return the attack strings: ours, and so many of the collections, spread over all of them."""
    collected = [*_html5sec(DATA / "html5sec" / "vectors.txt"), *_blns(DATA / "blns" / "blns.json")]
    collected += _lines(DATA / "payloadbox_xss" / "xss-payload-list.txt")
    step = max(1, len(collected) // most)
    usable = [text[:4000] for text in dict.fromkeys([*OURS, *collected[::step]])]
    return [text for text in usable if not markup.unprintable(text) and _says_something(text)]


def _says_something(text: str) -> bool:
    return bool(markup.plain_text(markup.render(markup.tidy_text(text), markup.Format.MARKDOWN)))


def _html5sec(path: Path) -> list[str]:
    if not path.exists():
        return []
    parts = path.read_text(errors="replace").split(_BROKEN_OFF)
    return [re.sub(r'\A.*?<div id="\d+">', "", part, flags=re.DOTALL) for part in parts[:-1]]


def _blns(path: Path) -> list[str]:
    return [text for text in json.loads(path.read_text()) if text.strip()] if path.exists() else []


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(errors="replace").splitlines() if line.strip()] if path.exists() else []


#: Runs in every frame before anything else: whoever gets to run says so.
WATCH = """
for (const name of ["alert", "confirm", "prompt", "print", "open"])
  window[name] = (...told) => { window.__ran?.(`${name}(${told})`); return null; };
document.addEventListener("securitypolicyviolation", (e) =>
  window.__blocked?.(`${e.effectiveDirective} ${e.blockedURI} ${e.sample}`));
"""
#: Everything in a part of a page that has no business there.
FOREIGN = """(root, [allowed, inside]) => {
  const found = [];
  const good = new Set(allowed);
  const deep = (top) =>
    [...top.querySelectorAll("*")].flatMap((e) => (e.shadowRoot ? [e, ...deep(e.shadowRoot)] : [e]));
  const all = deep(root.shadowRoot ?? root);
  // What the queue itself makes: its words as data, its icon, the height of its tray, and what it marks in a text.
  const known = "script#queue-words[type='application/json'], link[rel=icon][href^='data:image/png']";
  const ours = (e) => e.matches(known) ||
    (e.localName === "html" && e.getAttributeNames().every((n) => ["lang", "dir", "style"].includes(n)) &&
      /^(--tray: \\d+px;)?$/.test(e.style.cssText));
  const marked = (e) => e.closest(".card .words, .source") &&
    e.matches("mark, small.host, small.host > bdi, span.trick") &&
    e.getAttributeNames().every((n) => n === "class" || n === "title");
  for (const e of all.filter((one) => !ours(one))) {
    const names = e.getAttributeNames();
    const address = ["href", "src", "action", "formaction", "data", "xlink:href"].map((n) => e.getAttribute(n) ?? "");
    if (names.some((n) => n.startsWith("on") || n === "style" || n === "srcdoc")) found.push(e.outerHTML);
    else if (address.some((a) => /^[\\s\\x00-\\x20]*(javascript|data|vbscript):/i.test(a))) found.push(e.outerHTML);
    else if (/^(iframe|object|embed|base|meta|svg|math|img|video|audio|template|frame|frameset)$/.test(e.localName) &&
      !e.closest("head")) found.push(e.outerHTML);
    else if (e.localName === "script" && (!e.src || new URL(e.src).host !== new URL(inside).host))
      found.push(e.outerHTML);
  }
  const texts = all.filter((e) => e.matches(".text, .words") && !e.matches("form *, blockquote.to *"));
  for (const e of texts.flatMap((t) => [...t.querySelectorAll("*")])) {
    const link = e.localName === "a";
    const names = e.getAttributeNames();
    if (marked(e)) continue;
    if (!good.has(e.localName) && !e.closest(".diff")) found.push(e.outerHTML);
    else if (!names.every((n) => link && ["href", "rel", "target"].includes(n))) found.push(e.outerHTML);
    else if (link && e.hasAttribute("href") && !/^(https?|mailto):$/.test(e.protocol)) found.push(e.outerHTML);
  }
  return { found: found.map((one) => one.slice(0, 300)), texts: texts.length };
}"""


@dataclass
class Guard:
    """A browser that notices everything a page should never do."""

    context: BrowserContext
    service: str
    ran: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)

    def open(self) -> Page:
        """Open a page that is watched."""
        page = self.context.new_page()
        page.on("dialog", lambda dialog: (self.ran.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("popup", lambda popup: self.windows.append(popup.url))
        return page

    def assert_calm(self) -> None:
        """Fail if anything ran, opened, left, or was tried and blocked."""
        noticed = {"ran": self.ran, "blocked": self.blocked, "windows": self.windows, "abroad": self.abroad}
        assert not any(noticed.values()), noticed

    def assert_clean(self, page: Page, *, least: int, within: str = "body") -> None:
        """Fail unless the page shows at least so many texts, and nothing in it is more than a comment may hold."""
        self.assert_calm()
        seen = page.locator(within).evaluate(FOREIGN, [sorted(ALLOWED), self.service])
        assert seen["found"] == [], (page.url, seen["found"][:5])
        assert seen["texts"] >= least, (page.url, seen["texts"])


def guarded(browser: Browser, service: str, *, without_policy: bool) -> Guard:
    """Return a watched browser; `without_policy` takes the net away that the content policy is."""
    guard = Guard(browser.new_context(bypass_csp=without_policy), service)
    port = service.rpartition(":")[2]
    guard.context.expose_binding("__ran", lambda _, told: guard.ran.append(told))
    guard.context.expose_binding("__blocked", lambda _, told: guard.blocked.append(told))
    guard.context.add_init_script(WATCH)

    def look(request: Any) -> None:
        host = re.sub(r"\A\w+://", "", request.url).partition("/")[0]
        if host not in {f"127.0.0.1:{port}", f"localhost:{port}"} and not request.url.startswith(("about:", "data:")):
            guard.abroad.append(request.url)

    guard.context.on("request", look)
    return guard


def foreign_nodes(body: list[Any]) -> list[Any]:
    """Return what in a comment's nodes is neither words nor an allowed element."""
    found, rest = [], list(body)
    while rest:
        node = rest.pop()
        if isinstance(node, str):
            continue
        tag, *children = node
        if tag == "a":
            attributes = children.pop(0)
            if set(attributes) != {"href"} or not re.match(r"(?:https?|mailto):", attributes["href"], re.IGNORECASE):
                found.append(node)
        if tag not in ALLOWED:
            found.append(node)
        rest += children
    return found


def foreign_tags(text: str) -> list[str]:
    """Return the tags in rendered HTML that a comment may not hold."""
    plain = rf"</?(?:{'|'.join(sorted(ALLOWED))})>"
    link = r'<a(?: href="(?:https?://|mailto:)[^"<>]*")?(?: rel="nofollow ugc noopener")?>|</a>'
    return [tag for tag in re.findall(r"<[^>]*>?", text) if not re.fullmatch(f"{plain}|{link}", tag, re.IGNORECASE)]
