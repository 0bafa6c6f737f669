"""Age and sex beside the trace, and what "unknown" is learnt from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgedge_export.shift.covariates import covariates, hidden
from ecgedge_export.shift.robust import risk
from ecgedge_export.shift.scores import auroc
from ecgedge_export.shift.student import Plan, features, probabilities, train


def test_what_is_not_known_is_zero_with_its_flag() -> None:
    z = covariates([90.0, np.nan, 0.0], ["M", "F", "x"])
    assert z.tolist() == [[1, -1, 1, 1], [0, 1, 0, 1], [0, 0, 1, 0]]
    assert z.dtype == np.float32


def test_each_covariate_hides_by_itself_and_takes_its_flag_along() -> None:
    z = torch.from_numpy(covariates(np.full(8000, 45.0), ["F"] * 8000))
    shown = hidden(z, torch.Generator().manual_seed(1))
    age, sex, knows_age, knows_sex = shown.T
    assert torch.equal(age != 0, knows_age != 0)
    assert torch.equal(sex != 0, knows_sex != 0)
    kept = torch.stack([knows_age, knows_sex]).mean(1)
    assert kept.numpy() == pytest.approx([0.5, 0.5], abs=0.03)
    assert (knows_age * knows_sex).mean().item() == pytest.approx(0.25, abs=0.03)
    assert torch.equal(hidden(z, torch.Generator().manual_seed(1), 0.0), z)


def test_a_student_learns_age_where_the_trace_says_nothing_and_nothing_where_it_is_hidden() -> None:
    rng = np.random.default_rng(0)
    seen = np.repeat(rng.normal(0, 1, (1, 20)).astype(np.float32), 192, axis=0)  # everybody's is the same
    old = rng.random(192) < 0.5
    z = covariates(np.where(old, 80.0, 20.0), [""] * 192)
    sick = torch.from_numpy(old.astype(np.float32))

    def loss(logits: torch.Tensor, chosen: np.ndarray, _: float) -> torch.Tensor:
        return risk(logits, sick[chosen], torch.ones(len(chosen)))

    plan = Plan(epochs=40, batch=32, lr=1e-2)
    net = train(seen, z, loss, plan)
    p = probabilities(net, seen, z)
    assert auroc(p, old)[0] > 0.9
    unknown = probabilities(net, seen, np.zeros_like(z))
    assert unknown == pytest.approx(np.full(192, old.mean()), abs=0.1)
    again = probabilities(train(seen, z, loss, plan), seen, z)
    assert np.array_equal(p, again)


def test_kernels_are_the_seeds_own_and_hear_neither_gain_nor_offset() -> None:
    windows = np.random.default_rng(0).normal(0, 1, (3, 1, 1000)).astype(np.float32)
    seen = features(windows, 1)
    assert seen.shape == (3, 768)
    assert not np.array_equal(seen, features(windows, 2))
    assert features(7 * windows + 3, 1) == pytest.approx(seen, abs=0.01)
    shares = seen[:, :384]
    assert ((shares >= 0) & (shares <= 1)).all()
    assert np.isfinite(features(np.zeros((1, 1, 1000), np.float32), 1)).all()  # a flat lead


def test_a_kernel_answers_as_written_out() -> None:
    """The first kernel of the second dilation, by hand: every second sample of 17."""
    x = np.random.default_rng(5).normal(0, 1, 1000)
    x = ((x - x.mean()) / x.std()).astype(np.float32)
    rng = np.random.default_rng([1, 3])
    weights = rng.normal(0, 1, (6, 64, 1, 9))
    kernel = weights[1, 0, 0] - weights[1, 0, 0].mean()
    threshold = rng.normal(0, 2, (6, 64, 1))[1, 0, 0]
    answer = np.array([float(x[i : i + 17 : 2] @ kernel) for i in range(1000 - 16)])
    seen = features(x[None, None], 1)[0]
    assert seen[64] == pytest.approx((answer > threshold).mean(), abs=0.002)
    assert seen[384 + 64] == pytest.approx(answer.max(), abs=0.01)
