"""Files that come in and go out: formulas, bombs, and what belongs to somebody else."""

import csv
import gzip
import io
import json
import zipfile

import pytest

from moderation.web import uploads
from tests.attacks.conftest import HARBOUR, Place
from tests.attacks.looking import sound
from tests.transfer import wxr

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example","x")',
)


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_the_log_is_a_formula(place: Place, formula: str) -> None:
    number = place.held(page=place.page(), author=formula, title=formula)
    place.decide("reject", number, note=formula)
    invited = place.by("Ines").post(
        "/settings/courier/people/invitations", {"role": "reader", "email": "-x@home.example"}
    )
    assert invited.status == 201
    exported = place.by("Ines").get("/log/export.csv")
    assert exported.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in exported.headers["Content-Disposition"]
    cells = [cell for row in csv.reader(io.StringIO(exported.text, newline="")) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert f"'{formula.strip()}" in [cell.strip() for cell in cells] or f"'{formula}" in cells
    # Every cell is quoted, so that none ends where its words say.
    assert all(line.startswith('"') for line in exported.text.split('"\r\n"')[:1])


def test_nobody_takes_along_what_is_another_sites(place: Place) -> None:
    page = place.page(HARBOUR)
    place.public("Zork is the harbour's.", page=page, site="harbour", author="Zorkmid", title="Zork's page")
    place.held("Zork is held.", page=page, site="harbour", author="Zorkmid")
    place.public("Quux is the courier's.", page=place.page(), author="Quuxer")
    ines, eve = place.by("Ines"), place.by("Eve")
    mine = [ines.get("/log/export.csv"), ines.get("/log/export.json"), ines.get("/log/"), ines.get("/queue/?q=Zork")]
    mine.append(ines.post("/settings/courier/transfer/export"))
    for answer in mine:
        assert answer.status == 200
        assert "zorkmid" not in answer.text.lower()
    for path in (
        "/log/export.csv?site=courier",
        "/log/export.json?site=courier",
        "/log/?site=courier",
        "/queue/?site=courier",
    ):
        assert "Quuxer" not in eve.get(path).text
    assert eve.post("/settings/courier/transfer/export").status == 404
    taken = eve.post("/settings/harbour/transfer/export")
    assert (taken.status, "Zorkmid" in taken.text, "Quuxer" in taken.text) == (200, True, False)
    assert [json.loads(line) for line in taken.text.splitlines()]
    for path in ("/log/export.csv", "/log/export.json", "/settings/courier/transfer"):
        assert place.get(path).location == "/account/sign-in"
    assert place.by("Rita").post("/settings/courier/transfer/export").status == 403
    assert place.by("Ana").post("/settings/courier/transfer/export").status == 403


RSS = '<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><item><title>&x;</title></item></channel></rss>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 500}">' for n in range(12))


def zipped() -> bytes:
    """Return a small file of many zeros."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wp.xml", b"\0" * 20_000_000)
    return file.getvalue()


BOMBS = {
    "a billion laughs": f"<!DOCTYPE rss [{LAUGHS}]>{RSS.replace('&x;', '&l11;')}".encode(),
    "a long entity": f'<!DOCTYPE rss [<!ENTITY x "{"a" * 100_000}">]>{RSS.replace("&x;", "&x;" * 5000)}'.encode(),
    "a file of the machine": f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>{RSS}'.encode(),
    "an address": f'<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]>{RSS}'.encode(),
    "a parameter": f"<!DOCTYPE rss [<!ENTITY % a \"<!ENTITY x SYSTEM 'file:///etc/passwd'>\"> %a;]>{RSS}".encode(),
    "a document type elsewhere": f'<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/">{RSS.replace("&x;", "x")}'.encode(),
    "packed": gzip.compress(b"\0" * 20_000_000),
    "an archive": zipped(),
    "deep": b"<rss>" + b"<a>" * 200_000,
    "a tag without end": b"<rss " + b"a" * 6_000_000,
    "attributes": b"<rss " + b" ".join(b"a%d='x'" % n for n in range(100_000)) + b">",
    "another encoding": b'<?xml version="1.0" encoding="utf-7"?>' + RSS.encode(),
    "an encoding that runs": b'<?xml version="1.0" encoding="unicode_escape"?>' + RSS.encode(),
    "two bytes a letter": f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>{RSS}'.encode("utf-16"),
    "nothing": b"",
    "no file of XML": b"\x89PNG\r\n\x1a\n" + b"\0" * 1000,
    "a script": b"<html><script>alert(1)</script></html>",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_no_bomb_goes_off(place: Place, kind: str) -> None:
    tables = ("comment", "thread", "revision", "site")
    before = {name: place.rows()[name] for name in tables}
    answer = place.upload(BOMBS[kind])
    # What its beginning allows to be read is read, and stored by nobody.
    assert answer.status == 422 or (answer.status == 200 and kind == "another encoding")
    sound(answer.text)
    assert "root:" not in answer.text
    assert len(answer.body) < 100_000
    assert {name: place.rows()[name] for name in tables} == before


def test_a_file_that_is_too_large_is_refused(place: Place) -> None:
    answer = place.upload(b"<rss>" + b" " * uploads.MOST)
    assert answer.status in {413, 422}
    assert place.get("/healthz").status == 200


def test_a_rehearsal_stores_nothing_and_only_its_file_is_imported(place: Place) -> None:
    page = place.page()
    file = wxr.export(wxr.item(wxr.comment(77_001, content="Rehearsed."), link=page, id_=77_001))
    tables = ("comment", "thread", "revision")
    before = {name: place.rows()[name] for name in tables}
    assert place.upload(file).status == 200
    ines = place.by("Ines")
    for name in ("../../config.py", "0" * 64, "", "courier." + "0" * 64, "/etc/passwd", "%2e%2e/x", "a" * 63 + "/"):
        assert ines.post("/settings/courier/transfer/import", {"file": name}).status == 409
    assert {name: place.rows()[name] for name in tables} == before


@pytest.mark.parametrize("name", ["../../x.xml", "/etc/cron.d/x", "x\0.xml", "CON", ".", "a" * 5000, "<script>.xml"])
def test_the_name_of_a_file_is_nobodys_path(place: Place, name: str) -> None:
    before = sorted(path.name for path in place.server.instance.iterdir() if path.name != "imports")
    browser, edge = place.by("Ines"), "e"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{browser.token()}\r\n--{edge}\r\n'
    head += f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n<rss/>\r\n--{edge}--\r\n'
    answer = browser.ask(
        "POST", "/settings/courier/transfer", [("Content-Type", f"multipart/form-data; boundary={edge}")], head.encode()
    )
    assert answer.status in {413, 422}
    sound(answer.text)
    assert sorted(path.name for path in place.server.instance.iterdir() if path.name != "imports") == before
