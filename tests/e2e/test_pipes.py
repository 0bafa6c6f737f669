"""A pipe or a device where a file should be: refused in one line, never waited for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ecgedge import SampleBlock
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.recording.csvwriter import CsvWriter

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")

# A program that waits for a pipe ends with the test, as a failure.
PATIENCE_S = 60


def recording(folder: Path) -> str:
    with CsvWriter(folder / "a.csv") as writer:
        writer.write(SampleBlock(np.random.default_rng(1).normal(0, 0.2, 2600).astype(np.float32), 130.0))
    return str(folder / "a.csv")


def wfdb(part: str) -> Callable[[Path, Callable[[Path], None]], list[str]]:
    def made(folder: Path, odd: Callable[[Path], None]) -> list[str]:
        (folder / "q.hea").write_text("q 1 250 1000\nq.dat 16\n")
        (folder / "q.dat").write_bytes(bytes(2000))
        (folder / part).unlink()
        odd(folder / part)
        return ["replay", str(folder / "q")]

    return made


def model(task: str, part: str) -> Callable[[Path, Callable[[Path], None]], list[str]]:
    def made(folder: Path, odd: Callable[[Path], None]) -> list[str]:
        shutil.copytree(BUNDLED / task, folder / "model")
        (folder / "model" / part).unlink()
        odd(folder / "model" / part)
        return ["replay", recording(folder), "--model", str(folder / "model"), "--backend", "litert"]

    return made


def named(*words: str) -> Callable[[Path, Callable[[Path], None]], list[str]]:
    def made(folder: Path, odd: Callable[[Path], None]) -> list[str]:
        path = folder / next(word for word in words if "." in word)
        odd(path)
        return [str(path) if word == path.name else word for word in words]

    return made


COMMANDS = {
    "profile of a virtual wearable": named("simulate", "p.toml", "--in-process"),
    "profile of a wearable": named("doctor", "x", "--profile", "p.toml"),
    "profile of a capture": named("capture", "x", "{}", "--profile", "p.toml"),
    "header": wfdb("q.hea"),
    "signal": wfdb("q.dat"),
    "manifest": model("rhythm", "manifest.json"),
    "network": model("rhythm", "model.tflite"),
}
EXPORT = {
    "recipe": named("train", "r.toml"),
    "bundle": named("verify", "b.zip"),
}


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("odd", [pipe, device])
@pytest.mark.parametrize("name", [*COMMANDS, *EXPORT])
def test_no_pipe_is_waited_for(tmp_path: Path, name: str, odd: Callable[[Path], None]) -> None:
    package = "ecgedge" if name in COMMANDS else "ecgedge_export"
    arguments = [
        str(tmp_path / "out.cap") if word == "{}" else word
        for word in (COMMANDS | EXPORT)[name](tmp_path, odd)
    ]
    done = subprocess.run(
        [sys.executable, "-c", f"from {package}.cli import main; main()", *arguments],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 4  # a wrong option comes with its usage


def test_text_is_read_from_a_pipe_as_it_comes(tmp_path: Path) -> None:
    data = Path(recording(tmp_path)).read_bytes()
    pipe(tmp_path / "f.csv")
    writer = threading.Thread(target=(tmp_path / "f.csv").write_bytes, args=(data,), daemon=True)
    writer.start()
    done = subprocess.run(
        [sys.executable, "-c", "from ecgedge.cli import main; main()", "replay", str(tmp_path / "f.csv")],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "2600 samples" in done.stdout
