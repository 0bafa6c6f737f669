"""CLEF's formulas against loops written from the paper's."""

import math

import numpy as np
import pytest
import torch

from ecgedge_export.pretrain import clef

B = 5


def slow_dissimilarity(risk):
    """D, pair by pair; who has no risk has the mean one, and two of them are hardly told apart."""
    known = [r for r in risk if not math.isnan(r)]
    filled = [sum(known) / len(known) if math.isnan(r) else r for r in risk]
    squares = [[(a - b) ** 2 for b in filled] for a in filled]
    highest = max(max(row) for row in squares)  # the lowest is 0: nobody is far from himself
    d = [[0.8 * square / highest + 0.2 for square in row] for row in squares]
    for i, a in enumerate(risk):
        for j, b in enumerate(risk):
            if math.isnan(a) and math.isnan(b):
                d[i][j] *= math.exp(-1)
        d[i][i] = 0.0
    return d


def slow_clef(vectors, risk, *, summed):
    """The card's formula, entry by entry."""
    d = slow_dissimilarity(risk)
    n = 2 * B
    m = [[1 - d[i % B][j % B] for j in range(n)] for i in range(n)]
    norm = [math.sqrt(sum(x * x for x in v)) for v in vectors]
    s = [[sum(a * b for a, b in zip(u, v, strict=True)) for v in vectors] for u in vectors]
    s = [[s[i][j] / norm[i] / norm[j] for j in range(n)] for i in range(n)]
    contrast = 0.0
    for i in range(n):
        p = (i + B) % n
        total = sum(math.exp(1 - m[i][j]) for j in range(n))
        w = [math.exp(1 - m[i][j]) / total * (n if summed else 1) for j in range(n)]
        positive = math.exp(s[i][p] / 0.07)
        negative = sum(w[j] * math.exp(s[i][j] / 0.07) for j in range(n) if j not in (i, p))
        contrast -= math.log(positive / (positive + negative)) / n
    flat = [x for row in s for x in row]
    low, high = min(flat), max(flat)
    align = sum(((s[i][j] - low) / (high - low) - m[i][j]) ** 2 for i in range(n) for j in range(n)) / n**2
    return (contrast + align) / 2


@pytest.mark.parametrize("cls", [clef.Clef, clef.ClefSummed])
@pytest.mark.parametrize("unknown", [(), (1,), (0, 3)])
def test_loss_is_the_cards(cls, unknown, monkeypatch):
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((2 * B, 7))
    risk = rng.uniform(20, 90, B)
    risk[list(unknown)] = np.nan
    objective = object.__new__(cls)
    objective._risk = torch.from_numpy(risk)
    monkeypatch.setattr(objective, "_views", lambda batch, rng: torch.from_numpy(vectors), raising=False)
    found = objective.loss(_Batch(), rng)
    assert float(found) == pytest.approx(slow_clef(vectors.tolist(), risk.tolist(), summed=cls.summed))


class _Batch:
    rows = np.arange(B)


def test_rows_of_published_weights_average_the_negatives():
    """All alike: the published weights leave log(1 + (n - 2) / n), summed ones log(n - 1) as InfoNCE."""
    n = 8
    same = torch.zeros(n, n)
    even = torch.full((n, n), 1 / n)
    assert float(clef.info_nce(same, even)) == pytest.approx(math.log(1 + (n - 2) / n), rel=1e-6)
    assert float(clef.info_nce(same, even * n)) == pytest.approx(math.log(n - 1), rel=1e-6)
    assert float(clef.info_nce(same)) == pytest.approx(math.log(n - 1), rel=1e-6)


def test_nobodys_age_known_weights_evenly():
    d = clef.dissimilarity(torch.full((4,), torch.nan))
    assert d.diagonal().tolist() == [0] * 4
    assert len(set(d[~torch.eye(4, dtype=torch.bool)].tolist())) == 1
