"""The arm of intervals: its figures against a slow reference, and its answers where those are known."""

import numpy as np
import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.burden import afdb_rr, lessons, rr
from ecgedge_export.burden.irregularity import N_RR, NAMES, cosen, features
from ecgedge_export.burden.lessons import Lessons
from ecgedge_export.data import find
from ecgedge_export.forest import Shape
from ecgedge_export.forest import fit as grow


def slow_cosen(rr_s):
    """Lake and Moorman's coefficient, pair by pair."""
    pairs = [(i, j) for i in range(len(rr_s) - 1) for j in range(i + 1, len(rr_s) - 1)]
    now = [abs(rr_s[i] - rr_s[j]) for i, j in pairs]
    both = [max(d, abs(rr_s[i + 1] - rr_s[j + 1])) for d, (i, j) in zip(now, pairs, strict=True)]
    r = max(0.03, sorted(both)[4])
    entropy = -np.log(sum(d <= r for d in both) / sum(d <= r for d in now))
    return entropy + np.log(2 * r) - np.log(np.mean(rr_s))


def test_cosen_is_that_of_counting_pairs():
    rng = np.random.default_rng(1)
    windows = rng.uniform(0.4, 1.2, (5, 40))
    np.testing.assert_allclose(cosen(windows), [slow_cosen(w) for w in windows], rtol=1e-12)


def test_a_rhythm_of_two_is_no_fibrillation_to_the_figures_that_look_back_two():
    rng = np.random.default_rng(2)
    two = np.tile([0.5, 1.0], 30)[None] + rng.normal(0, 0.005, (1, 60))
    af = rng.uniform(0.4, 1.1, (1, 60))
    of_two, of_af = (dict(zip(NAMES, features(x)[0], strict=True)) for x in (two, af))
    assert of_two["RMSSD"] > of_af["RMSSD"]
    assert of_two["changes over two"] < 0.05 < of_af["changes over two"]
    assert of_two["nearest of three > 10 %"] < 0.05 < of_af["nearest of three > 10 %"]
    assert of_two["correlation of changes"] < -0.9


def test_figures_stay_finite_whatever_the_intervals():
    odd = np.stack([np.full(60, 0.8), np.full(60, 100.0), np.full(60, 1e-9), np.geomspace(1e-3, 1e3, 60)])
    assert np.isfinite(features(odd)).all()
    assert features(np.empty((0, 60))).shape == (0, len(NAMES))


def test_no_interval_spans_a_refused_stretch():
    beats, begins = np.array([100, 180, 260, 900, 980]), np.array([True, False, False, True, False])
    found = rr.intervals(beats, 100.0, begins)
    assert found.end.tolist() == [180, 260, 980]
    np.testing.assert_allclose(found.rr_s, 0.8)


@pytest.fixture(scope="module")
def model():
    """Taught by uniform intervals against steady ones."""
    rng = np.random.default_rng(3)
    af, sinus = rng.uniform(0.4, 1.1, (200, N_RR)), 0.8 + rng.normal(0, 0.02, (200, N_RR))
    x = np.concatenate([features(af), features(sinus)])
    return rr.fit(x, np.arange(400) < 200, np.ones(400))


def test_an_episode_is_found_where_it_is(model):
    rng = np.random.default_rng(4)
    rr_s = np.concatenate([np.full(300, 0.8), rng.uniform(0.4, 1.1, 300), np.full(300, 0.8)])
    rr_s[:300] += rng.normal(0, 0.02, 300)
    beats = np.round(np.cumsum(np.append(1.0, rr_s)) * 100).astype(np.int64)
    n = int(beats[-1]) + 50
    sinus, af, after = model.rhythms(rr.intervals(beats, 100.0), n)
    assert (sinus.name, af.name, after.name) == ("N", "AFIB", "N")
    assert (sinus.start, after.end) == (0, n)
    # The middle of a window answers, so that an edge is off by less than a window's half.
    assert abs(af.start - beats[300]) < 100 * 0.8 * N_RR / 2
    assert abs(af.end - beats[600]) < 100 * 0.8 * N_RR / 2


