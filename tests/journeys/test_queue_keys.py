"""The queue by keyboard alone: each key does what it says, says so, and leaves the focus where work goes on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from tests.journeys.desk import (
    PATIENCE,
    Desk,
    card,
    expect_at_hand,
    expect_told,
    ready,
    sign_in,
    texts,
)

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]


def keys(page: Page, *pressed: str) -> None:
    """Press one key after the other."""
    for key in pressed:
        page.keyboard.press(key)


def presses(page: Page) -> list[str]:
    """Note each press that goes out from now on, by the last word of its address."""
    sent: list[str] = []

    def note(request: Request) -> None:
        where = request.url.rpartition("/")[2]
        if request.method == "POST" and where != "presence":
            sent.append(where)

    page.on("request", note)
    return sent


def settled(page: Page) -> None:
    """Wait until every press has been answered: a card that can be put back is decided for good."""
    expect(page.locator("main .card.done:not(:has(.again))")).to_have_count(0, timeout=PATIENCE)


def test_thirty_replies_without_a_mouse(desk: Desk, browse: Browse) -> None:
    site, (ana,) = desk.open_site("Ana")
    ids = desk.hold(site, *texts(30))
    page = sign_in(browse(), desk, ana)
    posted = presses(page)
    ready(page)
    expect_at_hand(page, ids[0], focused=False)

    keys(page, "a")
    expect_at_hand(page, ids[1])
    expect_told(page, "Approved: 1.", undo=True)
    expect(card(page, ids[0])).to_have_class("card done")
    assert desk.status(ids[0]) == "approved"
    assert len(desk.public(site, page)) == 1

    keys(page, "d", "2")
    expect_at_hand(page, ids[2])
    expect_told(page, "Rejected: 1.", undo=True)
    assert desk.log(ids[1])[-1] == ("reject", desk.reasons(site)[2])
    keys(page, "d", "0")
    expect_at_hand(page, ids[3])
    expect_told(page, "Rejected: 1.", undo=True)
    assert desk.log(ids[2])[-1] == ("reject", None)

    keys(page, "s")
    expect_at_hand(page, ids[4])
    expect_told(page, "Marked as spam: 1.", undo=True)
    keys(page, "k")
    expect_at_hand(page, ids[3])
    keys(page, "u")
    expect_told(page, "Put back to waiting: 1.", undo=True)
    expect_at_hand(page, ids[3])
    expect(card(page, ids[3])).to_have_class("card now")
    assert desk.status(ids[3]) == "pending"
    keys(page, "z")
    expect_told(page, "Taken back: 1.")
    assert desk.status(ids[3]) == "spam"
    expect_at_hand(page, ids[3])
    expect(card(page, ids[3]).locator(".verdict")).to_have_text("Spam")

    keys(page, "j")
    expect_at_hand(page, ids[4])
    keys(page, "r")
    page.keyboard.type("Thank you, it is 1.8 m wide.")
    keys(page, "Tab", "Enter")
    expect_at_hand(page, ids[5])
    expect_told(page, "Approved, and the answer is published.", undo=True)
    answers = [one for one in desk.public(site, page) if one["parent"] == desk.comment_of(ids[4])]
    assert [(one["author"], "1.8 m wide" in str(one["body"])) for one in answers] == [("The Courier", True)]

    keys(page, "m")
    page.keyboard.type("Does anybody know this one?")
    keys(page, "Tab", "Tab", "Enter")
    expect_told(page, "Noted.")
    expect_at_hand(page, ids[5])
    keys(page, "m", "Tab", "ArrowDown", "Tab", "Enter")
    expect_told(page, "Handed over.")
    expect_at_hand(page, ids[5])
    assert [action for action, _ in desk.log(ids[5])] == ["submit", "note", "hand"]
    keys(page, "a")
    expect_at_hand(page, ids[6])

    keys(page, "x", "j", "j", "j", "Shift+X", "Shift+A")
    expect_told(page, "Approved: 4.", undo=True)
    expect_at_hand(page, ids[10])
    assert desk.statuses(*ids[6:10]) == ["approved"] * 4
    keys(page, "z")
    expect_told(page, "Taken back: 4.")
    expect_at_hand(page, ids[6])
    assert desk.statuses(*ids[6:10]) == ["pending"] * 4
    keys(page, "x", "j", "j", "j", "Shift+X", "Shift+S")
    expect_told(page, "Marked as spam: 4.", undo=True)
    expect_at_hand(page, ids[10])
    keys(page, "x", "j", "j", "j", "x", "k", "x", "k", "x", "Shift+D", "1")
    expect_told(page, "Rejected: 4.", undo=True)
    expect_at_hand(page, ids[14])
    assert desk.log(ids[13])[-1] == ("reject", desk.reasons(site)[1])

    # The way back right behind the press takes back that press, though its answer is not here yet.
    keys(page, "a", "z")
    expect_told(page, "Taken back: 1.")
    expect_at_hand(page, ids[14])
    assert desk.statuses(*ids[13:15]) == ["rejected", "pending"]
    keys(page, "a", "s", "a", "s", "a", "s")
    expect(page.get_by_role("link", name="Next page")).to_be_focused(timeout=PATIENCE)
    expect_told(page, "Marked as spam: 1.", undo=True)
    settled(page)

    keys(page, "Enter")
    page.wait_for_url("**after=**")
    ready(page)
    expect_at_hand(page, ids[20], focused=False)
    # What was decided on a page before can be taken back too.
    keys(page, "z")
    expect_told(page, "Taken back: 1.")
    assert desk.status(ids[19]) == "pending"
    keys(page, *"asasasasa")
    expect_at_hand(page, ids[29])
    keys(page, "d", "3")
    expect_told(page, "Rejected: 1.", undo=True)
    settled(page)
    assert desk.statuses(*ids[20:]) == [*(["approved", "spam"] * 4), "approved", "rejected"]

    keys(page, "g", "w")
    page.wait_for_url(lambda url: "after" not in url)
    ready(page)
    expect_at_hand(page, ids[19], focused=False)
    keys(page, "s")
    expect_told(page, "Marked as spam: 1.", undo=True)
    first = ["approved", "rejected", "rejected", "spam", "approved", "approved"]
    assert desk.statuses(*ids[:20]) == [*first, *["spam"] * 4, *["rejected"] * 4, *["approved", "spam"] * 3]
    sent = {what: posted.count(what) for what in set(posted)}
    assert sent == {"decisions": 27, "undo": 4, "answers": 1, "notes": 2}, "one request for each press"


def test_an_answer_is_taken_back_with_its_approval(desk: Desk, browse: Browse) -> None:
    site, (ana,) = desk.open_site("Ana")
    [first, second] = desk.hold(site, *texts(2))
    page = sign_in(browse(), desk, ana)
    ready(page)
    keys(page, "r")
    page.keyboard.type("It opens on Saturday.")
    keys(page, "Tab", "Enter")
    expect_at_hand(page, second)
    keys(page, "z")
    expect_told(page, "Taken back: 2.")
    expect_at_hand(page, first)
    assert (desk.status(first), desk.public(site, page)) == ("pending", [])


def test_the_drawer_help_and_search_give_the_focus_back(desk: Desk, browse: Browse) -> None:
    site, (ana,) = desk.open_site("Ana")
    ids = desk.hold(site, *texts(3))
    page = sign_in(browse(), desk, ana)
    ready(page)
    keys(page, "j")
    expect_at_hand(page, ids[1])

    keys(page, "c")
    drawer = page.get_by_role("dialog", name="Beside the queue")
    expect(drawer.get_by_role("heading", name="Also waiting on this page")).to_be_visible()
    keys(page, "a", "s", "j")
    keys(page, "Escape")
    expect(drawer).to_be_hidden()
    # The browser tells of the end of a dialog a moment later; then it is emptied, and the card has the focus.
    expect(page.locator(".drawer-body > *")).to_have_count(0)
    expect_at_hand(page, ids[1])
    card(page, ids[1]).locator(".sign [data-drawer]").press("Enter")
    expect(drawer.locator("article")).to_have_count(3)
    keys(page, "Escape")
    expect_at_hand(page, ids[1])
    keys(page, "j", "k", "k")
    expect_at_hand(page, ids[0])

    keys(page, "?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys(page, "a", "Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    expect_at_hand(page, ids[0])

    keys(page, "/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    keys(page, *"asdu")
    expect(page.get_by_role("searchbox")).to_have_value("asdu")
    keys(page, "Escape")
    expect_at_hand(page, ids[0])
    assert desk.statuses(*ids) == ["pending"] * 3

    with page.expect_popup() as opened:
        keys(page, "o")
    assert opened.value.url == f"{desk.origin}/demo/mill-lane"


def test_views_are_two_keys_away(desk: Desk, browse: Browse) -> None:
    site, (ana,) = desk.open_site("Ana")
    desk.hold(site, *texts(1))
    page = sign_in(browse(), desk, ana)
    for key, view in {"m": "mine", "a": "approved", "r": "rejected", "s": "spam", "l": "all", "w": "waiting"}.items():
        ready(page)
        keys(page, "g", key)
        expect(page.locator(f'[data-view="{view}"]')).to_have_attribute("aria-current", "page", timeout=PATIENCE)


def test_a_shortcut_of_the_browser_stays_its_own(desk: Desk, browse: Browse) -> None:
    site, (ana,) = desk.open_site("Ana")
    ids = desk.hold(site, *texts(3))
    page = sign_in(browse(), desk, ana)
    ready(page)
    posted = presses(page)
    page.evaluate("window.ours = []; addEventListener('keydown', (event) => ours.push(event.defaultPrevented))")
    held = [f"{with_}+{key}" for with_ in ("Control", "Meta", "Alt") for key in "amxz"]
    keys(page, *held)
    assert not any(page.evaluate("window.ours"))
    # A key that is held down decides once.
    page.keyboard.down("a")
    page.keyboard.down("a")
    page.keyboard.down("a")
    page.keyboard.up("a")
    expect_told(page, "Approved: 1.", undo=True)
    settled(page)
    assert desk.statuses(*ids) == ["approved", "pending", "pending"]
    # Nothing is ticked: nothing is sent.
    keys(page, "Shift+A", "Shift+D", "Shift+S")
    keys(page, "a")
    settled(page)
    assert (desk.statuses(*ids), posted) == (["approved", "approved", "pending"], ["decisions"] * 2)


def test_new_ones_come_at_the_end_and_only_when_asked_for(desk: Desk, browse: Browse) -> None:
    site, (ana,) = desk.open_site("Ana")
    ids = desk.hold(site, *texts(2))
    page = sign_in(browse(), desk, ana)
    ready(page)
    ids += desk.hold(site, *texts(4)[2:])
    expect(page.get_by_role("button", name="2 new")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("main .queue .card")).to_have_count(2)
    keys(page, "n")
    expect_at_hand(page, ids[2])
    assert page.locator("main .queue .card").evaluate_all("cards => cards.map((card) => card.id)") == [
        f"r{id_}" for id_ in ids
    ]
    keys(page, "a")
    expect_at_hand(page, ids[3])
    expect_told(page, "Approved: 1.", undo=True)
    assert desk.status(ids[2]) == "approved"


def test_a_press_that_does_not_arrive_brings_its_card_back(desk: Desk, browse: Browse) -> None:
    site, (ana,) = desk.open_site("Ana")
    ids = desk.hold(site, *texts(4))
    page = sign_in(browse(), desk, ana)
    ready(page)
    page.route("**/queue/decisions", lambda route: route.abort())
    keys(page, "s")
    expect_told(page, "The service does not answer. Nothing was changed; try again.")
    expect_at_hand(page, ids[0])
    expect(card(page, ids[0])).to_contain_text("The service does not answer.")
    expect(card(page, ids[0])).to_have_class("card now")
    keys(page, "x", "j", "x", "Shift+A")
    expect_told(page, "The service does not answer.")
    expect_at_hand(page, ids[0])
    assert desk.statuses(*ids) == ["pending"] * 4
    page.unroute("**/queue/decisions")
    keys(page, "a")
    expect_told(page, "Approved: 1.", undo=True)
    expect(card(page, ids[0]).locator(".failure")).to_have_count(0)
    expect_at_hand(page, ids[1])
    assert desk.statuses(*ids) == ["approved", "pending", "pending", "pending"]


def test_a_colleague_who_was_faster_is_named(desk: Desk, browse: Browse) -> None:
    site, (ana, piet) = desk.open_site("Ana", "Piet")
    ids = desk.hold(site, *texts(2))
    page = sign_in(browse(), desk, ana)
    ready(page)
    # This page hears of nothing but its own presses.
    page.route("**/queue/changes**", lambda route: route.abort())
    desk.decide(piet, "approve", ids[0])
    keys(page, "d", "1")
    expect_told(page, f"Already decided: Approved by Piet{desk.made}, ")
    expect(card(page, ids[0])).to_have_class("card done")
    expect(card(page, ids[0]).locator(".verdict")).to_contain_text(f"Approved by Piet{desk.made}, ")
    expect_at_hand(page, ids[1])
    assert [action for action, _ in desk.log(ids[0])] == ["submit", "approve"]
    # It can be put back from where it stands now.
    keys(page, "k", "u")
    expect_told(page, "Put back to waiting: 1.", undo=True)
    assert desk.status(ids[0]) == "pending"
