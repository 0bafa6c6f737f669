"""TolerantECG's formulas against loops written from the card's, and its teachers step by step."""

import math

import numpy as np
import pytest
import torch
from cohorts import cohort

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.pretrain import views
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.reports.tolerant import MISSING, NOISY, Tolerant, dino
from ecgedge_export.pretrain.trainer import Plan, pretrain, seeded


@pytest.fixture
def objective():
    try:
        data.dataset("nstdb").folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    return Tolerant(seeded(Plan()), cohort(16))


def slow_dino(student, teacher, centre, temperature):
    """Prototype by prototype."""
    total = 0.0
    for s, t in zip(student, teacher, strict=True):
        wanted = [math.exp((x - c) / 0.07) for x, c in zip(t, centre, strict=True)]
        given = [math.exp(x / temperature) for x in s]
        for w, g in zip(wanted, given, strict=True):
            total -= w / sum(wanted) * math.log(g / sum(given))
    return total / len(student)


def test_distillation_is_dinos():
    rng = np.random.default_rng(0)
    student, teacher = rng.uniform(-1, 1, (2, 5, 7))
    centre = rng.uniform(-0.3, 0.3, 7)
    found = dino(*(torch.from_numpy(x) for x in (student, teacher, centre)), torch.tensor(0.13))
    expected = slow_dino(student.tolist(), teacher.tolist(), centre.tolist(), 0.13)
    assert float(found) == pytest.approx(expected)


def batch_of(who):
    return Batch(torch.from_numpy(who.ecg), np.arange(len(who)))


def test_odd_steps_miss_leads_and_even_ones_are_noisy(objective):
    batch, rng = batch_of(cohort(16)), np.random.default_rng(0)
    clean = batch.ecg[:, :1]
    for step in range(1, 5):
        shown = objective.shown(batch, rng)
        assert objective.turn == (MISSING if step % 2 else NOISY)
        assert torch.equal(shown, clean) == bool(step % 2)
        teacher = objective.parts["teachers"][objective.turn]
        objective.loss(batch, rng)
        leads = batch.ecg if step % 2 else clean
        with torch.no_grad():
            each = [teacher.encoder(leads[:, k : k + 1]).pooled for k in range(leads.shape[1])]
            expected = teacher.head(torch.stack(each).mean(0)).mean(0)
        assert torch.allclose(teacher.seen, expected, atol=2e-3)  # bfloat16 has 8 bits
        objective.after_step(step)
    assert torch.equal(batch.ecg[:, :1], clean)  # the noise went on a copy


def test_teacher_and_centre_follow_by_their_momenta(objective):
    batch, rng = batch_of(cohort(16)), np.random.default_rng(0)
    turn = objective.turn
    teacher, other = (objective.parts["teachers"][k] for k in (turn, 1 - turn))
    for each in (teacher, other):
        each.steps.fill_(30)
    before, unmoved = ([p.clone() for p in each.parameters()] for each in (teacher, other))
    objective.loss(batch, rng)
    student = [*objective.encoder.parameters(), *objective.parts["students"][turn].parameters()]
    with torch.no_grad():
        for p in student:
            p.add_(0.1)
    objective.after_step(61)
    for old, new, theirs in zip(before, teacher.parameters(), student, strict=True):
        assert torch.allclose(new, 0.75 * old + 0.25 * theirs, atol=1e-6)  # 30 of 40
    assert torch.allclose(teacher.centre, 0.1 * teacher.seen)
    assert all(torch.equal(a, b) for a, b in zip(unmoved, other.parameters(), strict=True))


def test_a_stopped_training_ends_as_one_that_never_stopped(objective, tmp_path):
    who, plan = cohort(32), Plan(epochs=2, batch=8, seed=3)
    whole = pretrain(Tolerant, who, plan, tmp_path / "a.pt", lambda *_: None)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(Tolerant, who, plan, tmp_path / "b.pt", stop)
    gone_on = pretrain(Tolerant, who, plan, tmp_path / "b.pt", lambda *_: None)
    assert gone_on.losses == whole.losses
    for a, b in zip(whole.encoder.state_dict().values(), gone_on.encoder.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_noise_has_its_ratio_and_tests_with_what_never_trained(objective):
    for half in (0, 1):
        noises = views.recorded_noise(half)
        assert sorted(noises) == ["bw", "em", "ma"]
        for noise in noises.values():
            x = cohort(2).lead_i[0].copy()
            clean = x.copy()
            noise.add(x, 6.0, 2500)
            scale = (x - clean)[0] @ noise.passed[2500:3500] / np.sum(noise.passed[2500:3500] ** 2)
            ratio = clean.var() / (scale**2 * noise.raw[2500:3500].var())
            assert 10 * np.log10(ratio) == pytest.approx(6, abs=0.01)
    a, b = (views.recorded_noise(half)["em"].raw for half in (0, 1))
    assert len(a) == len(b) == 90_278
    assert abs(np.corrcoef(a[:50_000], b[:50_000])[0, 1]) < 0.1
