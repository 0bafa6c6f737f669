"""What a binding may be given by mistake or by malice: numbers, arrays, and objects that answer back."""

from __future__ import annotations

import array
import ctypes
import mmap
from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
Action = Callable[[], object]


class RefusedError(Exception):
    """What an object raises that is asked for its value."""


class Meddler:
    """Does something else before it says what number it is."""

    def __init__(self, value: Any, action: Action) -> None:
        self.value, self.action = value, action

    def __float__(self) -> float:
        self.action()
        return float(self.value)

    def __index__(self) -> int:
        self.action()
        return int(self.value)

    def __bool__(self) -> bool:
        self.action()
        return bool(self.value)


class MeddlerWithBuffer(Meddler):
    """The same for memory; Python asks objects of its own classes for it from 3.12 on."""

    def __buffer__(self, flags: int, /) -> memoryview:
        self.action()
        return memoryview(self.value)

    def __release_buffer__(self, view: memoryview, /) -> None:
        self.action()


class Liar:
    """Gives what no number is."""

    def __float__(self) -> float:
        return "1.0"

    def __index__(self) -> int:
        return None

    def __bool__(self) -> bool:
        return 2

    def __len__(self) -> int:
        return -1


def refuse() -> None:
    """Raise what no binding knows."""
    raise RefusedError


_INTS = [0, 1, 2, 3, 7, 11, 127, 128, 255, 4096]
_INTS += [2**k + d for k in (15, 20, 24, 30, 31, 32, 50, 53, 60, 62, 63, 64) for d in (-1, 0, 1)]
INTS = [*_INTS, *(-n for n in _INTS), 10**40]
FLOATS = [
    0.0, -0.0, 1.0, -1.0, 0.5, 1e-3, 25.0, 100.0, 4000.0, 5e-324, -5e-324, 2.3e-308, 1e-30, 1e30, 1e38,
    3.5e38, 1e12, -1e12, 1e154, 1e300, 1.7e308, -1.7e308, 700.0, -700.0, 2.0**30, 2.0**31, 2.0**51, 2.0**63,
    -(2.0**63), float("inf"), float("-inf"), float("nan"),
]  # fmt: skip


def _released(rng: Rng) -> memoryview:
    view = memoryview(bytearray(64))
    view.release()
    return view


def _strange(rng: Rng) -> Any:
    """Memory whose items are larger than the first letter of their type says: numpy makes none."""
    try:
        from _testbuffer import ndarray
    except ImportError:
        return ctypes.create_string_buffer(64)
    form, item = [("fB", (1.0, 2)), ("dB", (1.0, 2)), ("BBBB", (1, 1, 1, 1)), ("ib", (1, 2)), ("bh", (1, 2))][
        int(rng.integers(5))
    ]
    n = int(rng.choice([0, 1, 80, 100]))
    return ndarray([item] * max(n, 1), shape=[max(n, 1)], format=form)


_OBJECTS: list[Callable[[Rng], Any]] = [
    lambda rng: None,
    lambda rng: True,
    lambda rng: "",
    lambda rng: "a text that is none of it",
    lambda rng: b"",
    lambda rng: bytes(int(rng.integers(1, 2000))),
    lambda rng: bytearray(int(rng.integers(1, 2000))),
    lambda rng: [],
    lambda rng: [0.0] * 80,
    lambda rng: (),
    lambda rng: {},
    lambda rng: object(),
    lambda rng: type,
    lambda rng: 1j,
    lambda rng: Liar(),
    lambda rng: Meddler(1, refuse),
    lambda rng: MeddlerWithBuffer(b"", refuse),
    lambda rng: array.array("f", [1.0] * 80),
    lambda rng: array.array("d"),
    lambda rng: mmap.mmap(-1, 4096),
    lambda rng: (ctypes.c_double * 3)(1.0, 2.0, 3.0),
    lambda rng: np.array(["2020-01-01"], "M8[s]"),
    lambda rng: np.array([None, object()]),
    lambda rng: np.zeros(3, [("a", "f4"), ("b", "i1")]),
    lambda rng: np.zeros(5, "V0"),
    lambda rng: np.zeros((0, 3)),
    lambda rng: np.float32(3.0),
    lambda rng: np.zeros(80, np.complex64),
    _released,
    _strange,
]


def anything(rng: Rng, action: Action) -> Any:
    """One thing out of all of it; ``action`` is what an object does that is asked for its number."""
    kind = rng.integers(4)
    if kind == 0:
        return INTS[int(rng.integers(len(INTS)))]
    if kind == 1:
        return FLOATS[int(rng.integers(len(FLOATS)))]
    if kind == 2:
        return _OBJECTS[int(rng.integers(len(_OBJECTS)))](rng)
    inner = INTS if rng.random() < 0.3 else FLOATS
    return Meddler(inner[int(rng.integers(len(inner)))], action)


