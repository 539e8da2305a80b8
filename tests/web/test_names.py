"""Names, titles and addresses are anybody's to write: what reaches a page of them, and who they may be taken for."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import ORIGIN, PAGE, decide
from tests.web.asking import get, send_form, stored

HOSTILE = "\u202eAna\u202c\u200b \u2066R\ufeffuiz\u2069\U000e0041" + "Z" + "\u0335" * 20


@pytest.mark.sqlite_only
def test_a_name_is_stored_as_one_sees_it_and_isolated_where_it_stands(client: FlaskClient, ana: FlaskClient) -> None:
    app = client.application
    page = f"{ORIGIN}/\u202egpj.exe"
    send_form(client, author=HOSTILE, title=f"{HOSTILE} page", page=page, token=None, key="k" * 16)
    send_form(client, author=HOSTILE, title=f"{HOSTILE} page")
    [kept] = stored(app)
    clean = "Ana RuizZ" + "\u0335" * 4
    assert (kept["author"], kept["title"]) == (clean, f"{clean} page")
    card = ana.get("/queue/").get_data(as_text=True)
    assert f"<bdi>{clean}</bdi>" in card
    assert decide(ana, "approve", f"{kept['revision']}:0").status_code == 200
    shown = [
        get(client, name).get_data(as_text=True) for name in ("thread", "thread.html", "thread.json", "thread.atom")
    ]
    for text in [card, *shown]:
        # Isolates stand around names, and nothing else that turns words.
        assert not [hex(ord(c)) for c in text if c in "\u202a\u202b\u202c\u202d\u202e\u200b\ufeff\U000e0041"]
        assert "\u0335" * 5 not in text


@pytest.mark.sqlite_only
def test_joiners_survive_in_the_text(client: FlaskClient, ana: FlaskClient) -> None:
    words = "می\u200cخواهم 👩\u200d💻 क्\u200dष"
    send_form(client, comment=words, author="می\u200cخواهم", email="p@home.example")
    assert decide(ana, "approve", "1:0").status_code == 200
    [comment] = json.loads(get(client, "thread.json").data)["comments"]
    assert (comment["author"], comment["body"]) == ("می\u200cخواهم", [["p", words]])


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("author", "noticed"), [("Аnа", True), ("ana", True), ("Annika", False)])
def test_a_name_like_a_moderator_s_is_said_on_the_card(
    app: Flask, client: FlaskClient, ana: FlaskClient, author: str, noticed: bool
) -> None:
    assert send_form(client, author=author).status_code == 303
    assert ("staff" in stored(app)[0]["findings"]) is noticed
    card = ana.get("/queue/").get_data(as_text=True)
    assert ("Named like a moderator" in card.split("<article")[1]) is noticed
    assert ("Readers may take it for \u2068Ana\u2069 of this site." in card) is noticed
    # Who sent it learns nothing of it.
    assert "Named like" not in client.get(f"/sites/courier/thread?page={PAGE}").get_data(as_text=True)
