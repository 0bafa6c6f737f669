"""The task ``rhythm``: from recipe to measured folder, ways to learn, figures of what is shipped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data, splits, tasks
from ecgedge_export import recipe as recipes
from ecgedge_export.nets import RhythmNet
from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import Distill, Recipe
from ecgedge_export.rhythm import build, conditions, distill, own_data, scores, twelve_leads
from ecgedge_export.rhythm.build import Sets
from ecgedge_export.rhythm.panel import compare as panel
from ecgedge_export.rhythm.panel import ways, worth
from ecgedge_export.rhythm.panel.compare import Classroom
from ecgedge_export.rhythm.panel.room import KEPT, answers_of_twelve_leads, classroom
from ecgedge_export.rhythm.panel.teachers import Floats
from ecgedge_export.rhythm.shipped import SHIPPED
from ecgedge_export.rhythm.training import untrained
from ecgedge_export.tasks import Evaluation, Job, Trials
from ecgedge_export.teachers import vectors
from ecgedge_export.train import Embeddings, Lessons

QUICK_RECORDS = 200  # of each side of the split; all four classes are among them
QUICK_TRIES = 40  # for each of many ways to learn
QUICK_STRIPS = 4  # of each source of unlabelled signal: half hours, or people with eight leads


class Taught(NamedTuple):
    """Recordings and what a teacher answers about them."""

    recordings: Prepared
    lessons: Lessons


class _Student(NamedTuple):
    recipe: Recipe
    sets: Sets
    taught: Taught | None


def make(job: Job) -> str:
    """Train, quantize and measure; see :class:`ecgedge_export.tasks.Task`."""
    known = {"distillation": json.loads(job.compared.read_text())} if job.compared else {}
    recipe, sets, taught = _student(job)
    how = recipe.distill
    if taught and how and how.ship_twelve_leads:
        taught = _with_twelve_leads(job, how, taught)
        sets = replace(sets, train=taught.recordings)
    lessons = taught.lessons if taught else None
    large = _embeddings(job, recipe, sets.train)
    teach = _classroom(job, recipe, sets).shipped if recipe.panel else None
    asked = (recipe, sets, job.made, job.work, job.command, job.log, lessons, known, large)
    manifest = build.build(*asked, teach=teach, widely=not job.quick)
    report = manifest.metrics["int8_litert"]
    return f"mean F1 {report.get('mean_f1_nao', report.get('mean_f1'))} (INT8, LiteRT)"


def compare(job: Job, trials: Trials) -> object:
    """Train students in every way; see :class:`ecgedge_export.tasks.Task`."""
    student, sets, taught = _student(job, QUICK_TRIES)
    if taught is None and student.teacher is None and student.panel is None:
        raise ConfigError(f"{job.recipe} names no teacher: add a [distill], [panel] or [teacher] table to it")
    epochs = trials.epochs or student.training.epochs
    student = replace(student, training=replace(student.training, epochs=epochs))
    if student.panel:
        return _compare_panel(job, student, sets, trials.seeds)
    how = student.distill
    tried = distill.ways(
        sets.train,
        sets.augmenter,
        trials.seeds,
        taught and taught.lessons,
        _with_twelve_leads(job, how, taught) if taught and how and how.twelve_leads else None,
        _embeddings(job, student, sets.train),
    )
    noisy = build.in_noise(sets.validation, student.fs, conditions.NOISE_SNR_DB)
    place = job.work.with_name(f"{job.work.name}-variants")
    rows = distill.compare(student, tried, sets.validation, noisy, place, job.log)
    return {"recipe": job.recipe.name, "epochs": epochs, "seeds": trials.seeds, "students": rows}


def _compare_panel(job: Job, student: Recipe, sets: Sets, seeds: int) -> object:
    if job.quick:
        few = [i < QUICK_TRIES or i % QUICK_TRIES == 0 for i in range(len(sets.train.ids))]
        sets = replace(sets, train=sets.train.only(few), n_further=sum(few) - QUICK_TRIES)
    room = _classroom(job, student, sets)
    heard = worth.sides(student, sets.validation, QUICK_RECORDS if job.quick else None)
    tried = ways.ways(student)
    place = job.work.with_name(f"{job.work.name}-panel")
    rows = panel.compare(room, tried, seeds, heard, place, job.log)
    return {"recipe": job.recipe.name, "epochs": student.training.epochs, "seeds": seeds, "panel": rows}


def evaluate(how: Evaluation) -> object:
    """Measure a model on the validation split of CinC 2017."""
    records = (r for r in data.cinc2017() if splits.is_validation(r.id))
    return scores.rhythm_report(
        scores.classify_records(records, RhythmModel.load(how.model, how.backend)), "NAO~"
    )


def _student(job: Job, quick: int = QUICK_RECORDS) -> _Student:
    """What it is trained by and what on, and what its teacher says, where the recipe names one."""
    recipe = recipes.load(job.recipe, quick=job.quick)
    if recipe.data:
        return _Student(recipe, own_data.load_sets(recipe, recipe.data, job.recipe, job.log), None)
    limit = (quick if recipe.panel else QUICK_RECORDS) if job.quick else None
    sets = build.load_sets(recipe, limit, start_folder(job, recipe))
    if recipe.distill is None:
        return _Student(recipe, sets, None)
    teacher = _beside(job, recipe.distill.teacher)
    lessons = distill.lessons(
        teacher, recipe.distill, sets.train, sets.augmenter, _folder(job, teacher), job.log
    )
    return _Student(recipe, sets, Taught(sets.train, lessons))


def start_folder(job: Job, recipe: Recipe) -> Path | None:
    """Folder of the model that training starts from: that of another recipe, trained first where it is not.

    A quick training starts from the model in the package.
    """
    if not recipe.init:
        return None
    if recipe.init == SHIPPED:
        raise ConfigError(
            f"{job.recipe}: init = {SHIPPED!r} is for recordings of your own: add a [data] table"
        )
    return _made(job, recipe.init)


def _made(job: Job, name: str) -> Path:
    """Model folder of a recipe beside this one, made first where it is not at hand."""
    if (KEPT / name / "manifest.json").is_file():
        return KEPT / name
    if job.quick:
        return BUNDLED / "rhythm"
    work = job.work.with_name(name)
    before = job.recipe.with_name(f"{name}.toml")
    if not (work / "model" / "manifest.json").is_file():
        command = f"ecgedge-export train recipes/{before.name}"
        job.log(tasks.train(Job(before, work, work / "model", command, job.log)))
    return work / "model"


def _classroom(job: Job, recipe: Recipe, sets: Sets) -> Classroom:
    """Models and recordings that a recipe's ``[panel]`` names."""
    how = recipe.panel
    assert how
    limit = QUICK_STRIPS if job.quick else None

    def known() -> Floats:
        teacher = _beside(job, how.twelve_leads or ways.TWELVE_LEADS)
        few = QUICK_RECORDS if job.quick else None
        return answers_of_twelve_leads(teacher, sets.train.ids, _folder(job, teacher), job.log, few)

    folders = [_made(job, name) for name in how.models]
    large = _embeddings(job, recipe, sets.train)
    return classroom(recipe, sets, lambda: _untaught(recipe, sets), folders, known, large, limit)


