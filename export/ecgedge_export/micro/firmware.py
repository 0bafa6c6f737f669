"""Everything that a firmware author compiles to find beats, quality and rhythm on a microcontroller."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from string import Template
from typing import NamedTuple

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge.artefacts.net8.flat import read_flat
from ecgedge.artefacts.net8.layers import Net8, net8
from ecgedge.monitor import Models
from ecgedge.stream.pipeline import FS_RANGE
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.micro import setup_source
from ecgedge_export.micro.c_source import core_files
from ecgedge_export.micro.stream_memory import stream_bytes

_LEFT_OUT = "hrv", "net8_check"
"""How names of files of the core begin that are for Python alone."""
HEADER = "ecg_core.h"
STACK = 5120
"""Bytes of stack that a call takes at most, on a microcontroller."""


class Project(NamedTuple):
    """Files of a folder, by name; bytes of memory that a stream takes."""

    files: dict[str, str]
    stream_bytes: int


def project(fs: float, models: str | Path | None = None, *, rhythm: bool = True) -> Project:
    """Make the files for samples at ``fs`` Hz.

    Parameters
    ----------
    fs : float
        Sampling rate in Hz.
    models : path, optional
        Folder of model folders; None takes those in the package.
    rhythm : bool
        Whether the rhythm is named too; without it a stream takes half of the memory.

    Raises
    ------
    ConfigError
        An impossible rate.
    ModelError
        The models are in a form that the C code has not.

    Examples
    --------
    >>> made = project(130.0)
    >>> sorted(made.files)[:3], made.stream_bytes < 150_000
    (['README.md', 'beat_net.c', 'beat_net.h'], True)
    """
    low, high = FS_RANGE
    if not low <= fs <= high:
        raise ConfigError(
            f"a sampling rate of {fs:g} Hz is outside {low:g} to {high:g} Hz: give the true rate"
        )
    folder = BUNDLED if models is None else Path(models)
    parts = ("rhythm", "beat_classes", "gate", "beats")
    loaded = Models.load("core", **{name: folder / name for name in parts})
    nets = {"beats": _net(folder / "beat_classes", loaded.beat_classes.manifest)}
    if rhythm:
        nets["rhythm"] = _net(folder / "rhythm", loaded.rhythm.manifest)
    size = stream_bytes(loaded, fs, nets)
    files = {
        path.name: path.read_text(encoding="ascii")
        for path in core_files("stream")
        if not path.name.startswith(_LEFT_OUT)
    }
    files |= {f"ecg_{name}_net.c": setup_source.namer(net, name) for name, net in nets.items()}
    files |= {
        "ecg_core.h": public_header().read_text(encoding="ascii"),
        "ecg_setup.h": _SETUP.format(size // 8, size),
        "ecg_setup.c": setup_source.setup(loaded, fs, rhythm=rhythm),
        "ecg_beat_detector.c": setup_source.detector(loaded.beats),
        "main.c": _own("main.c"),
        "README.md": Template(_own("README.md")).substitute(
            fs=f"{fs:g}", models=", ".join(loaded.digests()), bytes=f"{size:,}", stack=f"{STACK:,}"
        ),
    }
    return Project(files, size)


_SETUP = """\
/* SPDX-License-Identifier: Apache-2.0. Made by ecgedge-export firmware: change nothing here. */
#ifndef ECG_SETUP_H
#define ECG_SETUP_H

#include "ecg_core.h"

/* Memory of one stream, in doubles so that it is aligned; less is enough where pointers are short, see
 * ecg_stream_bytes(). */
#define ECG_STREAM_DOUBLES {0} /* {1} bytes */

extern const struct ecg_setup ecg_setup;

#endif
"""


def write_project(
    folder: str | Path, fs: float, models: str | Path | None = None, *, rhythm: bool = True
) -> Project:
    """Write the files of :func:`project` into a folder, which is made; other files there stay."""
    made, target = project(fs, models, rhythm=rhythm), Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in made.files.items():
        (target / name).write_text(text, encoding="utf-8", newline="\n")
    return made


def _net(folder: Path, manifest: Manifest) -> Net8:
    return net8(read_flat(manifest.read(folder, "tflite")))


def _own(name: str) -> str:
    return (resources.files("ecgedge_export.micro") / "project" / name).read_text(encoding="utf-8")


def public_header() -> Path:
    """The header for authors: in the wheel inside the bridge's package, in the repository beside it."""
    bridge = Path(str(resources.files("ecgedge_bridge")))
    return (
        next(p for p in (bridge, bridge.parent) if (p / "firmware" / HEADER).is_file()) / "firmware" / HEADER
    )
