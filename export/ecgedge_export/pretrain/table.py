"""Objectives side by side: each with several seeds, against a random encoder and a network from scratch.

Every answer is kept in the work folder, by arm, seed and measure, and is taken from there by every other
table: twins are trained once. Two measures are always there: ``probe`` is the linear probe for the five
superclasses, in which the random encoder is the floor; ``tuned`` is the fine-tune, in which it is the network
from scratch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import atomic_file
from ecgedge_export.archives import npz
from ecgedge_export.data import cache_dir
from ecgedge_export.pretrain import probe, scores, sets
from ecgedge_export.pretrain.catalogue import objective
from ecgedge_export.pretrain.encoder import Encoder
from ecgedge_export.pretrain.sets import Cohort
from ecgedge_export.pretrain.trainer import Plan, Trained, load_encoder, pretrain, save_encoder, seeded
from ecgedge_export.progress import epoch_log

Log = Callable[[str], None]
Floats = npt.NDArray[np.float32]
RANDOM = "random"
"""The arm without an objective."""
QUICK_RECORDS, QUICK_EPOCHS, QUICK_BATCH = 96, 4, 32
SEEDS = range(1, 4)


@dataclass(frozen=True)
class Bench:
    """Where encoders are trained and measured.

    Parameters
    ----------
    work : Path
        Checkpoints, encoders and answers; shared by all tables.
    log : callable
        Takes lines about the progress.
    quick : bool
        Four epochs on few recordings.
    plan : Plan
        Of every objective; the seed is replaced by that of each run.
    """

    work: Path
    log: Log = print
    quick: bool = False
    plan: Plan = field(default_factory=Plan)

    @cached_property
    def cohort(self) -> Cohort:
        """Whom encoders learn from and are probed on."""
        return sets.ptbxl(limit=QUICK_RECORDS if self.quick else None)

    @cached_property
    def strips(self) -> sets.Strips:
        """CinC 2017."""
        return sets.cinc2017(limit=4 * QUICK_RECORDS if self.quick else None)

    def planned(self, seed: int) -> Plan:
        """Plan of a seed."""
        quick = {"epochs": QUICK_EPOCHS, "batch": QUICK_BATCH} if self.quick else {}
        return replace(self.plan, seed=seed, **quick)

    @property
    def tuning(self) -> Plan:
        """Plan of the fine-tune."""
        return replace(probe.TUNING, epochs=QUICK_EPOCHS) if self.quick else probe.TUNING

    def folder(self, arm: str, seed: int) -> Path:
        """Where all of an arm's seed lies."""
        return self.work / f"{arm}-{seed}"

    def trained(self, arm: str, seed: int, half: int | None = None) -> Trained:
        """Encoder of an arm: trained, or taken from the work folder where that is done.

        ``half`` is the half of the folds that it must not see; None for learning from all of them.
        """
        path = self.folder(arm, seed) / f"encoder{'' if half is None else f'-{half}'}.pt"
        plan = self.planned(seed)
        who = self.cohort if half is None else self.cohort.only(probe.half(self.cohort.folds) != half)
        if arm == RANDOM:
            return Trained(_calibrated(seeded(plan), who), [])
        if not path.is_file():
            told = epoch_log(self.log, path.parent.name + ("" if half is None else f", half {half}"))
            checkpoint = path.with_name(path.name.replace("encoder", "checkpoint"))
            trained = pretrain(objective(arm), who, plan, checkpoint, told)
            save_encoder(trained, arm, plan, path)
            checkpoint.unlink()
        return load_encoder(path)

    def encoders(self, arm: str, seed: int) -> list[Encoder]:
        """One encoder for each half that is answered for; the same one where no report is read."""
        if arm != RANDOM and objective(arm).reads_reports:
            return [self.trained(arm, seed, k).encoder for k in range(probe.HALVES)]
        return [self.trained(arm, seed).encoder] * probe.HALVES

    def answers(self, arm: str, seed: int, measure: str) -> Floats:
        """Scores of an arm's seed under a measure, (n, classes): measured, or taken from the work folder."""
        path = self.folder(arm, seed) / f"{measure}.npz"
        if not path.is_file():
            self.log(f"{arm}, seed {seed}: {measure}")
            found = MEASURES[measure].scores(self, arm, seed)
            with atomic_file(path) as file:
                np.savez(file, scores=found)
        with npz(path, "delete it, it is made again") as z:
            scores: Floats = z["scores"]
        return scores


