"""``ecgedge-export firmware``: a folder of C that a microcontroller compiles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgedge_export.cli.options import MODELS, log


def firmware(
    folder: Annotated[Path, typer.Argument(help="Folder for the C files; it is made.")],
    fs: Annotated[float, typer.Option(help="Sampling rate of your samples, in Hz.")],
    rhythm: Annotated[bool, typer.Option(help="Whether the rhythm is named too.")] = True,
    models: Annotated[Path, typer.Option(help="Folder of model folders.")] = MODELS,
) -> None:
    """Write C99 that finds beats, quality and rhythm on a microcontroller, with the models as tables."""
    from ecgedge_export.micro.firmware import write_project

    made = write_project(folder, fs, models, rhythm=rhythm)
    for name in sorted(made.files):
        typer.echo(str(folder / name))
    log(f"{folder}: a stream takes {made.stream_bytes:,} bytes of memory, see README.md there")
