"""The embed's form: what it says while one writes, where it stands, and that nothing written is lost or sent twice."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.journeys.embedding import Place, fill, open_, post
from tests.server import running

pytestmark = pytest.mark.browser

DRAFT = "Your unsent text is still here."
REPLIES = "**/replies"


def field(page: Page, name: str) -> Locator:
    """Return a field by its label."""
    return page.get_by_role("textbox", name=name)


def status(page: Page) -> Locator:
    """Return the one line that speaks."""
    return page.locator("leave-a-reply").get_by_role("status")


def described(page: Page, name: str) -> str:
    """Return what a screen reader says about a field beyond its label."""
    return str(
        field(page, name).evaluate(
            """(one) => one.getAttribute("aria-describedby").split(" ")
                .map((id) => one.getRootNode().getElementById(id).textContent).join(" ").trim()"""
        )
    )


def test_the_form_is_wordpress_to_the_letter(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    open_(page, place.article())
    expect(page.locator("leave-a-reply").get_by_role("region", name="Leave a Reply")).to_match_aria_snapshot("""
      - heading "Leave a Reply" [level=2]
      - paragraph: Your email address will not be published. Required fields are marked *
      - text: Comment
      - button "Preview"
      - textbox "Comment"
      - paragraph:
        - textbox "Name"
      - paragraph:
        - textbox "Email"
      - paragraph:
        - textbox "Website"
      - checkbox "Save my name, email, and website in this browser for the next time I comment."
      - button "Post Comment"
      - paragraph: Every reply is read by a person before it appears.
    """)
    attributes = page.locator("leave-a-reply").evaluate(
        """(host) => [...host.shadowRoot.querySelectorAll("textarea, form input:not([type=checkbox])")]
            .map((one) => [one.name, one.type, one.maxLength, one.autocomplete, one.required])"""
    )
    assert attributes == [
        ["comment", "textarea", 65525, "", True],
        ["author", "text", 245, "name", True],
        ["email", "email", 100, "email", True],
        ["url", "url", 200, "url", False],
    ]
    assert described(page, "Email") == "Your email address will not be published."


def test_a_mistake_is_told_on_leaving_the_field_and_not_before(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    open_(page, place.article())
    email = field(page, "Email")
    email.focus()
    email.blur()
    # Nobody is blamed for passing by.
    expect(email).not_to_have_attribute("aria-invalid", "true")
    email.press_sequentially("ines.at")
    expect(email).not_to_have_attribute("aria-invalid", "true")
    email.blur()
    expect(email).to_have_attribute("aria-invalid", "true")
    assert described(page, "Email").endswith("An address looks like name@example.org.")
    expect(status(page)).to_have_text("An address looks like name@example.org.")
    email.press_sequentially("@")
    expect(email).not_to_have_attribute("aria-invalid", "true")
    field(page, "Name").fill("Ines")
    field(page, "Name").fill("")
    field(page, "Name").blur()
    assert described(page, "Name") == "Please enter a name. A nickname is fine."


def test_the_servers_messages_stand_at_the_same_places(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    told: list[object] = []
    page.expose_function("told", lambda one: told.append(one))
    page.add_init_script("addEventListener('reply:error', (event) => told(event.detail))")
    open_(page, place.article())
    fill(page, "", name="")
    post(page)
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert.get_by_role("heading")).to_have_text("Your reply was not sent yet")
    expect(field(page, "Comment")).to_have_attribute("aria-invalid", "true")
    assert described(page, "Comment") == "Please write a comment."
    alert.get_by_role("link", name="Name").click()
    expect(field(page, "Name")).to_be_focused()
    assert told == [{"status": 422, "title": "Your reply was not sent yet"}]


def test_a_reply_is_written_in_its_place_and_focus_comes_back(place: Place, browse: Callable[..., Page]) -> None:
    address = place.article()
    place.publish(address, "Wider is good news.", author="Margit Olsen")
    place.publish(address, "Three weeks is not long.", author="Tomasz B.")
    page = browse()
    open_(page, address)
    page.get_by_role("button", name="Reply to Margit Olsen").press("Enter")
    expect(field(page, "Comment")).to_be_focused()
    item = page.get_by_role("listitem").filter(has=page.locator("article", has_text="Wider is good news."))
    expect(item.get_by_role("heading", name="Leave a Reply to Margit Olsen")).to_be_visible()
    field(page, "Comment").fill("Half written.")
    page.get_by_role("button", name="Cancel reply").press("Enter")
    expect(page.get_by_role("button", name="Reply to Margit Olsen")).to_be_focused()
    expect(page.get_by_role("heading", name="Leave a Reply", exact=True)).to_be_visible()
    expect(field(page, "Comment")).to_have_value("Half written.")
    page.get_by_role("button", name="Reply to Tomasz B.").click()
    fill(page, "It has a lane.")
    post(page)
    held = page.locator("article.mine")
    expect(held).to_be_focused()
    expect(page.get_by_role("listitem").filter(has_text="Three weeks is not long.")).to_contain_text("It has a lane.")
    expect(page.get_by_role("heading", name="Leave a Reply", exact=True)).to_be_visible()


def test_what_was_written_outlives_the_page(place: Place, browse: Callable[..., Page]) -> None:
    address = place.article()
    place.publish(address, "Wider is good news.", author="Margit Olsen")
    page = browse()
    open_(page, address)
    page.get_by_role("button", name="Reply to Margit Olsen").click()
    field(page, "Comment").fill("Not yet sent.")
    page.reload()
    expect(field(page, "Comment")).to_have_value("Not yet sent.")
    expect(page.get_by_role("heading", name="Leave a Reply to Margit Olsen")).to_be_visible()
    expect(status(page)).to_have_text(DRAFT)
    assert described(page, "Comment") == DRAFT
    # Of this page alone.
    open_(page, place.article())
    expect(field(page, "Comment")).to_have_value("")
    open_(page, address)
    fill(page, "Now it is sent.")
    post(page)
    expect(page.locator("article.mine")).to_be_visible()
    page.reload()
    expect(page.locator("article.mine")).to_contain_text("Now it is sent.")
    expect(field(page, "Comment")).to_have_value("")


def test_who_one_is_is_kept_only_where_that_is_ticked(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    address = place.article()
    for ticked, name in ((False, ""), (True, "Ines")):
        open_(page, address)
        fill(page, f"Ticked: {ticked}.")
        page.get_by_role("checkbox").set_checked(ticked)
        post(page)
        expect(page.locator("article.mine").last).to_contain_text(f"Ticked: {ticked}.")
        page.reload()
        expect(field(page, "Name")).to_have_value(name)
    expect(field(page, "Email")).to_have_value("ines@home.example")


def test_the_limit_is_counted_when_it_is_near(place: Place, browse: Callable[..., Page]) -> None:
    place.set(max_comment=100)
    page = browse()
    open_(page, place.article())
    field(page, "Comment").fill("a" * 79)
    assert described(page, "Comment") == ""
    # As the service counts: a character is one, however it is stored.
    field(page, "Comment").fill("\N{ROCKET}" * 90)
    assert described(page, "Comment") == "10 characters left"
    expect(status(page)).to_have_text("10 characters left")


def test_a_double_click_sends_once(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    sent: list[Request] = []
    page.on("request", lambda one: sent.append(one) if one.method == "POST" and "/replies" in one.url else None)
    open_(page, place.article())
    fill(page, "Clicked twice.")
    page.get_by_role("button", name="Post Comment").dblclick()
    page.get_by_role("button", name=re.compile("Post Comment|Sending")).click()
    expect(page.locator("article.mine")).to_have_count(1)
    assert place.held("Clicked twice.") == 1


def test_a_broken_service_is_asked_again_under_the_same_key(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    keys: list[str] = []

    def fail(route: Route) -> None:
        # It arrived; a proxy in front lost the answer.
        route.fetch()
        route.fulfill(status=502, body="<h1>Bad gateway</h1>")

    page.on("request", lambda one: keys.extend(re.findall(r"key=([^&]+)", one.post_data or "")))
    open_(page, place.article())
    fill(page, "Lost on the way back.")
    page.route(REPLIES, fail, times=1)
    post(page)
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("sending it again will not post it twice")
    expect(field(page, "Comment")).to_have_value("Lost on the way back.")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("article.mine")).to_be_focused()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert place.held("Lost on the way back.") == 1


def test_offline_is_told_and_the_text_waits(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    open_(page, place.article())
    page.context.set_offline(True)
    fill(page, "Written in a tunnel.")
    post(page)
    expect(page.get_by_role("alert")).to_contain_text("You are offline. Your text stays in the form")
    expect(field(page, "Comment")).to_have_value("Written in a tunnel.")
    page.context.set_offline(False)
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("article.mine")).to_be_visible()
    assert place.held("Written in a tunnel.") == 1


def test_who_is_to_wait_is_told_how_long(tmp_path: Path, browse: Callable[..., Page]) -> None:
    with running(tmp_path, REPLY_PAUSE=3) as server:
        page = browse()
        open_(page, server.demo_url)
        fill(page, "The first of two.")
        post(page)
        expect(page.locator("article.mine")).to_have_count(1)
        fill(page, "The second of two.")
        post(page)
        expect(page.get_by_role("alert")).to_contain_text(re.compile("Please wait [123] seconds?, then send it again."))
        waiting = page.get_by_role("button", name=re.compile(r"Post Comment \([123]\)"))
        expect(waiting).to_have_attribute("aria-disabled", "true")
        expect(page.get_by_role("button", name="Post Comment", exact=True)).to_have_attribute("aria-disabled", "false")
        expect(status(page)).to_have_text("Send again")
        post(page)
        expect(page.locator("article.mine")).to_have_count(2)


def test_how_long_it_takes_at_present_is_said_when_one_begins_to_write(
    place: Place, browse: Callable[..., Page]
) -> None:
    place.takes(180)
    page = browse()
    open_(page, place.article())
    expect(page.locator(".wait")).to_have_text("Every reply is read by a person before it appears.")
    for words in ("The first of two.", "The second of two."):
        fill(page, words)
        said = "Every reply is read by a person before it appears. Usually within 3 hours."
        expect(page.locator(".wait")).to_have_text(said)
        post(page)
        expect(page.locator("article.mine").last).to_contain_text(words)


def test_a_preview_speaks_and_goes_back(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    open_(page, place.article())
    page.get_by_role("button", name="Preview").click()
    expect(field(page, "Comment")).to_have_attribute("aria-invalid", "true")
    assert described(page, "Comment") == "There is nothing to preview yet"
    field(page, "Comment").fill("*steep*")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("region", name="Preview").locator("em")).to_have_text("steep")
    back = page.get_by_role("button", name="Back to writing")
    expect(back).to_have_attribute("aria-pressed", "true")
    expect(field(page, "Comment")).to_be_hidden()
    back.click()
    expect(field(page, "Comment")).to_have_value("*steep*")


def test_the_page_hears_of_a_held_reply(place: Place, browse: Callable[..., Page]) -> None:
    page = browse()
    told: list[list[object]] = []
    page.expose_function("told", lambda *one: told.append(list(one)))
    page.add_init_script(
        "for (const name of ['thread:loaded', 'reply:held'])"
        " addEventListener(name, (event) => told(name, event.detail))"
    )
    open_(page, place.article())
    fill(page, "Heard by the page.")
    post(page)
    expect(page.locator("article.mine")).to_be_visible()
    comment = place.newest()
    receipt = page.get_by_role("link", name="Your private receipt").get_attribute("href")
    assert told == [["thread:loaded", {"count": 0}], ["reply:held", {"comment": comment, "receipt": receipt}]]
