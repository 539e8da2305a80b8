"""What few requests need is not in memory before one of them comes."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("webauthn", "cbor2", "OpenSSL", "authlib", "joserfc", "qrcode", "requests", "cryptography", "redis", "urllib3")
ASK = f"""
import os, sys
os.environ["MODERATION_INSTANCE_PATH"] = sys.argv[1]
from moderation import create_app
create_app()
print([name for name in {HEAVY} if name in sys.modules])
import authlib, webauthn
print("there when asked for")
"""


def test_a_start_loads_nothing_that_only_passkeys_and_teams_need(tmp_path: Path) -> None:
    said = subprocess.run([sys.executable, "-c", ASK, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert (said.stdout, said.stderr) == ("[]\nthere when asked for\n", "")
