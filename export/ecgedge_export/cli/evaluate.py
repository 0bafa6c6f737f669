"""``ecgedge-export evaluate``: what is in the package, through the public API."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli.options import recipe_path, say

NOISE = ["em:6", "em:0", "ma:6", "ma:0", "bw:0"]


class What(StrEnum):
    """What can be evaluated."""

    rhythm = "rhythm"
    beats = "beats"
    beat_classes = "beat-classes"
    gate = "gate"
    ec57 = "ec57"


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
    reports: dict[What, Callable[[], object]] = {
        What.rhythm: lambda: _rhythm_report(model, backend),
        What.beats: lambda: _beats_report(noise or NOISE),
        What.beat_classes: lambda: _beat_classes_report(model, backend),
        What.gate: _gate_report,
        What.ec57: lambda: _ec57_report(model, backend, annotations, keep, extension, record),
    }
    typer.echo(json.dumps(reports[what](), indent=1))


def _rhythm_report(model: Path | None, backend: str) -> object:
    from ecgedge.rhythm.model import RhythmModel
    from ecgedge_export import data, splits
    from ecgedge_export.rhythm import scores as ev

    records = (r for r in data.cinc2017() if splits.is_validation(r.id))
    return ev.rhythm_report(ev.classify_records(records, RhythmModel.load(model, backend)), "NAO~")


def _beats_report(noise: list[str]) -> object:
    from ecgedge import detect_beats
    from ecgedge_export.beats import scores as beat_scores

    return beat_scores.table(detect_beats, [beat_scores.condition(text) for text in noise])


def _beat_classes_report(folder: Path | None, backend: str) -> object:
    from ecgedge import Models, classify_beats
    from ecgedge_export.beat_classes import scores
    from ecgedge_export.splits import DS2

    classify = partial(classify_beats, models=Models.load(backend, beat_classes=folder))
    return scores.report(scores.classify_records(classify, DS2))


def _gate_report() -> object:
    from ecgedge.artefacts.folder import BUNDLED
    from ecgedge.gate.model import GateModel
    from ecgedge_export.gate import scores as gate_scores
    from ecgedge_export.gate import sets as gate_data

    gate = GateModel.load(BUNDLED / "gate" / "gate.json")
    how = gate_data.load_recipe(recipe_path(Path("recipes/gate.toml")))
    return gate_scores.report(gate, how, say)


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
    say(ec57.table(report))
    return report


def _annotate(model: Path | None, backend: str, folder: Path, extension: str, ids: list[str]) -> None:
    from ecgedge import Models, Monitor
    from ecgedge_export import data
    from ecgedge_export.ec57.annotations import annotate

    annotate(Monitor(Models.load(backend, rhythm=model)), data.mitdb(ids), folder, extension, say)
