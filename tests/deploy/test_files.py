"""The unit and the container file, as far as they can be tried without systemd and without a container engine."""

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from click import Group
from flask import Flask

from moderation import serving
from moderation.config import SETTINGS, bind_address
from moderation.web.guards import MOST_BODY
from tests.conftest import new_app
from tests.deploy.proxy import replaced
from tests.server import DEADLINE, ROOT

DEPLOY = ROOT / "docs" / "deploy"
UNIT = DEPLOY / "leave-a-reply.service"
HOME = "/opt/leave-a-reply"
#: What an installation has that a checkout may lack, or has elsewhere.
MADE = {".venv/bin/flask", ".venv/bin/python", ".venv/bin/pip"}
INSIDE = "/srv/leave-a-reply"


class Several(dict[str, str]):
    """Keeps all values of a key that stands there more than once."""

    def __setitem__(self, name: str, value: object) -> None:
        """Add a value below those that are there."""
        before = self.get(name)
        joined = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
        super().__setitem__(name, joined)  # type: ignore[assignment]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return an app, for its commands."""
    instance = tmp_path_factory.mktemp("commands")
    return new_app(f"sqlite:///{instance / 'moderation.sqlite'}", instance)


def unit(section: str) -> dict[str, list[str]]:
    """Read a section of the unit: each name with its values."""
    parser = ConfigParser(dict_type=Several, strict=False, interpolation=None, delimiters=("=",), comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(UNIT.read_text())
    return {name: value.split("\n") for name, value in parser[section].items()}


def is_command(app: Flask, *words: str) -> bool:
    """Say whether `flask` knows this command."""
    group: object = app.cli
    for word in words:
        group = group.commands.get(word) if isinstance(group, Group) else None
    return group is not None and not isinstance(group, Group)


def test_the_unit_starts_what_is_there(app: Flask) -> None:
    service = unit("Service")
    assert service["WorkingDirectory"] == [HOME]
    assert (ROOT / "wsgi.py").exists()
    for line, words in ((service["ExecStartPre"], ("db", "upgrade")), (service["ExecStart"], ("serve",))):
        program, *arguments = shlex.split(line[0])
        assert program.removeprefix(f"{HOME}/") in MADE
        assert arguments == ["--app", "wsgi", *words]
    # Flask-Migrate's commands come as an entry point, ours are the app's own.
    assert is_command(app, "serve")
    known = {f"MODERATION_{setting.name}" for setting in SETTINGS}
    named = {each.partition("=")[0] for each in service["Environment"]} - {"PYTHONDONTWRITEBYTECODE"}
    assert named <= known
    assert f"MODERATION_INSTANCE_PATH=/var/lib/{service['StateDirectory'][0]}" in service["Environment"]


def test_the_unit_gives_a_stop_the_time_it_needs() -> None:
    service = unit("Service")
    # The server finishes its requests, then the worker its round.
    assert int(service["TimeoutStopSec"][0]) > 2 * serving.DRAIN
    assert service["KillMode"] == ["mixed"]


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: apt-get install systemd"
)
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    flask = tmp_path / "flask"
    flask.write_text("#!/bin/sh\n")
    flask.chmod(0o755)
    there = tmp_path / UNIT.name
    there.write_text(replaced(UNIT.read_text(), {f"{HOME}/.venv/bin/flask": str(flask)}))
    verified = _analyze("verify", "--man=no", there)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    rated = _analyze("security", "--offline=true", "--threshold=13", there)
    if "unrecognized option" in rated.stderr:
        pytest.skip("this systemd rates no unit that is not running")
    assert rated.returncode == 0, rated.stdout


def _analyze(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)


def steps() -> list[tuple[str, str]]:
    """Read the container file: each instruction and what it says, on one line."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, said.strip()) for name, _, said in (line.partition(" ") for line in lines) if name]


def said(name: str) -> list[str]:
    """Return what all instructions of one name say."""
    return [text for instruction, text in steps() if instruction == name]


def test_the_container_copies_what_is_there_and_what_the_build_may_see() -> None:
    rules = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    seen = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert "*" in rules
    copied = [shlex.split(text)[:-1] for text in said("COPY") if not text.startswith("--from")]
    sources = [source for each in copied for source in each]
    assert sorted(sources) == sorted(seen)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if fnmatch.fnmatch(source, "instance*")] == []
    # Everything the application reads from the tree: the app itself looks for its parts in these places.
    assert {"wsgi.py", "moderation", "templates", "requirements.txt"} <= set(sources)


def test_the_container_installs_what_is_pinned_and_runs_as_nobody_in_particular() -> None:
    [install] = [text for text in said("RUN") if "pip install" in text]
    assert "--require-hashes -r requirements.txt" in install
    assert all("python:3.11-slim" in text for text in said("FROM"))
    [user] = said("USER")
    [made] = [text for text in said("RUN") if "useradd" in text]
    assert f"--uid {user} " in made
    assert user != "0"
    names = [name for name, _ in steps()]
    assert names.index("USER") < names.index("CMD")


def test_the_container_serves_where_it_says(app: Flask) -> None:
    environment = dict(pair.split("=", 1) for pair in said("ENV")[0].split())
    host, port = bind_address(environment.pop("MODERATION_BIND"))
    assert (host, [str(port)]) == ("0.0.0.0", said("EXPOSE"))
    assert environment == {"PYTHONUNBUFFERED": "1"}
    assert said("VOLUME") == [f"{INSIDE}/instance"]
    assert set(said("WORKDIR")) == {INSIDE}

    shell, flag, script = json.loads(said("CMD")[0])
    assert (shell, flag) == ("/bin/sh", "-c")
    upgrade, serve = script.split(" && exec ")
    assert (upgrade, serve) == (".venv/bin/flask --app wsgi db upgrade", ".venv/bin/flask --app wsgi serve")

    probe = json.loads(said("HEALTHCHECK")[0].partition("CMD ")[2])
    assert probe[0] in MADE
    asked = re.search(rf"http://127\.0\.0\.1:{port}(/\w+)", probe[2])
    assert asked is not None
    assert app.test_client().get(asked[1]).status_code == 200


def test_both_proxies_take_a_little_more_than_the_service() -> None:
    taken = {"1m": 2**20, "1MB": 10**6}
    nginx = re.search(r"client_max_body_size (\w+);", (DEPLOY / "nginx.conf").read_text())
    caddy = re.search(r"max_size (\w+)", (DEPLOY / "Caddyfile").read_text())
    assert nginx is not None
    assert caddy is not None
    assert all(MOST_BODY < taken[found[1]] < 2 * MOST_BODY for found in (nginx, caddy))


def test_every_setting_in_the_guide_is_one() -> None:
    named = set(re.findall(r"MODERATION_([A-Z_]+)", "".join(path.read_text() for path in DEPLOY.iterdir())))
    assert named <= {setting.name for setting in SETTINGS}
