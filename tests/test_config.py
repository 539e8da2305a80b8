"""Settings: cast and checked, from the environment, the file or the default; secrets are made once and kept."""

import json
import re
import stat
from pathlib import Path

import pytest

from moderation import config
from moderation.config import SECRETS, SETTINGS, BadSetting, bind_address, demo_origin, load

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """Return a folder for an installation."""
    return tmp_path / "instance"


def loaded(instance: Path, **settings: str) -> dict[str, str | int | bool]:
    """Load the settings of an installation."""
    environ = {"MODERATION_INSTANCE_PATH": str(instance), "PATH": "/bin", "HOME": "/root"}
    return load(environ | {f"MODERATION_{name}": text for name, text in settings.items()}, root=ROOT)


def test_defaults(instance: Path) -> None:
    values = loaded(instance)
    expected = {setting.name: setting.default for setting in SETTINGS} | {
        "INSTANCE_PATH": str(instance),
        "BASE_URL": "http://127.0.0.1:8000",
        "DATABASE_URL": f"sqlite:///{instance}/moderation.sqlite",
    }
    assert {name: value for name, value in values.items() if name not in SECRETS} == expected
    assert values["REPLY_PAUSE"] == 15


def test_without_a_path_the_instance_lies_at_the_root(tmp_path: Path) -> None:
    assert load({}, root=tmp_path)["INSTANCE_PATH"] == str(tmp_path / "instance")
    assert (tmp_path / "instance" / "secrets.json").exists()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("REPLY_PAUSE", "0", 0),
        ("REPLY_PAUSE", " 30 ", 30),
        ("REPLY_PAUSE", "007", 7),
        ("WORKERS", "64", 64),
        ("PROXY_HOPS", "9", 9),
        ("DEMO", "0", False),
        ("DEMO", "False", False),
        ("DEMO", "no", False),
        ("DEMO", "OFF", False),
        ("DEMO", "1", True),
        ("DEMO", "True", True),
        ("DEMO", "yes", True),
        ("DEMO", " on ", True),
        ("BIND", "0.0.0.0:80", "0.0.0.0:80"),
        ("LOG_LEVEL", "debug", "debug"),
        ("BASE_URL", "https://Reply.Example/", "https://reply.example"),
        ("BASE_URL", "http://localhost:8080", "http://localhost:8080"),
        ("HOSTS", "a.example, B.example", "a.example, B.example"),
        ("LIMITS_URL", "valkey://u:p@h/1", "valkey://u:p@h/1"),
        ("DATABASE_URL", "postgresql://u:p@h/d", "postgresql://u:p@h/d"),
    ],
)
def test_a_value_is_cast_by_its_type(instance: Path, name: str, text: str, value: str | int | bool) -> None:
    found = loaded(instance, **{name: text})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("REPLY_PAUSE", "", "whole number from 0"),
        ("REPLY_PAUSE", "-1", "whole number from 0"),
        ("REPLY_PAUSE", "1.5", "whole number from 0"),
        ("REPLY_PAUSE", "1e3", "whole number from 0"),
        ("REPLY_PAUSE", "١٥", "whole number from 0"),
        ("REPLY_PAUSE", "²", "whole number from 0"),
        ("REPLY_PAUSE", "15s", "whole number from 0"),
        ("REPLY_PAUSE", "1_000", "whole number from 0"),
        ("REPLY_PAUSE", "9999999999", "whole number from 0 to 1000000000"),
        ("WORKERS", "0", "whole number from 1 to 64"),
        ("WORKERS", "65", "whole number from 1 to 64"),
        ("PROXY_HOPS", "10", "whole number from 0 to 9"),
        ("DEMO", "", "neither 1 nor 0"),
        ("DEMO", "maybe", "neither 1 nor 0"),
        ("DEMO", "2", "neither 1 nor 0"),
        ("BIND", "8000", "is not host:port"),
        ("BIND", "127.0.0.1:", "is not host:port"),
        ("BIND", "127.0.0.1:0", "is not host:port"),
        ("BIND", "127.0.0.1:65536", "is not host:port"),
        ("BIND", ":8000", "is not host:port"),
        ("BIND", "127.0.0.1:x", "is not host:port"),
        ("BASE_URL", "reply.example", "is not like https://reply.example"),
        ("BASE_URL", "ftp://reply.example", "is not like https://reply.example"),
        ("BASE_URL", "https://reply.example/path", "is not like https://reply.example"),
        ("BASE_URL", "https://reply.example/?a=b", "is not like https://reply.example"),
        ("BASE_URL", "https://user@reply.example", "is not like https://reply.example"),
        ("BASE_URL", "https://", "is not like https://reply.example"),
        ("OIDC_ISSUER", "http://login.example", "is not like https://login.example"),
        ("OIDC_ISSUER", "login.example", "is not like https://login.example"),
        ("OIDC_ISSUER", "https://a@login.example", "is not like https://login.example"),
        ("LOG_LEVEL", "loud", "is none of debug, info, warning, error"),
        ("LOG_LEVEL", "", "is none of debug, info, warning, error"),
        ("HOSTS", "https://reply.example", "is not a name like reply.example"),
        ("HOSTS", "reply.example:80", "is not a name like reply.example"),
        ("LIMITS_URL", "http://:secret@127.0.0.1/", "is not like redis://127.0.0.1:6379/0"),
        ("LIMITS_URL", "redis:///0", "is not like redis://127.0.0.1:6379/0"),
        ("REPLY_PAUZE", "15", "is not a setting"),
        ("reply_pause", "15", "is not a setting"),
        ("", "15", "is not a setting"),
    ],
)
def test_a_value_that_does_not_fit_stops_the_start_and_is_named(
    instance: Path, name: str, text: str, says: str
) -> None:
    with pytest.raises(BadSetting, match=re.escape(says)) as raised:
        loaded(instance, **{name: text})
    assert f"MODERATION_{name}" in str(raised.value)


