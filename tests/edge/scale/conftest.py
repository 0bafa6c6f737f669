"""Recordings of several forms, plans, and what turns tables into lines again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.database.recorder import Recorder
from ecgedge.scale.cluster import open_cluster
from ecgedge.scale.parts import lines_of, make_folders, open_table
from ecgedge.scale.places import Input
from ecgedge.scale.plan import Options, Plan, make_plan
from ecgedge.scale.tables import TABLES
from ecgedge_bridge.values import SampleBlock

FS = 130.0
CAPTURES = Path(__file__).parents[2] / "captures"

for name in ("pyarrow", "distributed", "fsspec"):
    pytest.importorskip(name, reason="the extra scale is not installed")


def ecg(seconds: float, seed: int) -> np.ndarray:
    half = seconds / 2
    made = synthesize([Segment("sinus", half, 55.0 + 5 * seed), Segment("af", half, 90.0)], FS, seed=seed)
    return made.mv.astype(np.float32)


def write_csv(path: Path, mv: np.ndarray, *, gap: bool = False) -> Path:
    """A text with times; a gap leaves out three seconds in the middle."""
    at = np.arange(len(mv))
    kept = (at < len(mv) // 2) | (at >= len(mv) // 2 + round(3 * FS)) if gap else at >= 0
    rows = np.c_[at[kept] / FS, mv[kept]]
    np.savetxt(path, rows, fmt="%.6f", delimiter=",", header="time_s,ecg_mV", comments="")
    return path


def write_wfdb(path: Path, mv: np.ndarray) -> Path:
    """A record in format 16, its header and its signal file."""
    name = path.stem
    path.write_text(f"{name} 1 {FS:g} {len(mv)}\n{name}.dat 16 1000(0)/mV 16 0 0 0 0 MLII\n")
    (mv * 1000).astype("<i2").tofile(path.with_suffix(".dat"))
    return path


def write_recording(path: Path, mv: np.ndarray) -> Path:
    """A recording of ours in two sessions, so that each has a monitor of its own."""
    for half in np.split(mv[: len(mv) // 2 * 2], 2):
        with Recorder(path) as recorder:
            for at in range(0, len(half), 130):
                block = SampleBlock(half[at : at + 130], fs=FS, sample=at)
                recorder.take([recorder.place(block)])
    return path


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording of each kind; damaged ones in it too. Nobody changes it."""
    folder = tmp_path_factory.mktemp("study")
    write_csv(folder / "plain.csv", ecg(60, 1))
    write_csv(folder / "gap.csv", ecg(90, 2), gap=True)
    (folder / "deeper").mkdir()
    write_wfdb(folder / "deeper" / "100.hea", ecg(60, 3))
    write_recording(folder / "ours.db", ecg(60, 4))
    shutil.copy(CAPTURES / "polar.cap", folder)
    whole = write_csv(folder / "damaged.csv", ecg(60, 5)).read_bytes()
    (folder / "damaged.csv").write_bytes(whole[: len(whole) // 2] + b"\x00\xff\x13 garbage,,\n" * 20)
    (folder / "cut.csv").write_bytes(whole[: len(whole) // 2 + 3])
    (folder / "void.csv").write_text("")
    (folder / "README.md").write_text("not a recording")
    return folder


BROKEN = frozenset(("damaged.csv", "cut.csv", "void.csv"))


@pytest.fixture(scope="session")
def broken() -> frozenset[str]:
    """Files of the study that end in an error."""
    return BROKEN


@pytest.fixture(scope="session")
def lines() -> Callable[[Path, str], list[str]]:
    """What gives the lines of a recording from the tables, by the end of its name."""

    def made(out: Path, name: str) -> list[str]:
        inputs = (open_table(out, table).to_table(columns=["input"])["input"] for table in TABLES)
        found = {one for column in inputs for one in column.to_pylist() if one.endswith(name)}
        return [line for one in found for line in lines_of(out, one)]

    return made


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """What writes a text of some seconds: path, seconds, seed."""
    return lambda path, seconds, seed=1: write_csv(path, ecg(seconds, seed))


@pytest.fixture(scope="session")
def write_record() -> Callable[..., Path]:
    """What writes a WFDB record of some seconds."""
    return lambda path, seconds, seed=1: write_wfdb(path, ecg(seconds, seed))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[Input]:
    """Twelve recordings, of which the first takes some seconds."""
    folder = tmp_path_factory.mktemp("many")
    seconds = [400, *[15] * 11]
    return [Input(str(write_csv(folder / f"{n:02}.csv", ecg(s, n % 7)))) for n, s in enumerate(seconds)]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two workers for the tests of a module."""
    with open_cluster(2) as client:
        yield client


@pytest.fixture
def planned() -> Callable[[Path], Plan]:
    """What makes a folder of results, and the plan for it."""

    def make(folder: Path) -> Plan:
        make_folders(folder)
        return make_plan(folder, Options(), 1 << 30)

    return make


@pytest.fixture
def replayed(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """What gives the lines that ``ecgedge replay --json`` prints of a file, up to an error."""
    from ecgedge.cli.app import app
    from ecgedge_bridge.errors import ConfigError

    def lines(path: Path, *more: str) -> list[str]:
        capsys.readouterr()
        with contextlib.suppress(ConfigError):
            app(["replay", str(path), "--json", *more], prog_name="ecgedge", standalone_mode=False)
        return capsys.readouterr().out.splitlines()

    return lines
