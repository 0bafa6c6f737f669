"""Filters, models and limits of a stream as constant tables in C: ``ecg_setup.c`` and its networks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.manifest import Manifest
from ecgedge.artefacts.net8.layers import Net8
from ecgedge.beat_classes.stage import BeatClassStage
from ecgedge.beats import net as beats
from ecgedge.beats.stage import BeatStage
from ecgedge.gate.features import NAMES
from ecgedge.gate.model import REASONS, GateModel
from ecgedge.gate.stage import QualityStage
from ecgedge.monitor import Models
from ecgedge.rhythm.stage import RhythmStage
from ecgedge.stream.filters import Fir, Resampler
from ecgedge.stream.plan import planned
from ecgedge.stream.stage import Stage
from ecgedge_bridge.errors import ModelError
from ecgedge_export.micro.c_source import network, number, table

FS = 100.0
"""The rate that the core's C code works at; models of another one are for Python alone."""
PIECE = 32  # ECG_STREAM_PIECE
MOST_CLASSES = 8  # ECG_MOST_CLASSES
_ROLES = {
    "normal": "ECG_NORMAL",
    "supraventricular": "ECG_SUPRAVENTRICULAR",
    "ventricular": "ECG_VENTRICULAR",
    "af": "ECG_AF",
    "noise": "ECG_NOISE",
}
_HEAD = "/* SPDX-License-Identifier: Apache-2.0. Made by ecgedge-export firmware: change nothing here. */\n"


class Kept(NamedTuple):
    """Samples that a stream keeps: behind the filters, and before them."""

    filtered: int
    raw: int


def kept(models: Models, fs: float, *, rhythm: bool) -> Kept:
    """As many as the stages look back; raw samples are ahead by the delay of the filters and by a piece."""
    front = models.rhythm.front_end
    stages: list[Stage] = [
        BeatStage(models.beats, events=False),
        BeatClassStage(models.beat_classes),
        QualityStage(models.gate),
    ]
    named = [RhythmStage(models.rhythm, by_class=True)] if rhythm else []
    plan = planned([*stages, *named], front.fs)
    ahead_s = front.half_width_s + len(front.taps) / 2 / front.fs
    return Kept(math.ceil(plan.buffer_s * front.fs), math.ceil((plan.raw_s + ahead_s) * fs) + PIECE)


def setup(
    models: Models, fs: float, *, rhythm: bool, name: str = "ecg_setup", hrv_s: float | None = None
) -> str:
    """``ecg_setup.c``: everything but the weights of networks, in a struct called ``name``.

    ``hrv_s`` is the length of the window of heart rate variability: with it the setup is one for a phone.

    Raises
    ------
    ModelError
        The models are in a form that the C code has not.
    """
    front, room = models.rhythm.front_end, kept(models, fs, rhythm=rhythm)
    if front.fs != FS:
        raise ModelError(f"the models work at {front.fs:g} Hz, the C code at {FS:g} Hz: export others")
    design, fir = Resampler(fs, front.fs, **front.resampler).design, Fir(front.taps).reversed
    namers = {"beats": models.beat_classes.manifest, **({"rhythm": models.rhythm.manifest} if rhythm else {})}
    own = "0.0, 0" if hrv_s is None else f"{float(hrv_s)!r}, &ecg_hrv_and_units"
    parts = [
        _HEAD,
        '#include "ecg_setup.h"\n#include "setup.h"\n' + ("" if hrv_s is None else '#include "further.h"\n'),
        _doubles("kernels", design.kernels),
        _doubles("beyond", design.beyond),
        _doubles("fir", fir),
        f"static const struct ecg_gate_model gate = {{\n{_gate(models.gate)}}};\n",
        f"static const char *const reasons[] = {_braced(_quoted(REASONS[name]) for name in NAMES)};\n",
        "extern const struct ecg_beat_net ecg_beat_detector;",
        *[f"extern const struct ecg_net8 ecg_{task}_net;" for task in namers],
        *[_roles(task, manifest) for task, manifest in namers.items()],
        f"\nconst struct ecg_setup {name} = {{",
        f"    {float(fs)!r}, {front.fs!r},",
        f"    {{{design.up}, {design.down}, {design.half}, {design.beyond.shape[1]}, {len(fir)}, "
        "kernels, beyond, fir},",
        "    &ecg_beat_detector,",
        *[_namer(task, namers.get(task)) for task in ("beats", "rhythm")],
        f"    {{&gate, reasons, {models.gate.threshold!r}, {models.gate.morphology_threshold!r}, "
        f"{round(models.gate.window_s * front.fs)}}},",
        f"    {_limits(models) if rhythm else '{0.0, 0.0, 0.0, {0.0, 0.0, 0.0, 0.0}, 0, 0, 0}'},",
        f"    {room.filtered}, {room.raw}, {own},",
        "};\n",
    ]
    return "\n".join(parts)


