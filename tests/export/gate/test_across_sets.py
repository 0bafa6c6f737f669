"""Noise across data sets: figures of intervals, areas and thresholds by hand, sets kept apart."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ecgedge.gate.features import NAMES
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import recipe
from ecgedge_export.gate import across_sets, scores, sets
from ecgedge_export.gate.across_sets import ARMS, MEASURES, Judged, auroc_gain, figures, judged, left_out
from ecgedge_export.gate.four_sets import SETS
from ecgedge_export.gate.hrv import HRV_NAMES, LEAST_RR, hrv_figures
from ecgedge_export.gate.sets import Windows


def test_figures_of_intervals_are_their_definitions():
    rr = np.array([0.81, 0.79, 0.95, 0.7, 0.83, 0.8, 1.2])
    found = dict(zip(HRV_NAMES, hrv_figures(rr), strict=True))
    change = [b - a for a, b in pairwise(rr)]
    assert found["rmssd"] == pytest.approx(np.sqrt(sum(d * d for d in change) / 6))
    assert found["sdsd"] == pytest.approx(np.std(change, ddof=1))
    assert found["pnn50"] == pytest.approx(sum(abs(d) > 0.05 for d in change) / 6)
    assert found["pnn20"] == pytest.approx(sum(abs(d) > 0.02 for d in change) / 6)
    assert found["mad"] == pytest.approx(np.median(np.abs(rr - np.median(rr))))
    assert found["sd1"] == pytest.approx(found["sdsd"] / np.sqrt(2))
    assert (found["shortest"], found["longest"], found["intervals"]) == (0.7, 1.2, 7)
    # For a long series SD1² + SD2² = 2 SD², but for the ends.
    long = np.random.default_rng(0).normal(0.8, 0.1, 5000)
    of = dict(zip(HRV_NAMES, hrv_figures(long), strict=True))
    assert of["sd1"] ** 2 + of["sd2"] ** 2 == pytest.approx(2 * of["sd"] ** 2, rel=0.01)


def test_areas_are_those_of_the_gates_scores_and_weights_are_repetition():
    rng = np.random.default_rng(1)
    n = 400
    noise = rng.random(n) < 0.3
    score = np.round(rng.normal(noise * 0.8, 1.0), 1)  # with ties
    none = np.zeros(n, np.bool_)
    one = Judged(score, noise, ~noise, none, none, np.arange(n))
    found = dict(zip(MEASURES, one.measures(np.ones(n)), strict=True))
    assert found["AUROC"] == pytest.approx(scores.auroc(noise, score))
    assert found["AUPRC"] == pytest.approx(scores.average_precision(noise, score))
    times = rng.integers(0, 4, n)
    again = np.repeat(np.arange(n), times)
    drawn = Judged(score[again], noise[again], ~noise[again], none[again], none[again], again)
    np.testing.assert_allclose(one.measures(times.astype(float)), drawn.measures(np.ones(len(again))))


def test_shares_are_taken_where_five_percent_of_sinus_rhythm_is_refused():
    score = np.concatenate([np.arange(100) / 100, [0.2, 0.99, 0.97], [0.955, 0.5]])
    kind = np.repeat(["sinus", "noise", "af"], [100, 3, 2])
    is_ = {name: kind == name for name in ("sinus", "noise", "af")}
    one = Judged(score, is_["noise"], is_["sinus"], is_["af"], np.zeros(105, np.bool_), np.arange(105))
    found = dict(zip(MEASURES, one.measures(np.ones(105)), strict=True))
    assert np.sum(score[:100] > 0.94) == 5
    assert found["noise refused"] == pytest.approx(2 / 3)
    assert found["AF refused"] == 0.5
    assert np.isnan(found["PVC refused"])
    value, low, high = figures(one)
    assert np.isnan(low[-1])
    assert np.isnan(high[-1])
    assert (low[:5] <= value[:5]).all()
    assert (value[:5] <= high[:5]).all()


def windows():
    """Noise moves the first feature of each kind; in set a it moves nothing."""
    rng = np.random.default_rng(2)
    groups = [g for name in SETS for g in (SETS[name].sinus[0], SETS[name].noise[0]) for _ in range(60)]
    x = rng.normal(0, 1, (len(groups), len(NAMES) + len(HRV_NAMES)))
    for i, group in enumerate(groups):
        if group in (SETS[name].noise[0] for name in ("cinc", "mitdb", "motion")):
            x[i, [0, len(NAMES) + 1]] += 4
    x[:, len(NAMES)] = 20
    record = np.array([f"{g}/{i // 6}" for i, g in enumerate(groups)])
    n = len(groups)
    return Windows(x, np.array(groups), record, np.zeros(n, np.bool_), np.full(n, 20.0))


@pytest.mark.parametrize("arm", ARMS)
def test_a_set_is_judged_by_what_the_others_taught(arm):
    every = windows()
    one = judged(every, "mitdb", left_out(every, "mitdb", ARMS[arm]))
    assert one.measures(np.ones(len(one.score)))[0] > 0.95
    # Turned round in the set that is left out alone: what the others taught is worth nothing there.
    mine = np.char.startswith(every.group, "mitdb")
    every.features[mine] *= -1
    every.features[mine, len(NAMES)] = 20
    turned = judged(every, "mitdb", left_out(every, "mitdb", ARMS[arm]))
    assert turned.measures(np.ones(len(turned.score)))[0] < 0.7


def test_too_few_intervals_are_noise_without_a_model():
    every = windows()
    every.features[np.flatnonzero(every.group == "motion:clean")[:5], len(NAMES)] = LEAST_RR - 1
    hrv, gate = (left_out(every, "motion", ARMS[a]) for a in ("intervals, forest", "gate's features, forest"))
    assert (hrv[:5] == 1).all()
    assert (gate[:5] < 0.5).all()


def test_the_same_recordings_are_drawn_for_both_arms():
    every = windows()
    one = judged(every, "cinc", left_out(every, "cinc", ARMS["intervals, forest"]))
    assert auroc_gain(one, one) == (0.0, 0.0, 0.0)


def test_a_gate_has_no_figures_of_intervals_alone(tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text("hrv = true\n" + recipe.found(Path("gate")).read_text())
    with pytest.raises(ConfigError, match="leave it out"):
        sets.load_recipe(path)


def test_windows_carry_both_kinds_of_features():
    how = sets.load_recipe(recipe.found(Path("gate")))
    x = np.random.default_rng(3).normal(0, 0.01, 3000).astype(np.float32)
    x[50::80] += 1
    plain, both = sets.alone(x, how), sets.alone(x, replace(how, hrv=True))
    np.testing.assert_array_equal(both.features[:, : len(NAMES)], plain.features)
    assert both.features.shape[1] == len(NAMES) + len(HRV_NAMES)
    assert across_sets._seen(both, ARMS["intervals, forest"]).all()
    assert both.features[0, len(NAMES) + 1] == pytest.approx(0.8, abs=0.01)
