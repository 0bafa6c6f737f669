"""The row of the distilled students: figures from rows, and every way to learn on real recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.literature import distilled
from ecgedge_export.literature.row import Job
from ecgedge_export.rhythm.panel import ways, worth


def row(against: str, gain: float, low: float, high: float) -> dict[str, Any]:
    figures = {"by_seed": [0.8, 0.9], "gain": gain, "gain_95": [low, high]}
    return {"against": against, **{m.name: figures for m in worth.MEASURES}}


def test_a_finding_says_what_the_interval_says() -> None:
    rows = {"labels": row("labels", 0, 0, 0), "answers": row("labels", 0.01, 0.002, 0.02)}
    assert "mean F1 is higher: +1.0 (+0.2 to +2.0)" in distilled.finding(rows)
    rows["answers"] = row("labels", 0.01, -0.002, 0.02)
    assert "mean F1 may be the same" in distilled.finding(rows)
    assert "log loss changes by +0.010 (-0.002 to +0.020)" in distilled.finding(rows)
    (one, *_) = distilled.comparisons("made", rows)
    assert (one.what, one.gain, one.high) == ("made: answers against labels, mean F1", 0.01, 0.02)
    assert distilled.figures("made", rows).rows[0][:2] == ("labels", "0.850")


def test_every_way_learns_from_real_recordings(tmp_path: Path) -> None:
    try:
        for name in ("cinc2017", "ptb-xl", "svdb", "mitdb", "nstdb"):
            data.DATASETS[name].folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    said: list[str] = []
    measured = distilled.measure(Job(tmp_path, said.append, quick=True))
    (table,) = measured.tables
    assert len(table.rows) == 10
    assert {name.split(",")[0] for name, *_ in table.rows} >= {"labels", "answers", "and unlabelled signal"}
    assert all(one.low - 1e-4 <= one.gain <= one.high + 1e-4 for one in measured.comparisons)
    assert len(measured.comparisons) == 9 * 4
    assert set(ways.TRIES) >= {"windows", "noise", "features"}
