"""``ecgedge-export embed``: what a large model makes of a data set, in a file that students learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgedge_export.cli.options import log


def embed(
    kind: Annotated[str, typer.Argument(help="clef-small, clef-medium or ecgfounder.")],
    checkpoint: Annotated[Path, typer.Argument(help="The file as its authors publish it.")],
    dataset: Annotated[str, typer.Argument(help="A data set, as 'data list' shows it.")],
    out: Annotated[Path, typer.Argument(help="The .npz to write: `embeddings` in a recipe's [teacher].")],
    preset: Annotated[str | None, typer.Option(help="Preprocessing; default: the model's own.")] = None,
    record: Annotated[
        list[str] | None, typer.Option(help="A record, may be repeated; default: all of them.")
    ] = None,
) -> None:
    """Embed every ten seconds of a data set's first lead with a large model that you have."""
    from ecgedge_export.data import dataset as find
    from ecgedge_export.teachers import fill, load_teacher
    from ecgedge_export.teachers.presets import WINDOW_S

    teacher = load_teacher(kind, checkpoint, preset)
    cache = fill(teacher, find(dataset).read(record), WINDOW_S, WINDOW_S)
    cache.save(out)
    log(f"{out}: {len(cache)} windows, {cache.dim} values each")
