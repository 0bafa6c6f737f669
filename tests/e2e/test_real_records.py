"""The public helpers on real recordings, where the data sets are at hand."""

from itertools import islice

import numpy as np
import pytest

import ecgedge
from ecgedge import Beat, Gap, Monitor, Rhythm
from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data, splits
from ecgedge_export.rhythm import scores as evaluate

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")


def need(name, folder):
    """Folder of a data set, or skip."""
    try:
        return data.find(name, folder)
    except ConfigError as missing:
        pytest.skip(str(missing) if name in data.DATASETS else f"{name} is not public, nothing can fetch it")


def matched(reference, found, tolerance):
    """How many of the reference beats have a found beat within the tolerance, each found one used once."""
    i = j = hits = 0
    while i < len(reference) and j < len(found):
        if abs(found[j] - reference[i]) <= tolerance:
            hits, i, j = hits + 1, i + 1, j + 1
        elif found[j] < reference[i]:
            j += 1
        else:
            i += 1
    return hits


def test_a_real_polar_h10_recording():
    folder = need("polar-h10", "polar-h10")
    monitor = Monitor()
    events = [e for block in ecgedge.read(folder / "h10_10min_pvc.csv.gz") for e in monitor.feed(block)]
    events += monitor.finish()
    assert monitor.stats.samples == 78_096
    assert not [e for e in events if isinstance(e, Gap)]
    beats = [e for e in events if isinstance(e, Beat)]
    assert 400 < len(beats) < 1200
    assert {e.label for e in events if isinstance(e, Rhythm)} <= {"N", "O"}, "no AF in sinus rhythm with PVCs"


@pytest.mark.parametrize("record_id", ["101", "119", "208", "223"])
def test_beats_of_mitdb(record_id):
    need("mitdb", "mitdb")
    (record,) = data.mitdb([record_id])
    found = ecgedge.detect_beats(record.mv, record.fs)
    hits = matched(record.beats, found, 0.15 * record.fs)
    assert hits / len(record.beats) > 0.995
    assert hits / len(found) > 0.995


@pytest.mark.parametrize("backend", ["litert", "onnx"])
def test_rhythms_of_cinc2017(backend):
    """The first 150 validation records; the whole split is ``ecgedge-export evaluate``."""
    need("cinc2017", "training2017")
    records = islice((r for r in data.cinc2017() if splits.is_validation(r.id)), 150)
    answers = evaluate.classify_records(records, RhythmModel.load(None, backend))
    assert evaluate.mean_f1(answers.truth, answers.predicted) > 0.78
    assert np.allclose(answers.probabilities.sum(axis=1), 1)