@dataclass(frozen=True, slots=True)
class Measure:
    """A way to measure an encoder: what is asked (of whom), and the answers."""

    truth: Callable[[Bench], Floats]
    patients: Callable[[Bench], Sequence[str]]
    scores: Callable[[Bench, str, int], Floats]


def _superclasses(bench: Bench) -> Floats:
    return bench.cohort.superclasses


def _patients(bench: Bench) -> Sequence[str]:
    return bench.cohort.patients


def _probe(bench: Bench, arm: str, seed: int) -> Floats:
    return probe.probed(bench.encoders(arm, seed), bench.cohort, bench.cohort.superclasses)


def _tuned(bench: Bench, arm: str, seed: int) -> Floats:
    plan = replace(bench.tuning, seed=seed)
    return probe.tuned(bench.encoders(arm, seed), bench.cohort, bench.cohort.superclasses, plan)


def _rhythm(bench: Bench, arm: str, seed: int) -> Floats:
    # Other people than those of PTB-XL: whatever an encoder read about these, it learnt from all of them.
    return probe.rhythm_scores(bench.trained(arm, seed).encoder, bench.strips)


def _rhythm_truth(bench: Bench) -> Floats:
    return probe.rhythms(bench.strips)[probe.validating(bench.strips)]


def _rhythm_records(bench: Bench) -> Sequence[str]:
    return [name for name, mine in zip(bench.strips.ids, probe.validating(bench.strips), strict=True) if mine]


MEASURES: dict[str, Measure] = {
    "probe": Measure(_superclasses, _patients, _probe),
    "tuned": Measure(_superclasses, _patients, _tuned),
    "rhythm": Measure(_rhythm_truth, _rhythm_records, _rhythm),
}
STANDARD = ("probe", "tuned", "rhythm")


def table(
    bench: Bench,
    arms: Mapping[str, Sequence[str]],
    measures: Sequence[str] = STANDARD,
    seeds: Sequence[int] = SEEDS,
) -> dict[str, Any]:
    """Measure arms against their twins.

    Parameters
    ----------
    bench : Bench
    arms : mapping of str to sequence of str
        Objectives, and the twins of each beside the random encoder.
    measures : sequence of str
        Of :data:`MEASURES`.
    seeds : sequence of int

    Returns
    -------
    dict
        For each measure, each arm with the macro AUROC of its seeds, their mean with its interval, and the
        gain over each twin with its interval (bootstrap by patient, 1,000 draws, paired).
    """
    every = list(dict.fromkeys([RANDOM, *(twin for twins in arms.values() for twin in twins), *arms]))
    return {name: _measured(bench, name, every, arms, seeds) for name in measures}


def _measured(
    bench: Bench, measure: str, every: Sequence[str], arms: Mapping[str, Sequence[str]], seeds: Sequence[int]
) -> dict[str, Any]:
    truth, drawn = MEASURES[measure].truth(bench), scores.draws(MEASURES[measure].patients(bench))
    areas = {
        arm: [scores.macro_auroc(bench.answers(arm, s, measure), truth, drawn) for s in seeds]
        for arm in every
    }
    rows: dict[str, Any] = {}
    for arm, by_seed in areas.items():
        twins = [] if arm == RANDOM else [RANDOM, *(t for t in arms.get(arm, ()) if t != RANDOM)]
        rows[arm] = {
            "auroc": _rounded(scores.area(by_seed)),
            "seeds": [round(float(each[0]), 4) for each in by_seed],
            "gain_over": {twin: _rounded(scores.gain(by_seed, areas[twin])) for twin in twins},
        }
    return rows


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(x, 4) for x in values]


@torch.no_grad()
def _calibrated(encoder: Encoder, cohort: Cohort) -> Encoder:
    """Give an untrained encoder the statistics of its batch norms, by one pass over lead I."""
    norms = [m for m in encoder.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the plain mean of all batches
    encoder.train()
    for i in range(0, len(cohort), 256):
        encoder(torch.from_numpy(cohort.lead_i[i : i + 256]))
    for norm in norms:
        norm.momentum = 0.1
    return encoder.eval()


def work_folder(*, quick: bool) -> Path:
    """Where tables keep their encoders and answers by default: in the user's cache."""
    return cache_dir() / "runs" / f"pretrain{'-quick' if quick else ''}"


def last_encoder() -> Path:
    """Encoder that was trained last in the default folder.

    Raises
    ------
    ConfigError
        There is none.
    """
    found = [(path.stat().st_mtime, path) for path in work_folder(quick=False).glob("*/encoder.pt")]
    if not found:
        raise ConfigError("no encoder has been trained yet: run 'ecgedge-export pretrain clef', or name one")
    return max(found)[1]
