"""The benchmark of many recordings: its files are what it says, and everybody analyses all of them."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.harness import processes
from benchmarks.harness.signals import FS, made
from benchmarks.questions import batch

pytest.importorskip("distributed", reason="the extra scale is not installed")
pytest.importorskip("pyarrow", reason="the extra scale is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four files of a minute."""
    files = tmp_path_factory.mktemp("files")
    hours = batch.make_files(files, cycle([made(40.0, FS)]), 4, 1 / 60)
    assert hours == pytest.approx(4 / 60)
    return files


def test_files_are_pieces_with_gaps_between_them(folder: Path) -> None:
    counts = np.fromfile(folder / "003.dat", "<i2")
    assert len(counts) == 60 * FS
    assert np.count_nonzero(counts == batch.MISSING) == batch.GAP_S * FS


def test_a_run_tells_hours_seconds_and_memory(folder: Path, tmp_path: Path) -> None:
    found = batch.run(folder, tmp_path / "out", 1)
    assert found["hours"] == pytest.approx(4 / 60, abs=1e-3)
    assert found["rows"]["summary"] == 4
    assert found["hours_per_s"] * found["wall_s"] == pytest.approx(found["hours"])
    assert len(found["memory_after_quarters"]) == 4
    assert all(40 < row["worker_mb"] < 1000 for row in found["memory_after_quarters"])
    parts = batch.digests(tmp_path / "out")
    assert len(parts) == 4
    assert all({"summary", "beats", "quality"} <= set(tables) for tables in parts.values())


def test_a_rival_gets_the_same_files(folder: Path) -> None:
    pytest.importorskip("sleepecg", reason="sleepecg is not installed")
    name = next(named.call for named in batch.on_cluster() if named.rival == "sleepecg")
    found = processes.child("children.on_dask", "on_cluster", "sleepecg", name, folder, FS, 1, 3)
    assert (found["files"], found["failed"]) == (3, 0)
    assert found["hours"] == pytest.approx(3 * 55 / 3600)


def result(*mb: float, speed: float) -> dict[str, Any]:
    memory = [{"worker_mb": each, "driver_mb": 200.0} for each in mb]
    per_core = 3600 * speed / 2
    return {
        "workers": 2, "hours_per_s": speed, "times_real_time_per_core": per_core,
        "memory_after_quarters": memory,
    }  # fmt: skip


def test_targets_are_speed_memory_the_same_bytes_and_the_lines_of_replay() -> None:
    one, two = result(150, 150, 150, 150, speed=1.0), result(150, 160, 170, 200, speed=1.7)
    found = {"workers": {"1": one, "2": two}, "same_results": True, "unlike_replay": ["007"]}
    judged = batch.judged(found, {"other": {"hours_per_s": 0.17}, "none": {"skipped": "why"}})
    assert judged["figures"] == {
        "speedup": 1.7, "worker_growth_mb": 50, "same_results": 1.0,
        "times_real_time_per_core": 3060, "unlike_replay": 1,
    }  # fmt: skip
    assert judged["targets"]["missed"] == [
        "worker_growth_mb (50)", "unlike_replay (1)", "speedup (1.7)",
        "times_real_time_per_core (3.06e+03)",
    ]  # fmt: skip
    assert judged["times_as_fast_as"] == {"other": pytest.approx(10), "none": None}
