"""``ecgedge-export pretrain``: an encoder trained by one of the objectives, and what it is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli.options import Quick, Work, log


def pretrain(
    objective: Annotated[str, typer.Argument(help="clef, infonce, ...; another name lists all of them.")],
    seed: Annotated[int, typer.Option(min=1, help="Another one is another encoder.")] = 1,
    reports: Annotated[
        Path | None, typer.Option(help="melp alone: the reports as a language model embedded them, an .npz.")
    ] = None,
    work: Work = None,
    quick: Quick = False,
) -> None:
    """Train an encoder on PTB-XL without labels and measure it against a random one; prints JSON."""
    from ecgedge_export.data.checksums import sha256
    from ecgedge_export.pretrain.bench import Bench, work_folder
    from ecgedge_export.pretrain.catalogue import objective as known
    from ecgedge_export.pretrain.table import table

    known(objective)
    place = work or work_folder(quick=quick)
    if reports is not None:
        if objective != "melp":
            raise typer.BadParameter("only melp reads them", param_hint="--reports")
        if not reports.is_file():
            raise ConfigError(f"no such file: {reports}: its form is in ecgedge_export.teachers.cache")
        place /= f"reports-{sha256(reports)[:12]}"  # what others read is another training
    bench = Bench(place, log, quick, reports=reports)
    losses = bench.trained(objective, seed).losses
    measured = table(bench, {objective: ()}, seeds=range(seed, seed + 1))
    path = bench.folder(objective, seed) / "encoder.pt"
    typer.echo(json.dumps({"encoder": str(path), "losses": losses, **measured}, indent=1))
