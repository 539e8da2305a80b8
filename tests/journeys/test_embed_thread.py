"""The thread in the embed: its order and parts, what is folded, and what is new."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from moderation.publishing.outline import MOST_IN_PART
from tests.journeys.embedding import Place, look_again, open_
from tests.journeys.test_embed_form import status
from tests.server import until

pytestmark = pytest.mark.browser

MINUTES = "03:01"


def names(page: Page) -> list[str]:
    """Return whose replies are shown, in order."""
    return page.locator("leave-a-reply article .who").all_inner_texts()


def focused(page: Page) -> str:
    """Return the id of what has the focus in the thread."""
    return str(page.evaluate("document.activeElement.shadowRoot?.activeElement?.id ?? ''"))


def publish_each(place: Place, page: str, *authors: str, parent: int | None = None) -> list[int]:
    """Publish a reply by each of these, one after the other; return their comments' ids."""
    return [place.publish(page, f"Words of {one}.", parent=parent, author=one)[0] for one in authors]


def test_more_and_earlier_parts_join_what_is_shown(place: Place, browse: Callable[..., Page]) -> None:
    place.set(page_size=3)
    address = place.article()
    ids = publish_each(place, address, *(f"N{one}" for one in range(1, 8)))
    [answer] = publish_each(place, address, "Answer", parent=ids[1])
    publish_each(place, address, "Deeper", parent=answer)
    page = browse()
    open_(page, f"{address}#comment-{ids[4]}")
    expect(page.locator(f"#comment-{ids[4]}")).to_be_focused()
    assert names(page) == ["N4", "N5", "N6"]
    page.get_by_role("button", name="Show more replies").click()
    expect(page.get_by_role("button", name="Show more replies")).to_be_hidden()
    assert focused(page) == f"comment-{ids[6]}"
    page.get_by_role("button", name="Earlier replies").click()
    expect(page.get_by_role("button", name="Earlier replies")).to_be_hidden()
    assert focused(page) == f"comment-{ids[0]}"
    assert names(page) == ["N1", "N2", "Answer", "Deeper", *(f"N{one}" for one in range(3, 8))]
    depths = page.locator("leave-a-reply").evaluate(
        """(host) => [...host.shadowRoot.querySelectorAll("article")]
            .map((one) => {
              let depth = -1;
              for (let at = one; (at = at.parentNode.closest?.("li")); ) depth++;
              return depth;
            })"""
    )
    assert depths == [0, 0, 1, 2, 0, 0, 0, 0, 0]


def test_a_part_that_begins_inside_a_branch_says_what_it_answers(place: Place, browse: Callable[..., Page]) -> None:
    address = place.article()
    [root] = place.publish(address, "Who painted it?", author="Root")
    answers = place.publish(address, *(f"Number {one} did." for one in range(MOST_IN_PART + 2)), parent=root)
    page = browse()
    open_(page, f"{address}#comment-{answers[-1]}")
    expect(page.locator(f"#comment-{answers[-1]}")).to_be_focused()
    # The root and all answers but three fill the first part.
    assert len(names(page)) == 3
    expect(page.get_by_role("link", name="In answer to Root")).to_have_attribute("href", f"{address}#comment-{root}")
    page.get_by_role("button", name="Earlier replies").click()
    expect(page.get_by_role("button", name="Earlier replies")).to_be_hidden()
    expect(page.get_by_role("link", name="In answer to")).to_have_count(0)
    shown = page.locator("leave-a-reply article").evaluate_all("(all) => all.map((one) => one.id)")
    assert shown == [f"comment-{one}" for one in [root, *answers]]


def test_the_order_is_the_readers_choice(place: Place, browse: Callable[..., Page]) -> None:
    place.set(page_size=2)
    address = place.article()
    [first, *_] = publish_each(place, address, "N1", "N2", "N3")
    publish_each(place, address, "Answer", parent=first)
    page = browse()
    open_(page, address)
    order = page.get_by_role("combobox")
    expect(order).to_have_value("oldest")
    page.get_by_role("textbox", name="Comment").fill("Half written.")
    order.focus()
    order.select_option("Newest first")
    expect(page.locator("article .who").first).to_have_text("N3")
    assert names(page) == ["N3", "N2"]
    expect(order).to_be_focused()
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("Half written.")
    page.get_by_role("button", name="Show more replies").click()
    expect(page.get_by_role("button", name="Show more replies")).to_be_hidden()
    assert names(page) == ["N3", "N2", "N1", "Answer"]


