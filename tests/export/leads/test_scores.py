"""Figures of guessed leads, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ecgedge_export.leads.scores import by_patient, compared, report

TIME = 200
PATIENTS = np.array(["a", "b", "b", "c"])


def true(seed=0):
    return np.random.default_rng(seed).standard_normal((4, 2, TIME)).astype(np.float32)


def figures(guessed, lead="II"):
    return report(compared(("II", "V1"), guessed, true(), PATIENTS), of_floor())["leads"][lead]


def of_floor():
    return compared(("II", "V1"), np.zeros((4, 2, TIME), np.float32), true(), PATIENTS)


def test_a_perfect_guess():
    found = figures(true())
    assert (found["correlation"], found["rmse_mv"], found["variance_ratio"]) == pytest.approx(
        (1, 0, 1), abs=1e-4
    )


def test_half_of_the_truth_is_as_like_it_and_too_small():
    found = figures(0.5 * true())
    power = float((true()[:, 0] ** 2).mean())
    assert found["correlation"] == pytest.approx(1, abs=1e-4)
    assert found["variance_ratio"] == pytest.approx(0.25, abs=1e-4)
    assert found["rmse_mv"] == pytest.approx(0.5 * np.sqrt(power), abs=1e-3)


def test_an_offset_is_an_error_and_no_loss_of_likeness():
    found = figures(true() + 1)
    assert found["correlation"] == pytest.approx(1, abs=1e-4)
    assert found["rmse_mv"] == pytest.approx(1, abs=1e-3)


def test_a_flat_guess_is_like_nothing():
    flat = of_floor()
    assert np.abs(flat.correlation).max() < 1e-3
    assert report(flat, flat)["error_gone"]["all"] == {"share": 0.0, "share_95": [0.0, 0.0]}


def test_what_is_gone_of_the_error_is_paired():
    found = report(compared(("II", "V1"), 0.5 * true(), true(), PATIENTS), of_floor())
    assert (found["recordings"], found["patients"]) == (4, 3)
    # Three quarters of everybody's error: whoever is drawn.
    assert found["error_gone"]["V1"]["share"] == pytest.approx(0.75, abs=1e-3)
    assert found["error_gone"]["all"]["share_95"] == pytest.approx([0.75, 0.75], abs=1e-3)


def test_patients_are_drawn_with_all_of_their_recordings():
    draws = by_patient(PATIENTS)
    assert len(draws) == 1000
    assert all((draw == 1).sum() == (draw == 2).sum() for draw in draws)
    assert {len(draw) for draw in draws} == {3, 4, 5, 6}
