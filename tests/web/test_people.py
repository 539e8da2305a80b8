"""A site's people: roles changed and taken away, and what each of them may still do a moment later."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from moderation import accounts, audit
from moderation.accounts import people
from moderation.db import clock, db
from moderation.models import Account, Entry, Handing, Invitation, Membership, Role, Via
from tests.conftest import csrf, decide, make_account, make_site, signed_in, site_of, undo
from tests.web.asking import JSON, Page, dump, stored

Reply = Callable[..., Any]
PEOPLE = "/settings/courier/people"


@pytest.fixture
def ines(app: Flask, site: str) -> FlaskClient:
    """Return the owner of the site, signed in."""
    return signed_in(app, make_account(app, "Ines", courier=Role.OWNER))


@pytest.fixture
def rita(app: Flask, site: str) -> FlaskClient:
    """Return a reader of the site, signed in."""
    return signed_in(app, make_account(app, "Rita", courier=Role.READER))


def number(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.scalars(select(Account.id).where(Account.name == name)).one()


def roles(app: Flask, key: str = "courier") -> dict[str, str]:
    """Return who works on a site, as what."""
    with app.app_context():
        return {one.account.name: str(one.role) for one in people.people_of(site_of(key))}


def press(client: FlaskClient, path: str, **fields: str) -> Any:
    return client.post(path, data={**fields, "csrf_token": csrf(client)})


def change(app: Flask, client: FlaskClient, name: str, role: str) -> Any:
    return press(client, f"{PEOPLE}/{number(app, name)}/role", role=role)


def remove(app: Flask, client: FlaskClient, name: str) -> Any:
    return press(client, f"{PEOPLE}/{number(app, name)}/remove")


def said(client: FlaskClient, answer: Any) -> str:
    """Return what the page after a press says."""
    return " ".join(Page(client.get(answer.headers["Location"])).words.split())


def told(app: Flask) -> list[tuple[str, str | None, str | None]]:
    """Return what the site's log tells of its people: the action, the rule, and who did it."""
    with app.app_context():
        rows = db.session.execute(
            select(Entry.action, Entry.rule, Account.name)
            .outerjoin(Account, Account.id == Entry.account_id)
            .where(Entry.kind == "people")
            .order_by(Entry.id)
        )
        return [(str(action), rule, name) for action, rule, name in rows]


def test_an_owner_sees_who_works_here_and_gives_roles(app: Flask, ines: FlaskClient, ana: FlaskClient) -> None:
    page = " ".join(Page(ines.get(PEOPLE)).words.split())
    assert "Ana" in page
    assert "ana@staff.example" in page
    assert "last seen" in page
    answer = change(app, ines, "Ana", "reader")
    assert (answer.status_code, answer.headers["Location"]) == (303, PEOPLE)
    assert "Ana is reader of Courier now." in said(ines, answer)
    assert roles(app) == {"Ana": "reader", "Ines": "owner"}
    assert told(app)[-1] == ("change", "role:reader", "Ines")
    assert "Ana made reader" in Page(ines.get("/log/")).words
    with app.app_context():
        assert [proof.faults for proof in audit.verify()] == [[], []]


def test_what_was_said_is_said_once(app: Flask, ines: FlaskClient, ana: FlaskClient) -> None:
    said(ines, change(app, ines, "Ana", "reader"))
    assert "Ana is reader" not in Page(ines.get(PEOPLE)).words
    change(app, ines, "Ana", "moderator")
    # Another page that is loaded first is not confused by what it is not to say.
    assert ines.get("/queue/").status_code == 200


