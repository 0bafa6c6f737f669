"""The rows on Holter recordings, beats and noise: the whole way on a little real data."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data import find
from ecgedge_export.gate.motion import FOLDER as MOTION
from ecgedge_export.literature.row import Job, Measured
from ecgedge_export.literature.works import WORKS

NEEDED = {
    "hrv_noise": (("cinc2017", "training2017"), ("mitdb", "mitdb"), ("nstdb", "nstdb"), (MOTION, MOTION),
                  ("cinc2011-set-a-lead-i", "set-a-lead-i")),
    "mitbih_beats": (("mitdb", "mitdb"),),
    "shdb_af": (("cinc2017", "training2017"), ("mitdb", "mitdb"), ("afdb-rr", "afdb-rr")),
}  # fmt: skip


def quickly(name: str, work: Path) -> Measured:
    try:
        for archive, folder in NEEDED[name]:
            find(archive, folder)
    except ConfigError as error:
        pytest.skip(str(error))
    found = importlib.import_module(WORKS[name].module).measure(Job(work, print, quick=True))
    assert isinstance(found, Measured)
    for table in found.tables:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.head)}
    assert all(one.low <= one.gain <= one.high for one in found.comparisons)
    return found


@pytest.mark.slow
def test_noise_across_sets_quickly(tmp_path: Path) -> None:
    found = quickly("hrv_noise", tmp_path)
    assert len(found.tables[0].rows) == 16  # four sets, four arms
    assert len(found.comparisons) == 4
    # What was read is kept: the second time nothing is.
    kept = sorted((tmp_path / "windows").iterdir())
    assert len(kept) == 8


@pytest.mark.slow
def test_beats_of_adapted_length_quickly(tmp_path: Path) -> None:
    found = quickly("mitbih_beats", tmp_path)
    assert [c.what for c in found.comparisons if "without 202" in c.what]
    assert "64" in [row[0] for row in found.tables[2].rows]


@pytest.mark.slow
def test_burden_quickly(tmp_path: Path) -> None:
    found = quickly("shdb_af", tmp_path)
    assert found.tables[0].head == ("figure", "raw ECG", "RR only")
    assert [row[0] for row in found.tables[2].rows] == ["201", "203"]
    assert "too few for a claim" in found.finding
