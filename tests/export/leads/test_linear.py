"""The linear filter: it finds a known one, and nothing better is left."""

from __future__ import annotations

import numpy as np
import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.leads import linear


def signals(n=6, leads=1, time=600, seed=0):
    return np.random.default_rng(seed).standard_normal((n, leads, time)).astype(np.float32)


def test_a_known_filter_is_found():
    given = signals(leads=2)
    delayed = np.roll(given, 2, axis=2)
    wanted = np.stack([given[:, 0] - 0.5 * delayed[:, 1], 0.25 + given[:, 1]], axis=1)
    found = linear.fit(given, wanted, taps=9)
    assert found.taps.shape == (2, 2, 9)
    middle = slice(10, -10)
    np.testing.assert_allclose(found(given)[..., middle], wanted[..., middle], atol=0.02)
    assert found.offsets == pytest.approx([0, 0.25], abs=0.01)
    assert found.taps[0, 1].argmin() == 9 // 2 - 2  # two samples before the middle


def test_it_is_the_ridge_solution_of_all_windows():
    given, wanted = signals(3, 1, 50), signals(3, 1, 50, seed=1)
    found = linear.fit(given, wanted, taps=3)
    padded = np.pad(given[:, 0].astype(float), ((0, 0), (1, 1)), mode="edge")
    rows = np.array([[*padded[i, k : k + 3], 1.0] for i in range(3) for k in range(50)])
    penalty = np.diag([linear.RIDGE * np.trace(rows.T @ rows - np.diag([0, 0, 0, 150])) / 3] * 3 + [0])
    expected = np.linalg.solve(rows.T @ rows + penalty, rows.T @ wanted.reshape(-1))
    np.testing.assert_allclose(np.append(found.taps.ravel(), found.offsets), expected, rtol=1e-6)


def test_a_kept_filter_is_not_fitted_again(tmp_path, monkeypatch):
    given = signals(4, 2, 100)
    first = linear.kept(tmp_path / "kept.npz", given, given)
    monkeypatch.setattr(linear, "fit", None)
    again = linear.kept(tmp_path / "kept.npz", given, given)
    np.testing.assert_array_equal(again(given), first(given))
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="delete it"):
        linear.kept(tmp_path / "broken.npz", given, given)


def test_many_recordings_are_taken_in_parts():
    given = signals(150, 1, 40)
    found = linear.fit(given, 2 * given, taps=3)
    assert found(given).shape == given.shape
    np.testing.assert_allclose(found(given)[:5], found(given[:5]), atol=1e-6)
