"""The whole chain in C99, from a wearable's notifications to lines of events: the folder ``native/core``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import MANIFEST_NAME, Manifest
from ecgedge.artefacts.net8.flat import read_flat
from ecgedge.artefacts.net8.layers import Net8, net8
from ecgedge.hrv.stage import WINDOW_S
from ecgedge.monitor import Models
from ecgedge.stream.pipeline import FS_RANGE
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.micro import setup_source
from ecgedge_export.micro.c_source import core_files
from ecgedge_export.micro.firmware import public_header

FOLDER = "native/core"
_ROOMS = "stream", "phone", "link"
_LEFT_OUT = "net8_check"
"""How names of files of the core begin that are for Python alone."""
_PUBLIC = ("ecg_core.h", "ecg_link.h", "ecg_phone.h", "ecg_setup.h")
"""What an app includes, in a folder of its own."""
_HEAD = "/* SPDX-License-Identifier: Apache-2.0. Made by ecgedge-export bundle: change nothing here. */\n"
# Clang contracts products and sums by default, and the Swift package manager hands no flags to C.
_GUARD = """\
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif
"""


def checked_rates(rates: Iterable[float]) -> tuple[float, ...]:
    """Rates in ascending order, each once.

    Raises
    ------
    ConfigError
        There is none, or an impossible one.

    Examples
    --------
    >>> checked_rates([250.0, 130.0, 250.0])
    (130.0, 250.0)
    """
    found = tuple(sorted(set(rates)))
    low, high = FS_RANGE
    odd = [fs for fs in found if not low <= fs <= high]
    if odd or not found:
        named = ", ".join(f"{fs:g} Hz" for fs in odd) or "no rate"
        raise ConfigError(f"{named}: give the true sampling rates of the wearables, {low:g} to {high:g} Hz")
    return found


def setup_name(fs: float) -> str:
    """Name in C of the setup for a rate.

    Examples
    --------
    >>> setup_name(130.0), setup_name(128.7)
    ('ecg_setup_130', 'ecg_setup_128_7')
    """
    return f"ecg_setup_{fs:g}".replace(".", "_")


def core_project(folder: Path, models: Models, rates: Sequence[float]) -> dict[str, str]:
    """Files of the folder, by name, for models that were loaded from ``folder`` or from the package."""
    files = {
        path.name: path.read_text(encoding="ascii")
        for path in core_files(*_ROOMS)
        if not path.name.startswith(_LEFT_OUT)
    }
    tasks = {"beats": ("beat_classes", models.beat_classes), "rhythm": ("rhythm", models.rhythm)}
    for name, (task, model) in tasks.items():
        files[f"ecg_{name}_net.c"] = setup_source.namer(_net(folder, task, model.manifest), name)
    files |= {
        f"{setup_name(fs)}.c": setup_source.setup(
            models, fs, rhythm=True, name=setup_name(fs), hrv_s=WINDOW_S
        )
        for fs in rates
    }
    files |= {
        "ecg_core.h": public_header().read_text(encoding="ascii"),
        "ecg_beat_detector.c": setup_source.detector(models.beats),
        "ecg_setup.h": _header(rates),
        "ecg_setup.c": _chooser(rates),
    }
    own = resources.files("ecgedge_export.ship.native") / "templates" / "core"
    templates = ("CMakeLists.txt", "check.c", "include/module.modulemap")
    placed = {f"include/{name}" if name in _PUBLIC else name: _guarded(name, files[name]) for name in files}
    return placed | {name: (own / name).read_text(encoding="utf-8") for name in templates}


def _guarded(name: str, text: str) -> str:
    return _GUARD + text if name.endswith(".c") else text


def _net(folder: Path, task: str, manifest: Manifest) -> Net8:
    own = folder / task
    place = own if (own / MANIFEST_NAME).is_file() else BUNDLED / task
    return net8(read_flat(manifest.read(place, "tflite")))


def _header(rates: Sequence[float]) -> str:
    declared = "\n".join(f"extern const struct ecg_setup {setup_name(fs)}; /* {fs:g} Hz */" for fs in rates)
    return f"""\
{_HEAD}#ifndef ECG_SETUP_H
#define ECG_SETUP_H

#include "ecg_core.h"

#ifdef __cplusplus
extern "C" {{
#endif

{declared}

/* The setup for a rate in Hz, NULL where there is none. */
const struct ecg_setup *ecg_setup_for(double fs);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _chooser(rates: Sequence[float]) -> str:
    cases = "\n".join(f"    if (fs == {float(fs)!r})\n        return &{setup_name(fs)};" for fs in rates)
    return (
        f'{_HEAD}#include "ecg_setup.h"\n\n'
        f"const struct ecg_setup *ecg_setup_for(double fs)\n{{\n{cases}\n    return NULL;\n}}\n"
    )
