"""Leads as an auxiliary loss: the loss by hand, and two arms that differ in nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgedge_export.leads import auxiliary
from ecgedge_export.leads.auxiliary import WEIGHT, LeadsBeside
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.encoder import DIM, N_SAMPLES, N_TOKENS, PATCH, Encoded
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.sets import Cohort
from ecgedge_export.pretrain.studies import levels, supervised
from ecgedge_export.pretrain.trainer import Plan, seeded


def cohort(n=16):
    """Recordings of noise."""
    ecg = np.random.default_rng(0).standard_normal((n, 8, N_SAMPLES)).astype(np.float32)
    ids = tuple(map(str, range(n)))
    said = tuple({"NORM": 100.0} if i % 3 else {"IMI": 100.0} for i in range(n))
    return Cohort(
        ids, ids, np.arange(n) % 8 + 1, ecg, np.full(n, 60, np.float32), ("F",) * n, ("",) * n, said
    )


def test_the_loss_is_that_of_each_sample_of_each_lead():
    who, beside, rows = cohort(6), LeadsBeside(), np.array([4, 1])
    tokens = torch.randn(2, DIM, N_TOKENS, generator=torch.Generator().manual_seed(0))
    weight, bias = (p.detach().numpy().astype(float) for p in beside.parts.parameters())
    squares = []
    for i, row in enumerate(rows):
        leads = who.ecg[row, 1:].astype(float)
        leads = leads / np.sqrt((leads**2).mean() + 1e-6)
        for lead in range(7):
            for t in range(N_SAMPLES):
                column = lead * PATCH + t % PATCH
                guess = weight[column, :, 0] @ tokens[i, :, t // PATCH].numpy() + bias[column]
                squares.append((guess - leads[lead, t]) ** 2)
    batch = Batch(torch.from_numpy(who.ecg[rows]), rows)
    term = beside.term(Encoded(tokens, tokens.mean(2)), batch, 0)
    assert float(term.detach()) == pytest.approx(WEIGHT * np.mean(squares), rel=1e-4)


def test_the_encoder_learns_from_it():
    encoder, beside, rows = seeded(Plan()), LeadsBeside(), np.arange(2)
    batch = Batch(torch.from_numpy(cohort(2).ecg), rows)
    beside.term(encoder(batch.ecg[:, :1]), batch, 0).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.out[0].parameters())


def test_without_a_weight_it_is_the_twin():
    who, plan = cohort(), Plan(epochs=2, batch=8, seed=3)

    def answers(make):
        net = supervised.train(seeded(plan), who, plan, make)
        return supervised.logits(net, who.lead_i)

    twin = answers(lambda encoder, cohort: supervised.Plain())
    np.testing.assert_array_equal(answers(lambda encoder, cohort: LeadsBeside(0.0)), twin)
    assert not np.array_equal(answers(lambda encoder, cohort: LeadsBeside()), twin)


def test_both_arms_are_measured_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(Bench, "cohort", cohort())
    bench = Bench(tmp_path, lambda line: None, quick=True)
    found = auxiliary.compared(bench, seeds=(1,))
    assert set(found) == {levels.LABELS, "leads beside", "gain"}
    assert 0 <= found["leads beside"].mean <= 1
    assert found["gain"].gain == pytest.approx(found["leads beside"].mean - found[levels.LABELS].mean)
    monkeypatch.setattr(auxiliary, "_student", None)  # nothing is trained twice
    assert auxiliary.compared(bench, seeds=(1,)) == found