def test_a_change_lies_where_the_answering_intervals_begin(model):
    class Said:
        def probability(self, x):
            return np.array([0.1, 0.9, 0.9, 0.2])

    end = np.arange(1, 91) * 80
    of = rr.Intervals(end, np.full(90, 0.8))
    found = rr.RrModel(Said()).rhythms(of, 8000)
    # Window i answers for intervals 10 i + 25 to 10 i + 34; an interval begins where the one before it ends.
    assert [(e.start, e.end, e.name) for e in found] == [
        (0, 35 * 80, "N"), (35 * 80, 55 * 80, "AFIB"), (55 * 80, 8000, "N")]  # fmt: skip


def test_too_few_beats_are_no_fibrillation(model):
    few = rr.intervals(np.arange(15) * 80, 100.0)
    assert [(e.start, e.end, e.name) for e in model.rhythms(few, 2000)] == [(0, 2000, "N")]
    short = rr.intervals(np.arange(40) * 80, 100.0)
    assert [e.name for e in model.rhythms(short, 4000)] == ["N"]


def test_lessons_weigh_sets_and_people_the_same_and_leave_a_person_out():
    who = np.array(["a:1"] * 6 + ["a:2"] * 2 + ["b:1"])
    of = Lessons(np.arange(9.0)[:, None], np.arange(9) % 2 == 0, who)
    weights = of.weights
    sums = [weights[who == name].sum() for name in ("a:1", "a:2", "b:1")]
    np.testing.assert_allclose(sums, [0.5, 0.5, 1.0])
    assert of.without("a:1").x[:, 0].tolist() == [6, 7, 8]


def test_a_forest_finds_what_no_line_can():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(3000, 4))
    yes = x[:, 0] * x[:, 1] > 0
    trees = grow(x[:2000], yes[:2000], np.ones(2000), Shape(trees=20, depth=6, least=1e-3))
    p = trees.probability(x[2000:])
    assert np.mean((p > 0.5) == yes[2000:]) > 0.9
    assert ((p >= 0) & (p <= 1)).all()
    again = grow(x[:2000], yes[:2000], np.ones(2000), Shape(trees=20, depth=6, least=1e-3))
    np.testing.assert_array_equal(again.probability(x[2000:]), p)


def test_afdb_beats_become_records():
    try:
        find(afdb_rr.FOLDER, afdb_rr.FOLDER)
    except ConfigError as error:
        pytest.skip(str(error))
    first = next(afdb_rr.afdb_rr())
    assert (first.id, first.fs, first.leads) == ("00735", 250.0, ())
    share = sum(e.end - e.start for e in first.rhythms if e.name == "AFIB") / first.n_samples
    assert share == pytest.approx(0.0067, abs=0.001)
    assert sum(e.end - e.start for e in first.rhythms) == first.n_samples - first.beats[0]


def test_damaged_beats_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGEDGE_DATA", str(tmp_path))
    folder = tmp_path / afdb_rr.FOLDER
    folder.mkdir()
    for beats, af, fs in (
        ([5, 3], [0, 0], 250),
        ([1, 2, 3], [0], 250),
        ([1, 2], [0, 1], 0),
        ([[1], [2]], [0], 1),
    ):
        np.savez(folder / "1.npz", qrs=np.array(beats), af=np.array(af), fs=fs)
        with pytest.raises(ConfigError, match="ascending beats"):
            list(afdb_rr.afdb_rr())
    (folder / "1.npz").write_bytes(b"PK nothing")
    with pytest.raises(ConfigError, match="cannot be read"):
        list(afdb_rr.afdb_rr())


def test_nothing_to_learn_from_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGEDGE_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="fetch mitdb, afdb or cinc2017"):
        lessons.gathered(tmp_path, print)
