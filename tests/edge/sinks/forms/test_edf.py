"""EDF+ files as saved, through the eyes of edfio and of our own reader."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge.events import Beat, Gap, Mark, Quality, Rhythm
from ecgedge.recording.steps import Levels
from ecgedge.sinks.about import About
from ecgedge.sinks.forms.edf_layout import annotation, packed, records_for, scale_for, short
from ecgedge.sinks.registry import open_saver
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

FS = 130.0
START = datetime(2026, 11, 28, 22, 30, 5, 250_000)


def signal(n: int, fs: float = FS, seed: int = 0) -> list[SampleBlock]:
    mv = (np.rint(np.random.default_rng(seed).normal(size=n) * 400) / 1000).astype(np.float32)
    return [SampleBlock(mv[at : at + 65], fs, at) for at in range(0, n, 65)]


def saved(path: Path, items: list[Any], **about: Any) -> Any:
    sink = open_saver(str(path), about=About(**about))
    sink.take(items)
    sink.close()
    return edfio.read_edf(path)


def mv_of(blocks: list[SampleBlock]) -> np.ndarray:
    mv = np.full(blocks[-1].end_sample, np.nan, np.float32)
    for block in blocks:
        mv[block.sample : block.end_sample] = block.samples
    return mv


def test_whole_microvolts_come_back_exactly_with_their_gaps(tmp_path: Path) -> None:
    blocks = [b for b in signal(3000) if not 650 <= b.sample < 1300]
    blocks[2].samples[7:9] = np.nan
    edf = saved(tmp_path / "a.edf", blocks, channel="I", start=START)
    (one,) = edf.signals
    assert (one.label, one.sampling_frequency, one.physical_dimension) == ("ECG I", 130, "uV")
    assert edf.startdatetime == START
    assert str(edf.local_patient_identification) == "X X X X"
    mv = mv_of(blocks)
    known = ~np.isnan(mv)
    np.testing.assert_allclose(one.data[:3000][known] / 1000, mv[known], rtol=1e-6)
    assert set(one.digital[:3000][~known]) == {one.digital_min}
    gaps = [(round(a.onset * FS), round(a.duration * FS), a.text) for a in edf.annotations]
    assert gaps == [
        (137, 2, "gap of 2 samples"), (650, 650, "gap of 650 samples"),
        (3000, 120, "gap of 120 samples behind the end"),
    ]  # fmt: skip
    ours = ecgedge.load(tmp_path / "a.edf")
    np.testing.assert_array_equal(ours.mv, mv)
    assert (ours.start, ours.fs) == (START, FS)


def test_a_flat_line_at_the_lowest_number_is_none_of_our_gaps(tmp_path: Path) -> None:
    """A foreign file that clips, with an annotation that only looks like one of ours."""
    data = np.concatenate([np.full(260, -5.0), np.linspace(-5, 5, 260)])
    one = edfio.EdfSignal(data, 130, label="ECG", physical_dimension="mV", physical_range=(-5, 5))
    notes = [edfio.EdfAnnotation(0.0, 3.0, "gap of memory"), edfio.EdfAnnotation(1.0, None, "gap of 3")]
    edfio.Edf([one], annotations=notes).write(tmp_path / "a.edf")
    assert not np.isnan(ecgedge.load(tmp_path / "a.edf").mv).any()


EVENTS = [
    Beat(5, 0.0, None, "N"), Beat(140, 1.1, 1000.0, "V"),
    Rhythm(0, 0.0, 1300, 10.0, "A", "A", {"A": 1.0}, True, True),
    Quality(1300, 10.0, 2600, 20.0, False, 0.1, ("flat",)), Quality(2600, 20.0, 3900, 30.0, True, 0.9),
    Mark(700, 700 / FS, "herzklopfen ♥ \x14\x00\n"), Gap(650, 5.0, 1300, 10.0, 650),
]  # fmt: skip


def test_events_are_annotations_and_no_text_breaks_them(tmp_path: Path) -> None:
    edf = saved(tmp_path / "a.edf", [*signal(3900), *EVENTS], start=START)
    assert [(round(a.onset * FS), a.text) for a in edf.annotations] == [
        (0, "rhythm: atrial fibrillation"), (5, "N"), (140, "V"),
        (700, r"mark: herzklopfen ♥ \x14\x00\n"), (1300, "noise: flat"), (2600, "noise ends"),
    ]  # fmt: skip


def test_without_events_gaps_are_told_all_the_same(tmp_path: Path) -> None:
    blocks = [b for b in signal(1300) if b.sample != 650]
    edf = saved(tmp_path / "a.edf", [*blocks, *EVENTS], events=frozenset())
    assert [a.text for a in edf.annotations] == ["gap of 65 samples"]


def test_a_hundred_marks_in_one_second_are_spread(tmp_path: Path) -> None:
    marks = [Mark(200, 200 / FS, f"mark {i} " + "x" * 200) for i in range(100)]
    edf = saved(tmp_path / "a.edf", [*signal(13_000), *marks])
    assert sorted(int(a.text.split()[2]) for a in edf.annotations) == list(range(100))
    assert {a.onset for a in edf.annotations} == {round(200 / FS, 6)}
    assert (tmp_path / "a.edf").stat().st_size < 100_000  # not 100 * 100 * 220


@pytest.mark.parametrize("fs", [62.5, 125.0, 129.97, 130.167, 512 / 3, 999.9])
def test_any_rate_is_said_to_a_millisecond_a_day(tmp_path: Path, fs: float) -> None:
    edf = saved(tmp_path / "a.edf", signal(400, fs))
    assert edf.signals[0].sampling_frequency == pytest.approx(fs, rel=2e-8)
    assert ecgedge.load(tmp_path / "a.edf").mv.shape == (400,)


@pytest.mark.parametrize("size", [1e-4, 1.0, 40.0, 2e3])
def test_values_of_no_step_are_off_by_half_of_the_one_that_is_told(tmp_path: Path, size: float) -> None:
    mv = (np.random.default_rng(0).normal(size=1300) * size).astype(np.float32)
    sink = open_saver(str(tmp_path / "a.edf"))
    sink.take([SampleBlock(mv, FS, 0)])
    sink.close()
    told, _ = sink.told()  # type: ignore[attr-defined]
    data = edfio.read_edf(tmp_path / "a.edf").signals[0].data[:1300]
    off = np.abs(data / 1000 - mv).max() * 1000
    assert told["exact"] is False
    assert off <= told["step_uv"] * 0.5001
    assert told["step_uv"] < np.abs(mv).max() * 1000 / 32_000


def test_a_signal_of_a_hundred_volts_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    sink = open_saver(str(tmp_path / "a.edf"))
    sink.take([SampleBlock(np.array([0.1, 1e5], np.float32), FS, 0)])
    with pytest.raises(ConfigError, match="check its unit"):
        sink.close()
    assert not list(tmp_path.iterdir())


@given(st.floats(1e-6, 1e7))
def test_numbers_of_the_header_are_as_near_as_eight_characters_allow(value: float) -> None:
    text = short(value)
    assert text is not None
    assert len(text) <= 8
    assert abs(float(text) - value) <= max(value * 1e-6, 1e-6)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 300)), max_size=40))
def test_every_annotation_finds_room_in_its_record_or_a_later_one(made: list[tuple[int, int]]) -> None:
    made.sort(key=lambda one: one[0])
    texts = [annotation(at, "x" * size) for at, size in made]
    size, ends = packed(texts, [at for at, _ in made], 10)
    assert (len(ends), ends[-1], size % 2) == (10, len(texts), 0)
    before = 0
    for record, end in enumerate(ends):
        assert sum(map(len, texts[before:end])) + 24 <= size
        assert all(min(at, 9) <= record for at, _ in made[before:end])
        before = end


def test_the_scale_of_an_edf_source_is_kept() -> None:
    levels = Levels()
    levels.add((np.arange(-900, 900) / 204.8).astype(np.float32))
    scale = scale_for(levels)
    assert scale.exact
    assert scale.step_uv == pytest.approx(1000 / 204.8, rel=1e-12)
    assert records_for(129.97).samples < 1000
