"""Rhythms named by a sentence: nobody showed the network a label, it compares a recording with words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from ecgedge_bridge.files import atomic_file
from ecgedge_export.archives import npz
from ecgedge_export.pretrain import probe, scores, sets
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.reports.melp import Melp
from ecgedge_export.pretrain.sets import Cohort
from ecgedge_export.pretrain.studies import levels
from ecgedge_export.pretrain.table import SEEDS

Floats = npt.NDArray[np.float32]
FOLD = 9
SENTENCES: Mapping[str, str] = {
    "SR": "Sinusrhythmus",
    "AFIB": "Vorhofflimmern",
    "STACH": "Sinustachykardie",
    "SBRAD": "Sinusbradykardie",
    "SARRH": "Sinusarrhythmie",
    "PACE": "Schrittmacher-EKG",
}
"""What each rhythm of PTB-XL is called in German; the recording is compared with all of them."""
STUDENT, TEACHER = "student, lead I", "teacher, 8 leads"


@torch.no_grad()
def said(melp: Melp, cohort: Cohort, who: str, batch: int = 256) -> Floats:
    """Probability of each sentence for each recording, (n, sentences): softmax of the cosines, as CLIP's."""
    teacher, student = melp.teacher.eval(), melp.student.eval()
    text = F.normalize(teacher.text(torch.from_numpy(melp.tower(list(SENTENCES.values())))), dim=1)
    ecg = torch.from_numpy(cohort.lead_i if who == STUDENT else cohort.ecg)
    parts = []
    for i in range(0, len(ecg), batch):
        x = ecg[i : i + batch]
        if who == STUDENT:
            window = student.window(melp.encoder.eval()(x).pooled)
        else:
            window = teacher.window(teacher.encoder(x).pooled)
        cosine = F.normalize(window, dim=1) @ text.T
        parts.append((cosine / teacher.temperature).softmax(1))
    found: Floats = torch.cat(parts).numpy()
    return found


def answers(bench: Bench, seed: int, others: Cohort) -> dict[str, Floats]:
    """Probabilities of folds 1 to 8, each half by what learnt from the other one, and of other recordings.

    The others are answered by the mean of both.
    """
    path = bench.folder(Melp.name, seed) / "zero-shot.npz"
    if not path.is_file():
        both = [levels.trained(bench, seed, k) for k in range(probe.HALVES)]
        found: dict[str, Any] = {}
        for who in (STUDENT, TEACHER):
            found[f"out of fold: {who}"] = _out_of_fold(both, bench.cohort, who)
            found[f"fold {FOLD}: {who}"] = np.mean([said(melp, others, who) for melp in both], axis=0)
        with atomic_file(path) as file:
            np.savez(file, **found)
    with npz(path, "delete it, it is made again") as z:
        return {name: z[name] for name in z.files}


def _out_of_fold(both: Sequence[Melp], cohort: Cohort, who: str) -> Floats:
    def answer(k: int, learn: npt.NDArray[np.bool_]) -> Floats:
        return said(both[k], cohort.only(~learn), who)

    return probe.out_of_fold(cohort, answer)


def measured(bench: Bench, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """AUROC of each sentence with its interval (mean of the seeds): out of fold, and on fold 9."""
    others = sets.ptbxl(folds=[FOLD], limit=40 if bench.quick else None)
    by_seed = [answers(bench, seed, others) for seed in seeds]
    found: dict[str, Any] = {}
    for name in by_seed[0]:
        cohort = others if name.startswith("fold") else bench.cohort
        truth, drawn = cohort.has(list(SENTENCES)), scores.draws(cohort.patients)
        found[name] = {
            code: (int(truth[:, k].sum()), scores.area([
                scores.auroc(each[name][:, k], truth[:, k], drawn) for each in by_seed]))
            for k, code in enumerate(SENTENCES) if truth[:, k].any()
        }  # fmt: skip
    return found
