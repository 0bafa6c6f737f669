"""What teaches beside CinC 2017, and with which label."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.rhythm import further

FS = 100.0


class Sure:
    """A model that gives the same answer to everything."""

    def __init__(self, label: str) -> None:
        self._label = label

    def probabilities(self, signal: np.ndarray) -> dict[str, float]:
        return {name: 0.9 if name == self._label else 0.1 for name in "NAO"}


def hospital(*statements: str) -> SimpleNamespace:
    mv = synthesize([Segment("sinus", 10.0)], FS, seed=3).mv
    return SimpleNamespace(id="7", fs=FS, statements=dict.fromkeys(statements, 0.0), lead=lambda name: mv)


@pytest.mark.parametrize(
    ("statements", "label", "leads"),
    [
        (("AFIB", "PVC"), "A", ["I", "II", "V1", "V5"]),
        (("SR", "PAC"), "O", ["I", "II"]),
        (("STACH",), "O", ["I", "II"]),
        (("SR",), "N", ["I"]),
        (("SARRH",), "O", ["I", "II"]),  # what the model finds
        (("LVH",), None, []),
    ],
)
def test_a_label_by_statements(statements: tuple[str, ...], label: str | None, leads: list[str]) -> None:
    found = list(further.ten_seconds(hospital(*statements), FS, Sure("O")))
    assert [one.id for one in found] == [f"ptb-xl/7/{lead}" for lead in leads]
    assert {one.label for one in found} == ({label} if label else set())
    assert all(len(one.signal) == 1000 for one in found)


def half_hour(symbols: str) -> SimpleNamespace:
    """A beat a second; which ones are premature is only said."""
    mv = synthesize([Segment("sinus", 300.0, 60.0)], 128.0, seed=4).mv
    beats = np.arange(1, 299) * 128
    named = np.array(list((symbols * 300)[: len(beats)]))
    return SimpleNamespace(id="801", fs=128.0, mv=mv, beats=beats, symbols=named)


def test_strips_have_a_premature_beat_each() -> None:
    record = half_hour("N" * 40 + "S" + "N" * 19)
    strips = further.ectopic_strips(record, FS, Sure("N"))
    early_s = (record.beats / 128)[record.symbols == "S"]
    for strip in strips:
        begin, length = map(float, strip.id.rpartition("/")[2].split("-"))
        assert ((early_s >= begin) & (early_s < begin + length)).any()
        assert (strip.label, len(strip.signal)) == ("O", length * FS)
    assert {len(strip.signal) for strip in strips} == {1000, 3000}
    assert len(strips) <= further.STRIPS_OF_A_RECORD


def test_a_record_teaches_nothing_without_premature_beats_or_where_it_may_be_fibrillation() -> None:
    assert further.ectopic_strips(half_hour("N"), FS, Sure("N")) == []
    assert further.ectopic_strips(half_hour("NNS"), FS, Sure("A")) == []


def test_a_data_set_that_teaches_no_rhythm_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'ptb-xl'"):
        further.further(["ptbxl"], FS, RhythmModel.load(backend="onnx"))
