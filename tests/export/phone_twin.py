"""The C of a bundle's native core as a library, and what the runtime says to the same bytes and samples."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import ecgedge
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.sinks.lines import json_line
from ecgedge_bridge.protocols.own.frames import FrameDecoder
from ecgedge_bridge.protocols.polar.decoder import PolarEcgDecoder
from ecgedge_bridge.stream.decoder import DatedDecoder
from ecgedge_bridge.values import SampleBlock
from ecgedge_export.ship.native.core import core_project

STRICT = "-std=c99 -Wall -Wextra -Werror -pedantic -ffp-contract=off -fPIC -DECG_ONE_COPY".split()
POLAR, OWN, NO_LINK = 0, 1, -1
Floats = npt.NDArray[np.float32]


class Block(NamedTuple):
    """A block of the C link: index, samples, measured rate, arrival."""

    sample: int
    mv: tuple[float, ...]
    fs_hat: float
    host_time_s: float


class _Block(ctypes.Structure):
    _fields_ = (
        ("sample", ctypes.c_int64), ("millivolt", ctypes.POINTER(ctypes.c_float)), ("count", ctypes.c_int32),
        ("fs", ctypes.c_double), ("fs_hat", ctypes.c_double), ("host_time_s", ctypes.c_double),
        ("device", ctypes.c_char_p),
    )  # fmt: skip


class _Stats(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int64)
        for name in ("frames", "samples", "lost", "duplicates", "late", "frame_errors", "segments")
    )


_Line = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
_TakeBlock = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_Block))


class _Takes(ctypes.Structure):
    _fields_ = (("context", ctypes.c_void_p), ("line", _Line), ("block", _TakeBlock))


class PhoneLibrary:
    """The native core, compiled: one stream after the other."""

    def __init__(self, path: Path) -> None:
        self._c = c = ctypes.CDLL(str(path))
        c.ecg_phone_bytes.restype = ctypes.c_size_t
        c.ecg_phone_init.restype = c.ecg_setup_for.restype = ctypes.c_void_p
        c.ecg_setup_for.argtypes = (ctypes.c_double,)
        c.ecg_phone_bytes.argtypes = (ctypes.c_void_p,)
        c.ecg_phone_init.argtypes = (
            ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t, _Takes,
        )  # fmt: skip
        c.ecg_phone_receive.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_double)
        c.ecg_phone_samples.argtypes = (
            ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int32, ctypes.c_double,
        )  # fmt: skip
        c.ecg_phone_finish.argtypes = c.ecg_phone_stats.argtypes = (ctypes.c_void_p,)
        c.ecg_phone_stats.restype = _Stats
        self.lines: list[str] = []
        self.blocks: list[Block] = []
        self._takes = _Takes(None, _Line(self._line), _TakeBlock(self._block))

    def begin(self, fs: float, kind: int = NO_LINK, device: str = "", less: int = 0) -> bool:
        """Begin a stream in memory full of noise, ``less`` bytes short; whether there was enough of it."""
        self.lines, self.blocks = [], []
        setup = self._c.ecg_setup_for(fs)
        self.bytes = int(self._c.ecg_phone_bytes(setup))
        self._memory = np.full(self.bytes // 8 + 512, 0xA5A5A5A5A5A5A5A5, np.uint64)
        memory = self._memory.ctypes.data, self.bytes - less
        self._phone = self._c.ecg_phone_init(setup, kind, device.encode(), *memory, self._takes)
        return bool(self._phone)

    def receive(self, data: bytes, host_time_s: float) -> int:
        """Take a notification."""
        return int(self._c.ecg_phone_receive(self._phone, data, len(data), host_time_s))

    def samples(self, mv: Floats, sample: int = -1, fs_hat: float = 0.0) -> int:
        """Take samples that were decoded elsewhere."""
        mv = np.ascontiguousarray(mv, np.float32)
        return int(self._c.ecg_phone_samples(self._phone, sample, mv.ctypes.data, len(mv), fs_hat))

    def finish(self) -> list[str]:
        """End the stream; all its lines."""
        self._c.ecg_phone_finish(self._phone)
        assert (self._memory.view(np.uint8)[self.bytes :] == 0xA5).all()
        return self.lines

    def stats(self) -> dict[str, int]:
        """Counts of the link."""
        found = self._c.ecg_phone_stats(self._phone)
        return {name: getattr(found, name) for name, _ in _Stats._fields_}

    def _line(self, context: int | None, event: int, line: bytes, length: int) -> None:
        assert len(line) == length
        self.lines.append(line.decode("ascii"))

    def _block(self, context: int | None, block: Any) -> None:
        b = block.contents
        self.blocks.append(Block(b.sample, tuple(b.millivolt[: b.count]), b.fs_hat, b.host_time_s))


def phone_library(folder: Path, rates: Sequence[float], *flags: str) -> PhoneLibrary:
    """Compile the native core for some rates."""
    files = core_project(BUNDLED, ecgedge.Models.load("core"), rates)
    (folder / "include").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    sources = sorted(name for name in files if name.endswith(".c") and name != "check.c")
    command = ["cc", *STRICT, *flags, "-Iinclude", "-shared", *sources, "-o", "phone.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True, timeout=600)
    return PhoneLibrary(folder / "phone.so")


def monitor_lines(models: ecgedge.Models, blocks: Iterable[SampleBlock]) -> list[str]:
    """What a monitor says of blocks."""
    monitor = ecgedge.Monitor(models)
    events = [event for block in blocks for event in monitor.feed(block)] + monitor.finish()
    return [json_line(event.to_json()) for event in events]


def decoder(kind: int, fs: float, device: str = "") -> DatedDecoder:
    """The runtime's decoder."""
    return (PolarEcgDecoder if kind == POLAR else FrameDecoder)(device, fs)
