"""Progress bars on a real terminal: they move the cursor, and foreign names do not."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize

ERASES_THE_LINE = "\x1b[2K"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings, and an empty file whose name clears the screen."""
    mv = synthesize([Segment("sinus", 20)], 130.0, seed=1).mv
    for name in ("a.csv", "b.csv"):
        np.savetxt(tmp_path / name, mv, fmt="%.4f", header="ecg_mV", comments="# fs = 130 Hz\n")
    (tmp_path / "evil\x1b[2J.csv").write_text("")
    return tmp_path


def on_terminal(*arguments: str) -> str:
    """What a command writes to a terminal's stderr."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from ecgedge.cli import main; main()", *arguments]
    env = os.environ | {"TERM": "xterm", "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=env) as running:
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 65536)
            except OSError:  # nobody has the other end any more
                break
        running.wait(timeout=120)
    os.close(ours)
    return said.decode()


@pytest.mark.parametrize("command", ["table", "batch", "report"])
def test_a_bar_is_drawn_and_names_are_harmless(folder: Path, tmp_path: Path, command: str) -> None:
    if command == "batch":
        pytest.importorskip("distributed", reason="the extra scale is not installed")
        said = on_terminal(
            "batch", str(folder), "--fs", "130", "--out", str(tmp_path / "out"), "--workers", "1"
        )
        assert "3 of 3 recordings" in said
    elif command == "table":
        said = on_terminal("table", str(folder), "--fs", "130", "-o", str(tmp_path / "t.csv"), "--jobs", "1")
        assert "3/3" in said
    else:
        said = on_terminal("report", str(folder / "a.csv"), "--fs", "130", "-o", str(tmp_path / "a.html"))
        assert "reading" in said
    assert ERASES_THE_LINE in said
    assert "\\x1b[2K" not in said
    assert "\x1b[2J" not in said
    assert ("evil\\x1b[2J.csv" in said) == (command != "report")
