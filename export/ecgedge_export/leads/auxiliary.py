"""Whether a student that has to guess the other leads learns more from the same labels.

Beside the five superclasses of PTB-XL, told from lead I, a linear head guesses leads II and V1 to V6 from the
encoder's tokens; its mean squared error joins the loss with a weight of 0.1. The head is thrown away. The
twin is the same network without it: same start, same windows in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge.leads.features import GUESSED
from ecgedge_export.pretrain import probe, scores
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.encoder import DIM, PATCH, Encoded
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.sets import LEADS
from ecgedge_export.pretrain.studies import supervised
from ecgedge_export.pretrain.studies.small import plan_of
from ecgedge_export.pretrain.studies.supervised import Plain
from ecgedge_export.pretrain.table import SEEDS
from ecgedge_export.pretrain.trainer import seeded

WEIGHT = 0.1
LABELS, BESIDE = "labels-of-superclasses", "leads-beside"
_OTHERS = [LEADS.index(name) for name in GUESSED]

Floats = npt.NDArray[np.float32]


class LeadsBeside(Plain):
    """Labels, and a linear guess of the other leads: 20 samples of each from every token.

    Every recording's leads are brought to a mean square of 1 together, as the encoder brings its window:
    neither sees a gain.
    """

    def __init__(self, weight: float = WEIGHT) -> None:
        self._head, self._weight = nn.Conv1d(DIM, len(GUESSED) * PATCH, 1), weight
        super().__init__(nn.ModuleDict({"leads": self._head}))

    def term(self, encoded: Encoded, batch: Batch, moved: int) -> Tensor | None:
        """Weighted mean squared error of the leads of a batch, which is shifted already."""
        wanted = batch.ecg[:, _OTHERS]
        wanted = wanted / (wanted.square().mean((1, 2), keepdim=True) + 1e-6).sqrt()
        guess = self._head(encoded.tokens)
        n, _, tokens = guess.shape
        by_lead = guess.reshape(n, len(_OTHERS), PATCH, tokens).transpose(2, 3)
        return self._weight * F.mse_loss(by_lead.reshape(n, len(_OTHERS), tokens * PATCH), wanted)


def compared(bench: Bench, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Macro AUROC of both arms (out of fold, by patient), and the paired gain with its interval."""
    truth, drawn = bench.cohort.superclasses, scores.draws(bench.cohort.patients)
    answers = {arm: [_answers(bench, arm, seed) for seed in seeds] for arm in (LABELS, BESIDE)}
    areas = {arm: [scores.macro_auroc(said, truth, drawn) for said in each] for arm, each in answers.items()}
    return {
        "labels alone": scores.area(areas[LABELS]),
        "leads beside": scores.area(areas[BESIDE]),
        "gain": scores.gain(areas[BESIDE], areas[LABELS]),
    }


def _answers(bench: Bench, arm: str, seed: int) -> Floats:
    """Out-of-fold scores of an arm's students; each half is kept in the work folder."""

    def answer(k: int, learn: npt.NDArray[np.bool_]) -> Floats:
        return bench.kept(arm, seed, f"superclasses-{k}", lambda: _student(bench, arm, seed, learn))

    return probe.out_of_fold(bench.cohort, answer)


def _student(bench: Bench, arm: str, seed: int, learn: npt.NDArray[np.bool_]) -> Floats:
    plan, who = plan_of(bench, seed), bench.cohort.only(learn)
    aid = LeadsBeside if arm == BESIDE else Plain
    net = supervised.train(seeded(plan), who, plan, lambda encoder, cohort: aid())
    return supervised.logits(net, bench.cohort.lead_i[~learn])
