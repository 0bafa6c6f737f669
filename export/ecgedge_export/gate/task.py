"""The task ``gate``: from recipe to measured folder, figures of what is shipped."""

from __future__ import annotations

from pathlib import Path

from ecgedge.gate.model import GateModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import recipe as recipes
from ecgedge_export.gate import scores, sets, training
from ecgedge_export.tasks import Evaluation, Job, Trials

QUICK = training.Few(recordings=200, people=1)


def make(job: Job) -> str:
    """Fit, and measure what is refused; see :class:`ecgedge_export.tasks.Task`."""
    few = QUICK if job.quick else training.ALL
    fitted = training.build(sets.load_recipe(job.recipe), job.command, job.log, few, job.work)
    training.save(fitted, job.made)
    return f"threshold {fitted.gate.threshold:.3f}"


def compare(job: Job, _: Trials) -> object:
    """Refuse: a gate learns from labels alone."""
    raise ConfigError(f"{job.recipe} names no teacher: distill a recipe of another task")


def evaluate(how: Evaluation) -> object:
    """Measure the bundled gate: across data sets, at its threshold, and what it is worth to the rhythm."""
    gate = GateModel.load()
    return scores.report(gate, sets.load_recipe(recipes.found(Path("recipes/gate.toml"))), how.log)
