"""How much memory a stream takes: what ``ecg_stream_bytes`` of ``edge/core/stream`` says at run time.

Tests hold both equal. Structs are those of a machine with pointers of 64 bits, the largest there are.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecgedge.artefacts.net8.layers import Net8
from ecgedge.beat_classes.layout import N_INPUTS
from ecgedge.gate.features import BEAT_S
from ecgedge.monitor import Models
from ecgedge.stream.filters import Resampler
from ecgedge_export.micro.setup_source import PIECE, kept

_STREAM, _DETECTOR = 4976, 26_408  # bytes: struct ecg_stream, struct detector_part
_LOGITS = 32  # bytes of struct namer_part
_APART = 11  # ECG_STREAM_APART
_CLIPPING = 2400  # ECG_CLIPPING_ROOM
_DOUBLE, _FLOAT = 8, 4


def stream_bytes(models: Models, fs: float, nets: Mapping[str, Net8]) -> int:
    """Bytes of a stream with samples at ``fs`` Hz; ``nets`` are ``beats`` and, if it is there, ``rhythm``.

    Examples
    --------
    >>> stream_bytes(Models.load("core"), 130.0, {"beats": net})  # doctest: +SKIP
    87656
    """
    front, room = models.rhythm.front_end, kept(models, fs, rhythm="rhythm" in nets)
    design = Resampler(fs, front.fs, **front.resampler).design
    taps = len(front.taps)
    filters: int = 4 * design.half + design.beyond.shape[1] + PIECE + taps + taps // 2 + PIECE
    scratch = [_beats(nets["beats"]), _gate(round(models.gate.window_s * front.fs), fs, front.fs)]
    if "rhythm" in nets:
        scratch.append(_rhythm(nets["rhythm"], round(models.rhythm.manifest.window_s * front.fs)))
    rings = 2 * (room.filtered + room.raw) * _FLOAT
    found = 2 * _beats_in(room.filtered) * _DOUBLE + _whole(_beats_in(room.filtered))
    return _STREAM + filters * _DOUBLE + rings + found + max(scratch)


def _beats_in(samples: int) -> int:
    return samples // _APART + 2


def _whole(size: int) -> int:
    return -(-size // _DOUBLE) * _DOUBLE


def _beats(net: Net8) -> int:
    return _DETECTOR + _whole(N_INPUTS * (_FLOAT + 1) + _LOGITS) + _whole(net.arena)


def _gate(n: int, fs_in: float, fs: float) -> int:
    most = _beats_in(n)
    width = round(BEAT_S[1] * fs) - round(BEAT_S[0] * fs) + 1
    rows, spectral = _whole(width * most * _FLOAT), (3 * n + n // 2 + 4) * _DOUBLE
    features = 2 * n * _DOUBLE + 2 * _whole(most * 4) + 3 * most * _DOUBLE + max(rows, spectral)
    judging = 2 * most * _DOUBLE + _whole(n * _FLOAT) + features
    return max(judging, _whole(max(int(n * fs_in / fs) + 2, _CLIPPING) * _FLOAT))


def _rhythm(net: Net8, window: int) -> int:
    running = _whole(max(net.n_inputs * _FLOAT, net.arena)) + _whole(net.n_inputs)
    return max(running, 2 * _beats_in(window) * _DOUBLE)