def test_a_place_in_another_part_is_gone_to(place: Place, browse: Callable[..., Page]) -> None:
    place.set(page_size=3)
    address = place.article()
    ids = publish_each(place, address, *(f"N{one}" for one in range(1, 10)))
    page = browse()
    open_(page, address)
    assert names(page) == ["N1", "N2", "N3"]
    page.evaluate(f"location.hash = '#comment-{ids[7]}'")
    expect(page.locator(f"#comment-{ids[7]}")).to_be_focused()
    expect(page.locator(f"#comment-{ids[7]}")).to_be_in_viewport()
    page.evaluate("location.hash = '#nowhere'")
    expect(page.locator(".here")).to_have_count(0)
    expect(page.get_by_role("button", name="Post Comment")).to_be_visible()


def test_a_long_branch_is_folded_and_opens(place: Place, browse: Callable[..., Page]) -> None:
    address = place.article()
    [root, _] = publish_each(place, address, "Root", "Other")
    answers = publish_each(place, address, *(f"N{one}" for one in range(12)), parent=root)
    page = browse()
    open_(page, address)
    expect(page.locator("leave-a-reply article:visible")).to_have_count(2)
    fold = page.get_by_text("Show 12 answers")
    fold.press("Enter")
    expect(page.locator("leave-a-reply article:visible")).to_have_count(14)
    expect(page.get_by_text("Hide the answers")).to_be_focused()
    page.get_by_text("Hide the answers").press("Enter")
    expect(page.locator("leave-a-reply article:visible")).to_have_count(2)
    # An address that names one of them opens it.
    page.evaluate(f"location.hash = '#comment-{answers[7]}'")
    expect(page.locator(f"#comment-{answers[7]}")).to_be_in_viewport()


def test_new_replies_wait_behind_a_button(place: Place, browse: Callable[..., Page]) -> None:
    address = place.article()
    ids = publish_each(place, address, "N1", "N2", "N3")
    page = browse()
    page.clock.install()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "thread.json" in one.url else None)
    open_(page, address)
    page.mouse.wheel(0, 500)
    [answer] = publish_each(place, address, "Answer", parent=ids[0])
    publish_each(place, address, "N4")
    before = page.locator(f"#comment-{ids[2]}").bounding_box()
    news = page.get_by_role("button", name="2 new replies")
    # The service may answer with what was right a second ago.
    until(lambda: (page.clock.run_for(MINUTES), news.is_visible())[1], lambda: "two new replies are told of")
    expect(status(page)).to_have_text("2 new replies")
    assert page.locator(f"#comment-{ids[2]}").bounding_box() == before
    assert names(page) == ["N1", "N2", "N3"]
    news.click()
    expect(news).to_be_hidden()
    expect(page.locator("article .who")).to_have_text(["N1", "Answer", "N2", "N3", "N4"])
    assert focused(page) == f"comment-{answer}"
    expect(page.get_by_role("heading", name="5 replies")).to_be_visible()
    # Asked in the same words each time, so that a later one is a question whether anything changed.
    assert len(asked) > 1
    assert len(set(asked)) == 1


