"""How each public name of ``ecgedge._core`` is called rightly: arguments for the fuzzer to spoil.

A name that is not in here fails a test, so that nobody adds a function that is not fuzzed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from values import Rng

from ecgedge.artefacts.backends.core import parts
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.net8.flat import read_flat
from ecgedge.artefacts.net8.layers import net8
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.stream.filters import Fir, FrontEnd, Resampler

Arguments = tuple[Any, ...]
CHANNELS = 4
TAPS, HOP_LENGTH, WAVE, FEATURES, RHYTHM, ROW = 9, 220, 80, 25, 11, 272


def public(core: ModuleType) -> set[str]:
    """Functions, types, and methods of types: ``Type.method``."""
    found = set()
    for name, value in vars(core).items():
        if name.startswith("__"):
            continue
        found.add(name)
        if inspect.isclass(value):
            found |= {f"{name}.{method}" for method in vars(value) if not method.startswith("__")}
    return found


@cache
def _ecg() -> np.ndarray:
    return synthesize([Segment("sinus", 40), Segment("pvc", 20)], 100.0, seed=3).mv.astype(np.float64)


def signal(rng: Rng, n: int) -> np.ndarray:
    """A stretch of ECG at 100 Hz."""
    return np.roll(_ecg(), int(rng.integers(5000)))[:n].copy()


def _floats(rng: Rng, n: int) -> np.ndarray:
    return signal(rng, n).astype(np.float32)


def _net(rng: Rng) -> Arguments:
    inner = TAPS * CHANNELS * CHANNELS + CHANNELS
    size = TAPS * CHANNELS + CHANNELS + 3 * inner + 2 * CHANNELS + 2
    return CHANNELS, rng.normal(0, 0.3, size).astype(np.float32), 0.4, 0.2


@cache
def _shipped_front(fs: float) -> Arguments:
    end = FrontEnd.default(100.0)
    resampler = Resampler(fs, end.fs, half_width_s=end.half_width_s, cutoff_hz=end.cutoff_hz, beta=end.beta)
    return *resampler.design, Fir(end.taps).reversed


def _front(rng: Rng) -> Arguments:
    if rng.random() < 0.5:
        return _shipped_front(float(rng.choice([100.0, 125.0, 130.0, 250.0, 257.0, 500.0])))
    up, down, half, inside, taps = (int(n) for n in rng.integers(1, (12, 24, 24, 40, 30)))
    taps += 1 - taps % 2
    half = max(half, (down // up + 3) // 2)  # from one output to the next, a sample stays
    sizes = (2 * up * half, half * inside, taps)
    return up, down, half, *(rng.normal(0, 0.2, n) for n in sizes)


def _gate_window(rng: Rng) -> Arguments:
    n = int(rng.choice([10, 11, 999, 1000, 1001]))
    at = np.sort(rng.uniform(0, n, int(rng.integers(0, 30))))
    return _floats(rng, n), at, rng.uniform(0.3, 1.0, at.size)


def _gate_numbers(rng: Rng) -> Arguments:
    return float(rng.choice([25.0, 100.0, 130.0, 4000.0])), np.append(
        rng.uniform(0.5, 2.0, 4 * FEATURES), [0.1, 0.2, 0.9, 1.0, 0.0, 5.0]
    )


@cache
def network(task: str) -> Arguments:
    """What ``Net8`` is made of, for a model that comes with the package."""
    return parts(net8(read_flat((BUNDLED / task / "model.tflite").read_bytes())))


def _net8(rng: Rng) -> Arguments:
    return network("beat_classes")


def _window(rng: Rng) -> Arguments:
    n_inputs, n_outputs = network("beat_classes")[4][:2]
    return rng.normal(0, 1, n_inputs).astype(np.float32), np.zeros(n_outputs, np.float32)


def _beat(rng: Rng) -> Arguments:
    before = None if rng.random() < 0.1 else float(rng.uniform(0.3, 2.5))
    return _floats(rng, WAVE), before, float(rng.uniform(0.3, 2.5))


def _rows(rng: Rng) -> Arguments:
    n = int(rng.integers(0, 4))
    waves, rhythm = _floats(rng, 3 * WAVE * n), rng.normal(0, 1, RHYTHM * n).astype(np.float32)
    return waves, rhythm, 8.0, np.zeros(ROW * n, np.float32)


def _ring(rng: Rng) -> Arguments:
    capacity = int(rng.choice([1, 7, 400, 1000]))
    written = int(rng.choice([0, 1, capacity, 12345, 2**50]))
    return np.zeros(2 * capacity, np.float32), written, signal(rng, int(rng.integers(0, 900))), 0.25


def _advance(rng: Rng) -> Arguments:
    return np.tile(_floats(rng, 1000), 2), int(rng.choice([60, 500, 1000])), bool(rng.integers(2))


def _entropy(rng: Rng) -> Arguments:
    n = int(rng.integers(0, 200))
    return rng.integers(5e5, 1e6, n).astype(np.int32), rng.integers(0, 2, n).astype(np.uint8), 50_000


def _bands(rng: Rng) -> Arguments:
    nn_ms = rng.uniform(600, 1000, int(rng.integers(60, 400)))
    return np.cumsum(nn_ms) / 1e3, nn_ms


_LAST_S = [0.0]


def _later(rng: Rng) -> float:
    """Beats ascend, whatever monitor they are for."""
    _LAST_S[0] = (_LAST_S[0] + float(rng.choice([0.3, 0.8, 0.9, 1.4, 4.0]))) % 1e9
    return _LAST_S[0]


def _nothing(rng: Rng) -> Arguments:
    return ()


RECIPES: dict[str, Callable[[Rng], Arguments]] = {
    "log": lambda rng: (float(rng.uniform(1e-3, 1e3)),),
    "exp": lambda rng: (float(rng.uniform(-700, 700)),),
    "turn": lambda rng: (float(rng.uniform(-4, 4)),),
    "within": lambda rng: (signal(rng, 73), 1e4),
    "ring_write": _ring,
    "model_input": lambda rng: (_floats(rng, int(rng.integers(0, 3040))), 200, 0.1, 3040, 5.0),
    "clipping": lambda rng: (_floats(rng, 1000), 100.0),
    "flat_share": lambda rng: (_floats(rng, 1000), 100.0),
    "ranges": lambda rng: (_floats(rng, 1000), int(rng.integers(1, 1100))),
    "band_powers": _bands,
    "sample_entropy": _entropy,
    "beat_inputs": _rows,
    "Front": _front,
    "Front.feed": lambda rng: (signal(rng, int(rng.choice([0, 1, 13, 73, 700]))),),
    "Front.finish": _nothing,
    "Front.reset": _nothing,
    "BeatNet": _net,
    "BeatNet.run": lambda rng: (_floats(rng, HOP_LENGTH),),
    "Detector": lambda rng: (made("BeatNet", rng),),
    "Detector.advance": _advance,
    "Detector.reset": _nothing,
    "Gate": _gate_numbers,
    "Gate.features": _gate_window,
    "Gate.assess": lambda rng: (*_gate_window(rng), None if rng.random() < 0.5 else 0.3),
    "History": _nothing,
    "History.take_if_template": _beat,
    "History.inputs": lambda rng: (*_beat(rng), 8.0, *((0.06, -3) if rng.random() < 0.5 else ())),
    "History.learn": lambda rng: (*_beat(rng), *((True,) if rng.random() < 0.5 else ())),
    "History.reset": _nothing,
    "History.snapshot": _nothing,
    "History.restore": lambda rng: (made("History", rng),),
    "Intervals": _nothing,
    "Intervals.push": lambda rng: (_later(rng), rng.random() < 0.9),
    "Intervals.end_run": _nothing,
    "Intervals.keep": lambda rng: (_LAST_S[0] - 10.0,),
    "Intervals.fresh": _nothing,
    "Intervals.waiting_s": _nothing,
    "Intervals.silent_s": lambda rng: (_LAST_S[0] + 1.0,),
    "Intervals.measured": lambda rng: (_LAST_S[0] - 300.0, _LAST_S[0]),
    "Net8": _net8,
    "Net8.run": _window,
    "Net8.run_codes": lambda rng: (rng.integers(-128, 128, network("beat_classes")[4][0]).astype(np.int8),),
}


def made(name: str, rng: Rng) -> Any:
    """A new object of a type, made rightly."""
    from ecgedge.arithmetic.core import core

    return getattr(core, name)(*RECIPES[name](rng))
