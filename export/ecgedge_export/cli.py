"""The exporter's command line: ``ecgedge-export``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge_bridge.errors import ConfigError, EcgEdgeError
from ecgedge_export import data_cli

if TYPE_CHECKING:  # torch takes seconds
    from ecgedge_export.beat_classes.gather import BeatSet
    from ecgedge_export.beat_classes.training import BeatClassRecipe
    from ecgedge_export.recipe import Recipe
    from ecgedge_export.rhythm.build import Sets
    from ecgedge_export.train import Lessons

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Train, quantize and package the models of ecgedge."
)
app.add_typer(data_cli.app, name="data")
MODELS = Path("edge/ecgedge/models")
NOISE = ["em:6", "em:0", "ma:6", "ma:0", "bw:0"]
QUICK_RECORDS = 200
QUICK_BEAT_RECORDS = 12
DISTILL_SNR_DB = 12.0
TABLE = "table.json"


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="recipes/*.toml, also looked for in export/.")],
    out: Annotated[Path | None, typer.Option(help="Where the model goes; default: into the package.")] = None,
    work: Annotated[Path | None, typer.Option(help="Checkpoints; default: the user's cache.")] = None,
    quick: Annotated[
        bool, typer.Option(help="Two epochs on 200 records: shows that the road is open.")
    ] = False,
) -> None:
    """Make a model from a recipe, from data to measured folder; goes on where it was stopped."""
    path = _recipe_path(recipe)
    command = f"ecgedge-export train {recipe.as_posix()}{' --quick' if quick else ''}"
    if path.stem == "gate":
        _train_gate(path, out or MODELS / "gate", command)
    elif path.stem == "beats":
        _train_beats(path, out or MODELS / "beats", command, quick=quick)
    elif path.stem == "beat_classes":
        _train_beat_classes(path, out, work, command, quick=quick)
    else:
        _train_rhythm(path, out, work, command, quick=quick)


class What(StrEnum):
    """What can be evaluated."""

    rhythm = "rhythm"
    beats = "beats"
    beat_classes = "beat-classes"
    gate = "gate"
    ec57 = "ec57"


@app.command()
def evaluate(
    what: Annotated[
        What, typer.Argument(help="rhythm, beats, beat-classes, gate or ec57: what to measure.")
    ] = What.rhythm,
    model: Annotated[
        Path | None, typer.Option(help="A rhythm or beat-class model folder; default: the bundled one.")
    ] = None,
    backend: Annotated[str, typer.Option(help="litert, onnx or tflite.")] = "litert",
    noise: Annotated[
        list[str] | None, typer.Option(help="beats: em:6, ma:0, bw:-6, ...; may be repeated.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="ec57: folder of annotation files to score instead of our own.")
    ] = None,
    extension: Annotated[
        str, typer.Option(help="ec57: of the annotation files that are judged.")
    ] = "ecgedge",
    keep: Annotated[Path | None, typer.Option(help="ec57: folder for our own annotation files.")] = None,
    record: Annotated[
        list[str] | None, typer.Option(help="ec57: a MIT-BIH record, may be repeated; default: DS2.")
    ] = None,
) -> None:
    """Measure what is in the package through the public API; prints JSON."""
    import json

    reports: dict[What, Callable[[], object]] = {
        What.rhythm: lambda: _rhythm_report(model, backend),
        What.beats: lambda: _beats_report(noise or NOISE),
        What.beat_classes: lambda: _beat_classes_report(model, backend),
        What.gate: _gate_report,
        What.ec57: lambda: _ec57_report(model, backend, annotations, keep, extension, record),
    }
    typer.echo(json.dumps(reports[what](), indent=1))


def _rhythm_report(model: Path | None, backend: str) -> object:
    from ecgedge.model import Model
    from ecgedge_export import data, splits
    from ecgedge_export.rhythm import scores as ev

    records = (r for r in data.cinc2017() if splits.is_validation(r.id))
    return ev.rhythm_report(ev.classify_records(records, Model.load(model, backend)), "NAO~")


def _beats_report(noise: list[str]) -> object:
    from ecgedge import detect_beats
    from ecgedge_export.beats import scores as beat_scores

    return beat_scores.table(detect_beats, [beat_scores.condition(text) for text in noise])


def _beat_classes_report(folder: Path | None, backend: str) -> object:
    from ecgedge import classify_beats
    from ecgedge.beat_classes import BeatModel
    from ecgedge_export.beat_classes import scores
    from ecgedge_export.splits import DS2

    classify = partial(classify_beats, model=BeatModel.load(folder, backend))
    return scores.report(scores.classify_records(classify, DS2))


def _gate_report() -> object:
    from ecgedge.gate import GateModel
    from ecgedge.model import BUNDLED
    from ecgedge_export.gate import scores as gate_scores
    from ecgedge_export.gate import sets as gate_data

    gate = GateModel.load(BUNDLED / "gate" / "gate.json")
    how = gate_data.load_recipe(_recipe_path(Path("recipes/gate.toml")))
    return gate_scores.report(gate, how, _say)


def _ec57_report(
    model: Path | None,
    backend: str,
    annotations: Path | None,
    keep: Path | None,
    extension: str,
    record_ids: list[str] | None,
) -> object:
    """Score annotation files: those in ``annotations``, or what the pipeline says, through files as well."""
    import tempfile

    from ecgedge_export import data, splits
    from ecgedge_export.ec57 import report as ec57

    ids = record_ids or list(splits.DS2)
    if annotations and keep:
        raise ConfigError("--keep is for our own annotation files: leave it out beside --annotations")
    with tempfile.TemporaryDirectory() as scratch:
        folder = annotations or keep or Path(scratch)
        if annotations is None:
            _annotate(model, backend, folder, extension, ids)
        report = ec57.report(ec57.compare_files(data.mitdb(ids), folder, extension))
    _say(ec57.table(report))
    return report


def _annotate(model: Path | None, backend: str, folder: Path, extension: str, ids: list[str]) -> None:
    from ecgedge.monitor import Monitor
    from ecgedge_export import data
    from ecgedge_export.ec57.annotations import annotate

    annotate(Monitor(model, backend), data.mitdb(ids), folder, extension, _say)


def _train_beats(path: Path, out: Path, command: str, *, quick: bool) -> None:
    from ecgedge_export import splits
    from ecgedge_export.beats import training as beat_training

    how = beat_training.load_recipe(path)
    if quick:
        how = replace(how, steps=20, self_labelled=0.0)
    net = beat_training.build(how, splits.DS1, command, _say)
    out.mkdir(parents=True, exist_ok=True)
    net.save(out / "beats.json")
    _say(f"{out / 'beats.json'}: now see `ecgedge-export evaluate beats`")


@app.command()
def bundle(
    out: Annotated[Path, typer.Argument(help="The zip to write.")],
    models: Annotated[Path, typer.Option(help="Folder of model folders.")] = MODELS,
) -> None:
    """Put the models, their C source, golden vectors, an integration page and licences into one zip."""
    from ecgedge_export.ship import bundle as bundles

    for name, digest in bundles.bundle(models, out).items():
        typer.echo(f"{digest}  {name}")


@app.command()
def card(models: Annotated[Path, typer.Argument(help="Folder of model folders.")] = MODELS) -> None:
    """Write the card of each model again, from the report in its manifest."""
    from ecgedge_export.ship import card as cards

    for path in cards.rewrite(models):
        typer.echo(str(path))


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="Folder of model folders, or a bundle.")] = MODELS,
) -> None:
    """Prove that files are those that their manifest describes: hashes, tensors, golden logits, C source."""
    from ecgedge_export.ship import verify as verifying

    for name, digest in verifying.verify(path).items():
        typer.echo(f"{digest}  {name}")
    _say(f"{path}: all files are as their manifests say")


@app.command()
def distill(
    recipe: Annotated[Path, typer.Argument(help="A student's recipe that names a teacher.")],
    seeds: Annotated[int, typer.Option(min=1, help="Times that each student is trained.")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each student; default: the recipe's.")] = None,
    work: Annotated[Path | None, typer.Option(help="Checkpoints; default: the user's cache.")] = None,
    quick: Annotated[
        bool, typer.Option(help="Two epochs on 200 records: shows that the road is open.")
    ] = False,
) -> None:
    """Train students with and without the teacher; prints what the teacher is worth."""
    import json

    from ecgedge_export.rhythm import build as rhythm
    from ecgedge_export.rhythm import distill as distilling

    path = _recipe_path(recipe)
    if path.stem == "beat_classes":
        typer.echo(json.dumps(_beat_class_arms(path, seeds, work, quick=quick), indent=1))
        return
    student, sets, folder = _student(path, work, quick=quick)
    student = replace(student, training=replace(student.training, epochs=epochs or student.training.epochs))
    taught = _lessons(path, student, sets, folder, quick=quick)
    if taught is None:
        raise ConfigError(f"{path} names no teacher: add a [distill] table to it")
    arms = _arms(folder)
    sides = sets.train, sets.validation
    noisy = rhythm.in_noise(sets.validation, student.fs, DISTILL_SNR_DB)
    rows = distilling.compare(student, taught, sides, noisy, sets.viewer, seeds, arms, _say)
    table = json.dumps({"epochs": student.training.epochs, "seeds": seeds, "students": rows}, indent=1)
    (arms / TABLE).write_text(table)
    typer.echo(table)


def _arms(folder: Path) -> Path:
    """Where the students that are compared have their checkpoints, and the table of what they are worth."""
    return folder.with_name(f"{folder.name}-arms")


def _train_rhythm(path: Path, out: Path | None, work: Path | None, command: str, *, quick: bool) -> None:
    import json

    from ecgedge_export.rhythm import build as rhythm

    recipe, sets, folder = _student(path, work, quick=quick)
    out = out or (folder / "model" if quick else MODELS / recipe.name)
    taught = _lessons(path, recipe, sets, folder, quick=quick)
    table = _arms(folder) / TABLE
    compared = {"distillation": json.loads(table.read_text())} if table.is_file() else {}
    manifest = rhythm.build(recipe, sets, out, folder, command, _say, taught, compared, widely=not quick)
    _say(f"{out}: mean F1 {manifest.metrics['int8_litert']['mean_f1_nao']} (INT8, LiteRT)")


def _train_beat_classes(
    path: Path, out: Path | None, work: Path | None, command: str, *, quick: bool
) -> None:
    from ecgedge_export import splits
    from ecgedge_export.beat_classes import build as beat_class_model

    how, beats, folder = _beat_classes(path, work, quick=quick)
    out = out or (folder / "model" if quick else MODELS / how.name)
    views, test = beat_class_model.viewer(how), splits.DS2[:2] if quick else splits.DS2
    manifest = beat_class_model.build(how, beats, views, out, folder, command, _say, test)
    _say(f"{out}: {manifest.metrics['int8_litert']['gross']} (INT8, LiteRT)")


def _beat_class_arms(path: Path, seeds: int, work: Path | None, *, quick: bool) -> object:
    from ecgedge_export.beat_classes import build as beat_class_model
    from ecgedge_export.beat_classes import folds as beat_class_folds

    how, beats, folder = _beat_classes(path, work, quick=quick)
    return beat_class_folds.compare(how, beats, beat_class_model.viewer(how), seeds, folder / "folds", _say)


def _beat_classes(path: Path, work: Path | None, *, quick: bool) -> tuple[BeatClassRecipe, BeatSet, Path]:
    """What to train by, beats to train on (kept for the next time), and where the checkpoints are."""
    from ecgedge_export.beat_classes import gather as beat_class_data
    from ecgedge_export.beat_classes import training as beat_class_training
    from ecgedge_export.data import cache_dir

    how = beat_class_training.load_recipe(path, quick=quick)
    folder = work or cache_dir() / "runs" / f"{how.name}{'-quick' if quick else ''}"
    kept = folder / "beats.npz"
    if not kept.is_file():
        beat_class_data.gather(how.training.seed, _say, QUICK_BEAT_RECORDS if quick else None).save(kept)
    return how, beat_class_data.BeatSet.load(kept), folder


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
    return distilling.lessons(teacher, student.distill, sets.train, sets.viewer, place, _say)


def _train_gate(path: Path, out: Path, command: str) -> None:
    from ecgedge_export.gate import sets as gate_data
    from ecgedge_export.gate import training as gate_training

    gate = gate_training.build(gate_data.load_recipe(path), command, _say)
    out.mkdir(parents=True, exist_ok=True)
    gate.save(out / "gate.json")
    _say(f"{out}: threshold {gate.threshold:.3f}")


def _recipe_path(recipe: Path) -> Path:
    return recipe if recipe.is_file() else Path("export") / recipe


def _say(line: str) -> None:
    typer.echo(line, err=True)


def main() -> None:
    """Run the command line; an expected error is one line on stderr and exit code 1."""
    try:
        app(standalone_mode=True)
    except EcgEdgeError as e:
        typer.echo(f"ecgedge-export: {e}", err=True)
        sys.exit(1)