def test_a_change_counts_from_the_next_press_on(app: Flask, ines: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    for text in ("First.", "Second.", "Third."):
        reply(text, email=f"{text}@home.example".replace(".@", "@"))
    assert decide(ana, "approve", "1:0").status_code == 200
    token = csrf(ana)
    change(app, ines, "Ana", "reader")
    form = {"csrf_token": token, "action": "approve", "revision": "2:0"}
    refused = ana.post("/queue/decisions", data=form)
    assert refused.status_code == 403
    assert "Nothing was decided: you may only read here" in Page(refused).words
    assert ana.post("/queue/decisions", data=form, headers=JSON).json["title"].startswith("Nothing was decided:")
    for path, fields in (
        ("undo", {}),
        ("notes", {"revision": "2:0", "note": "x"}),
        ("notes", {"revision": "2:0", "to": "owners"}),
        ("answers", {"revision": "2:0", "comment": "x"}),
        ("presence", {"revision": "2"}),
    ):
        assert ana.post(f"/queue/{path}", data={**fields, "csrf_token": token}).status_code == 403, path
    assert (ana.get("/queue/2").status_code, ana.get("/log/").status_code) == (200, 200)
    remove(app, ines, "Ana")
    refused = ana.post("/queue/decisions", data=form)
    assert refused.status_code == 404
    assert "Nothing was decided: this is on none of your sites, or not any more" in Page(refused).words
    everything = {"csrf_token": token, "action": "approve", "everything": "99"}
    assert ana.post("/queue/decisions", data=everything).status_code == 404
    assert (ana.get("/queue/2").status_code, undo(ana).status_code) == (404, 409)
    assert "You work on no site." in Page(ana.get("/queue/")).words
    assert [found["status"] for found in stored(app)] == ["approved", "pending", "pending"]


def test_a_reader_sees_everything_and_no_control(rita: FlaskClient, ana: FlaskClient, reply: Reply) -> None:
    reply("First.")
    reply("Second.", email="tom@home.example")
    decide(ana, "reject", "2:0", reason="1")
    for path in ("/queue/", "/queue/1", "/queue/?view=rejected", "/queue/2", "/queue/?view=all"):
        page = Page(rita.get(path))
        assert "deciding is up to the moderators" in page.words, path
        asked = {action for action in page.actions if action.startswith("/queue/")}
        assert asked <= {"/queue/", "/queue/order"}, path
        named = {attributes.get("name") for tag, attributes in page.tags if tag in ("button", "textarea")}
        assert not named & {"action", "reason", "note", "comment"}, path
        assert page.unbalanced == []
    assert "Off the topic" in Page(rita.get("/log/")).words
    assert rita.post("/log/verify", data={"csrf_token": csrf(rita)}).status_code == 200
    assert rita.get("/log/?chain=installation").status_code == 200


def test_on_two_sites_with_two_roles_a_press_decides_what_it_may_and_names_the_rest(
    app: Flask, ana: FlaskClient, other_site: str, reply: Reply, client: FlaskClient
) -> None:
    with app.app_context():
        ana_of = accounts.find("ana@staff.example")
        assert ana_of is not None
        accounts.grant(ana_of, site_of("harbour"), Role.READER, now=clock(), via=Via.CLI)
        db.session.commit()
    reply("First.")
    body = {"comment": "Second.", "author": "Jo", "email": "jo@home.example", "page": "https://harbour.example/a"}
    assert client.post("/sites/harbour/replies", data=body, headers=JSON).status_code == 201
    page = Page(ana.get("/queue/"))
    assert "On Harbour you read along" in page.words
    ticks = [tag["value"] for _, tag in page.tags if tag.get("name") == "revision" and tag.get("type") == "checkbox"]
    assert ticks == ["1:0"]
    answer = decide(ana, "approve", "1:0", "2:0").json
    assert [one["revision"] for one in answer["decided"]] == [1]
    [left] = answer["skipped"]
    assert (left["revision"], left["said"], left["status"]) == (2, "On Harbour you may only read.", "pending")
    assert decide(ana, "approve", "2:0").status_code == 403
    undo(ana)
    form = {"csrf_token": csrf(ana), "action": "spam", "everything": "99"}
    assert ana.post("/queue/decisions", data=form).status_code == 303
    assert [found["status"] for found in stored(app)] == ["spam", "pending"]


def test_the_last_owner_stays_an_owner(app: Flask, ines: FlaskClient, ana: FlaskClient) -> None:
    before = dump(app, besides=("web_session",))
    answers = [
        change(app, ines, "Ines", "moderator"),
        remove(app, ines, "Ines"),
        press(ines, "/account/sites/courier/leave"),
    ]
    assert [answer.status_code for answer in answers] == [409] * 3
    assert all("A site needs an owner" in Page(answer).words for answer in answers)
    assert dump(app, besides=("web_session",)) == before
    assert "The only owner." in Page(ines.get(PEOPLE)).words
    assert "You are the only owner" in Page(ines.get("/account/sites")).words
    # One who cannot sign in keeps no site.
    make_account(app, "Blocked", courier=Role.OWNER)
    with app.app_context():
        db.session.execute(update(Account).where(Account.name == "Blocked").values(active=False))
        db.session.commit()
    assert press(ines, "/account/sites/courier/leave").status_code == 409
    change(app, ines, "Ana", "owner")
    answer = press(ines, "/account/sites/courier/leave")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sites")
    assert "You have left Courier." in said(ines, answer)
    assert told(app)[-1] == ("leave", None, "Ines")
    assert ines.get(PEOPLE).status_code == 404


def test_who_gives_up_owning_is_led_where_there_is_something_to_see(app: Flask, ines: FlaskClient) -> None:
    make_account(app, "Olga", courier=Role.OWNER)
    answer = change(app, ines, "Ines", "moderator")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sites")
    assert "Ines is moderator of Courier now." in said(ines, answer)


def test_everybody_may_leave(app: Flask, ines: FlaskClient, rita: FlaskClient) -> None:
    assert press(rita, "/account/sites/courier/leave").status_code == 303
    assert roles(app) == {"Ines": "owner"}
    assert press(rita, "/account/sites/courier/leave").status_code == 404


def test_what_was_handed_to_somebody_who_goes_is_the_owners(
    app: Flask, ines: FlaskClient, ana: FlaskClient, piet: FlaskClient, reply: Reply
) -> None:
    reply()
    to = str(number(app, "Piet"))
    assert press(ana, "/queue/notes", revision="1:0", to=to, note="Your beat.").status_code == 303
    change(app, ines, "Piet", "reader")
    with app.app_context():
        assert db.session.scalars(select(Handing.to_id)).all() == [None]
    assert press(ana, "/queue/notes", revision="1:0", to=to).status_code == 404
    remove(app, ines, "Piet")
    assert (
        "r1" in Page(ines.get("/queue/?view=mine")).by_id or "Handed to the owners" in Page(ines.get("/queue/1")).words
    )


def test_the_links_of_an_owner_who_goes_lead_nowhere(app: Flask, ines: FlaskClient) -> None:
    olga = signed_in(app, make_account(app, "Olga", courier=Role.OWNER))
    for role in ("owner", "reader"):
        assert press(olga, f"{PEOPLE}/invitations", role=role).status_code == 201
    remove(app, ines, "Olga")
    with app.app_context():
        assert all(db.session.scalars(select(Invitation.revoked_at)))
    assert [action for action, *_ in told(app)][-3:] == ["revoke", "revoke", "remove"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ["", "king", "operator", "OWNER", "\0", "r" * 5000])
def test_a_role_that_is_none(app: Flask, ines: FlaskClient, ana: FlaskClient, role: str) -> None:
    before = dump(app, besides=("web_session",))
    assert change(app, ines, "Ana", role).status_code == 422
    assert press(ines, f"{PEOPLE}/invitations", role=role).status_code == 422
    assert dump(app, besides=("web_session",)) == before


def test_what_is_somebody_else_s_is_unknown(app: Flask, ines: FlaskClient, other_site: str, reply: Reply) -> None:
    reply()
    eve = signed_in(app, make_account(app, "Eve", harbour=Role.OWNER))
    press(ines, f"{PEOPLE}/invitations", role="reader")
    ids = {"Ines": number(app, "Ines"), "Eve": number(app, "Eve")}
    before = dump(app, besides=("web_session",))
    pairs = [
        # The site that is there, and one that never was; a person, an invitation that are there, and none.
        (f"{PEOPLE}/{ids['Ines']}/role", "/settings/nosuch/people/9/role"),
        (f"{PEOPLE}/{ids['Ines']}/remove", "/settings/nosuch/people/9/remove"),
        (f"{PEOPLE}/invitations", "/settings/nosuch/people/invitations"),
        (f"{PEOPLE}/invitations/1/revoke", "/settings/nosuch/people/invitations/1/revoke"),
        (f"/settings/harbour/people/{ids['Ines']}/role", "/settings/harbour/people/99/role"),
        (f"/settings/harbour/people/{ids['Ines']}/remove", "/settings/harbour/people/99/remove"),
        ("/settings/harbour/people/invitations/1/revoke", "/settings/harbour/people/invitations/99/revoke"),
        ("/account/sites/courier/leave", "/account/sites/nosuch/leave"),
    ]
    for there, never in pairs:
        answers = [press(eve, path, role="reader") for path in (there, never)]
        assert [answer.status_code for answer in answers] == [404, 404], there
        assert answers[0].get_data() == answers[1].get_data(), there
    assert eve.get(PEOPLE).get_data() == eve.get("/settings/nosuch/people").get_data()
    bulk = [decide(eve, "approve", *seen) for seen in (("1:0",), ("99:0",), ("1:0", "99:0"))]
    assert len({(answer.status_code, answer.get_data()) for answer in bulk}) == 1
    for filters in ("q=Wider", "site=courier", "author=Margit", "network=x", f"by={ids['Ines']}", "view=all"):
        assert "good news" not in eve.get(f"/queue/?{filters}").get_data(as_text=True), filters
    for filters in (f"who={ids['Ines']}", "site=courier", "chain=installation", "action=invite"):
        assert "Ines" not in eve.get(f"/log/?{filters}").get_data(as_text=True), filters
    assert dump(app, besides=("web_session",)) == before


def test_an_operator_may_everything_everywhere_without_a_membership(
    app: Flask, ines: FlaskClient, ana: FlaskClient, other_site: str, reply: Reply
) -> None:
    make_account(app, "Otto")
    with app.app_context():
        otto_of = accounts.find("otto@staff.example")
        assert otto_of is not None
        accounts.set_operator(otto_of, accounts.Operator.ON, now=clock(), via=Via.CLI)
        db.session.commit()
    otto = signed_in(app, "otto@staff.example")
    reply()
    page = Page(otto.get("/queue/"))
    assert "r1" in {tag.get("id") for _, tag in page.tags}
    assert {tag.get("value") for name, tag in page.tags if name == "option"} >= {"courier", "harbour"}
    assert decide(otto, "approve", "1:0").status_code == 200
    assert undo(otto).status_code == 200
    assert change(app, otto, "Ana", "owner").status_code == 303
    assert "Otto" not in roles(app)
    assert "Rita" not in Page(otto.get("/log/?chain=installation")).words
    assert "Otto" in Page(otto.get("/log/?chain=installation")).words
    # Nobody is told who runs the installation, and nothing can be handed there.
    assert press(ana, "/queue/notes", revision="1:2", to=str(number(app, "Otto"))).status_code == 404
    with app.app_context():
        otto_of = accounts.find("otto@staff.example")
        assert otto_of is not None
        accounts.set_operator(otto_of, accounts.Operator.OFF, now=clock(), via=Via.CLI)
        db.session.commit()
    assert decide(otto, "approve", "1:2").status_code == 404
    assert otto.get(PEOPLE).status_code == 404


@pytest.mark.sqlite_only
def test_an_account_that_somebody_removed_twice_is_unknown_the_second_time(
    app: Flask, ines: FlaskClient, ana: FlaskClient
) -> None:
    assert [remove(app, ines, "Ana").status_code for _ in range(2)] == [303, 404]
    assert change(app, ines, "Ana", "reader").status_code == 404
    with app.app_context():
        assert len(db.session.scalars(select(Membership)).all()) == 1


@pytest.mark.sqlite_only
def test_rights_that_ended_between_the_door_and_the_lock_have_ended(app: Flask, site: str) -> None:
    make_account(app, "Ines", courier=Role.OWNER)
    make_account(app, "Rita", courier=Role.READER)
    with app.app_context():
        rita, ines = accounts.find("rita@staff.example"), accounts.find("ines@staff.example")
        assert rita is not None
        assert ines is not None
        for act in (
            lambda: people.change(ines.id, site_of("courier"), Role.READER, now=clock(), via=Via.WEB, by=rita),
            lambda: people.remove(ines.id, site_of("courier"), now=clock(), via=Via.WEB, by=rita),
        ):
            with pytest.raises(accounts.Denied):
                act()
            db.session.rollback()
    assert roles(app) == {"Ines": "owner", "Rita": "reader"}
    make_site(app, "gazette", "https://gazette.example")