def _doubles(name: str, values: npt.NDArray[np.float64]) -> str:
    return table("double", name, (float(v).hex() for v in values.reshape(-1)))


def _gate(m: GateModel) -> str:
    rows = [m.mean, m.scale, m.weights, m.morphology_weights]
    single = [m.bias, m.morphology_bias, m.persistence, m.slope, m.offset, m.clip]
    return (
        "".join(f"    {_braced(map(repr, row))},\n" for row in rows)
        + f"    {', '.join(map(repr, single))},\n"
    )


def _roles(name: str, manifest: Manifest) -> str:
    if any(len(letter) != 1 or not letter.isascii() for letter in manifest.classes):
        raise ModelError(
            f"the classes {', '.join(manifest.classes)} are no single letters, which the C code tells"
        )
    if len(manifest.classes) > MOST_CLASSES:
        raise ModelError(
            f"a model of {len(manifest.classes)} classes: the C code has room for {MOST_CLASSES}"
        )
    other = "ECG_OTHER_RHYTHM" if name == "rhythm" else "ECG_OTHER_ROLE"
    roles = [_ROLES.get(manifest.roles[letter], other) for letter in manifest.classes]
    return f"static const uint8_t {name}_roles[] = {_braced(roles)};"


def _namer(name: str, manifest: Manifest | None) -> str:
    if manifest is None:
        return '    {0, "", 0, 0.0f},'
    clip = number(np.float32(manifest.normalisation.values["clip"]))
    return f'    {{&ecg_{name}_net, "{"".join(manifest.classes)}", {name}_roles, {clip}}},'


def _limits(models: Models) -> str:
    m, t = models.rhythm.manifest, models.rhythm.thresholds
    af = (t["af_absent"], t["af_present"], t["af_absent_short"], t["af_present_short"])
    lengths = (round(seconds * m.fs) for seconds in (m.window_s, m.hop_s, m.min_window_s))
    sure = (m.temperature, t["conclusive"], t["sure"])
    return _braced([*map(repr, sure), _braced(map(repr, af)), *map(str, lengths)])


def detector(net: beats.BeatNet) -> str:
    """``ecg_beat_detector.c``: the network that finds beats, its rows as the core lays them out."""
    *layers, out = net.layers()
    if net.channels > beats.CORE_CHANNELS:
        raise ModelError(f"a beat network of {net.channels} channels: the C code has {beats.CORE_CHANNELS}")
    inner = ",\n".join(_rows(layer.weights) for layer in layers[1:])
    fields = [
        str(net.channels),
        _rows(layers[0].weights),
        f"{{\n{inner}}}",
        _rows(np.stack([layer.bias for layer in layers])),
        _rows(out.weights),
        _floats(out.bias),
        _floats(beats.kernel()),
        number(np.float32(min(net.threshold, net.back))),
        repr(net.threshold),
        repr(net.back),
    ]
    body = ",\n    ".join(fields)
    return (
        f'{_HEAD}#include "beat_net.h"\n\nextern const struct ecg_beat_net ecg_beat_detector;\n'
        f"const struct ecg_beat_net ecg_beat_detector = {{\n    {body},\n}};\n"
    )


def namer(net: Net8, name: str) -> str:
    """``ecg_NAME_net.c``: an int8 network."""
    declared = f"const struct ecg_net8 ecg_{name}_net"
    return f'{_HEAD}#include "net8.h"\n\nextern {declared};\n{network(net, declared)}'


def _rows(values: npt.NDArray[np.float32]) -> str:
    return "{\n" + ",\n".join(_floats(row) for row in values) + "}"


def _floats(values: Iterable[np.float32]) -> str:
    return _braced(map(number, values))


def _quoted(text: str) -> str:
    return f'"{text}"'


def _braced(values: Iterable[str]) -> str:
    return f"{{{', '.join(values)}}}"
