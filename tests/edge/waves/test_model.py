"""A wave model folder: what it answers, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgedge import ModelError
from ecgedge.artefacts.manifest import Normalisation
from ecgedge.waves.features import BEFORE, N, model_input
from ecgedge.waves.model import WaveModel


@pytest.fixture(scope="module")
def model():
    return WaveModel.load()


def window(scale=1.0):
    t = (np.arange(N) - BEFORE) / 100.0
    bumps = ((-0.14, 0.025, 0.12), (0.0, 0.012, 1.0), (0.28, 0.04, 0.3))
    return scale * sum(h * np.exp(-0.5 * ((t - at) / w) ** 2) for at, w, h in bumps)


def test_each_sample_has_its_probabilities(model):
    p = model.probabilities(window())
    assert p.shape == (N, 4)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-5)
    named = [model.manifest.classes[i] for i in p.argmax(axis=1)]
    assert (named[BEFORE], named[BEFORE - 14], named[BEFORE + 28]) == ("QRS", "P", "T")
    assert named[BEFORE - 40] == named[BEFORE + 60] == "none"


@pytest.mark.parametrize("scale", [0.1, 10.0])
def test_the_size_of_the_signal_does_not_matter(model, scale):
    np.testing.assert_allclose(model.probabilities(window(scale)), model.probabilities(window()), atol=0.1)


def test_an_input_lies_between_minus_one_and_one():
    rng = np.random.default_rng(0)
    x = model_input(1e6 * rng.standard_normal((50, N)), knee=0.2)
    assert np.abs(x).max() < 1
    assert model_input(np.zeros(N), knee=0.2).tolist() == [0.0] * N
    assert x.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"task": "rhythm"}, "the model's task is 'rhythm'"),
        ({"normalisation": Normalisation("qrs_height", {"knee": 0.2, "places": N})}, "'qrs_height'"),
        ({"normalisation": Normalisation("qrs_height_knee", {"knee": 0.2, "places": 72})}, "update ecgedge"),
        ({"normalisation": Normalisation("qrs_height_knee", {"places": N})}, "lacks the knee"),
        ({"thresholds": {"p": 0.03, "qrs": 0.02}}, "a threshold or a class"),
        ({"fs": 250.0}, "at 250 Hz, this version knows 144"),
    ],
)
def test_what_this_version_does_not_know_is_refused(model, change, says):
    with pytest.raises(ModelError, match=says):
        WaveModel(replace(model.manifest, **change), model.backend)
