"""The files of the phone's page: nothing inline or from elsewhere, no protocol; what is named is there."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest
from page_site import APP, LIVE, NOT_SHARED

SCRIPTS = sorted(APP.rglob("*.js"))
OWN = [*SCRIPTS, *APP.glob("*.css"), *APP.glob("*.html"), *APP.glob("*.webmanifest")]
HTML = (APP / "index.html").read_text("utf-8")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|0x[0-9a-f]{4}\b|battery_service|heart_rate", re.IGNORECASE)


def there(name: str) -> bool:
    """Whether a file is in the app as it is built; those of the build itself are."""
    if name.startswith("live/"):
        return name not in {f"live/{each}" for each in NOT_SHARED} and (LIVE / name[5:]).is_file()
    return name in ("files.js", "pyodide/pyodide.mjs") or (APP / name).is_file()


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.name)
def test_nothing_comes_from_elsewhere(file: Path) -> None:
    assert not re.search(r"https?://", file.read_text("utf-8"))


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_no_script_knows_a_device(file: Path) -> None:
    assert not UUID.search(file.read_text("utf-8"))


def test_nothing_is_inline() -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", HTML)
    assert re.findall(r"<script([^>]*)>(.*?)</script>", HTML) == [(' type="module" src="app.js"', "")]


def test_page_and_service_worker_have_one_policy() -> None:
    """That of the service worker holds for the analysis too, and may keep others from framing the page."""
    page = re.search(r'Content-Security-Policy" content="([^"]+)"', HTML)
    code = (APP / "service-worker.js").read_text("utf-8")
    lines = re.search(r"const POLICY = (.*?);\n", code, re.DOTALL)
    assert page is not None
    assert lines is not None
    policy = "".join(re.findall(r'"([^"]*)"', lines[1]))
    assert policy == f"{' '.join(page[1].split())}; frame-ancestors 'none'"
    assert "connect-src 'self'" in policy
    assert "unsafe-inline" not in policy


def test_what_is_named_is_there() -> None:
    named = set(re.findall(r'(?:href|src)="([^"]+)"', HTML))
    for script in SCRIPTS:
        for name in re.findall(
            r'(?:from|Worker\(new URL\(|register\() ?"([^"]+)"', script.read_text("utf-8")
        ):
            # Addresses of workers are the page's, those of modules the module's own.
            base = script.parent.relative_to(APP) if name.startswith(".") else Path()
            named.add(_plain(base / name))
    manifest = json.loads((APP / "manifest.webmanifest").read_text("utf-8"))
    named |= {icon["src"] for icon in manifest["icons"]}
    assert len(named) > 20
    assert {name for name in named if not there(name)} == set()


def _plain(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def test_every_element_that_is_asked_for_is_in_the_page() -> None:
    ids = set(re.findall(r'\sid="([\w-]+)"', HTML))
    asked = {name for file in SCRIPTS for name in re.findall(r'\$\("([\w-]+)"\)', file.read_text("utf-8"))}
    assert len(asked) > 20
    assert asked <= ids
    assert len(re.findall(r'\sid="', HTML)) == len(ids)


def test_the_home_screen_gets_icons_of_the_sizes_that_are_told() -> None:
    icons = json.loads((APP / "manifest.webmanifest").read_text("utf-8"))["icons"]
    assert {icon.get("purpose", "any") for icon in icons} == {"any", "maskable"}
    for icon in icons:
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", (APP / icon["src"]).read_bytes()[16:24])
            assert icon["sizes"] == f"{width}x{height}"


def test_files_are_short() -> None:
    for file in OWN:
        lines = file.read_text("utf-8").splitlines()
        assert len(lines) <= 400, file.name
        assert max(map(len, lines)) <= 120, file.name
