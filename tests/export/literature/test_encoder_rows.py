"""Rows about pre-trained encoders, end to end on few real recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.literature import clef, masked_spectral
from ecgedge_export.literature.row import VERDICTS, Job


@pytest.mark.slow
@pytest.mark.parametrize("row", [clef, masked_spectral])
def test_a_row_is_measured_and_goes_on_from_what_is_there(row, tmp_path: Path) -> None:
    try:
        for name in ("ptb-xl", "nstdb", "cinc2017"):
            data.dataset(name).folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    told: list[str] = []
    work = tmp_path / "row"
    measured = row.measure(Job(work, told.append, quick=True))
    assert told
    assert measured.verdict in VERDICTS
    against = [c.what for c in measured.comparisons]
    assert any("against InfoNCE" in what or "time alone" in what for what in against)
    assert any("untrained encoder" in what for what in against)
    for c in measured.comparisons:
        assert c.low <= c.gain <= c.high
    told.clear()
    assert row.measure(Job(work, told.append, quick=True)) == measured
    assert told == []  # nothing was trained or asked again
