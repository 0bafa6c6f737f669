"""A lead model folder: what it answers, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgedge import ModelError
from ecgedge.artefacts.backends import installed_backends
from ecgedge.artefacts.manifest import Normalisation
from ecgedge.leads.features import HOP, MARGIN, N
from ecgedge.leads.model import LeadModel


@pytest.fixture(scope="module")
def model():
    return LeadModel.load()


def signal(n, seed=0):
    """Beats of bumps at 100 Hz, 70 a minute, with some noise."""
    t = np.arange(n) / 100.0
    beat = (t + 0.3) % 0.86 - 0.4
    x = sum(h * np.exp(-0.5 * ((beat - at) / w) ** 2) for at, w, h in
            ((-0.16, 0.025, 0.1), (0.0, 0.012, 0.8), (0.28, 0.04, 0.2)))  # fmt: skip
    return (x + 0.02 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def test_seven_leads_come_out_in_mv(model):
    guessed = model.guess(signal(N))
    assert guessed.shape == (7, N)
    assert 0.1 < np.abs(guessed).max() < 5


def test_a_flat_line_stays_flat(model):
    inner = slice(MARGIN, MARGIN + HOP)
    assert np.abs(model.guess(np.zeros(N))[:, inner]).max() < 0.1


def test_the_middle_does_not_depend_on_where_a_window_begins(model):
    """The margin is as long as what the network sees: int8 gives the very same numbers."""
    x = signal(N + 40)
    first, second = model.guess(x[:N]), model.guess(x[40:])
    np.testing.assert_array_equal(first[:, MARGIN + 40 : N - MARGIN], second[:, MARGIN : N - MARGIN - 40])


def test_backends_give_the_same_leads():
    models = [LeadModel.load(backend=name) for name in installed_backends()]
    found = [model.guess(signal(N)) for model in models]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-6)


@pytest.mark.parametrize("wrong", [np.full(N, np.nan), np.zeros(N - 1), np.zeros((2, N))])
def test_what_is_no_window_is_refused(model, wrong):
    with pytest.raises(ValueError, match="window"):
        model.guess(wrong)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"task": "rhythm"}, "the model's task is 'rhythm'"),
        ({"normalisation": Normalisation("mv", {"knee_mv": 0.5, "places": N})}, "by 'mv'"),
        ({"normalisation": Normalisation("mv_knee", {"knee_mv": 0.5, "places": 72})}, "update ecgedge"),
        ({"normalisation": Normalisation("mv_knee", {"places": N})}, "lacks the knee"),
        ({"fs": 250.0}, "at 250 Hz"),
        ({"roles": dict.fromkeys(("II", "V1", "V2", "V3", "V4", "V5", "V6"), "ii")}, "one of the leads"),
    ],
)
def test_what_this_version_does_not_know_is_refused(model, change, says):
    with pytest.raises(ModelError, match=says):
        LeadModel(replace(model.manifest, **change), model.backend)
