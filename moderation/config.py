"""Every setting: its name, type, default and one line of meaning, and the secrets made at first start.

A setting comes from the environment as ``MODERATION_<NAME>``, else from ``instance/config.py`` as ``<NAME>``,
else from its default. A value that does not fit its type stops the start with a sentence that names it.
"""

import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "MODERATION_"


class BadSetting(ValueError):
    """A setting that is unknown or does not fit its type."""


@dataclass(frozen=True)
class Setting:
    """One setting; `least` bounds numbers from below, `most` from above."""

    name: str
    kind: type[str] | type[int] | type[bool]
    default: str | int | bool
    meaning: str
    least: int = 0
    most: int = 10**9
    #: The only texts there are; empty for any.
    choices: tuple[str, ...] = ()


SETTINGS = (
    Setting(
        "INSTANCE_PATH", str, "", "Folder of config.py, secrets and the SQLite files; default: instance/ at the root."
    ),
    Setting("BIND", str, "127.0.0.1:8000", "Address and port the server listens on."),
    Setting("BASE_URL", str, "", "Public address of the service, without a path; default: http:// + BIND."),
    Setting("HOSTS", str, "", "More names by which the service may be asked, with commas; the public address has one."),
    Setting(
        "DATABASE_URL", str, "", "sqlite:///… or postgresql://…; default: moderation.sqlite in the instance folder."
    ),
    Setting(
        "PROXY_HOPS", int, 0, "How many proxies in front set X-Forwarded-For and -Proto; 0 = none is believed.", most=9
    ),
    Setting("WORKERS", int, 2, "Server processes.", least=1, most=64),
    Setting("THREADS", int, 8, "Requests one server process handles at a time.", least=1, most=256),
    Setting(
        "DEMO", bool, True, "Make the demo site and serve its article (only where BASE_URL is a loopback address)."
    ),
    Setting(
        "READY_MIB", int, 32, "Memory in which each server process keeps published answers ready.", least=1, most=4096
    ),
    Setting(
        "PURGE_URL",
        str,
        "",
        "Told to caches in front for each changed address: holds {url}, encoded, or {path}; empty = nobody is told.",
    ),
    Setting("PURGE_METHOD", str, "purge", "How that is asked: purge, get or post.", choices=("purge", "get", "post")),
    Setting("REPLY_PAUSE", int, 15, "Seconds before the same author may reply again from the same network; 0 = none."),
    Setting("NETWORK_REPLIES_PER_MINUTE", int, 20, "Replies one network may send in a minute; 0 = any number."),
    Setting("THREAD_REPLIES_PER_MINUTE", int, 120, "Replies to one page in a minute; 0 = any number."),
    Setting("SITE_REPLIES_PER_MINUTE", int, 600, "Replies to one site in a minute; 0 = any number."),
    Setting(
        "PROOF_FROM_PER_MINUTE",
        int,
        60,
        "Replies to one site in a minute from which on each has to bring a proof of work, where the site leaves it to"
        " the flood; 0 = never.",
    ),
    Setting("PREVIEWS_PER_MINUTE", int, 30, "Previews one network may ask for in a minute.", least=1),
    Setting("RECEIPTS_PER_MINUTE", int, 30, "Edits and other acts on receipts, of one network in a minute.", least=1),
    Setting(
        "SIGN_INS_PER_HOUR", int, 20, "Failed sign-ins per hour, for one e-mail address and for one network.", least=1
    ),
    Setting(
        "RESETS_PER_HOUR",
        int,
        20,
        "Tries with links for a new password in an hour, by one network.",
        least=1,
    ),
    Setting(
        "LIMITS_URL",
        str,
        "",
        "redis://… or valkey://… that counts for the limits; default: scratch.sqlite in the instance.",
    ),
    Setting("SESSION_HOURS", int, 12, "A sign-in ends this long after its last use.", least=1, most=720),
    Setting("STAY_DAYS", int, 30, "The same for “Stay signed in”, in days.", least=1, most=365),
    Setting("BACKUP_HOURS", int, 48, "`flask check` asks for a backup that is younger; 0 = it does not ask."),
    Setting(
        "SESSION_MOST_DAYS", int, 7, "A sign-in ends after so many days, however much it is used.", least=1, most=90
    ),
    Setting("STAY_MOST_DAYS", int, 90, "The same for “Stay signed in”.", least=1, most=730),
    Setting("REQUIRE_SECOND_FACTOR", bool, False, "Everybody who signs in needs a second factor, on every site."),
    Setting("OIDC_ISSUER", str, "", "A team's own sign-in (OpenID Connect): https://… of its issuer; empty = none."),
    Setting("OIDC_CLIENT_ID", str, "", "The name by which the issuer knows this service."),
    Setting("OIDC_CLIENT_SECRET", str, "", "The secret that the issuer gave for it; empty for a public client."),
    Setting("OIDC_NAME", str, "your team", "What the button says: “Sign in with …”."),
    Setting(
        "OIDC_DOMAINS", str, "", "Only addresses on these domains, with commas, as in courier.example; empty = any."
    ),
    Setting(
        "LOG_LEVEL",
        str,
        "info",
        "Least level that is logged: debug, info, warning or error.",
        choices=("debug", "info", "warning", "error"),
    ),
)

