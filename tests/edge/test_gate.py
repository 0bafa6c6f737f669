"""The noise gate: what it computes, what it lets through, and what it does with a damaged file."""

import json

import numpy as np
import pytest

from ecgedge import assess_quality
from ecgedge.gate import FEATURES, REASONS, Gate, GateModel, flat_share, gate_features
from ecgedge.manifest_json import digest
from ecgedge.model import BUNDLED
from ecgedge.synthetic import Segment, synthesize
from ecgedge_bridge.errors import ModelError

FS = 100
FILE = BUNDLED / "gate" / "gate.json"


def train_of_beats(n=1000, period=80, height=1.0):
    t = np.arange(n)
    at = np.arange(40, n - 20, period)
    return sum((height * np.exp(-0.5 * ((t - p) / 1.5) ** 2) for p in at), np.zeros(n)), at


def test_features_of_clean_beats():
    x, at = train_of_beats()
    f = dict(zip(FEATURES, gate_features(x, at, FS), strict=True))
    assert f["template_correlation"] == pytest.approx(1, abs=1e-6)
    assert f["between_beats"] < 1e-3
    assert f["cvnn"] == pytest.approx(0, abs=1e-9)
    assert f["cvsd"] == pytest.approx(0, abs=1e-9)
    assert f["rr_min_s"] == pytest.approx(0.8)
    assert f["rr_max_s"] == pytest.approx(0.8)
    assert f["beats_per_s"] == pytest.approx(1.2)


@pytest.mark.parametrize("gain", [0.01, 100.0])
def test_features_do_not_depend_on_the_gain(gain):
    rng = np.random.default_rng(0)
    x, at = train_of_beats()
    x += 0.05 * rng.standard_normal(len(x))
    np.testing.assert_allclose(
        gate_features(gain * x, at, FS), gate_features(x, at, FS), rtol=1e-2, atol=1e-2
    )


@pytest.mark.parametrize("n", [0, 1, 2])
def test_features_without_beats_are_finite(n):
    x, at = train_of_beats()
    assert np.isfinite(gate_features(x, at[:n], FS)).all()
    assert np.isfinite(gate_features(np.full(1000, 3.0), at[:n], FS)).all()


def test_every_feature_has_words_for_a_person():
    assert set(REASONS) == set(FEATURES)


def test_flat_share():
    x, _ = train_of_beats()
    assert flat_share(np.zeros(1000), FS) == 1.0
    assert flat_share(np.concatenate([x[:500] + np.sin(np.arange(500)), np.zeros(500)]), FS) == 0.5


@pytest.mark.parametrize("kind", ["sinus", "af", "pvc"])
@pytest.mark.parametrize("seed", range(5))
def test_irregular_is_not_noisy(kind, seed):
    quality = assess_quality(synthesize([Segment(kind, 60)], fs=130, seed=seed).mv, 130.0)
    assert sum(q.accepted for q in quality) >= 5


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_refused_with_reasons(seed):
    quality = assess_quality(synthesize([Segment("noise", 60)], fs=130, seed=seed).mv, 130.0)
    assert not any(q.accepted for q in quality)
    assert all(q.reasons for q in quality)


@pytest.mark.parametrize("scale", [0.01, 0.3, 10.0])
def test_white_noise_is_refused(scale):
    noise = scale * np.random.default_rng(0).standard_normal(130 * 60)
    assert not any(q.accepted for q in assess_quality(noise, 130.0))


def test_the_file_comes_back_as_it_was_saved(tmp_path):
    gate = GateModel.load(FILE)
    gate.save(tmp_path / "gate.json")
    assert GateModel.load(tmp_path / "gate.json") == gate


def test_the_shipped_gate_says_how_it_was_made():
    gate = GateModel.load(FILE)
    assert gate.command.startswith("ecgedge-export train")
    assert gate.metrics


def with_digest(raw):
    content = {k: v for k, v in raw.items() if k not in ("schema", "digest")}
    return raw | {"digest": digest(content)}


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw | {"threshold": raw["threshold"] / 2},  # changed by hand
        lambda raw: with_digest(raw | {"schema": 2}),
        lambda raw: with_digest({k: v for k, v in raw.items() if k != "bias"}),
        lambda raw: with_digest(raw | {"features": raw["features"][::-1]}),
        lambda raw: with_digest(raw | {"weights": raw["weights"][1:]}),
        lambda raw: with_digest(raw | {"weights": ["x"] * len(raw["weights"])}),
        lambda raw: with_digest(raw | {"threshold": "high"}),
        lambda raw: [],
    ],
)
def test_a_damaged_file_is_refused(tmp_path, damage):
    path = tmp_path / "gate.json"
    path.write_text(json.dumps(damage(json.loads(FILE.read_text()))))
    with pytest.raises(ModelError, match="again"):
        GateModel.load(path)


def test_no_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match="again"):
        GateModel.load(tmp_path / "gate.json")


def test_score_is_a_probability_of_the_weights():
    n = len(FEATURES)
    gate = Gate(GateModel((0.0,) * n, (1.0,) * n, (0.0,) * n, bias=np.log(3.0), threshold=0.7), FS)
    x, at = train_of_beats()
    x += 0.05 * np.random.default_rng(0).standard_normal(len(x))
    verdict = gate.judge(x, at)
    assert verdict.score == pytest.approx(0.75)
    assert verdict.accepted
