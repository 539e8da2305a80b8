"""Where the browser is, and how it is started."""

import os
import shutil

#: Debian's name first. Playwright's own download is not used: it is not to be had everywhere.
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """Find the browser of this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def launch_arguments() -> list[str]:
    """Return what Chromium is told beside what Playwright tells it: no visits of its own, and no sandbox for root."""
    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-gpu",
        "--disable-quic",
        "--disable-sync",
        "--no-first-run",
    ]
    return [*quiet, "--no-sandbox"] if os.geteuid() == 0 else quiet
