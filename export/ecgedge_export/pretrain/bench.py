"""The bench on which encoders are trained once and measured by all tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import atomic_file
from ecgedge_export.archives import npz
from ecgedge_export.data import cache_dir
from ecgedge_export.pretrain import probe, sets
from ecgedge_export.pretrain.catalogue import objective
from ecgedge_export.pretrain.encoder import Encoder
from ecgedge_export.pretrain.reports.melp import reading
from ecgedge_export.pretrain.sets import Cohort
from ecgedge_export.pretrain.trainer import Plan, Trained, load_encoder, pretrain, save_encoder, seeded
from ecgedge_export.progress import epoch_log

Log = Callable[[str], None]
Floats = npt.NDArray[np.float32]
RANDOM = "random"
"""The arm without an objective."""
QUICK_RECORDS, QUICK_EPOCHS, QUICK_BATCH = 96, 4, 32


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
    reports : Path, optional
        Embeddings of the reports by a language model, for MELP; the work folder must be theirs alone.
    """

    work: Path
    log: Log = print
    quick: bool = False
    plan: Plan = field(default_factory=Plan)
    reports: Path | None = None

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
            return Trained(calibrated(seeded(plan), who), [])
        if not path.is_file():
            told = epoch_log(self.log, path.parent.name + ("" if half is None else f", half {half}"))
            checkpoint = path.with_name(path.name.replace("encoder", "checkpoint"))
            make = reading(self.reports) if self.reports else objective(arm)
            trained = pretrain(make, who, plan, checkpoint, told)
            save_encoder(trained, arm, plan, path)
            checkpoint.unlink()
        return load_encoder(path)

    def encoders(self, arm: str, seed: int) -> list[Encoder]:
        """One encoder for each half that is answered for; the same one where no report is read."""
        if arm != RANDOM and objective(arm).reads_reports:
            return [self.trained(arm, seed, k).encoder for k in range(probe.HALVES)]
        return [self.trained(arm, seed).encoder] * probe.HALVES

    def kept(self, arm: str, seed: int, exam: str, make: Callable[[], Floats]) -> Floats:
        """Answers of an arm's seed in an exam: made, or taken from the work folder."""
        path = self.folder(arm, seed) / f"{exam}.npz"
        if not path.is_file():
            self.log(f"{arm}, seed {seed}: {exam}")
            answers = make()
            with atomic_file(path) as file:
                np.savez(file, answers=answers)
        with npz(path, "delete it, it is made again") as z:
            kept: Floats = z["answers"]
        return kept


@torch.no_grad()
def calibrated(encoder: Encoder, cohort: Cohort) -> Encoder:
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
    return cache_dir() / "literature" / f"pretrain{'-quick' if quick else ''}"


def last_encoder() -> Path:
    """Encoder that was trained last in the default folder.

    Raises
    ------
    ConfigError
        There is none.
    """
    found = [(path.stat().st_mtime, path) for path in work_folder(quick=False).glob("*/encoder.pt")]
    if not found:
        raise ConfigError(
            "no encoder has been trained yet: run 'ecgedge-export pretrain masked_spectral', or name one"
        )
    return max(found)[1]