def _untaught(recipe: Recipe, sets: Sets) -> RhythmNet:
    return build.started(recipe, sets) or untrained(recipe)


def _with_twelve_leads(job: Job, how: Distill, taught: Taught) -> Taught:
    """Add the people of the twelve-lead teacher's data, and what it answers about their lead I."""
    teacher = _beside(job, how.twelve_leads)
    who = twelve_leads.people(teacher, QUICK_RECORDS if job.quick else None)
    answers = twelve_leads.lessons(teacher, how, who, _folder(job, teacher), job.log)
    return Taught(*twelve_leads.joined(taught, answers))


def _beside(job: Job, name: str) -> Recipe:
    """Recipe of a teacher, which lies beside its student's."""
    return recipes.load(job.recipe.with_name(f"{name}.toml"), quick=job.quick)


def _folder(job: Job, teacher: Recipe) -> Path:
    return job.work.with_name(f"{teacher.name}{'-quick' if job.quick else ''}")


def _embeddings(job: Job, recipe: Recipe, train: Prepared) -> Embeddings | None:
    """Vectors of a large model, where the recipe names one; recordings that it does not know have none."""
    how = recipe.teacher
    if how is None:
        return None
    ids = [i for i in train.ids if "/" not in i]  # those of PTB-XL bear its name
    cache = vectors.embeddings(how, job.recipe.parent, lambda: data.cinc2017(ids), job.work, job.log)
    return Embeddings(vectors.by_record(cache, train.ids), how.weight)
