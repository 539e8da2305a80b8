"""Import and export in the settings: tried first, then done; every file gets an answer; what leaves is logged."""

import io
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation.web import guards, uploads
from tests.conftest import DATA, csrf
from tests.transfer.wxr import comment, export, item
from tests.web.asking import Page, get, public, send_form, stored
from tests.web.test_settings import ines, last_entry

__all__ = ["ines"]

FILES = Path(__file__).parent.parent / "transfer" / "data"


def upload(client: FlaskClient, body: bytes) -> Any:
    return client.post("/settings/courier/transfer", **multipart(body, csrf_token=csrf(client)))


def multipart(file: bytes, **values: str) -> dict[str, Any]:
    """Write a form with a file as a browser sends it."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in values.items()
    ]
    head = '--edge\r\nContent-Disposition: form-data; name="file"; filename="export.xml"\r\n\r\n'
    body = "".join([*parts, head]).encode() + file + b"\r\n--edge--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=edge"}


def bring_in(client: FlaskClient, digest: str) -> Any:
    data = {"csrf_token": csrf(client), "file": digest}
    return client.post("/settings/courier/transfer/import", data=data)


def healthy() -> bytes:
    return (FILES / "healthy.xml").read_bytes()


def test_a_file_is_tried_first_and_then_imported_once(app: Flask, ines: FlaskClient) -> None:
    tried = upload(ines, healthy())
    assert tried.status_code == 200
    page = Page(tried)
    assert "This is what an import would do. Nothing was stored." in page.words
    assert page.unbalanced == []
    assert stored(app) == []
    digest = next(form["file"] for form in page.forms if len(form.get("file", "")) == 64)
    done = bring_in(ines, digest)
    assert done.status_code == 200
    assert "Imported." in Page(done).words
    number = len(stored(app))
    assert number > 0
    assert f"{number} new" in " ".join(Page(done).words.split())
    # The file is gone with it; sent again, it adds nothing.
    assert bring_in(ines, digest).status_code == 409
    again = Page(upload(ines, healthy()))
    assert f"{number} here already, left as they are" in " ".join(again.words.split())
    assert not any("transfer/import" in action for action in again.actions)
    assert len(stored(app)) == number


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, "The file is empty."),
        (b"hello", 422, "not a WordPress export"),
        (b"\x1f\x8b\x08\0\0", 422, "compressed"),
        (b"<rss><channel/></rss>", 422, "not a WordPress export"),
        ((FILES / "bomb.xml").read_bytes(), 422, "declares a document type"),
        ((FILES / "cut-off.xml").read_bytes(), 200, "The file breaks at line"),
        ((FILES / "control-characters.xml").read_bytes(), 200, "would do"),
        (b"\xff\xfe" + b"\xd8\x00" * 50, 422, ""),
        (b"<?xml version='1.0' encoding='zlib'?><rss/>", 422, "encoding"),
    ],
)
def test_every_file_gets_an_answer(app: Flask, ines: FlaskClient, body: bytes, status: int, said: str) -> None:
    answer = upload(ines, body)
    assert answer.status_code == status
    assert said in " ".join(Page(answer).words.split())
    assert stored(app) == []


@pytest.mark.parametrize("name", ["xml_bombs", "wxr_wordpress_importer"])
@pytest.mark.sqlite_only
def test_real_files_get_an_answer(ines: FlaskClient, name: str) -> None:
    files = [path for path in sorted((DATA / name).rglob("*")) if path.is_file()][:12]
    if not files:
        pytest.skip("the data is not here")
    assert {upload(ines, path.read_bytes()).status_code for path in files} <= {200, 422}


def test_nothing_sent_is_said_at_the_field(ines: FlaskClient) -> None:
    answer = ines.post("/settings/courier/transfer", data={"csrf_token": csrf(ines)})
    assert answer.status_code == 422
    assert "Choose the file" in Page(answer).by_id["file-wrong"]


@pytest.mark.parametrize("digest", ["", "x", "../secrets.json", "a" * 64, "\0" * 64, "é" * 64, "../" * 21 + "x"])
def test_only_the_file_that_was_tried_is_imported(app: Flask, ines: FlaskClient, digest: str) -> None:
    assert bring_in(ines, digest).status_code == 409
    assert stored(app) == []


def test_a_file_waits_a_day(app: Flask, ines: FlaskClient) -> None:
    with app.app_context():
        digest = uploads.keep("courier", io.BytesIO(healthy()))
        path = uploads.find("courier", digest)
    assert path is not None
    os.utime(path, (0, time.time() - uploads.KEPT - 1))
    assert bring_in(ines, digest).status_code == 409
    upload(ines, b"<rss/>")
    assert not path.exists()


def test_a_file_of_another_site_is_not_found(app: Flask, ines: FlaskClient, other_site: str) -> None:
    with app.app_context():
        digest = uploads.keep(other_site, io.BytesIO(healthy()))
    assert bring_in(ines, digest).status_code == 409


def test_too_much_is_not_taken_and_from_strangers_nothing(
    app: Flask, ines: FlaskClient, ana: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = export(item(*(comment(number, content="x" * 1000) for number in range(1, 800))))
    assert len(large) > guards.MOST_BODY
    assert upload(ines, large).status_code == 200
    assert upload(ana, large).status_code == 403
    stranger = app.test_client().post("/settings/courier/transfer", **multipart(large))
    assert stranger.status_code == 413
    monkeypatch.setattr(uploads, "MOST", 500_000)
    answer = upload(ines, large)
    assert (answer.status_code, "more than 32 MiB" in Page(answer).words) == (422, True)
    kept = Path(app.config["INSTANCE_PATH"]) / "imports"
    assert {path.stat().st_mode & 0o077 for path in kept.iterdir()} == {0}
    assert len(list(kept.glob(".*"))) == 0


def test_everything_leaves_as_json_lines_and_the_log_says_who_took_it(
    app: Flask, ines: FlaskClient, other_site: str
) -> None:
    send_form(app.test_client())
    public(ines, 1)
    send_form(app.test_client(), comment="A second — held.", parent="1", author="Tom", email="tom@home.example")
    answer = ines.post("/settings/courier/transfer/export", data={"csrf_token": csrf(ines)})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/jsonl; charset=utf-8"
    assert 'filename="courier-' in answer.headers["Content-Disposition"]
    head, first, second = (json.loads(line) for line in answer.get_data().splitlines())
    assert (head["format"], head["version"], head["site"]) == ("leave-a-reply", 1, "courier")
    assert (first["public"], first["texts"][0]["status"], first["texts"][0]["text"]) == (
        *(True, "approved", "Wider is *good* news."),
    )
    assert (second["parent"], second["public"], second["email"], second["texts"][0]["text"]) == (
        *(1, False, "tom@home.example", "A second — held."),
    )
    assert second["page"] == first["page"] == "https://courier.example/news/mill-lane"
    assert last_entry(app)[3:5] == ("Ines", "export")
    assert get(app.test_client(), "thread.json").json["count"] == 1
