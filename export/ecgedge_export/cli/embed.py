"""``ecgedge-export embed``: what an encoder makes of recordings, in a file that students learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli.options import log


def embed(
    what: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Of recordings of any form, or the name of a data set.")
    ],
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="An encoder of `pretrain`, or the file that CLEF's or ECGFounder's authors publish; "
            "default: what `ecgedge-export pretrain` made last."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The .npz to write: `embeddings` in a recipe's [teacher].")
    ] = Path("embeddings.npz"),
    kind: Annotated[
        str | None,
        typer.Option(help="ecgedge, clef-small, clef-medium or ecgfounder; default: as the file is."),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Preprocessing; default: the model's own.")] = None,
    record: Annotated[
        list[str] | None, typer.Option(help="A record of a data set, may be repeated; default: all of them.")
    ] = None,
    hop: Annotated[float, typer.Option(min=0.1, help="Seconds from one window to the next.")] = 10.0,
) -> None:
    """Embed ten-second windows of the first lead of recordings; one vector for each is written."""
    from ecgedge_export.data import DATASETS
    from ecgedge_export.pretrain.bench import last_encoder
    from ecgedge_export.teachers import fill, load_teacher
    from ecgedge_export.teachers.folder import found
    from ecgedge_export.teachers.presets import WINDOW_S

    path = checkpoint or last_encoder()
    log(f"encoder: {path}")
    teacher = load_teacher(kind, path, preset)
    named = DATASETS.get(str(what)) if not what.exists() else None
    records = named.read(record) if named else found(what, log)
    try:
        cache = fill(teacher, records, WINDOW_S, hop)
    except ValueError as error:
        raise ConfigError(f"{what}: {error}") from error
    cache.save(out)
    log(f"{out}: {len(cache)} windows, {cache.dim} values each, of {teacher.name} ({teacher.preset})")