def test_a_page_that_is_not_seen_asks_nothing(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    page.clock.install()
    open_(page, place.article())
    requests: list[str] = []
    page.on("request", lambda one: requests.append(one.url))
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    page.clock.run_for("30:00")
    assert requests == []
    page.evaluate("delete document.hidden")
    with page.expect_request("**/thread.json*"):
        look_again(page)


def test_times_are_told_as_people_do_and_stay_right(place: Place, browse: Callable[..., Page]) -> None:
    address = place.article()
    [first] = place.publish(address, "Some time ago.")
    place.age(first, hours=5)
    page = browse(locale="en-GB")
    page.clock.install()
    open_(page, address)
    time = page.locator("article time")
    expect(time).to_have_text("5 hours ago")
    expect(time).to_have_attribute("title", re.compile(r"^\d+ \w+ \d{4}, \d\d:\d\d$"))
    page.clock.run_for("01:01:00")
    expect(time).to_have_text("6 hours ago")


def test_a_closed_thread_has_no_form(place: Place, browse: Callable[..., Page]) -> None:
    address = place.article()
    [first] = place.publish(address, "See you on Saturday.")
    place.close(first)
    page = browse()
    page.goto(address)
    expect(page.get_by_text("Replies to this page are closed.")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("link", name="Feed of these replies")).to_have_attribute("href", re.compile("thread.atom"))


def test_what_the_service_should_not_send_does_nothing(place: Place, browse: Callable[..., Page]) -> None:
    evil = {
        "author": "<img src=x onerror=alert(1)>",
        "url": "javascript:alert(1)",
        "body": [
            ["script", "alert(1)"],
            ["img", {"src": "x", "onerror": "alert(1)"}],
            ["p", {"onclick": "alert(1)"}, ["iframe", "x"]],
            ["a", {"href": "javascript:alert(1)", "onclick": "alert(1)"}, "link"],
            ["a", {"href": " https://evil.example"}, ["svg", "y"]],
        ],
    }
    address = place.article()
    place.publish(address, "Something harmless.")

    def corrupt(route: Route) -> None:
        answer = route.fetch()
        thread = answer.json()
        thread["comments"][0] |= evil
        route.fulfill(response=answer, json=thread)

    page = browse()
    page.route("**/thread.json*", corrupt)
    ran: list[str] = []
    page.on("dialog", lambda one: (ran.append(one.message), one.dismiss()))
    open_(page, address)
    inside = page.locator("leave-a-reply").evaluate(
        """(host) => [...host.shadowRoot.querySelectorAll(".text *, .who *")]
            .map((one) => one.localName + one.getAttributeNames().join())"""
    )
    assert inside == ["span", "bdi", "span", "span", "p", "span", "span", "span", "span"]
    assert ran == []


def test_counts_of_many_pages_are_asked_for_at_once(place: Place, browse: Callable[..., Page]) -> None:
    pages = [place.article() for _ in range(3)]
    place.publish(pages[0], "One.", "Two.")
    place.publish(pages[1], "One.")
    foreign = "https://elsewhere.example/x"
    tags = "".join(
        f'<p><leave-a-reply site="{place.key}" count-only page="{one}">?</leave-a-reply></p>'
        for one in [*pages, foreign]
    )
    page = browse()
    requests: list[str] = []
    page.on("request", lambda one: requests.append(urlsplit(one.url).path))
    page.goto(place.article(tag=tags, policy=place.strict))
    page.wait_for_load_state("networkidle")
    shown = page.locator("leave-a-reply").evaluate_all("(all) => all.map((one) => (one.shadowRoot ?? one).textContent)")
    assert shown == ["2", "1", "0", "?"]
    assert requests[1:] == ["/embed.js", f"/sites/{place.key}/counts.json"]


def test_several_elements_share_one_script(place: Place, browse: Callable[..., Page]) -> None:
    pages = [place.article() for _ in range(2)]
    place.publish(pages[0], "On the first.")
    place.publish(pages[1], "On the second.")
    tags = "".join(f'<leave-a-reply site="{place.key}" page="{one}" heading="Talk"></leave-a-reply>' for one in pages)
    page = browse()
    requests: list[str] = []
    page.on("request", lambda one: requests.append(urlsplit(one.url).path))
    page.goto(place.article(tag=tags))
    page.wait_for_load_state("networkidle")
    for number, words in enumerate(("On the first.", "On the second.")):
        one = page.locator("leave-a-reply").nth(number)
        expect(one.get_by_role("heading", level=2).first).to_have_text("Talk 1 reply")
        expect(one.locator(".comment .text")).to_have_text(words)
    assert requests.count("/embed.js") == 1
    assert requests.count(f"/sites/{place.key}/thread.json") == 2


def test_a_thread_that_does_not_come_can_be_asked_for_again(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    page.route("**/thread.json*", lambda route: route.abort(), times=1)
    page.goto(place.article())
    expect(page.get_by_role("alert")).to_contain_text("The replies could not be loaded.")
    # The page's own link still leads to them.
    expect(page.get_by_role("link", name="Replies")).to_be_visible()
    page.get_by_role("button", name="Try again").press("Enter")
    expect(page.get_by_role("heading", name="No replies yet")).to_be_focused()
    expect(page.get_by_role("button", name="Post Comment")).to_be_visible()


def test_the_thread_is_read_as_it_stands(place: Place, browse: Callable[..., Page]) -> None:
    address = place.article()
    [first] = place.publish(address, "Wider is good news.")
    place.publish(address, "See https://town.example/ramp", parent=first, author="ليلى حداد")
    page = browse()
    open_(page, address)
    expect(page.get_by_role("region", name="2 replies")).to_match_aria_snapshot("""
      - heading "2 replies" [level=2]
      - list:
        - listitem:
          - article "Margit Olsen":
            - heading "Margit Olsen" [level=3]:
              - link "Margit Olsen"
            - link "now"
            - paragraph: Wider is good news.
            - button "Reply to Margit Olsen"
          - list:
            - listitem:
              - article "ليلى حداد":
                - heading "ليلى حداد" [level=3]
                - link "now"
                - paragraph:
                  - text: See
                  - link "https://town.example/ramp"
                - button "Reply to ليلى حداد"
      - paragraph:
        - link "Feed of these replies"
    """)
    expect(page.locator("article .who a").first).to_have_attribute("rel", "nofollow ugc noopener")
