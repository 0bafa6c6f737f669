"""What encoders are asked, and what is counted of the answers."""

import numpy as np
import pytest
from cohorts import cohort

from ecgedge_export.pretrain import measures, scores


def test_each_qrs_becomes_the_median_one():
    who = cohort(2)
    window, peaks = who.lead_i[0, 0].copy(), who.r_peaks[0]
    assert len(peaks) > 5
    odd = peaks[2]
    who.ecg[0, 0, odd - 4 : odd + 5] *= -1  # one beat points down
    shown = measures.median_qrs(who)[0, 0]
    near = slice(odd - 5, odd + 6)
    assert np.corrcoef(shown[near], window[near])[0, 1] > 0.95
    far = np.abs(np.arange(1000)[:, None] - peaks).min(1) > 8
    assert np.array_equal(shown[far], who.lead_i[0, 0][far])


def test_recall_counts_positives_above_the_negatives_percentile():
    said = np.concatenate([np.arange(100), [95.0, 50.0, 99.5, 10.0]]).astype(np.float32)[:, None]
    truth = np.concatenate([np.zeros(100), np.ones(4)]).astype(np.float32)[:, None]
    once, twice = np.ones(104, np.float32), np.ones(104, np.float32)
    twice[100] = 3
    weights = np.stack([once, twice])
    assert scores.macro_recall(said, truth, weights).tolist() == pytest.approx([2 / 4, 4 / 6])


def test_a_draw_without_a_class_counts_the_others():
    said = np.array([[1, 5], [2, 6], [3, 4]], np.float32)
    truth = np.array([[0, 1], [1, 0], [0, 0]], np.float32)
    weights = np.array([[1, 1, 1], [1, 0, 1]], np.float32)
    # The second draw has no positive of the first class.
    assert scores.macro_auroc(said, truth, weights).tolist() == pytest.approx([0.5, 1.0])
    assert np.isnan(scores.macro_auroc(said[:, :1], truth[:, :1], weights)[1])
