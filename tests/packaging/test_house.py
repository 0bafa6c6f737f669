"""The house as a newcomer finds it: small rooms, doors that are used, and a map that names them all."""

from __future__ import annotations

import ast
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_MODULES = 13  # what one listing shows at a glance
MOST_LINES = 400
CODE = ("edge", "export", "firmware_bridge", "benchmarks", "tests")
PACKAGES = {"ecgedge": "edge", "ecgedge_export": "export", "ecgedge_bridge": "firmware_bridge"}


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository; those of an unpacked source distribution where there is no git."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "--", *patterns],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    return [file for top in CODE for file in (ROOT / top).rglob("*.py")]


def test_no_room_is_crowded() -> None:
    rooms = Counter(
        file.parent for file in tracked("*.py") if file.name not in ("__init__.py", "conftest.py")
    )
    crowded = {str(room.relative_to(ROOT)): n for room, n in rooms.items() if n > MOST_MODULES}
    assert not crowded


def own_page(pattern: str) -> list[Path]:
    """Files of the live page that are not other people's."""
    return [file for file in tracked(f"edge/{pattern}") if "vendor" not in file.parts]


def test_the_page_keeps_to_the_same_sizes() -> None:
    files = own_page("*.js") + own_page("*.css") + own_page("*.html")
    assert files
    rooms = Counter(file.parent for file in files)
    assert max(rooms.values()) <= MOST_MODULES
    assert not {file.name for file in files if len(file.read_text("utf-8").splitlines()) > MOST_LINES}


@pytest.mark.parametrize("top", ["edge", "export", "firmware_bridge", "benchmarks"])
def test_no_file_is_long(top: str) -> None:
    assert not {
        str(file.relative_to(ROOT)): lines
        for file in tracked(f"{top}/*.py")
        if (lines := len(file.read_text("utf-8").splitlines())) > MOST_LINES
    }


def private_imports(file: Path) -> Iterator[str]:
    """Names with a leading underscore that a file takes from another top-level package."""
    own = next((name for name, top in PACKAGES.items() if file.is_relative_to(ROOT / top / name)), "")
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            package = node.module.split(".")[0]
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            if package in PACKAGES and package != own:
                yield from (
                    f"{node.module}.{n}" for n in names if n.startswith("_") and not n.startswith("__")
                )


@pytest.mark.parametrize("top", ["edge", "export", "firmware_bridge", "benchmarks"])
def test_nobody_takes_a_private_name_of_another_package(top: str) -> None:
    assert not {
        str(f.relative_to(ROOT)): taken for f in tracked(f"{top}/*.py") if (taken := [*private_imports(f)])
    }


def test_the_map_names_every_top_level_folder() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Rooms of the house")[1]
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    folders = {
        file.relative_to(ROOT).parts[0] for file in tracked("*/*") if len(file.relative_to(ROOT).parts) > 1
    }
    assert {folder for folder in folders if not folder.startswith(".")} == {
        row.strip(" `").split("/")[0] for row in rows
    }
