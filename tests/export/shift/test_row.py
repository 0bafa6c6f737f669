"""The row of the literature, end to end on real recordings, with little data and few steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.literature.row import Job, load, save
from ecgedge_export.literature.works import measure
from ecgedge_export.shift.anticausal import ARMS

pytestmark = pytest.mark.slow


def test_the_row_is_measured_and_goes_on_from_what_is_kept(tmp_path: Path) -> None:
    try:
        for name in ("ptb-xl", "cinc2017", "mitdb", "svdb"):
            data.dataset(name).folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    lines: list[str] = []
    first = measure("shift", Job(tmp_path, lines.append, quick=True))
    assert lines
    assert [row[0] for row in first.tables[0].rows] == list(ARMS)
    assert {c.what.split(",")[0] for c in first.comparisons} >= {"IRM against f(x)", "GroupDRO against f(x)"}
    assert all(c.low <= c.gain <= c.high for c in first.comparisons)
    save(first, tmp_path / "row.json")
    assert load(tmp_path / "row.json") == first
    lines.clear()
    assert measure("shift", Job(tmp_path, lines.append, quick=True)) == first
    assert lines == []  # nothing was trained, asked or simulated again
