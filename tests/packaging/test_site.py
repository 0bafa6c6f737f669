"""The documentation as a site: it builds without a warning, knows every page, and asks no other machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import commands_page
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "-q",
            "-f",
            "docs/site/mkdocs.yml",
            "-d",
            str(out),
        ],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_page_is_there_and_in_the_navigation(site: Path) -> None:
    index = (site / "index.html").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / f"{page.stem}.html").is_file()
        assert f'href="{page.stem}.html"' in index or page.stem == "index", f"{page.name} is not in nav"


def test_no_page_asks_another_machine(site: Path) -> None:
    asked = re.compile(
        r"<(?:script|img|iframe|source)[^>]*?\ssrc=\"?(?:https?:)?//|<link[^>]*?href=\"?https?://"
    )
    for page in site.glob("*.html"):
        assert not asked.findall(page.read_text("utf-8")), page.name


def test_public_names_are_in_the_reference(site: Path) -> None:
    import ecgedge

    reference = (site / "api.html").read_text("utf-8")
    shown = {name.rpartition(".")[2] for name in re.findall(r'id="(ecgedge[\w.]*)"', reference)}
    # Rooms and helpers that have pages of their own, and a name for all events.
    elsewhere = {"Event", "LeadReconstructor", "ReconstructionWarning", "Summarizer", "tokens"}
    assert set(ecgedge.__all__) - shown == elsewhere


def test_the_page_of_commands_is_fresh() -> None:
    assert commands_page.PAGE.read_text("utf-8") == commands_page.page()