#: Made at first start and kept in instance/secrets.json. Losing RECEIPT_KEY breaks every receipt that was handed out.
#: Losing FACTOR_KEY makes every authenticator app and recovery code worthless.
SECRETS = ("SECRET_KEY", "PASSWORD_SALT", "RECEIPT_KEY", "NETWORK_KEY", "FORM_KEY", "FACTOR_KEY")
#: Those that a file from before does not have. Each follows from one that it has: two starts at once find the same.
ADDED = {"FACTOR_KEY": "SECRET_KEY"}


def load(environ: Mapping[str, str], *, root: Path) -> dict[str, str | int | bool]:
    """Return all settings and secrets by name.

    Raises `BadSetting` for an unknown name, or a value that does not fit.
    """
    known = {setting.name: setting for setting in SETTINGS}
    given = {name.removeprefix(PREFIX): text for name, text in environ.items() if name.startswith(PREFIX)}
    instance = Path(given.get("INSTANCE_PATH") or root / "instance").resolve()
    from_file = _config_file(instance / "config.py")
    for name in [*given, *from_file]:
        if name not in known and name not in SECRETS and not name.startswith("TEST_"):
            raise BadSetting(f"{PREFIX}{name} is not a setting. Known: {', '.join(known)}")
    values = {name: _cast(known[name], given.get(name, from_file.get(name, known[name].default))) for name in known}
    values["INSTANCE_PATH"] = str(instance)
    values.update(_secrets(instance, given, from_file))
    values["BASE_URL"] = _base_url(str(values["BASE_URL"]), bind=str(values["BIND"]))
    host_names(str(values["HOSTS"]))
    values["PURGE_URL"] = _purge_url(str(values["PURGE_URL"]))
    values["LIMITS_URL"] = _limits_url(str(values["LIMITS_URL"]))
    values["OIDC_ISSUER"] = _issuer(str(values["OIDC_ISSUER"]), client=str(values["OIDC_CLIENT_ID"]))
    values["DATABASE_URL"] = _database_url(str(values["DATABASE_URL"]), instance=instance)
    return values


def bind_address(bind: str) -> tuple[str, int]:
    """Split host:port, with brackets around an IPv6 host."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadSetting(f"{PREFIX}BIND: {bind!r} is not host:port")
    return host.strip("[]"), int(port)


#: Two names of one machine are two origins to a browser.
OTHER_NAME = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}


def demo_origin(base_url: str) -> str | None:
    """Return the demo site's origin; None where the service is not on a loopback address."""
    parts = urlsplit(base_url)
    other, port = OTHER_NAME.get(parts.hostname or ""), f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{other}{port}" if other else None


