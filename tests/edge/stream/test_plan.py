"""Stages that fit together and those that do not: order, rates, windows, and the buffers that follow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from ecgedge import ConfigError, Models, Monitor, SampleBlock
from ecgedge.beats.settings import LATENCY_S
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.monitor import default_stages
from ecgedge.rhythm.model import RhythmModel
from ecgedge.stream.filters import FrontEnd
from ecgedge.stream.pipeline import Pipeline
from ecgedge.stream.plan import LONGEST_BUFFER_S, planned

FS = 100.0


@pytest.fixture(scope="module")
def models():
    return Models.load()


@dataclass
class Declared:
    """A stage that does nothing but declare."""

    name: str
    reads: tuple = ()
    writes: tuple = ()
    latency_s: float = 1.0
    window_s: float = 2.0
    fs: float | None = FS

    def start(self, segment):
        pass

    def advance(self, segment):
        return []

    def reset(self):
        pass


def pipeline(*stages):
    return Pipeline(stages, FS, FrontEnd.default(FS))


def test_latencies_add_up_along_the_order_and_the_longest_wait_sizes_the_buffer():
    beats = Declared("a", writes=("beats",), latency_s=1.0, window_s=7.0)
    verdicts = Declared("b", reads=("beats",), writes=("verdicts",), latency_s=10.0, window_s=10.0)
    rhythm = Declared("c", reads=("beats", "verdicts"), window_s=30.0)
    plan = planned((beats, verdicts, rhythm), FS)
    assert plan.latency_s == {"beats": 1.0, "verdicts": 11.0}
    assert plan.buffer_s == 30.0 + 11.0 + 1.0
    assert pipeline(beats, verdicts, rhythm).buffer_s == plan.buffer_s


def test_the_monitor_keeps_what_its_stages_need_and_no_more(models):
    assert LATENCY_S == 1.0
    plan = planned(default_stages(models), FS)
    assert plan.latency_s == {"beats": 1.0, "classes": 3.0, "verdicts": 11.0}
    assert Monitor(models).buffer_s == pytest.approx(30.4 + 11.0 + 1.0)


@pytest.mark.parametrize("order", [(1, 0, 2, 3, 4), (0, 1, 3, 2, 4), (0, 1, 4, 2, 3), (2, 0, 1, 3, 4)])
def test_a_stage_in_front_of_what_it_reads_is_refused(models, order):
    stages = default_stages(models)
    with pytest.raises(
        ConfigError, match="no stage before it writes: put the stage that does in front of it"
    ):
        Monitor(models, stages=[stages[i] for i in order])


def test_a_stage_without_what_it_reads_is_refused(models):
    with pytest.raises(ConfigError, match="the stage gate reads beats"):
        Monitor(models, stages=default_stages(models)[2:3])


def test_two_stages_that_write_the_same_are_refused(models):
    beats = default_stages(models)[0]
    with pytest.raises(ConfigError, match="writes beats, and so does one before it"):
        Monitor(models, stages=[beats, *default_stages(models)])


def test_a_stage_of_another_rate_is_refused(models):
    with pytest.raises(ConfigError, match="works at 125 Hz, the pipeline at 100 Hz: give stages"):
        pipeline(Declared("odd", fs=125.0))
    with pytest.raises(ConfigError, match="the stage beats works at 100 Hz, the pipeline at 250 Hz"):
        Pipeline(default_stages(models), 250.0, FrontEnd.default(250.0))


@pytest.mark.parametrize("window_s", [LONGEST_BUFFER_S, 1e9, float("inf"), float("nan"), -1.0])
def test_a_window_that_cannot_be_kept_is_refused_at_once(window_s):
    with pytest.raises(ConfigError, match="give it a shorter window"):
        pipeline(Declared("wide", window_s=window_s))


@pytest.mark.parametrize("window_s", [63.0, 64.0, 64.5, 80.0, 120.0])
def test_windows_longer_than_a_minute_are_filled(models, window_s):
    """The buffer grows with the window; it used to hold 64 s whatever a manifest asked for."""
    manifest = replace(models.rhythm.manifest, window_s=window_s)
    seen = []

    class Long(RhythmModel):
        def probabilities(self, signal):
            seen.append(len(signal))
            return {"N": 1.0}

    long = replace(models, rhythm=Long(manifest, models.rhythm.backend))
    mv = synthesize([Segment("sinus", 150)], fs=130, seed=3).mv
    monitor = Monitor(long)
    monitor.feed(SampleBlock(mv, 130.0))
    assert max(seen) == round(window_s * FS)
    assert monitor.buffer_s >= window_s


def test_every_part_of_the_past_that_the_default_stages_read_is_kept(models):
    """Whatever comes, no stage asks for signal that is gone: pauses, search-back and noise included."""
    rng = np.random.default_rng(2)
    parts = [Segment("sinus", 20, 40), Segment("noise", 15), Segment("pvc", 30, 90)]
    mv = synthesize(parts, fs=130, seed=2).mv
    mv[rng.integers(0, len(mv), 5)] += 20.0
    silent = np.concatenate([mv, np.full(130 * 40, mv[-1]), mv * 0.1, mv])
    events = Monitor(models).feed(SampleBlock(silent, 130.0))
    assert len(events) > 100


def test_samples_before_the_filters_are_kept_for_the_stages_that_read_them_alone():
    beats = Declared("a", writes=("beats",), latency_s=4.0)
    gate = Declared("b", reads=("raw", "beats"), window_s=10.0, writes=("verdicts",))
    long = Declared("c", reads=("beats",), window_s=60.0)
    assert planned((beats, gate, long), FS).raw_s == 10.0 + 4.0 + 1.0
    assert planned((beats, long), FS).raw_s == 0.0


def test_a_stage_without_interest_in_raw_samples_gets_none(models):
    from ecgedge.beats.stage import BeatStage

    seen = []

    class Looks(BeatStage):
        def advance(self, segment):
            seen.append(len(segment.raw_between(0, segment.ring.written)))
            return super().advance(segment)

    pipeline(Looks(models.beats)).feed(SampleBlock(np.zeros(500, np.float32), 125.0))
    assert seen
    assert set(seen) == {0}
