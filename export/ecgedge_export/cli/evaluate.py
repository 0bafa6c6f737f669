"""``ecgedge-export evaluate``: what is in the package, through the public API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli.options import Work, log


def evaluate(
    what: Annotated[
        str,
        typer.Argument(
            help="rhythm, beats, beat-classes, gate, waves, leads, ec57, external, burden: what to measure."
        ),
    ] = "rhythm",
    folder: Annotated[
        Path | None, typer.Argument(help="external, burden: a folder of WFDB records, with subfolders.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A model folder (external: of any task); default: the bundled one.")
    ] = None,
    backend: Annotated[str, typer.Option(help="litert, onnx or tflite.")] = "litert",
    noise: Annotated[
        list[str] | None, typer.Option(help="beats: em:6, ma:0, bw:-6, ...; may be repeated.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="ec57: folder of annotation files to score instead of our own.")
    ] = None,
    extension: Annotated[
        str, typer.Option(help="ec57: of the annotation files that are scored.")
    ] = "ecgedge",
    keep: Annotated[Path | None, typer.Option(help="ec57: folder for our own annotation files.")] = None,
    record: Annotated[
        list[str] | None,
        typer.Option(help="ec57, burden: a record, may be repeated; default: DS2 of MIT-BIH, all."),
    ] = None,
    lead: Annotated[
        str | None,
        typer.Option(
            help="external, burden: name or number of the signal; default: the best ECG, the first."
        ),
    ] = None,
    annotator: Annotated[
        list[str] | None,
        typer.Option(
            help="external, burden: suffix of annotation files, may be repeated; default: atr, qrs, ecg."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="external: CSV of record,label; default: REFERENCE.csv or labels.csv in it."),
    ] = None,
    learning: Annotated[
        float | None,
        typer.Option(min=0.0, help="external: seconds to leave out; default: 300, 0 of short records."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="external, burden: folder for JSON and reports.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="burden: a data set with rhythms, or afdb-rr; default: shdb-af.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="external, burden, ec57: processes that share the recordings."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT", help="external, burden, ec57: a Dask cluster in their place."
        ),
    ] = None,
    work: Work = None,
) -> None:
    """Measure what is in the package through the public API; prints JSON (external, burden: a table)."""
    from ecgedge_export import tasks

    if what == "external":
        _external(folder, lead, annotator, labels, learning, out, model, backend, workers, scheduler)
        return
    if what == "burden":
        _burden(folder, dataset, record, lead, annotator, work, out, model, backend, workers, scheduler)
        return
    if folder is not None:
        raise typer.BadParameter("only external and burden take a folder", param_hint="FOLDER")
    if what == "ec57":
        report = _ec57_report(model, backend, annotations, keep, extension, record, workers, scheduler)
    elif workers or scheduler:
        raise typer.BadParameter("only external, burden and ec57 share their recordings", param_hint="WHAT")
    else:
        asked = tasks.Evaluation(model, backend, tuple(noise or ()), log)
        report = tasks.task(what.replace("-", "_")).evaluate(asked)
    typer.echo(json.dumps(report, indent=1))


def _external(
    folder: Path | None,
    lead: str | None,
    annotators: list[str] | None,
    labels: Path | None,
    learning_s: float | None,
    out: Path | None,
    model: Path | None,
    backend: str,
    workers: int | None,
    scheduler: str | None,
) -> None:
    """Score anybody's records."""
    from ecgedge_export.external.records import ANNOTATORS, Wish
    from ecgedge_export.external.run import Asked, run
    from ecgedge_export.external.text import table

    if folder is None:
        raise typer.BadParameter("name a folder of WFDB records", param_hint="FOLDER")
    wish = Wish(lead, tuple(annotators or ANNOTATORS), learning_s)
    typer.echo(table(run(Asked(folder, wish, labels, out, model, backend, workers, scheduler), log)))


def _burden(
    folder: Path | None,
    dataset: str | None,
    records: list[str] | None,
    lead: str | None,
    annotators: list[str] | None,
    work: Path | None,
    out: Path | None,
    model: Path | None,
    backend: str,
    workers: int | None,
    scheduler: str | None,
) -> None:
    """Burden and episodes of AF in long recordings."""
    from ecgedge_export.burden.run import DEFAULT, Asked, run
    from ecgedge_export.burden.text import table
    from ecgedge_export.external.records import ANNOTATORS

    if folder is not None and (dataset or records):
        raise typer.BadParameter("give a folder, or a data set and its records", param_hint="FOLDER")
    chosen = int(lead) if lead and lead.isdecimal() and lead.isascii() else lead or 0
    asked = Asked(
        dataset or DEFAULT,
        folder,
        records,
        chosen,
        tuple(annotators or ANNOTATORS),
        work,
        out,
        model,
        backend,
        workers,
        scheduler,
    )
    typer.echo(table(run(asked, log)))


def _ec57_report(
    model: Path | None,
    backend: str,
    annotations: Path | None,
    keep: Path | None,
    extension: str,
    record_ids: list[str] | None,
    workers: int | None,
    scheduler: str | None,
) -> object:
    """Score annotation files: those in ``annotations``, or what the pipeline finds, through files as well."""
    import tempfile

    from ecgedge_export import data, splits
    from ecgedge_export.ec57 import report as ec57

    # DS1 trained the models; figures of its records would flatter them.
    ids = record_ids or list(splits.DS2)
    if annotations and keep:
        raise ConfigError("--keep is for our own annotation files: leave it out beside --annotations")
    with tempfile.TemporaryDirectory() as scratch:
        folder = annotations or keep or Path(scratch)
        if annotations is None:
            _annotate(model, backend, folder, extension, ids, workers, scheduler)
        report = ec57.report(ec57.compare_files(data.mitdb(ids), folder, extension))
    log(ec57.table(report))
    return report


def _annotate(
    model: Path | None,
    backend: str,
    folder: Path,
    extension: str,
    ids: list[str],
    workers: int | None,
    scheduler: str | None,
) -> None:
    from functools import partial

    from ecgedge_export import data
    from ecgedge_export.ec57.annotations import annotate, found_in
    from ecgedge_export.spread import Chosen, spread

    chosen = Chosen(backend, () if model is None else (("rhythm", model.absolute()),))
    chosen.monitor()  # what is wrong with them is said before the work
    with spread(workers, scheduler) as each:
        annotate(each(partial(found_in, chosen), data.mitdb(ids)), folder, extension, log)
