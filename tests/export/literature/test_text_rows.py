"""Rows of the works that read reports or statements, end to end on few real recordings."""

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.literature.row import Job, save
from ecgedge_export.literature.rows import melp, tolerant
from ecgedge_export.pretrain.studies.tolerance import CONDITIONS
from ecgedge_export.pretrain.studies.zero_shot import SENTENCES


@pytest.fixture(autouse=True)
def _real_recordings():
    try:
        for name in ("ptb-xl", "nstdb"):
            data.dataset(name).folder()
    except ConfigError as missing:
        pytest.skip(str(missing))


def trainings(tmp_path, row):
    """Measure a row twice, and return it with what each time was trained or asked."""
    logs = [], []
    first, second = (row.measure(Job(tmp_path, log.append, quick=True)) for log in logs)
    assert second == first
    return first, *logs


@pytest.mark.slow
def test_tolerant(tmp_path):
    measured, first, second = trainings(tmp_path, tolerant)
    assert sum("half" in line for line in first) > 12
    assert second == []  # all of it is kept
    arms, conditions = measured.tables
    assert [row[0] for row in conditions.rows] == list(CONDITIONS)
    assert all(0 <= float(cell) <= 1 for row in conditions.rows for cell in row[1:])
    assert len(arms.rows) == 6
    assert measured.verdict in ("available", "no gain")
    save(measured, tmp_path / "row.json")


@pytest.mark.slow
def test_melp(tmp_path):
    measured, first, second = trainings(tmp_path, melp)
    assert sum("half" in line for line in first) > 10
    assert second == []
    ablation, *sentences = measured.tables
    assert len(ablation.rows) == 7  # five students, two frozen encoders
    assert {row[0] for table in sentences for row in table.rows} <= {
        f'"{said}" ({code})' for code, said in SENTENCES.items()
    }
    assert {c.what.split(",")[0] for c in measured.comparisons} >= {
        f"all three levels against {arm}"
        for arm in ("labels alone", "without window", "without beat", "without token")
    }
    save(measured, tmp_path / "row.json")
