"""The embed in Firefox: under the strictest policy, answered, posted, held, and still there after a reload."""

from pathlib import Path

import pytest

from tests.journeys.embedding import Place
from tests.journeys.firefox import firefox, firefox_path

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(firefox_path() is None, reason="Firefox is missing: apt-get install -y firefox-esr"),
]

ROOT = "const root = document.querySelector('leave-a-reply').shadowRoot;"
FILL = """
for (const [id, text] of Object.entries(arguments[0])) {
  const field = root.getElementById(id);
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
root.querySelector("form .post").click();
"""


def test_a_reply_goes_its_way_in_firefox(place: Place, tmp_path: Path) -> None:
    address = place.article(policy=place.strict)
    [first] = place.publish(address, "Wider is *good* news.")
    with firefox(firefox_path() or "", tmp_path) as browser:
        browser.open(address)
        assert (
            browser.wait(f"{ROOT} return root?.querySelector('form') && root.querySelector('.text em').textContent")
            == "good"
        )
        assert browser.run(f"{ROOT} return getComputedStyle(root.querySelector('form .post')).backgroundColor") not in (
            "rgba(0, 0, 0, 0)",
            "transparent",
        )
        asked = browser.run("return performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)")
        assert sorted(asked) == ["/embed.js", f"/sites/{place.key}/thread.json"]
        browser.run(f"{ROOT} root.querySelector('.re').click()")
        assert browser.run(f"{ROOT} return root.activeElement.id") == "comment"
        given = {"comment": "From Firefox.", "author": "Ines", "email": "ines@home.example"}
        browser.run(ROOT + FILL, given)
        held = browser.wait(f"{ROOT} return root.querySelector('article.mine')?.textContent")
        assert "Your reply is held for review" in held
        assert browser.run(f"{ROOT} return root.activeElement.className") == "box mine article"
        below = f"{ROOT} return root.querySelector('#comment-{first} ~ ol .mine') !== null"
        assert browser.run(below) is True
        browser.open(address)
        browser.wait(f"{ROOT} return root?.querySelector('article.mine')")
        assert place.held("From Firefox.") == 1
