"""All that a bundle holds for native apps."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ecgedge.monitor import Models
from ecgedge_bridge.errors import ModelError
from ecgedge_export.ship.native import core as cores
from ecgedge_export.ship.native import event_schema, golden, page, sessions, web

_SKELETONS = ("Package.swift", "android", "swift", "web")


def native_files(
    folder: Path, models: Models, rates: Sequence[float], networks: Sequence[str]
) -> dict[str, bytes]:
    """The files by their path in the bundle.

    Parameters
    ----------
    folder : path
        Of the model folders of the bundle.
    models : Models
        Those of them that a monitor needs.
    rates : sequence of float
        Sampling rates in Hz that the C code is made for.
    networks : sequence of str
        Names of the model folders that have a network.

    Models of a form that the C code has not leave ``native/`` out; the first page says why.
    """
    files: dict[str, bytes] = {}
    missing = ""
    try:
        files |= _chain(folder, models, rates, networks)
    except ModelError as error:
        missing = str(error)
    return files | golden.golden(models) | {
        event_schema.FILE: event_schema.encoded().encode(),
        sessions.FILE: sessions.encoded().encode(),
        "PROTOCOL.md": page.protocol().encode(),
        "README.md": page.readme(models, rates, missing).encode(),
    }  # fmt: skip


def _chain(folder: Path, models: Models, rates: Sequence[float], networks: Sequence[str]) -> dict[str, bytes]:
    templates = resources.files("ecgedge_export.ship.native") / "templates"
    core = cores.core_project(folder, models, rates)
    files = {f"{cores.FOLDER}/{name}": text.encode() for name, text in core.items()}
    for name in _SKELETONS:
        files |= _tree(templates / name, f"native/{name}")
    files[f"{web.FOLDER}/models_web.c"] = web.models_source(list(networks)).encode()
    return files


def _tree(at: Traversable, path: str) -> dict[str, bytes]:
    """Files of a folder, or the one file that it is."""
    if at.is_file():
        return {path: at.read_bytes()}
    return {name: data for one in at.iterdir() for name, data in _tree(one, f"{path}/{one.name}").items()}
