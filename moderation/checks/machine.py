"""Files, disk, and what becomes of a hostile name in the header of a mail."""

import shutil
import stat
from contextlib import suppress
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

from flask import Flask

from moderation.checks.finding import Finding, Verdict
from moderation.notify import heads

#: Bytes free below which a reply may soon not be stored, and below which it is time to look.
LITTLE, LESS = 2**30, 200 * 2**20
#: What somebody writes into a name or a title, to have a mail go elsewhere or say something else.
HOSTILE = (
    "Ana\r\nBcc: everybody@evil.example",
    "Ana\nBcc: everybody@evil.example",
    "Ana\rBcc: everybody@evil.example",
    "Ana\r\n\r\n<p>another body</p>",
    "Ana\r\n Bcc: everybody@evil.example",
    "=?utf-8?q?Ana=0D=0ABcc:_everybody@evil.example?=",
    "Ana\u2028Bcc: everybody@evil.example",
    '"Ana" <everybody@evil.example>, "b"',
)


def permissions(app: Flask) -> list[Finding]:
    """Look who else may read or change what the installation keeps."""
    folder = Path(app.config["INSTANCE_PATH"])
    kept = [folder, *(path for path in folder.iterdir() if path.name.endswith((".sqlite", ".py", ".json")))]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in kept}
    if changed := [str(path) for path, mode in modes.items() if mode & 0o022]:
        return [Finding(Verdict.MEND, f"others may change {', '.join(changed)}", f"chmod -R go-w {folder}")]
    if modes[folder] & 0o055 and any(mode & 0o044 for path, mode in modes.items() if path.suffix == ".sqlite"):
        return [
            Finding(Verdict.LOOK, f"others on this machine may read the database in {folder}", f"chmod 700 {folder}")
        ]
    return [Finding(Verdict.OK, f"{folder} is its owner's alone to change")]


def space(app: Flask) -> list[Finding]:
    """Look how much there is left to write to."""
    free = shutil.disk_usage(app.config["INSTANCE_PATH"]).free
    text = f"{free / 2**30:.1f} GiB are free where the installation lies"
    if free >= LITTLE:
        return [Finding(Verdict.OK, text)]
    return [Finding(Verdict.MEND if free < LESS else Verdict.LOOK, text, "make room before replies cannot be stored")]


def headers(_: Flask) -> list[Finding]:
    """Look whether a name can write headers of a mail: it is written and read again."""
    broken = [text for text in HOSTILE if _writes_headers(text)]
    if broken:
        text = f"a name can write headers of a mail here: {broken[0]!r}"
        return [Finding(Verdict.MEND, text, "configure no mail, update Python, and tell us")]
    return [Finding(Verdict.OK, f"none of {len(HOSTILE)} hostile names writes a header of a mail")]


def _writes_headers(text: str) -> bool:
    """Whether a mail with this text in its headers reads otherwise than it was written; refused is fine."""
    with suppress(ValueError):
        mail = EmailMessage(policy.SMTP)
        mail["To"] = Address(heads.head(text), "ana", "courier.example")
        mail["Subject"] = heads.head(text)
        mail.set_content("A reply waits.")
        read = message_from_bytes(mail.as_bytes(), policy=policy.default)
        names = {"To", "Subject", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
        to = [each.addr_spec for each in read["To"].addresses]
        body = read.get_content().strip()
        return set(read.keys()) != names or to != ["ana@courier.example"] or body != "A reply waits."
    return False
