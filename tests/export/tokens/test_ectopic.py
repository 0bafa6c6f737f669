"""Codes against principal components: what is shown, what is counted, what is gained."""

from __future__ import annotations

import numpy as np
import pytest

from ecgedge.tokens import WordModel
from ecgedge.tokens.features import HALF, N, model_input
from ecgedge_export.tokens import ectopic
from ecgedge_export.tokens.ectopic import ARMS, Told, answer, compared, intervals, told
from ecgedge_export.tokens.gather import Words


def beats(record: str, n: int, seed: int) -> Words:
    """Narrow beats, and every fifth one broad, early and downwards: ventricular."""
    rng = np.random.default_rng(seed)
    t = (np.arange(N) - HALF) / 100.0
    broad = np.arange(n) % 5 == 4
    waves = [
        (-1.2 if v else 1.0) * np.exp(-0.5 * (t / (0.06 if v else 0.015)) ** 2)
        + 0.02 * rng.standard_normal(N)
        for v in broad
    ]
    rr = np.where(broad, 0.55, 0.85) + 0.02 * rng.standard_normal(n)
    rr[0] = np.nan
    symbols = np.where(broad, "V", "N")
    symbols[7] = "F"
    return Words(
        np.array(waves, np.float32), rr.astype(np.float32), symbols, np.full(n, record), np.full(n, "mitdb")
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, Told]:
    from ecgedge_export.tokens.gather import joined

    model = WordModel.load()
    learn = joined([beats("1", 700, 1), beats("2", 700, 2)])
    test = joined([beats("3", 700, 3), beats("4", 700, 4)])
    pca = ectopic._Pca(model_input(learn.words))
    folder = tmp_path_factory.mktemp("kept")
    return told(learn, model, pca, folder), told(test, model, pca, folder)


def test_arms_differ_in_the_shape_alone(both: tuple[Told, Told]) -> None:
    shown = both[0].shown
    assert set(shown) == set(ARMS)
    assert {x.shape for x in shown.values()} == {(1400, 32 + 3)}
    for x in shown.values():
        np.testing.assert_array_equal(x[:, 32:], shown["codes"][:, 32:])
    assert not shown["intervals alone"][:, :32].any()


def test_intervals_are_over_the_mean_of_the_last_ten() -> None:
    rr = np.array([np.nan, 0.8, 0.8, 0.4, 1.2, 0.8], np.float32)
    words = Words(np.zeros((6, N), np.float32), rr, np.full(6, "N"), np.full(6, "a"), np.full(6, "mitdb"))
    before, behind, mean = np.exp(intervals(words)).T
    np.testing.assert_allclose(mean, [0.8, 0.8, 0.8, 0.7, 0.8, 0.8], rtol=1e-5)
    np.testing.assert_allclose(before, [1, 1, 1, 0.4 / 0.7, 1.5, 1.0], rtol=1e-5)
    np.testing.assert_allclose(behind[:-1], [1, 1, 0.5, 1.2 / 0.7, 1.0], rtol=1e-5)


def test_the_first_five_minutes_and_fusion_beats_do_not_count(both: tuple[Told, Told]) -> None:
    counted = both[1].counted
    at = np.nancumsum(both[1].words.rr_s[:700])
    np.testing.assert_array_equal(counted[:700], (at >= 300) & (np.arange(700) != 7))


def test_ventricular_beats_are_found_by_shape(both: tuple[Told, Told]) -> None:
    learn, test = both
    for arm in ("codes", "PCA"):
        called = answer(learn, test, arm, seed=1)
        assert ectopic._f1(called[test.counted], test.ventricular[test.counted]) > 0.95


def test_the_gain_is_paired_by_record() -> None:
    # Hits, missed, false: codes are better in each of six records by the same.
    codes = np.tile(np.array([[[80, 20, 0]]]), (3, 6, 1))
    worse = np.tile(np.array([[[60, 40, 0]]]), (3, 6, 1))
    found = compared({"codes": codes, "PCA": worse, "intervals alone": worse})
    assert found.f1["codes"][0] == pytest.approx(160 / 180)
    gain = found.gains["PCA"]
    assert gain.gain == pytest.approx(160 / 180 - 120 / 160)
    assert gain.low == pytest.approx(gain.gain)
    assert gain.high == pytest.approx(gain.gain)
