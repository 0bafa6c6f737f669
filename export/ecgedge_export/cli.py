"""The exporter's command line: ``ecgedge-export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ecgedge_bridge.errors import EcgEdgeError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Train, quantize and package the models of ecgedge."
)
MODELS = Path("edge/ecgedge/models")


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
    path = recipe if recipe.is_file() else Path("export") / recipe
    command = f"ecgedge-export train {recipe.as_posix()}{' --quick' if quick else ''}"
    if path.stem == "gate":
        _train_gate(path, out or MODELS / "gate", command)
    else:
        _train_rhythm(path, out, work, command, quick=quick)


@app.command()
def evaluate(
    model: Annotated[
        Path | None, typer.Option(help="A rhythm model folder; default: the bundled one.")
    ] = None,
    backend: Annotated[str, typer.Option(help="litert, onnx or tflite.")] = "litert",
) -> None:
    """Classify the CinC 2017 validation split through the public API; prints scores as JSON."""
    import json

    from ecgedge_export import data, splits
    from ecgedge_export import evaluate as ev

    records = (r for r in data.cinc2017() if splits.is_validation(r.id))
    answers = ev.classify_records(records, model, backend)
    typer.echo(json.dumps(ev.rhythm_report(answers, "NAO~"), indent=1))


def _train_rhythm(path: Path, out: Path | None, work: Path | None, command: str, *, quick: bool) -> None:
    from ecgedge_export import recipe as recipes
    from ecgedge_export import rhythm
    from ecgedge_export.data import cache_dir

    recipe = recipes.load(path, quick=quick)
    work = work or cache_dir() / "runs" / f"{recipe.name}{'-quick' if quick else ''}"
    out = out or (work / "model" if quick else MODELS / recipe.name)
    sets = rhythm.load_sets(recipe, 200 if quick else None)
    manifest = rhythm.build(recipe, sets, out, work, command, _say)
    _say(f"{out}: mean F1 {manifest.metrics['int8_litert']['mean_f1_nao']} (INT8, LiteRT)")


def _train_gate(path: Path, out: Path, command: str) -> None:
    from ecgedge_export import gate_training

    gate = gate_training.build(gate_training.load_recipe(path), command)
    out.mkdir(parents=True, exist_ok=True)
    gate.save(out / "gate.json")
    _say(f"{out}: threshold {gate.threshold:.3f}")


def _say(line: str) -> None:
    typer.echo(line, err=True)


def main() -> None:
    """Run the command line; an expected error is one line on stderr and exit code 1."""
    try:
        app(standalone_mode=True)
    except EcgEdgeError as e:
        typer.echo(f"ecgedge-export: {e}", err=True)
        sys.exit(1)