def test_an_unknown_name_is_told_the_known_ones(instance: Path) -> None:
    with pytest.raises(BadSetting, match="REPLY_PAUSE"):
        loaded(instance, PAUSE="15")


def test_the_file_counts_and_the_environment_counts_more(instance: Path) -> None:
    instance.mkdir()
    file = instance / "config.py"
    file.write_text("REPLY_PAUSE = 30\nDEMO = False\nWORKERS = '4'\nlower = 'mine'\nimport os\n")
    values = loaded(instance, WORKERS="3")
    assert (values["REPLY_PAUSE"], values["DEMO"], values["WORKERS"]) == (30, False, 3)
    file.write_text("REPLY_PAUSE = 1.5\n")
    with pytest.raises(BadSetting, match="MODERATION_REPLY_PAUSE"):
        loaded(instance)
    file.write_text("REPLY_PAUZE = 15\n")
    with pytest.raises(BadSetting, match="MODERATION_REPLY_PAUZE is not a setting"):
        loaded(instance)


def test_secrets_are_made_once_for_their_owner_alone(instance: Path) -> None:
    first = loaded(instance)
    path = instance / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = path.read_bytes()
    assert set(json.loads(kept)) == set(SECRETS)
    assert len({first[name] for name in SECRETS}) == len(SECRETS)
    assert min(len(str(first[name])) for name in SECRETS) >= 43
    assert loaded(instance) == first
    assert path.read_bytes() == kept
    assert [found.name for found in instance.iterdir()] == ["secrets.json"]


def test_a_file_from_before_gets_the_secrets_that_were_added(instance: Path) -> None:
    first = loaded(instance)
    path = instance / "secrets.json"
    before = {name: value for name, value in json.loads(path.read_text()).items() if name != "FACTOR_KEY"}
    path.write_text(json.dumps(before))
    second = loaded(instance)
    assert {name: second[name] for name in before} == before
    assert len(str(second["FACTOR_KEY"])) == 64
    assert second["FACTOR_KEY"] != first["FACTOR_KEY"]
    assert loaded(instance) == second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # Two starts at once: each finds the same.
    path.write_text(json.dumps(before))
    assert loaded(instance) == second


def test_an_issuer_needs_the_name_it_knows_us_by(instance: Path) -> None:
    with pytest.raises(BadSetting, match="OIDC_CLIENT_ID is missing"):
        loaded(instance, OIDC_ISSUER="https://login.example")
    values = loaded(instance, OIDC_ISSUER="https://login.example/realm", OIDC_CLIENT_ID="reply")
    assert values["OIDC_ISSUER"] == "https://login.example/realm"


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    first, second = loaded(tmp_path / "a"), loaded(tmp_path / "b")
    assert not {first[name] for name in SECRETS} & {second[name] for name in SECRETS}


def test_a_secret_may_come_from_the_environment(instance: Path) -> None:
    assert loaded(instance, SECRET_KEY="s" * 32)["SECRET_KEY"] == "s" * 32
    assert loaded(instance)["SECRET_KEY"] != "s" * 32
    with pytest.raises(BadSetting, match="SECRET_KEY"):
        loaded(instance, SECRET_KEY="short")


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_or_short_secret_stops_the_start(instance: Path, name: str) -> None:
    loaded(instance)
    path = instance / "secrets.json"
    for value in ("", "xyzzy"):
        path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
        with pytest.raises(BadSetting, match=name) as raised:
            loaded(instance)
        assert "xyzzy" not in str(raised.value)


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("localhost:1", ("localhost", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
    ],
)
def test_bind_is_host_and_port(instance: Path, bind: str, expected: tuple[str, int]) -> None:
    assert bind_address(bind) == expected
    host = f"[{expected[0]}]" if ":" in expected[0] else expected[0]
    assert loaded(instance, BIND=bind)["BASE_URL"] == f"http://{host}:{expected[1]}"


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        ("http://localhost:8000", "http://127.0.0.1:8000"),
        ("http://localhost", "http://127.0.0.1"),
        ("https://reply.example", None),
        ("http://192.0.2.1:8000", None),
    ],
)
def test_the_demo_lives_under_the_machine_s_other_name(base_url: str, origin: str | None) -> None:
    assert demo_origin(base_url) == origin


def test_every_setting_is_used() -> None:
    code = "".join(
        path.read_text() for path in (ROOT / "moderation").rglob("*.py") if path.name != Path(config.__file__).name
    )
    own = Path(config.__file__).read_text()
    for name in [*(setting.name for setting in SETTINGS), *SECRETS]:
        assert f'"{name}"' in code or own.count(f'"{name}"') > 1, name


def test_every_setting_is_documented_and_nothing_else() -> None:
    readme = (ROOT / "README.md").read_text()
    settings = {setting.name for setting in SETTINGS}
    rows = dict(re.findall(r"^\|\s*`?MODERATION_([A-Z_]+)`?\s*\|\s*(.*?)\s*\|", readme, re.MULTILINE))
    assert set(rows) == settings
    for setting in SETTINGS:
        # A default that depends on another setting is said in words.
        plain = {True: "1", False: "0"}.get(setting.default, str(setting.default))  # type: ignore[call-overload]
        assert not plain or plain in rows[setting.name], setting.name
        assert setting.meaning
    named = set(re.findall(r"MODERATION_([A-Z_]+)", readme))
    assert {name for name in named if not name.startswith("TEST_")} <= settings | set(SECRETS)
