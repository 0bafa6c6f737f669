"""The row about HeartLang, end to end on little of the real data."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.literature.row import Job
from ecgedge_export.literature.rows import heartlang


@pytest.mark.slow
def test_the_row_is_measured(tmp_path: Path) -> None:
    try:
        for name in ("cinc2017", "ptb-xl", "mitdb"):
            data.dataset(name).folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    (tmp_path / "heartlang-quick").mkdir()
    job = Job(tmp_path / "heartlang-quick", lambda _: None, quick=True)
    found = heartlang.measure(job)
    titles = [table.title for table in found.tables]
    assert titles[0].startswith("Telemetry")
    sets = {row[0]: row for row in found.tables[0].rows}
    assert set(sets) == {"CinC 2017 validation", "PTB-XL fold 9, lead I", "MIT-BIH DS2"}
    assert float(sets["MIT-BIH DS2"][5]) < 3.1  # bytes a beat
    assert [c.what.split(",")[0] for c in found.comparisons[:2]] == [
        "codes against PCA",
        "codes against intervals alone",
    ]
    assert len(found.comparisons) == 2 + len(heartlang.PROBES)
    # What was measured is taken from the work folder the next time.
    kept = (job.work / "telemetry.json").stat().st_mtime_ns
    heartlang.measure(job)
    assert (job.work / "telemetry.json").stat().st_mtime_ns == kept
