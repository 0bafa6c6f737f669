"""The app, built from the sources as they are, and Node to run its Python in; skipped with the reason."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
BUILD = REPOSITORY / "edge" / "phone" / "build" / "build.py"
OLDEST_NODE = 18  # the first Node that unpacks gzip by itself
LIMIT_S = 900
SKIPPED = 77

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the app. Only where it was built before, as the first time takes minutes: make phone."""
    if not (REPOSITORY / "build" / "phone" / "SHA256SUMS").is_file():
        pytest.skip("the app is not built here: make phone")
    folder = tmp_path_factory.mktemp("app") / "phone"
    command = [sys.executable, str(BUILD), "--require", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if done.returncode == SKIPPED:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def in_app() -> Run:
    """What runs a script under the Python of an app; it finds the folder that is given."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node here: apt-get install nodejs")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip("v\n").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node here is {version.strip()}: {OLDEST_NODE} or newer is needed")

    def run(app: Path, script: str, *arguments: str, cwd: Path) -> Any:
        command = [node, str(BUILD.with_name("run.mjs")), str(app), str(Path(__file__).with_name(script))]
        return subprocess.run(
            [*command, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=LIMIT_S
        )

    return run


@pytest.fixture(scope="session")
def in_phone(app: Path, in_app: Run) -> Run:
    """What a script prints, as JSON, under the Python of the app."""

    def run(script: str, *arguments: str, cwd: Path) -> Any:
        done = in_app(app, script, *arguments, cwd=cwd)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return run
