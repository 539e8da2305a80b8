"""The built embed: small enough, made of the sources beside it, and asking nothing of the machine that serves it."""

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "moderation" / "static"
EMBED = STATIC / "embed.js"
SOURCES = sorted((STATIC / "embed").rglob("*.*js"))
ESBUILD = ROOT / "node_modules" / ".bin" / "esbuild"
#: What a page's visitor loads at most, styles included.
MOST_BYTES = 8000


def test_the_embed_with_its_styles_is_small():
    assert len(gzip.compress(EMBED.read_bytes(), 9)) <= MOST_BYTES


def test_the_frame_script_is_small():
    assert len((STATIC / "frame.js").read_bytes()) <= 1000


@pytest.mark.skipif(not ESBUILD.exists(), reason="npm ci --ignore-scripts installs what builds it")
def test_the_embed_is_built_from_its_sources(tmp_path):
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]["esbuild"]
    found = subprocess.run([ESBUILD, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    assert found == wanted
    built = tmp_path / "embed.js"
    subprocess.run(["node", STATIC / "embed" / "build.mjs", built], check=True, timeout=60)
    assert built.read_bytes() == EMBED.read_bytes(), "run make embed"


def test_the_lock_names_no_registry():
    lock = (ROOT / "package-lock.json").read_text()
    assert re.findall(r'"resolved"|https?://', lock) == []


@pytest.mark.parametrize("path", [EMBED, *SOURCES], ids=lambda path: path.name)
def test_no_markup_is_parsed_and_no_code_made_from_text(path):
    source = path.read_text()
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML|srcdoc"
    assert re.findall(rf"{sinks}|\beval\b|new Function|\.on\w+\s*=\s*[\"']", source) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_module_of_the_embed_is_too_long_to_read(path):
    assert len(path.read_text().splitlines()) <= 250
