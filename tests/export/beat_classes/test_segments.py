"""Fixed and adapted stretches: against a slow reference, and causal; both arms train the same network."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import recipe, tasks
from ecgedge_export.beat_classes import segment_arms as arms
from ecgedge_export.beat_classes.segments import (
    HALF_S,
    MARGIN,
    N_WAVE,
    USUAL_RR_S,
    Segments,
    cut,
    in_heights,
    mean_rr_s,
    rr_ratios,
)
from ecgedge_export.nets import n_parameters


def slow_mean(peaks_s, i):
    """As the card says it: the past 10 s, within 30 % of the median."""
    past = [b - a for a, b in pairwise(peaks_s) if peaks_s[i] - 10 < b <= peaks_s[i]]
    if not past and i:
        past = [peaks_s[i] - peaks_s[i - 1]]
    if not past:
        return USUAL_RR_S
    median = np.median(past)
    near = [rr for rr in past if abs(rr - median) <= 0.3 * median]
    return np.mean(near) if near else median


@pytest.fixture(scope="module")
def peaks_s():
    rng = np.random.default_rng(0)
    rr = rng.choice([0.4, 0.8, 0.85, 1.4, 12.0], 300, p=[0.15, 0.4, 0.3, 0.14, 0.01])
    return np.cumsum(np.append(1.0, rr))


def test_the_mean_interval_is_that_of_the_past_ten_seconds_without_outliers(peaks_s):
    slow = [slow_mean(peaks_s.tolist(), i) for i in range(len(peaks_s))]
    np.testing.assert_allclose(mean_rr_s(peaks_s), slow)


def test_what_comes_later_changes_nothing_but_the_next_interval(peaks_s):
    signal = np.random.default_rng(1).normal(size=round(peaks_s[-1] * 100) + 200).astype(np.float32)
    n = 120
    whole, part = cut(signal, peaks_s * 100, "adaptive"), cut(signal, peaks_s[:n] * 100, "adaptive")
    np.testing.assert_array_equal(whole[:n], part)
    every, first = rr_ratios(peaks_s), rr_ratios(peaks_s[:n])
    np.testing.assert_array_equal(every[: n - 1], first[:-1])
    np.testing.assert_array_equal(in_heights(whole)[:n], in_heights(part))


@pytest.mark.parametrize(("kind", "before", "behind"), [("fixed", 25, 45), ("adaptive", 40, 40)])
def test_a_stretch_begins_and_ends_where_it_should(kind, before, behind):
    line = np.arange(2000, dtype=np.float32)
    peaks = np.arange(5, 15) * 80.0
    wave = cut(line, peaks, kind)[5]
    assert wave.shape == (N_WAVE + 2 * MARGIN,)
    np.testing.assert_allclose(wave[[MARGIN, -MARGIN - 1]], [peaks[5] - before, peaks[5] + behind], rtol=1e-6)
    np.testing.assert_allclose(np.diff(wave), (before + behind) / (N_WAVE - 1), rtol=1e-3)


def test_neighbours_stay_outside_at_any_steady_rate():
    for rr in (0.45, 0.7, 1.0, 1.8):
        peaks = np.arange(1, 12) * rr * 100
        t = np.arange(round(peaks[-1]) + 300)
        signal = np.exp(-((t[:, None] - peaks) ** 2) / 8).sum(axis=1).astype(np.float32)
        high = np.flatnonzero(cut(signal, peaks, "adaptive")[5, MARGIN:-MARGIN] > 0.1)
        assert 20 < high.min() <= high.max() < 44


def test_widths_stay_within_reason_and_ends_are_repeated():
    line = np.arange(1000, dtype=np.float32)
    fast, slow = (cut(line, 100 + np.arange(8) * rr, "adaptive")[-1] for rr in (20.0, 110.0))
    inside = slice(MARGIN, -MARGIN)
    assert np.ptp(fast[inside]) == pytest.approx(200 * HALF_S[0], rel=1e-4)
    assert np.ptp(slow[inside]) == pytest.approx(110, rel=1e-4)
    assert cut(line, [5.0], "fixed")[0, 0] == 0
    assert mean_rr_s([]).shape == (0,)


def test_a_premature_beat_shows_in_the_ratios():
    peaks = np.cumsum([1.0, *[0.8] * 12, 0.5, 1.1, *[0.8] * 5])
    ratios = rr_ratios(peaks)
    early = 13
    assert ratios[early, 0] == pytest.approx(2 * np.log(0.5 / 0.8), abs=1e-5)
    assert ratios[early, 3] == pytest.approx(2 * np.log(1.1 / 0.8), abs=1e-5)
    np.testing.assert_allclose(ratios[5, :4], 0, atol=1e-5)
    assert (np.abs(ratios) <= 1.5).all()


@pytest.fixture(scope="module")
def how():
    return arms.load_recipe(recipe.found(Path("beat_segments")), quick=True)


def made(n=600):
    """Upright beats are N, those upside down V."""
    rng = np.random.default_rng(2)
    shape = np.exp(-((np.linspace(-3, 3, N_WAVE + 2 * MARGIN)) ** 2))
    is_v = rng.random(n) < 0.3
    waves = np.where(is_v[:, None], -shape, shape) + rng.normal(0, 0.05, (n, len(shape)))
    record = np.array([f"{100 + i % 4}/0" for i in range(n)])
    return Segments(waves.astype(np.float32), np.zeros((n, 5), np.float32), np.where(is_v, "V", "N"), record,
                    np.full(n, "mitdb"))  # fmt: skip


def test_an_arm_learns_and_goes_on_from_its_checkpoint(how, tmp_path):
    beats = made()
    own = replace(how, draws=(1000, 0, 1000, 0, 0), training=replace(how.training, epochs=8))
    assert 18_000 < n_parameters(own.net()) < 22_000
    lines: list[str] = []
    net = arms.train(own, beats, tmp_path / "a.pt", lines.append)
    losses = [float(line.partition("loss ")[2][:6]) for line in lines]
    assert losses[-1] < losses[0]
    run = arms._arm(own, beats, beats, own.training.seed, tmp_path / "a.pt", print)
    assert sorted(run) == ["100/0", "101/0", "102/0", "103/0"]
    total = sum(run.values())
    assert total[0, 0] + total[2, 2] > 0.95 * len(beats)
    again = arms.train(own, beats, tmp_path / "a.pt", lines.append)
    for a, b in zip(net.state_dict().values(), again.state_dict().values(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_varied_stays_an_input(how):
    beats = made(50)
    rng = np.random.default_rng(3)
    x = arms.varied(how, beats, np.arange(50), rng)
    assert x.shape == arms.inputs(beats).shape == (50, 69)
    assert x.dtype == np.float32
    assert np.abs(x - arms.inputs(beats)).max() > 0


def test_fewer_samples_cost_less():
    many, few = (arms.cost(25, n, repeats=1) for n in (252, 64))
    assert few.activations < many.activations / 2
    assert few.parameters < many.parameters


def test_the_task_compares_and_ships_nothing(tmp_path):
    job = tasks.Job(recipe.found(Path("beat_segments")), tmp_path, tmp_path / "m", "", print)
    with pytest.raises(ConfigError, match="distill"):
        tasks.train(job)
    with pytest.raises(ConfigError, match="mitbih_beats"):
        tasks.task("beat_segments").evaluate(tasks.Evaluation())
    wrong = tmp_path / "beat_segments.toml"
    wrong.write_text(recipe.found(Path("beat_segments")).read_text().replace('"adaptive"', '"random"'))
    with pytest.raises(ConfigError, match="segment"):
        arms.load_recipe(wrong)
