"""Keeps out of memory what few requests need: 15 MB in every process.

flask-security loads what passkeys and teams' sign-ins are made with as soon as it is installed, for views of its own
that are not used here. Ours load it when somebody asks. The package imports this before everything else.
"""

import sys

#: What flask-security does without, where it is not there.
HIDDEN = ("webauthn", "authlib")


def _load() -> None:
    hidden = [name for name in HIDDEN if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import flask_security  # noqa: F401 - here, while those are hidden
    finally:
        for name in hidden:
            del sys.modules[name]


_load()
