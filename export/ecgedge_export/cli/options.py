"""What the commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgedge.artefacts.folder import BUNDLED

# The models in the package, wherever it is installed.
MODELS = BUNDLED
Quick = Annotated[bool, typer.Option(help="Two epochs on few records: to see that everything works.")]
Work = Annotated[Path | None, typer.Option(help="Checkpoints; default: the user's cache.")]


def log(line: str) -> None:
    """Write a line for people to stderr; what is meant for programs goes to stdout."""
    typer.echo(line, err=True)
