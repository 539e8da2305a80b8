"""The shipped nginx configuration in front of a real server: what passes, what is kept, and for how long."""

import gzip
import http.client
import json
import re
from urllib.parse import quote

import brotli
import pytest

from moderation.web.guards import MOST_BODY
from tests.conftest import PASSWORD
from tests.deploy.conftest import BEHIND, Front, behind, network_of_newest, tag, texts
from tests.deploy.proxy import NAME, SHIPPED, Certificate, nginx
from tests.journeys.desk import Desk
from tests.server import ROOT, running, start, until

GUIDE = ROOT / "docs" / "deploy" / "README.md"
UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}
#: A takedown is gone from the service within 2 s, and from this cache within 40 s after that.
TAKEN_DOWN_WITHIN = 42.0
FORGED = "203.0.113.9"


def guide(words: str) -> str:
    """Return the block of configuration that follows these words in the guide."""
    found = re.search(re.escape(words) + r".*?```nginx\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    assert found is not None
    return found[1]


def test_plain_http_leads_to_tls_and_tls_offers_http2(front: Front) -> None:
    plain = http.client.HTTPConnection("127.0.0.1", front.proxy.plain_port, timeout=30)
    plain.request("POST", "/sites/courier/replies?page=a%20b", "comment=x", {"Host": NAME})
    answer = plain.getresponse()
    plain.close()
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{NAME}/sites/courier/replies?page=a%20b")
    front.proxy.trust.set_alpn_protocols(["h2", "http/1.1"])
    with front.proxy.connect() as connection:
        assert connection.selected_alpn_protocol() == "h2"
    front.proxy.trust.set_alpn_protocols(["http/1.1"])


def test_the_newest_tls_is_spoken_and_no_version_of_a_server_is_told(front: Front) -> None:
    assert re.findall(r"ssl_protocols\s+(.*);", SHIPPED.read_text()) == ["TLSv1.2 TLSv1.3"]
    with front.proxy.connect() as connection:
        assert connection.version() == "TLSv1.3"
    for answer in (front.proxy.ask("/queue/"), front.proxy.ask("/receipts/x/edit", "POST", body=b"a" * 1_048_577)):
        assert answer["Server"] == "nginx"
        assert b"nginx/" not in answer.body


def test_a_reply_is_held_for_the_network_it_came_from(front: Front) -> None:
    answer = front.reply("network", "How wide is it?", source="127.9.8.7", **{"X-Forwarded-For": FORGED})
    held = json.loads(answer.body)
    assert (answer.status, held["status"]) == (201, "held")
    assert network_of_newest(front) == tag(front, "127.9.8.7") != tag(front, FORGED)

    path = held["receipt"].removeprefix(f"https://{NAME}")
    receipt = front.proxy.ask(path)
    assert (receipt.status, receipt["Cache-Control"], receipt["X-Cache"]) == (200, "no-store", None)
    assert receipt["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("way", ["two hops", "by its addresses"])
def test_behind_a_cdn_the_reader_is_found(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory, way: str
) -> None:
    cdn, reader = "127.0.0.1", "198.51.100.23"
    one = [line for line in SHIPPED.read_text().splitlines(keepends=True) if "X-Forwarded-" in line]
    if way == "two hops":
        hops, changes = 2, {"".join(one): guide("MODERATION_PROXY_HOPS=2")}
    else:
        ranges = guide("set_real_ip_from").replace("203.0.113.0/24", f"{cdn}/32")
        hops, changes = 1, {"    ssl_protocols": f"{ranges}    ssl_protocols"}
    with (
        running(tmp_path_factory.mktemp("cdn"), **BEHIND | {"PROXY_HOPS": hops}) as server,
        nginx(server.port, certificate, changes) as proxy,
    ):
        front = behind(proxy, Desk(server))
        # What the reader forged stands first; what the CDN added is last.
        forwarded = {"X-Forwarded-For": f"{FORGED}, {reader}", "X-Forwarded-Proto": "https"}
        assert front.reply("cdn", "How long is it?", source=cdn, **forwarded).status == 201
        assert network_of_newest(front) == tag(front, reader)
        # The scheme is known too: the cookie is one that only https may set.
        assert "__Host-session=" in (proxy.ask("/account/sign-in", headers=forwarded)["Set-Cookie"] or "")


@pytest.mark.parametrize("size", [MOST_BODY + 1, 1_000_000])
def test_what_is_too_large_is_refused_by_the_service_itself(front: Front, size: int) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": front.desk.origin}
    path = f"/sites/{front.site}/replies"
    answer = front.proxy.ask(path, "POST", body=b"comment=" + b"a" * (size - 8), headers=headers)
    assert (answer.status, answer["Access-Control-Allow-Origin"]) == (413, front.desk.origin)
    assert "The request is larger than anything that is taken here." in answer.body.decode()


@pytest.mark.parametrize("path", ["/sites/{site}/replies", "/receipts/1.{token}/edit"])
def test_what_is_larger_still_reaches_nobody(front: Front, path: str) -> None:
    path = path.format(site=front.site, token="a" * 22)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = front.proxy.ask(path, "POST", body=b"a" * 1_048_577, headers=headers)
    assert (answer.status, answer["X-Request-ID"]) == (413, None)


@pytest.mark.parametrize(
    "name", ["thread.json", "thread.html", "thread.atom", "comments.atom", "counts.json", "accent.css", "embed.js"]
)
def test_what_is_published_is_asked_of_the_service_once(front: Front, name: str) -> None:
    front.publish("kept", f"Kept for a moment, {name}.")
    path = "/embed.js" if name == "embed.js" else front.address(name, "kept")
    path += f"{'&' if '?' in path else '?'}once={name}"
    first = front.proxy.ask(path, headers={"Cookie": "a=1"})
    second = front.proxy.ask(path, headers={"Cookie": "b=2"})
    assert (first.status, first["X-Cache"], second.status, second["X-Cache"]) == (200, "MISS", 200, "HIT")
    assert (second.body, second["ETag"]) == (first.body, first["ETag"])
    assert (first["Set-Cookie"], first["Access-Control-Allow-Origin"]) == (None, "*")
    # Another address is another document, also where nginx would take the two for one.
    assert front.proxy.ask(path + "%20")["X-Cache"] == "MISS"

    again = front.proxy.ask(path, headers={"If-None-Match": first["ETag"] or ""})
    assert (again.status, again.body, again["ETag"]) == (304, b"", first["ETag"])
    head = front.proxy.ask(path, "HEAD")
    assert (head.status, head.body, head["ETag"]) == (200, b"", first["ETag"])


def test_static_files_are_kept_under_the_names_that_change(front: Front) -> None:
    page = front.proxy.ask(front.address("thread", "static")).body.decode()
    named = re.findall(r'"(/static/[\w.-]+\.css\?v=\w+)"', page)[0]
    bare = named.partition("?")[0]
    answers = [front.proxy.ask(path) for path in (named, named, bare, bare)]
    assert [answer["X-Cache"] for answer in answers] == ["MISS", "HIT", "MISS", "MISS"]
    assert {answer["Cache-Control"] for answer in answers[:2]} == {"public, max-age=31536000, immutable"}


@pytest.mark.parametrize("name", ["thread", "form"])
def test_what_has_to_be_fresh_is_fresh(front: Front, name: str) -> None:
    one, two = (front.proxy.ask(front.address(name, "fresh")) for _ in range(2))
    assert (one.status, two.status, one["X-Cache"]) == (200, 200, None)
    assert one.body != two.body


def test_what_belongs_to_one_person_is_kept_for_nobody(front: Front) -> None:
    pages = [front.proxy.ask("/account/sign-in") for _ in range(2)]
    cookies = [(page["Set-Cookie"] or "").split(";")[0] for page in pages]
    assert cookies[0].startswith("__Host-session=")
    assert cookies[0] != cookies[1]

    token = pages[0].body.decode().split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    body = f"email={quote(front.moderator)}&password={quote(PASSWORD)}&csrf_token={token}".encode()
    form = {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"https://{NAME}/account/sign-in"}
    signed_in = front.proxy.ask("/account/sign-in", "POST", body=body, headers=form | {"Cookie": cookies[0]})
    assert (signed_in.status, signed_in["Location"]) == (303, "/queue/")
    given = [line.split(";")[0] for line in signed_in.headers.get_all("Set-Cookie") or []]
    (mine,) = [cookie for cookie in given if cookie.startswith("__Host-session=")]
    assert front.proxy.ask("/queue/", headers={"Cookie": mine}).status == 200
    assert front.proxy.ask("/queue/").status == 303
    # Nor is a refusal kept where an answer would be.
    missing = [front.proxy.ask("/sites/nowhere/thread.json?page=https://a.example/") for _ in range(2)]
    assert [(answer.status, answer["X-Cache"]) for answer in missing] == [(404, "MISS")] * 2


def test_each_reader_gets_the_bytes_as_the_service_packs_them(front: Front) -> None:
    for number in range(3):
        front.publish("packed", f"{number} " + "A longer text that is worth packing. " * 20)
    path = front.address("thread.json", "packed")
    plain = front.directly(path, {"Accept-Encoding": "identity"})
    for accepted in ("gzip", "identity", "br", "gzip, deflate, br, zstd", "", "gzip", "br", "identity"):
        direct = front.directly(path, {"Accept-Encoding": accepted})
        answer = front.proxy.ask(path, headers={"Accept-Encoding": accepted})
        assert (answer["Content-Encoding"], answer["ETag"]) == (direct["Content-Encoding"], direct["ETag"]), accepted
        assert answer["Vary"] == "Accept-Encoding"
        assert UNPACK[answer["Content-Encoding"]](answer.body) == plain.body
    for packing in ("gzip", "br"):
        assert front.proxy.ask(path, headers={"Accept-Encoding": packing})["Content-Encoding"] == packing


def test_nginx_packs_nothing_itself(front: Front) -> None:
    # A page with secrets in it, which Debian's own gzip setting would pack.
    answer = front.proxy.ask(front.address("thread", "plain"), headers={"Accept-Encoding": "gzip"})
    assert (answer.status, answer["Content-Encoding"], b"</html>" in answer.body) == (200, None, True)


def test_a_takedown_is_gone_in_time(front: Front) -> None:
    revision = front.publish("takedown", "Taken down later.")
    path = front.address("thread.json", "takedown")
    assert "Taken down later." in texts(front.proxy.ask(path))
    assert front.proxy.ask(path)["X-Cache"] == "HIT"
    front.desk.decide(front.moderator, "reject", revision)
    until(
        lambda: "Taken down later." not in texts(front.proxy.ask(path)),
        lambda: "the text is gone",
        within=TAKEN_DOWN_WITHIN,
    )


def test_only_the_service_says_how_long_a_copy_may_be_shown() -> None:
    # Each of these would keep a copy longer than the service allows, the first one without end.
    lines = [line.strip() for line in SHIPPED.read_text().splitlines() if line.strip()]
    assert {line.split()[0] for line in lines} & {"proxy_cache_use_stale", "proxy_cache_valid"} == set()
    # What the answers vary by stands in the key of a copy.
    assert [line for line in lines if line.startswith("proxy_ignore_headers")] == ["proxy_ignore_headers Vary;"]


def test_readers_go_on_reading_while_the_service_is_away(
    certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running(tmp_path_factory.mktemp("away"), **BEHIND) as server, nginx(server.port, certificate) as proxy:
        front = behind(proxy, Desk(server))
        front.publish("away", "Still to be read.")
        path = front.address("thread.json", "away")
        receipt = json.loads(front.reply("away", "Kept for its author.").body)["receipt"].removeprefix(
            f"https://{NAME}"
        )
        before = proxy.ask(path)
        assert server.stop() == 0

        # Past its ten seconds the copy is an old one, and says so.
        until(lambda: proxy.ask(path)["X-Cache"] == "STALE", lambda: "the copy is old")
        stale = proxy.ask(path)
        assert (stale.status, stale.body, stale["ETag"]) == (200, before.body, before["ETag"])
        for away in (front.reply("away", "Not taken."), proxy.ask(receipt), proxy.ask(front.address("thread", "away"))):
            assert (away.status, away["Retry-After"], away["Cache-Control"]) == (503, "5", "no-store")
            assert away.body.startswith(b"The service does not answer just now.")
        assert receipt.removeprefix("/receipts/") not in proxy.logs()
        assert "POST /sites" in proxy.logs()

        again = start(server.instance, **BEHIND, BIND=f"127.0.0.1:{server.port}")
        try:
            until(lambda: proxy.ask("/readyz").status == 200, lambda: f"it is back:\n{again.output}")
            assert front.reply("away", "Taken.").status == 201
            until(lambda: proxy.ask(path)["X-Cache"] in ("HIT", "REVALIDATED"), lambda: "the copy is new again")
        finally:
            again.kill()


def test_no_log_holds_the_key_to_a_receipt(front: Front) -> None:
    receipt = json.loads(front.reply("logged", "Private.").body)["receipt"]
    path = receipt.removeprefix(f"https://{NAME}")
    assert front.proxy.ask(path).status == 200
    assert front.proxy.ask(f"{path}/export?x={path}").status == 404
    # A receipt's page names itself where it asks for its icon.
    assert front.proxy.ask("/static/favicon.svg", headers={"Referer": receipt}).status == 200
    until(lambda: '"GET /static/favicon.svg HTTP' in front.proxy.logs(), lambda: "it is logged")
    assert '"GET /receipts/- HTTP' in front.proxy.logs()
    assert path.removeprefix("/receipts/") not in front.proxy.logs()
