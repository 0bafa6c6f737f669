"""The task ``waves``: from recipe to measured folder, figures of what is shipped."""

from __future__ import annotations

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data import DATASETS
from ecgedge_export.tasks import Evaluation, Job, Trials
from ecgedge_export.waves import build, scores
from ecgedge_export.waves.training import load_recipe

QUICK_PEOPLE = 1  # of each fold


def make(job: Job) -> str:
    """Train in folds and on everybody, quantize and measure; see :class:`ecgedge_export.tasks.Task`."""
    how = load_recipe(job.recipe, quick=job.quick)
    lessons = build.load(how, QUICK_PEOPLE if job.quick else None)
    manifest = build.build(how, lessons, job.made, job.work, job.command, job.log)
    borders = {" ".join(b): manifest.metrics["folds"][" ".join(b)] for b in scores.CSE_MS}
    return ", ".join(f"{name} {figures['sd_ms']} ms" for name, figures in borders.items()) + " (SD)"


def compare(job: Job, _: Trials) -> object:
    """Refuse: no teacher is known for waves."""
    raise ConfigError(f"{job.recipe} names no teacher: distill a recipe of another task")


def evaluate(how: Evaluation) -> object:
    """Measure a model on LUDB: apart those whom it was taught by, whose figures flatter it."""
    manifest = Manifest.load(how.model or BUNDLED / "waves")
    taught = set(manifest.metrics.get("people", ()))
    records = list(DATASETS["ludb"].read(None))
    sides = {
        "people who taught nothing": [record for record in records if record.id not in taught],
        "people who taught it": [record for record in records if record.id in taught],
    }
    rows = {name: build.measured(side, how.model, how.backend) for name, side in sides.items() if side}
    report = {name: scores.report(found) for name, found in rows.items()}
    return {"each person by a network of the others": manifest.metrics.get("folds"), **report}
