"""The row on lead reconstruction, quickly, where PTB-XL is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data import DATASETS
from ecgedge_export.literature import lead_reconstruction
from ecgedge_export.literature.row import Job


def test_the_row_is_measured_again(tmp_path: Path) -> None:
    try:
        for name in ("ptb-xl", "nstdb"):
            DATASETS[name].folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    lines: list[str] = []
    found = lead_reconstruction.measure(Job(tmp_path, lines.append, quick=True))
    shipped, told, beside = found.tables
    assert [row[0] for row in shipped.rows] == ["II", "V1", "V2", "V3", "V4", "V5", "V6"]
    assert [row[:2] for row in told.rows][::2] == [("I", "U-Net"), ("I, II", "U-Net"), ("I, II, V2", "U-Net")]
    assert told.rows[-1].count("given") == 2
    assert len(beside.rows) == 2
    error, area = found.comparisons
    assert error.low <= error.gain <= error.high
    assert area.low <= area.high
    assert f"{100 * error.gain:.0f} % less" in found.finding
