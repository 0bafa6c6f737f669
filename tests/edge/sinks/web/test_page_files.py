"""The page's own files: nothing inline, nothing from elsewhere, other people's code unchanged."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

import ecgedge.sinks.web
from ecgedge.sinks.words import RHYTHMS

PAGE = Path(ecgedge.sinks.web.__file__).parent / "page"
KINDS = (".js", ".css", ".html")
OWN = sorted(file for file in PAGE.rglob("*.*") if file.suffix in KINDS and "vendor" not in file.parts)


def test_vendored_files_are_what_the_note_says() -> None:
    note = (PAGE / "vendor" / "README.md").read_text()
    told = dict(re.findall(r"^\| (\S+) \| ([0-9a-f]{64}) \|$", note, re.MULTILINE))
    code = [file for file in (PAGE / "vendor").iterdir() if file.name not in ("README.md", "LICENSE")]
    assert told == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in code}
    assert "MIT License" in (PAGE / "vendor" / "LICENSE").read_text()


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.name)
def test_nothing_comes_from_elsewhere(file: Path) -> None:
    assert not re.search(r"https?://", file.read_text("utf-8"))


def test_the_page_needs_no_inline_script_or_style() -> None:
    """Its Content-Security-Policy would stop them."""
    html = "".join((PAGE / name).read_text("utf-8") for name in ("index.html", "parts.html"))
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)
    assert re.findall(r"<script([^>]*)>(.*?)</script>", html) == [
        (' type="module" src="assets/app.js"', ""),
    ]


def test_every_part_that_a_card_asks_for_is_in_the_page() -> None:
    there = set(re.findall(r'data-is="([\w-]+)"', (PAGE / "parts.html").read_text("utf-8")))
    scripts = "".join(file.read_text("utf-8") for file in OWN if file.suffix == ".js")
    asked = set(re.findall(r'parts\.(?!html|js)(\w+)|parts\["([\w-]+)"\]|#set\("([\w-]+)"', scripts))
    names = {name for found in asked for name in found if name}
    assert names
    assert names <= there


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.name)
def test_only_what_talks_to_a_server_names_its_machine(file: Path) -> None:
    """The rest is the phone's page too, which has no server."""
    if file.name not in ("app.js", "asks.js", "connection.js"):
        assert not re.search(r"\bPi\b|fetch\(\"", file.read_text("utf-8"))


def test_labels_read_as_in_the_rest_of_the_program() -> None:
    script = (PAGE / "draw" / "timeline.js").read_text("utf-8")
    block = script.split("LABELS = {")[1].split("}")[0]
    labels = dict(re.findall(r'"?(\w+|~)"?: "([^"]+)"', block))
    assert labels == RHYTHMS | {"gap": "no signal"}
