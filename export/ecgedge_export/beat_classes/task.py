"""The task ``beat_classes``: from recipe to measured folder, ways to learn, figures of what is shipped."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from ecgedge.monitor import Models
from ecgedge.whole_recording import classify_beats
from ecgedge_export import splits
from ecgedge_export.beat_classes import breathing, build, folds, scores, training
from ecgedge_export.beat_classes.gather import BeatSet, gathered
from ecgedge_export.beat_classes.training import BeatClassRecipe
from ecgedge_export.tasks import Evaluation, Job, Trials

QUICK_RECORDS = 12  # of each source
QUICK_EVERY = 40  # of the cases of breathing


class _Student(NamedTuple):
    recipe: BeatClassRecipe
    beats: BeatSet


def make(job: Job) -> str:
    """Train, quantize and measure; see :class:`ecgedge_export.tasks.Task`."""
    how, beats = _student(job)
    test, every = (splits.DS2[:2], QUICK_EVERY) if job.quick else (splits.DS2, 1)
    manifest = build.build(
        how, beats, build.augmenter(how), job.made, job.work, job.command, job.log, test, every
    )
    return f"{manifest.metrics['int8_litert']['gross']} (INT8, LiteRT)"


def compare(job: Job, trials: Trials) -> object:
    """Train students in every way, in folds of DS1; epochs are the recipe's."""
    how, beats = _student(job)
    return folds.compare(how, beats, build.augmenter(how), trials.seeds, job.work / "folds", job.log)


def evaluate(how: Evaluation) -> object:
    """Measure a model on MIT-BIH DS2, and how often it takes breathing for ectopy."""
    models = Models.load(how.backend, beat_classes=how.model)
    report = scores.report(scores.classify_records(partial(classify_beats, models=models), splits.DS2))
    shares = breathing.shares(models.beat_classes, list(breathing.cases()))
    return {**report, "sinus_arrhythmia": shares}


def _student(job: Job) -> _Student:
    """What it is trained by, and beats to train on, which are kept for the next time."""
    how = training.load_recipe(job.recipe, quick=job.quick)
    limit = QUICK_RECORDS if job.quick else None
    return _Student(how, gathered(job.work, how.training.seed, job.log, limit))
