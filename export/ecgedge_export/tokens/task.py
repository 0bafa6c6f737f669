"""The task ``tokens``: from recipe to measured folder, figures of what is shipped."""

from __future__ import annotations

from ecgedge.tokens.coding import LEAD_I
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.tasks import Evaluation, Job, Trials
from ecgedge_export.tokens import build, scores
from ecgedge_export.tokens.training import load_recipe

QUICK_RECORDINGS = 12  # of each source


def make(job: Job) -> str:
    """Train, quantize and measure; see :class:`ecgedge_export.tasks.Task`."""
    how = load_recipe(job.recipe, quick=job.quick)
    lessons = build.load(how, job.work, job.log, QUICK_RECORDINGS if job.quick else None)
    manifest = build.build(how, lessons, job.made, job.work, job.command, job.log, quick=job.quick)
    return scores.kept(manifest.metrics["telemetry"][LEAD_I])


def compare(job: Job, _: Trials) -> object:
    """Refuse: no teacher is known for words."""
    raise ConfigError(f"{job.recipe} names no teacher: distill a recipe of another task")


def evaluate(how: Evaluation) -> object:
    """Measure what telemetry by words costs and loses, on recordings that taught nothing."""
    return scores.measured(how.model, how.backend)
