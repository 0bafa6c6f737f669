"""The package's own ECG looks like what its labels say, measured on the signal, not on its parameters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.demo.synthetic import KINDS, Segment, SyntheticEcg, synthesize

Float = npt.NDArray[np.float64]


def rr_ms(ecg: SyntheticEcg) -> Float:
    return np.diff(ecg.beats.astype(np.float64)) / ecg.fs * 1000


def around(ecg: SyntheticEcg, beats: npt.NDArray[np.int64], before_s: float, after_s: float) -> Float:
    """Signal around each beat, shape (beats, samples); beats too near an end are left out."""
    before, after = round(before_s * ecg.fs), round(after_s * ecg.fs)
    beats = beats[(beats >= before) & (beats + after < len(ecg.mv))]
    windows: Float = ecg.mv.astype(np.float64)[beats[:, None] + np.arange(-before, after)]
    return windows


def test_each_beat_is_a_local_maximum_of_about_one_millivolt() -> None:
    ecg = synthesize([Segment("sinus", 60), Segment("af", 60, 95), Segment("pvc", 60)], fs=130, seed=3)
    peaks = around(ecg, ecg.beats, 0.05, 0.05)
    off = np.abs(np.argmax(peaks, axis=1) - peaks.shape[1] // 2)
    assert np.max(off) <= 1
    assert 0.6 < np.percentile(peaks.max(axis=1), 1) < np.percentile(peaks.max(axis=1), 99) < 1.7


def test_sinus_rhythm_breathes() -> None:
    ecg = synthesize([Segment("sinus", 240, 65)], seed=1)
    rr = rr_ms(ecg)
    assert np.mean(rr) == pytest.approx(60_000 / 65, rel=0.03)
    assert 20 < np.std(rr) < 80
    grid_s = np.arange(0, 235, 0.25)
    power = np.abs(np.fft.rfft(np.interp(grid_s, ecg.beats[1:] / ecg.fs, rr - rr.mean()))) ** 2
    f_hz = np.fft.rfftfreq(len(grid_s), 0.25)
    respiratory = power[(f_hz > 0.18) & (f_hz < 0.32)].sum()
    assert respiratory > 5 * power[(f_hz > 0.4) & (f_hz < 0.9)].sum()


def test_fibrillation_is_irregular_without_memory() -> None:
    ecg = synthesize([Segment("af", 300, 95)], seed=2)
    rr = rr_ms(ecg)
    assert np.std(rr) / np.mean(rr) > 0.18
    lag_one = np.corrcoef(rr[:-1], rr[1:])[0, 1]
    assert abs(lag_one) < 0.15


def test_only_fibrillation_lacks_the_p_wave_and_has_waves_between_the_beats() -> None:
    def p_wave_mv(kind: str) -> float:
        ecg = synthesize([Segment(kind, 120, 65)], seed=4)
        mean = around(ecg, ecg.beats[1:-1], 0.24, 0.0).mean(axis=0)
        return float(mean[5:16].max() - np.median(mean[-12:-8]))  # -200 to -115 ms against the PR segment

    def power_4_to_9_hz(kind: str) -> float:
        ecg = synthesize([Segment(kind, 120, 65)], seed=4)
        quiet = around(ecg, ecg.beats[:-1][rr_ms(ecg) > 800], -0.42, 0.62)  # after T, before the next P
        spectrum = np.abs(np.fft.rfft(quiet - quiet.mean(axis=1, keepdims=True), n=128)) ** 2
        f_hz = np.fft.rfftfreq(128, 1 / ecg.fs)
        return float(spectrum[:, (f_hz >= 4) & (f_hz <= 9)].mean())

    assert p_wave_mv("sinus") > 0.06
    assert p_wave_mv("af") < 0.03
    assert power_4_to_9_hz("af") > 2 * power_4_to_9_hz("sinus")


def test_ventricular_beats_come_early_wide_and_with_a_full_pause() -> None:
    ecg = synthesize([Segment("pvc", 180, 72)], seed=5)
    at = np.flatnonzero(ecg.symbols == "V")
    rr = rr_ms(ecg)
    at = at[(at > 1) & (at < len(rr) - 1)]
    assert len(at) > 15
    usual = rr[at - 2]
    assert np.all(rr[at - 1] < 0.75 * usual)
    np.testing.assert_allclose((rr[at - 1] + rr[at]) / (2 * usual), 1.0, atol=0.12)
    assert half_width_s(ecg, ecg.beats[at]) > 2 * half_width_s(ecg, ecg.beats[ecg.symbols == "N"])


def half_width_s(ecg: SyntheticEcg, beats: npt.NDArray[np.int64]) -> float:
    """Time that the mean beat spends above half of its height."""
    mean = around(ecg, beats, 0.15, 0.15).mean(axis=0)
    return float(np.sum(mean > mean.max() / 2) / ecg.fs)


def test_the_t_wave_of_a_ventricular_beat_points_the_other_way() -> None:
    ecg = synthesize([Segment("pvc", 180, 72)], seed=5)
    late = {symbol: around(ecg, ecg.beats[ecg.symbols == symbol], -0.2, 0.36).mean() for symbol in "NV"}
    assert late["N"] > 0.05
    assert late["V"] < -0.10


def test_motion_noise_buries_the_beats() -> None:
    ecg = synthesize([Segment("noise", 45)], seed=6)
    middle = ecg.mv[130:-130]
    assert np.std(middle) > 1.2
    heights = ecg.mv[ecg.beats].astype(np.float64)
    assert np.std(heights) > 1.0  # at the R peaks the signal is anything at all


def test_segments_follow_each_other_without_a_jump() -> None:
    ecg = synthesize([Segment("sinus", 20), Segment("noise", 20), Segment("af", 20)], seed=7)
    for _, end_s in ecg.bounds_s[:-1]:
        seam = round(end_s * ecg.fs)
        assert np.max(np.abs(np.diff(ecg.mv[seam - 2 : seam + 2]))) < 0.9
    assert rr_ms(ecg).min() > 250
    assert rr_ms(ecg).max() < 2000


@settings(max_examples=40, deadline=None)
@given(
    kinds=st.lists(
        st.tuples(st.sampled_from(KINDS), st.floats(0.1, 12), st.floats(30, 200)), min_size=1, max_size=4
    ),
    fs=st.sampled_from([50.0, 125.0, 130.0, 512.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_play_list_is_finite_ordered_and_repeatable(
    kinds: list[tuple[str, float, float]], fs: float, seed: int
) -> None:
    segments = [Segment(*kind) for kind in kinds]
    ecg, again = synthesize(segments, fs, seed), synthesize(segments, fs, seed)
    assert ecg.mv.dtype == np.float32
    assert len(ecg.mv) == round(sum(segment.duration_s for segment in segments) * fs)
    assert np.all(np.isfinite(ecg.mv))
    assert np.all(np.diff(ecg.beats) > 0)
    assert len(ecg.symbols) == len(ecg.beats)
    np.testing.assert_array_equal(ecg.mv, again.mv)


def test_seeds_differ() -> None:
    one, two = (synthesize([Segment("sinus", 10)], seed=seed).mv for seed in (1, 2))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("flutter", 10.0), "sinus"), (("af", 0.0), "above 0"), (("af", 10.0, 500.0), "30 to 200")],
)
def test_segments_that_cannot_be_played_are_refused(arguments: tuple[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Segment(*arguments)


def test_bad_rates_and_empty_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        synthesize([])
    with pytest.raises(ValueError, match="50 to 4000"):
        synthesize([Segment("sinus", 1)], fs=-130)
