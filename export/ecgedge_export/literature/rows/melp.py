"""MELP's row: three levels of a teacher that read reports, and rhythms named by a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecgedge_export.literature.row import Comparison, Job, Measured, Table, figure
from ecgedge_export.nets import n_parameters
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.reports.melp import LEVELS
from ecgedge_export.pretrain.studies import levels, small, zero_shot
from ecgedge_export.pretrain.studies.levels import ALL, LABELS
from ecgedge_export.pretrain.studies.zero_shot import SENTENCES, STUDENT
from ecgedge_export.pretrain.table import SEEDS


def measure(job: Job) -> Measured:
    """Train teachers and students; then the ablation, the probe and the sentences."""
    bench = Bench(job.work, job.log, job.quick, small.PRETRAINING)
    seeds = SEEDS[:1] if job.quick else SEEDS
    ablation, named = levels.measured(bench, seeds), zero_shot.measured(bench, seeds)
    gains, plan = ablation["gains"], bench.planned(1)
    return Measured(
        data=f"PTB-XL folds 1 to 8 ({len(bench.cohort):,} recordings with their reports); each half of the "
        "folds is answered by what learnt from the other one, its reports and vocabulary included; fold 9 by "
        "both. Teacher: 8 leads; student: lead I",
        budget=f"encoders of {n_parameters(small.untrained(plan)):,} parameters; teacher and student "
        f"{plan.epochs} epochs, students of the ablation {small.plan_of(bench, 1).epochs} epochs with "
        f"a = b = c = {levels.WEIGHT:g} (with 1, tried first with one seed, a student lost 0.013 against "
        "labels alone)",
        seeds=len(seeds),
        tables=(_levels(ablation), *(_sentences(name, found) for name, found in named.items())),
        comparisons=tuple(Comparison(f"{what}, macro-AUROC", *gain) for what, gain in gains.items()),
        verdict="available" if gains[f"{ALL} against {LABELS}"].low > 0 else "no gain",
        finding=_finding(gains, named[f"out of fold: {STUDENT}"]),
    )


def _levels(ablation: Mapping[str, Any]) -> Table:
    rows = [(arm, figure(*area)) for arm, area in ablation["areas"].items()]
    title = "Macro-AUROC of five superclasses, lead I (students learn from labels and follow levels)"
    return Table(title, ("arm", "macro-AUROC"), tuple(rows))


def _sentences(name: str, found: Mapping[str, Any]) -> Table:
    rows = [(f'"{SENTENCES[code]}" ({code})', str(n), figure(*area)) for code, (n, area) in found.items()]
    return Table(f"Rhythm from a sentence, AUROC, {name}", ("sentence", "recordings", "AUROC"), tuple(rows))


def _finding(gains: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    over = "{0:+.3f} ({1:+.3f} to {2:+.3f})".format
    without = {level: gains[f"{ALL} against without {level}"] for level in LEVELS}
    kept = [level for level, gain in without.items() if gain.low > 0]
    which = f"only {' and '.join(kept)} stays" if kept else "none of the levels stays"
    each = ", ".join(f"{level} {over(*gain)}" for level, gain in without.items())
    told = ", ".join(f"{SENTENCES[code]} {area.mean:.2f}" for code, (_, area) in named.items())
    return (
        f"All three levels gain {over(*gains[f'{ALL} against {LABELS}'])} over labels alone. What each gains "
        f"beside the others: {each}; by the rule that an interval with 0 in it removes a level, {which}. "
        f"Sentences find rhythms in lead I that nobody labelled (AUROC): {told}."
    )
