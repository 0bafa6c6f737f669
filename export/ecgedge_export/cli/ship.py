"""``ecgedge-export bundle``, ``card`` and ``verify``: what leaves the house."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli.options import MODELS, log


def bundle(
    out: Annotated[Path, typer.Argument(help="The zip to write.")],
    models: Annotated[Path, typer.Option(help="Folder of model folders.")] = MODELS,
    fs: Annotated[
        list[float], typer.Option(help="Sampling rate in Hz of a wearable; more of them, more setups in C.")
    ] = [130.0],  # noqa: B006  # typer copies it
    wasm: Annotated[
        bool, typer.Option("--wasm", help="Compile chain and models to WebAssembly too; needs emscripten.")
    ] = False,
) -> None:
    """Put models and the whole chain in C into one zip, with golden vectors, schema, protocol and licences.

    README.md in it says how to build the chain into an app (Android, Swift, the web), or how to port it.
    """
    from ecgedge_export.ship import bundle as bundles

    for name, digest in bundles.bundle(models, out, fs, wasm=wasm).items():
        typer.echo(f"{digest}  {name}")


def card(models: Annotated[Path, typer.Argument(help="Folder of model folders.")] = MODELS) -> None:
    """Write the card of each model again, from the report in its manifest."""
    from ecgedge_export.ship import card as cards

    written = cards.rewrite(models)
    if not written:
        raise ConfigError(f"{models} holds no model folder: name the folder of all models")
    for path in written:
        typer.echo(str(path))


def verify(
    path: Annotated[Path, typer.Argument(help="Folder of model folders, or a bundle.")] = MODELS,
) -> None:
    """Prove that files are those that their manifest describes: hashes, tensors, golden logits, C source."""
    from ecgedge_export.ship import verify as verifying

    for name, digest in verifying.verify(path).items():
        typer.echo(f"{digest}  {name}")
    log(f"{path}: all files are as their manifests say")
