"""``ecgedge-export train`` and ``distill``: from data to a measured folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli.options import MODELS, Quick, Work, recipe_path, say

if TYPE_CHECKING:  # torch takes seconds
    from ecgedge_export.beat_classes.gather import BeatSet
    from ecgedge_export.beat_classes.training import BeatClassRecipe
    from ecgedge_export.prepare import Prepared
    from ecgedge_export.recipe import Recipe
    from ecgedge_export.rhythm.build import Sets
    from ecgedge_export.train import Lessons

QUICK_RECORDS = 200
QUICK_BEAT_RECORDS = 12
QUICK_PEOPLE = 1
DISTILL_SNR_DB = 12.0


def train(
    recipe: Annotated[Path, typer.Argument(help="recipes/*.toml, also looked for in export/.")],
    out: Annotated[Path | None, typer.Option(help="Where the model goes; default: into the package.")] = None,
    work: Work = None,
    compared: Annotated[Path | None, typer.Option(help="A table of `distill`, for the card.")] = None,
    quick: Quick = False,
) -> None:
    """Make a model from a recipe, from data to measured folder; goes on where it was stopped."""
    path = recipe_path(recipe)
    command = f"ecgedge-export train {recipe.as_posix()}{' --quick' if quick else ''}"
    command += f" --compared {compared.name}" if compared else ""
    if path.stem == "gate":
        _train_gate(path, _folder(out, work, "gate", quick=quick), command, quick=quick)
    elif path.stem == "beats":
        _train_beats(path, _folder(out, work, "beats", quick=quick), command, quick=quick)
    elif path.stem == "beat_classes":
        _train_beat_classes(path, out, work, command, quick=quick)
    else:
        known = {"distillation": json.loads(compared.read_text())} if compared else {}
        _train_rhythm(path, out, work, command, known, quick=quick)


def _folder(out: Path | None, work: Path | None, name: str, *, quick: bool) -> Path:
    """Where a model without a run folder goes: into the package, but for one that only tries the road."""
    from ecgedge_export.data import cache_dir

    return out or ((work or cache_dir() / "runs" / f"{name}-quick") / "model" if quick else MODELS / name)


def _train_rhythm(
    path: Path, out: Path | None, work: Path | None, command: str, known: Mapping[str, Any], *, quick: bool
) -> None:
    from ecgedge_export.rhythm import build as rhythm

    recipe, sets, folder = _student(path, work, quick=quick)
    out = out or (folder / "model" if quick else MODELS / recipe.name)
    taught = _lessons(path, recipe, sets, folder, quick=quick)
    if recipe.distill and recipe.distill.ship_twelve_leads and taught:
        train, taught = _with_twelve_leads(path, recipe, (sets.train, taught), folder, quick=quick)
        sets = replace(sets, train=train)
    manifest = rhythm.build(recipe, sets, out, folder, command, say, taught, known, widely=not quick)
    say(f"{out}: mean F1 {manifest.metrics['int8_litert']['mean_f1_nao']} (INT8, LiteRT)")


def _train_beat_classes(
    path: Path, out: Path | None, work: Path | None, command: str, *, quick: bool
) -> None:
    from ecgedge_export import splits
    from ecgedge_export.beat_classes import build as beat_class_model

    how, beats, folder = _beat_classes(path, work, quick=quick)
    out = out or (folder / "model" if quick else MODELS / how.name)
    views, test = beat_class_model.viewer(how), splits.DS2[:2] if quick else splits.DS2
    manifest = beat_class_model.build(how, beats, views, out, folder, command, say, test)
    say(f"{out}: {manifest.metrics['int8_litert']['gross']} (INT8, LiteRT)")


def _train_beats(path: Path, out: Path, command: str, *, quick: bool) -> None:
    from ecgedge_export import splits
    from ecgedge_export.beats import training as beat_training

    how = beat_training.load_recipe(path)
    if quick:
        how = replace(how, steps=20, self_labelled=0.0)
    net = beat_training.build(how, splits.DS1, command, say)
    out.mkdir(parents=True, exist_ok=True)
    net.save(out / "beats.json")
    say(f"{out / 'beats.json'}: now see `ecgedge-export evaluate beats`")


def _train_gate(path: Path, out: Path, command: str, *, quick: bool) -> None:
    from ecgedge_export.gate import sets as gate_data
    from ecgedge_export.gate import training as gate_training

    few = gate_training.Few(QUICK_RECORDS, QUICK_PEOPLE) if quick else gate_training.ALL
    gate = gate_training.build(gate_data.load_recipe(path), command, say, few)
    out.mkdir(parents=True, exist_ok=True)
    gate.save(out / "gate.json")
    say(f"{out}: threshold {gate.threshold:.3f}")


def distill(
    recipe: Annotated[Path, typer.Argument(help="A student's recipe that names a teacher.")],
    seeds: Annotated[int, typer.Option(min=1, help="Times that each student is trained.")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each student; default: the recipe's.")] = None,
    work: Work = None,
    quick: Quick = False,
) -> None:
    """Train students with and without the teacher; prints what the teacher is worth."""
    from ecgedge_export.rhythm import build as rhythm
    from ecgedge_export.rhythm import distill as distilling

    path = recipe_path(recipe)
    if path.stem == "beat_classes":
        typer.echo(json.dumps(_beat_class_arms(path, seeds, work, quick=quick), indent=1))
        return
    student, sets, folder = _student(path, work, quick=quick)
    student = replace(student, training=replace(student.training, epochs=epochs or student.training.epochs))
    taught = _lessons(path, student, sets, folder, quick=quick)
    if taught is None:
        raise ConfigError(f"{path} names no teacher: add a [distill] table to it")
    arms = folder.with_name(f"{folder.name}-arms")
    sides = sets.train, sets.validation
    noisy = rhythm.in_noise(sets.validation, student.fs, DISTILL_SNR_DB)
    more = None
    if student.distill and student.distill.twelve_leads:
        more = _with_twelve_leads(path, student, (sets.train, taught), folder, quick=quick)
    rows = distilling.compare(student, taught, sides, noisy, sets.viewer, seeds, arms, say, more)
    table = {"recipe": path.name, "epochs": student.training.epochs, "seeds": seeds, "students": rows}
    typer.echo(json.dumps(table, indent=1))


def _beat_class_arms(path: Path, seeds: int, work: Path | None, *, quick: bool) -> object:
    from ecgedge_export.beat_classes import build as beat_class_model
    from ecgedge_export.beat_classes import folds as beat_class_folds

    how, beats, folder = _beat_classes(path, work, quick=quick)
    return beat_class_folds.compare(how, beats, beat_class_model.viewer(how), seeds, folder / "folds", say)


def _beat_classes(path: Path, work: Path | None, *, quick: bool) -> tuple[BeatClassRecipe, BeatSet, Path]:
    """What to train by, beats to train on (kept for the next time), and where the checkpoints are."""
    from ecgedge_export.beat_classes import gather as beat_class_data
    from ecgedge_export.beat_classes import training as beat_class_training
    from ecgedge_export.data import cache_dir

    how = beat_class_training.load_recipe(path, quick=quick)
    folder = work or cache_dir() / "runs" / f"{how.name}{'-quick' if quick else ''}"
    limit = QUICK_BEAT_RECORDS if quick else None
    return how, beat_class_data.gathered(folder, how.training.seed, say, limit), folder


def _student(path: Path, work: Path | None, *, quick: bool) -> tuple[Recipe, Sets, Path]:
    """What it is trained by, what on, and where its checkpoints are."""
    from ecgedge_export import recipe as recipes
    from ecgedge_export.data import cache_dir
    from ecgedge_export.rhythm import build as rhythm

    recipe = recipes.load(path, quick=quick)
    folder = work or cache_dir() / "runs" / f"{recipe.name}{'-quick' if quick else ''}"
    return recipe, rhythm.load_sets(recipe, QUICK_RECORDS if quick else None), folder


def _lessons(path: Path, student: Recipe, sets: Sets, folder: Path, *, quick: bool) -> Lessons | None:
    """What the student's teacher says, where its recipe names one; the teacher's recipe lies beside it."""
    from ecgedge_export import recipe as recipes
    from ecgedge_export.rhythm import distill as distilling

    if student.distill is None:
        return None
    teacher = recipes.load(path.with_name(f"{student.distill.teacher}.toml"), quick=quick)
    place = folder.with_name(f"{teacher.name}{'-quick' if quick else ''}")
    return distilling.lessons(teacher, student.distill, sets.train, sets.viewer, place, say)


def _with_twelve_leads(
    path: Path, student: Recipe, taught: tuple[Prepared, Lessons], folder: Path, *, quick: bool
) -> tuple[Prepared, Lessons]:
    """Add the people of the twelve-lead teacher's data, and what it says of their lead I."""
    from ecgedge_export import recipe as recipes
    from ecgedge_export.rhythm import twelve_leads

    assert student.distill is not None
    teacher = recipes.load(path.with_name(f"{student.distill.twelve_leads}.toml"), quick=quick)
    who = twelve_leads.people(teacher, QUICK_RECORDS if quick else None)
    place = folder.with_name(f"{teacher.name}{'-quick' if quick else ''}")
    return twelve_leads.joined(taught, twelve_leads.lessons(teacher, student.distill, who, place, say))
