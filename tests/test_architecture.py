"""The plan of the house, held: what its folders, imports and templates may and may not do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = sorted((ROOT / "moderation").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

#: What belongs to one request, or to the one running application.
OF_THE_REQUEST = {"request", "g", "session", "current_app"}
#: Alembic's environment is called by `flask db` and finds the application that way.
DOORS = (
    "moderation/__init__.py",
    "moderation/cli/",
    "moderation/worker.py",
    "moderation/migrations/env.py",
    "moderation/web/",
)
#: What opens connections, or listens for them.
CONNECTING = {
    *("socket", "socketserver", "ssl", "asyncio", "selectors", "http.client", "http.server", "urllib.request"),
    *("urllib3", "requests", "httpx", "aiohttp", "pycurl", "websockets", "websocket", "xmlrpc", "grpc", "paramiko"),
    *("smtplib", "poplib", "imaplib", "ftplib", "telnetlib", "nntplib", "redis", "valkey", "memcache", "ldap3"),
    "authlib.integrations",
}
#: Who may, and by what. What the service asks of others of its own accord goes through the first.
MAY_CONNECT = {
    "moderation/notify/outward.py": {"socket", "http.client", "urllib3"},
    # The counters that several machines share, where the operator has set their address.
    "moderation/web/counters.py": {"redis"},
    # Whether the address to listen on is free.
    "moderation/serving.py": {"socket"},
}
#: What runs a text as code or as a command, makes objects of bytes, hashes as nobody should, or can be guessed.
DANGEROUS = {
    *("eval", "exec", "compile", "os.system", "os.popen", "subprocess", "pty", "render_template_string"),
    *("pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle", "xml.sax", "xml.dom", "lxml"),
    *("hashlib.md5", "hashlib.sha1", "hashlib.new", "random"),
}
#: Where, all the same: the operator's own settings file, which is Python; and made-up comments.
MAY_DANGEROUS = {
    ("moderation/config.py", "exec"),
    ("moderation/config.py", "compile"),
    *((f"moderation/{path}.py", "random") for path in ("cli/__init__", "transfer/seeding", "transfer/chatter")),
}
#: Waiting for the clock, Playwright's way included.
SLEEPS = {"sleep", "wait_for_timeout"}
INLINE = {
    "a script": re.compile(r"<script\b(?![^>]*\b(?:src=|type=\"application/(?:ld\+)?json\"))", re.IGNORECASE),
    "a style": re.compile(r"<style\b|<[a-z][^>]*\sstyle\s*=", re.IGNORECASE),
    "a handler": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=|=\s*[\"']?\s*javascript:", re.IGNORECASE),
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(), filename=name_of(path))))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of everything that this file imports."""
    for node in tree(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def reached(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every `flask.something` that is reached without importing the name itself."""
    for node in tree(path):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "flask":
            yield node.lineno, f"flask.{node.attr}"


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_only_doors_know_the_request(path):
    if name_of(path).startswith(DOORS):
        return
    asked = {f"{module}.{name}" for module in ("flask", "flask.globals") for name in OF_THE_REQUEST}
    found = [f"line {line}: {name}" for line, name in [*imported(path), *reached(path)] if name in asked]
    assert found == []


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_nothing_opens_connections_but_the_one_way_out(path):
    names = [name for _, name in imported(path)]
    used = {opener for opener in CONNECTING if any(f"{name}.".startswith(f"{opener}.") for name in names)}
    # Nobody has a right that is not used, either.
    assert used == MAY_CONNECT.get(name_of(path), set())


def test_nothing_is_imported_by_a_name_that_cannot_be_read():
    called = [(path, node) for path in PRODUCT for node in tree(path) if isinstance(node, ast.Call)]
    named = {name_of(path) for path, call in called if ast.unparse(call.func).endswith(("import_module", "__import__"))}
    # Three libraries, by names that stand beside it.
    assert named == {"moderation/lean.py"}


def test_nothing_dangerous_is_called():
    found = set()
    for path in PRODUCT:
        names = {name for _, name in imported(path)}
        names |= {ast.unparse(node) for node in tree(path) if isinstance(node, ast.Attribute | ast.Name)}
        used = {danger for danger in DANGEROUS if any(f"{name}.".startswith(f"{danger}.") for name in names)}
        found |= {(name_of(path), danger) for danger in used}
    assert found == MAY_DANGEROUS


# A migration is a record of one day's schema: nobody splits it.
@pytest.mark.parametrize("path", [path for path in PRODUCT + TESTS if path.parent.name != "versions"], ids=name_of)
def test_no_module_is_too_long_to_read(path):
    lines = len(path.read_text().splitlines())
    assert lines <= 400, "split it by concern"


@pytest.mark.parametrize("path", [path for path in TESTS if "faults" not in path.parts], ids=name_of)
def test_no_test_waits_for_the_clock(path):
    called = [node for node in tree(path) if isinstance(node, ast.Call)]
    names = [(call.lineno, getattr(call.func, "attr", getattr(call.func, "id", None))) for call in called]
    assert [f"line {line}: {name}" for line, name in names if name in SLEEPS] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_holds_no_script_style_or_handler(path):
    # Mail programs read no style sheets.
    forbidden = {what: shape for what, shape in INLINE.items() if what != "a style" or "mail" not in path.parts}
    # What Jinja prints or decides may hold ">" and quotes, and comments may name what is forbidden.
    plain = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", "", path.read_text(), flags=re.DOTALL)
    assert [what for what, shape in forbidden.items() if shape.search(plain)] == []


def mapped() -> set[str]:
    """Read the README's map: what begins each line, below the line it is indented under, and files named beside."""
    blocks = re.findall(r"^```text\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)
    lines = next(block for block in blocks if "wsgi.py" in block).splitlines()
    shape = re.compile(r"[\w.-]+(?:/[\w.-]+)*(?:/|\.\w+)|LICENSE|Makefile")
    found: set[str] = set()
    above: list[tuple[int, str]] = []
    for drawn in lines:
        line = re.sub("[│├└─]", " ", drawn)
        words = line.split()
        if not words or not shape.fullmatch(words[0]):
            continue
        indent = len(line) - len(line.lstrip())
        while above and above[-1][0] >= indent:
            above.pop()
        parent = above[-1][1] if above else ""
        path = parent + words[0]
        if path.endswith("/"):
            above.append((indent, path))
        found.add(path)
        beside = path if path.endswith("/") else parent
        found.update(beside + word.strip(",;()") for word in words[1:] if re.fullmatch(r"[\w-]+\.py[,;)]?", word))
    return found


def test_what_the_map_names_is_there():
    # What an installation keeps for itself is named, but not there in a fresh checkout.
    named = [path for path in mapped() if not path.startswith("instance/")]
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_every_room_is_on_the_map():
    inside = [path for path in (ROOT / "moderation").iterdir() if path.name != "__pycache__"]
    rooms = {name_of(path) for path in inside if path.suffix == ".py"}
    rooms |= {f"{name_of(path)}/" for path in inside if path.is_dir() and any(path.rglob("*.*"))}
    assert sorted(rooms - mapped()) == []
