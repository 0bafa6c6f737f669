"""The README's snippets run: its Python, its commands on recordings that are made here, its size."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.values import SampleBlock

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
# Those need a wearable, or never end: the other tests of the command line have a virtual one.
# What needs a wearable, or an app that was built.
ON_AIR = ("gateway", "scan", "run", "capture", "doctor", "simulate", "phone")


def code_blocks() -> list[str]:
    """Indented blocks, without their indentation."""
    found = [match[0] for match in re.finditer(r"(?<=\n)(?: {4}.*\n|\n(?= {4}))+", README)]
    return ["\n".join(line[4:] for line in text.splitlines()) for text in found]


def python_blocks() -> list[str]:
    """Python on the recording that the README speaks of; what is live needs a wearable."""
    return [block for block in code_blocks() if '("recording.csv")' in block]


def commands() -> list[list[str]]:
    """Every ``ecgedge ...`` that begins a line of a block, without what explains it."""
    lines = [line for block in code_blocks() for line in block.splitlines()]
    return [shlex.split(re.split(r" {2,}", line)[0])[1:] for line in lines if line.startswith("ecgedge ")]


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the README speaks of."""
    monkeypatch.chdir(tmp_path)
    mv = synthesize([Segment("sinus", 25)], fs=130, seed=1).mv.astype(np.float32)
    with CsvWriter(tmp_path / "recording.csv") as writer:
        writer.write(SampleBlock(mv, fs=130.0))
    np.savetxt(tmp_path / "mv.csv", synthesize([Segment("sinus", 25)], fs=250, seed=1).mv, fmt="%.3f")
    (tmp_path / "mitdb").mkdir()
    (tmp_path / "mitdb" / "100.hea").write_text(
        f"100 1 130 {len(mv)}\n100.dat 16 1000(0)/mV 16 0 0 0 0 MLII\n"
    )
    (mv * 1000).astype("<i2").tofile(tmp_path / "mitdb" / "100.dat")
    return tmp_path


@pytest.mark.parametrize("code", python_blocks())
def test_python(program: Any, recordings: Path, code: str) -> None:
    done = program(f"import ecgedge\n{code}").run()
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_there_is_python_to_test() -> None:
    assert len(python_blocks()) == 2


@pytest.mark.parametrize("arguments", [c for c in commands() if c[0] not in ON_AIR], ids=" ".join)
def test_command(program: Any, recordings: Path, arguments: list[str]) -> None:
    if arguments[0] == "demo":
        pytest.importorskip("bumble", reason="the extra sim is not installed")
    done = program.cli().run(*arguments)
    # Guessed leads come with a warning.
    assert (done.returncode, bool(done.stderr)) == (0, arguments[0] == "leads")
    assert done.stdout or arguments[0] in ("leads", "save", "table")


@pytest.mark.parametrize("arguments", [c for c in commands() if c[0] in ON_AIR], ids=" ".join)
def test_command_that_needs_more_than_this_machine_is_spelled_right(
    program: Any, arguments: list[str]
) -> None:
    done = program.cli().run(*arguments, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_extras_are_those_of_the_package() -> None:
    import tomllib

    extras = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    table = README.partition("| extra | brings")[2].partition("\n\n")[0]
    named = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    assert set(re.findall(r"`(\w+)`", " ".join(named))) == set(extras["optional-dependencies"])


def test_it_is_no_longer_than_a_person_reads() -> None:
    assert len(README.splitlines()) <= 200
