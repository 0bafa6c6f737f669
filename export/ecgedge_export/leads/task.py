"""The task ``leads``: from recipe to measured folder, figures of what is shipped."""

from __future__ import annotations

from ecgedge.leads.features import GUESSED
from ecgedge.leads.model import LeadModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.leads import build, linear
from ecgedge_export.leads.training import load_recipe
from ecgedge_export.tasks import Evaluation, Job, Trials

QUICK_RECORDINGS = 64  # of those who teach, and of those who test


def make(job: Job) -> str:
    """Train, quantize and measure; see :class:`ecgedge_export.tasks.Task`."""
    how = load_recipe(job.recipe, quick=job.quick)
    lessons = build.load(QUICK_RECORDINGS if job.quick else None)
    manifest = build.build(how, lessons, job.made, job.work, job.command, job.log)
    rows = manifest.metrics["test"]["leads"]
    return ", ".join(f"{name} {row['correlation']:.2f}" for name, row in rows.items()) + " (correlation)"


def compare(job: Job, _: Trials) -> object:
    """Refuse: no teacher is known for leads."""
    raise ConfigError(f"{job.recipe} names no teacher: distill a recipe of another task")


def evaluate(how: Evaluation) -> object:
    """Measure a model on PTB-XL's fold 9, beside a linear filter of the folds that taught it."""
    lessons = build.load()
    how.log("fitting the linear filter")
    floor = linear.fit(lessons.taught.leads(["I"]), lessons.taught.leads(GUESSED))
    return build.tested(LeadModel.load(how.model, how.backend), floor, lessons.tested)
