"""IRM, V-REx and GroupDRO against slow references written from their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgedge_export.shift.robust import GroupDro, irm, irm_penalty, rex, risk


def batch(seed: int, n: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    logits, weight = rng.normal(0, 2, n), rng.uniform(0.1, 3, n)
    sick = (rng.random(n) < 0.4).astype(np.float64)
    return tuple(torch.from_numpy(x) for x in (logits, sick, weight))  # type: ignore[return-value]


def slow_risk(logits: torch.Tensor, sick: torch.Tensor, weight: torch.Tensor, factor: float = 1.0) -> float:
    total = 0.0
    for s, y, w in zip(logits.tolist(), sick.tolist(), weight.tolist(), strict=True):
        p = 1 / (1 + np.exp(-factor * s))
        total -= w * (y * np.log(p) + (1 - y) * np.log(1 - p))
    return total / weight.sum().item()


def slow_penalty(logits: torch.Tensor, sick: torch.Tensor, weight: torch.Tensor) -> float:
    """Squared slope of the risk along a factor of the logits at 1, by a central difference."""
    h = 1e-5
    slope = (slow_risk(logits, sick, weight, 1 + h) - slow_risk(logits, sick, weight, 1 - h)) / (2 * h)
    return slope**2


def test_risk_and_penalty_are_those_of_the_formula() -> None:
    for seed in range(5):
        one = batch(seed)
        assert risk(*one).item() == pytest.approx(slow_risk(*one), rel=1e-9)
        assert irm_penalty(*one).item() == pytest.approx(slow_penalty(*one), rel=1e-5, abs=1e-12)


def test_nothing_with_a_weight_is_no_risk() -> None:
    logits, sick, weight = batch(0)
    assert risk(logits, sick, 0 * weight).item() == 0
    assert irm_penalty(logits, sick, 0 * weight).item() == 0


@pytest.mark.parametrize("strength", [0.5, 10.0])
def test_irm_and_rex_are_means_over_environments(strength: float) -> None:
    logits, sick, weight = batch(1)
    own = [weight, weight.flip(0), weight.roll(7)]
    risks = [slow_risk(logits, sick, w) for w in own]
    penalties = [slow_penalty(logits, sick, w) for w in own]
    size = max(1.0, strength)
    expected = (np.mean(risks) + strength * np.mean(penalties)) / size
    assert irm(logits, sick, own, strength).item() == pytest.approx(expected, rel=1e-5)
    expected = (np.mean(risks) + strength * np.var(risks)) / size
    assert rex(logits, sick, own, strength).item() == pytest.approx(expected, rel=1e-9)


def test_group_dro_follows_its_algorithm_step_by_step() -> None:
    dro, weight = GroupDro(4, step=0.3), np.full(4, 0.25)
    for seed in range(6):
        logits, sick, _ = batch(seed)
        group = torch.from_numpy(
            np.random.default_rng(seed).integers(0, 3, len(sick))
        )  # the fourth is never there
        losses = np.zeros(4)
        for g in range(4):
            inside = group == g
            if inside.any():
                losses[g] = slow_risk(logits[inside], sick[inside], torch.ones(int(inside.sum())))
        weight = weight * np.exp(0.3 * losses)
        weight = weight / weight.sum()
        assert dro(logits, sick, group).item() == pytest.approx(float(weight @ losses), rel=1e-6)
        assert dro.weight.numpy() == pytest.approx(weight, rel=1e-5)


def test_the_worst_group_gains_weight_and_the_gradient_reaches_it() -> None:
    logits = torch.tensor([4.0, 4.0], requires_grad=True)
    dro = GroupDro(2, step=1.0)
    dro(logits, torch.tensor([1.0, 0.0]), torch.tensor([0, 1])).backward()
    assert dro.weight[1] > 0.9
    assert logits.grad is not None
    assert abs(logits.grad[1]) > abs(logits.grad[0])
