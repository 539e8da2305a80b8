"""Loads the libraries that would load others only because these are installed; imported before everything else.

flask-security would take along Authlib, webauthn and all of cryptography, structlog and Mako what colours a
terminal: a fifth of the memory and of the start, and nothing here uses it through them. Who uses one of these imports
it where it is needed.
"""

import importlib
import os
import sys

LEFT_OUT = ("authlib", "webauthn", "cryptography", "rich", "pygments")
LOADED = ("flask_security", "mako.exceptions", "structlog")

#: The server's allocator has a heap for each of its threads, and keeps what is freed for ten seconds. Read where it is
#: loaded.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:100,muzzy_decay_ms:0")

_absent = [name for name in LEFT_OUT if name not in sys.modules]
for _name in _absent:
    # An import of it fails here, as where it is not installed.
    sys.modules[_name] = None  # type: ignore[assignment]
try:
    for _name in LOADED:
        importlib.import_module(_name)
finally:
    for _name in _absent:
        del sys.modules[_name]