def _config_file(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    found: dict[str, object] = {}
    exec(compile(path.read_text(), str(path), "exec"), found)  # noqa: S102 - the operator's own file, as in Flask
    return {name: value for name, value in found.items() if name.isupper()}


def _cast(setting: Setting, value: object) -> str | int | bool:
    """Cast by the setting's type. A text `False` is no true string here, and a digits-only text no number."""
    text = str(value).strip()
    if setting.kind is bool:
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off"}:
            return False
        raise BadSetting(f"{PREFIX}{setting.name}: {text!r} is neither 1 nor 0")
    if setting.kind is int:
        if not text.isascii() or not text.isdigit() or not setting.least <= int(text) <= setting.most:
            raise BadSetting(
                f"{PREFIX}{setting.name}: {text!r} is not a whole number from {setting.least} to {setting.most}"
            )
        return int(text)
    if setting.choices and text.lower() not in setting.choices:
        raise BadSetting(f"{PREFIX}{setting.name}: {text!r} is none of {', '.join(setting.choices)}")
    return text.lower() if setting.choices else text


def _base_url(url: str, *, bind: str) -> str:
    host, port = bind_address(bind)
    url = url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    parts = urlsplit(url)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.username
    ):
        raise BadSetting(f"{PREFIX}BASE_URL: {url!r} is not like https://reply.example")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def host_names(text: str) -> frozenset[str]:
    """Read a list of host names, with commas. Raises `BadSetting` for what holds more than a name."""
    names = frozenset(name.strip().lower() for name in text.split(",") if name.strip())
    for name in names:
        if not re.fullmatch(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]", name):
            raise BadSetting(f"{PREFIX}HOSTS: {name!r} is not a name like reply.example, without scheme or port")
    return names


def _purge_url(template: str) -> str:
    parts = urlsplit(template)
    names_one = "{url}" in template or "{path}" in template
    # The address itself is not repeated: it may hold a key.
    if template and not (names_one and parts.scheme in {"http", "https"} and parts.hostname):
        raise BadSetting(
            f"{PREFIX}PURGE_URL is not like http://127.0.0.1:6081{{path}}: http or https, {{url}} or {{path}}"
        )
    return template


def _limits_url(url: str) -> str:
    # The address itself is not repeated: it may hold a password.
    if url and not (urlsplit(url).scheme in {"redis", "rediss", "valkey", "valkeys"} and urlsplit(url).hostname):
        raise BadSetting(f"{PREFIX}LIMITS_URL is not like redis://127.0.0.1:6379/0: redis, rediss, valkey or valkeys")
    return url


def _issuer(url: str, *, client: str) -> str:
    if not url:
        return ""
    parts = urlsplit(url)
    # What it says is believed, so that nobody between may say it: plain http is for this machine alone.
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in OTHER_NAME)
    if not safe or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise BadSetting(f"{PREFIX}OIDC_ISSUER: {url!r} is not like https://login.example")
    if not client:
        raise BadSetting(f"{PREFIX}OIDC_CLIENT_ID is missing: {PREFIX}OIDC_ISSUER needs it")
    return url


def _database_url(url: str, *, instance: Path) -> str:
    url = url or f"sqlite:///{instance / 'moderation.sqlite'}"
    try:
        kind = make_url(url).get_backend_name()
    except ArgumentError:
        kind = ""
    if kind not in {"sqlite", "postgresql", "postgres"}:
        # The address itself is not repeated: it may hold a password.
        raise BadSetting(f"{PREFIX}DATABASE_URL is neither sqlite:///… nor postgresql://…")
    return url


def _secrets(instance: Path, given: Mapping[str, str], from_file: Mapping[str, object]) -> dict[str, str]:
    instance.mkdir(parents=True, exist_ok=True)
    path = instance / "secrets.json"
    if not path.exists():
        fresh = instance / f".secrets.{os.getpid()}.{secrets.token_hex(4)}"
        with open(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump({name: secrets.token_urlsafe(32) for name in SECRETS}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link never replaces: of two first starts at once, one set of secrets wins for both.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    kept = _with_added(json.loads(path.read_text()), path)
    values = {name: str(given.get(name) or from_file.get(name) or kept.get(name, "")) for name in SECRETS}
    for name, value in values.items():
        if len(value) < 32:
            raise BadSetting(f"{name} in {path} is missing or shorter than 32 characters")
    return values


def _with_added(kept: dict[str, str], path: Path) -> dict[str, str]:
    """Give a file from before the secrets that this code has added since."""
    lacking = {name: of for name, of in ADDED.items() if name not in kept and len(kept.get(of, "")) >= 32}
    if not lacking:
        return kept
    kept |= {name: hmac.digest(kept[of].encode(), name.encode(), "sha256").hex() for name, of in lacking.items()}
    fresh = path.with_name(f".secrets.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(kept, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return kept