def worse(rng: Rng, given: Any, action: Action) -> Any:
    """Something near what was asked for, and not it: such values get deepest."""
    if isinstance(given, np.ndarray) and given.dtype.kind in "fiu" and rng.random() < 0.85:
        return _worse_array(rng, np.ascontiguousarray(given).ravel(), action)
    if isinstance(given, bytes) and rng.random() < 0.85:
        return _worse_bytes(rng, given)
    if isinstance(given, tuple) and given and rng.random() < 0.85:
        at = int(rng.integers(len(given)))
        return (*given[:at], worse(rng, given[at], action), *given[at + 1 :])
    if isinstance(given, bool | int | float) and rng.random() < 0.85:
        choices = (FLOATS, INTS, [given + 1, given - 1, -given, given * 2])
        values = choices[int(rng.integers(3))] if isinstance(given, int) or rng.random() < 0.3 else FLOATS
        value = values[int(rng.integers(len(values)))]
        return Meddler(value, action) if rng.random() < 0.2 else value
    return anything(rng, action)


def hostile_values(rng: Rng, x: np.ndarray) -> np.ndarray:
    """An array of the same type and length with what no sensor sends in it."""
    x = x.copy()
    if x.size == 0:
        return x
    if x.dtype.kind == "f":
        pool = np.array(FLOATS)
        few = rng.choice(pool, int(rng.integers(1, 4)))
        with np.errstate(over="ignore"):
            bad = rng.choice(few if rng.random() < 0.5 else pool, x.shape).astype(x.dtype)
    else:
        limits = np.iinfo(x.dtype)
        bad = rng.choice(np.array([limits.min, limits.max, 0, 1], x.dtype), x.shape)
    share = float(rng.choice([0.01, 0.2, 1.0]))
    return np.where(rng.random(x.shape) < share, bad, x).astype(x.dtype)


def _unaligned(x: np.ndarray) -> np.ndarray:
    memory = np.zeros(x.nbytes + 16, np.uint8)
    view = memory[1 : 1 + x.nbytes].view(x.dtype)
    view[:] = x
    return view


def _read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


def _other_size(rng: Rng, x: np.ndarray) -> np.ndarray:
    n = int(rng.choice([0, 1, 2, max(x.size - 1, 0), x.size + 1, 2 * x.size, x.size // 2]))
    return np.resize(x, n) if x.size else np.zeros(n, x.dtype)


_ARRAYS: list[Callable[[Rng, np.ndarray], Any]] = [
    hostile_values,
    hostile_values,
    hostile_values,
    _other_size,
    _other_size,
    lambda rng, x: x.astype(rng.choice(["f2", "f4", "f8", "i1", "u1", "i4", "i8", "u4", "?", "c8"])),
    lambda rng, x: x.astype(x.dtype.newbyteorder()),
    lambda rng, x: _unaligned(x),
    lambda rng, x: _read_only(x),
    lambda rng, x: np.repeat(x, 2)[::2],
    lambda rng, x: x[::-1],
    lambda rng, x: np.broadcast_to(x[:1] if x.size else x, x.shape),
    lambda rng, x: x.reshape(1, -1),
    lambda rng, x: np.asfortranarray(np.stack([x, x])),
    lambda rng, x: x[:0],
    lambda rng, x: x[:1].reshape(()) if x.size else x,
    lambda rng, x: x.tobytes(),
    lambda rng, x: memoryview(x),
    lambda rng, x: x.tolist(),
]


def _worse_array(rng: Rng, x: np.ndarray, action: Action) -> Any:
    with np.errstate(all="ignore"):
        made = _ARRAYS[int(rng.integers(len(_ARRAYS)))](rng, x)
    return MeddlerWithBuffer(made, action) if rng.random() < 0.1 else made


def _worse_bytes(rng: Rng, x: bytes) -> bytes:
    changed = bytearray(x)
    for _ in range(int(rng.integers(1, 5))):
        words = len(changed) // 4
        if words and rng.random() < 0.7:
            at = 4 * int(rng.integers(words))
            value = INTS[int(rng.integers(len(INTS)))] % 2**32
            changed[at : at + 4] = value.to_bytes(4, "little")
        elif changed:
            changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
    cut = int(rng.choice([0, 0, 0, 1, 4, 92]))
    return bytes(changed[: len(changed) - cut] if cut else changed)
