"""The generated C project as a library, and what it says beside what :class:`ecgedge.Monitor` says."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import ecgedge
from ecgedge.monitor import default_stages
from ecgedge.stream.segment import Part, Segment
from ecgedge_export.micro.firmware import write_project

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off", "-fPIC")
Floats = npt.NDArray[np.float32]
_KNOWN = {1: True, 0: False, -1: None}
_RATES = {1: "tachycardia", 0: None, -1: "bradycardia"}
Line = tuple[Any, ...]


class _Beat(ctypes.Structure):
    _fields_ = (
        ("sample", ctypes.c_int64), ("rr_ms", ctypes.c_double), ("confidence", ctypes.c_double),
        ("name", ctypes.c_char),
    )  # fmt: skip

    def line(self, classes: str) -> Line:
        return "beat", self.sample, self.rr_ms, self.confidence, self.name.decode()


class _Quality(ctypes.Structure):
    _fields_ = (
        ("start", ctypes.c_int64), ("end", ctypes.c_int64), ("accepted", ctypes.c_int),
        ("morphology", ctypes.c_int), ("score", ctypes.c_double), ("n_reasons", ctypes.c_int),
        ("reasons", ctypes.c_char_p * 3),
    )  # fmt: skip

    def line(self, classes: str) -> Line:
        reasons = tuple(word.decode() for word in self.reasons[: self.n_reasons])
        verdict = bool(self.accepted), bool(self.morphology), self.score, reasons
        return "quality", self.start, self.end, *verdict


class _Rhythm(ctypes.Structure):
    _fields_ = (
        ("start", ctypes.c_int64), ("end", ctypes.c_int64), ("classes", ctypes.c_int),
        ("probabilities", ctypes.c_double * 8), ("label", ctypes.c_char), ("window_label", ctypes.c_char),
        ("conclusive", ctypes.c_int), ("changed", ctypes.c_int), ("af", ctypes.c_int),
        ("heart_rate_bpm", ctypes.c_double), ("rate", ctypes.c_int), ("sinus", ctypes.c_int),
    )  # fmt: skip

    def line(self, classes: str) -> Line:
        p = dict(zip(classes, self.probabilities[: self.classes], strict=True))
        labels = self.label.decode(), self.window_label.decode()
        decided = bool(self.conclusive), bool(self.changed), _KNOWN[self.af], self.heart_rate_bpm or None
        return "rhythm", self.start, self.end, p, *labels, *decided, _RATES[self.rate], _KNOWN[self.sinus]


class _Of(ctypes.Union):
    # What else may be in it is no larger than room.
    _fields_ = (("beat", _Beat), ("quality", _Quality), ("rhythm", _Rhythm), ("room", ctypes.c_double * 32))


class _Event(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int), ("time_s", ctypes.c_double), ("end_time_s", ctypes.c_double), ("of", _Of),
    )  # fmt: skip


_Take = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_Event))


class Library:
    """The project for one rate, compiled: one stream after the other."""

    def __init__(self, path: Path, room: int) -> None:
        self._c, self.room = ctypes.CDLL(str(path)), room
        self._c.ecg_stream_init.restype = self._c.ecg_rhythm_names.restype = ctypes.c_void_p
        self._c.ecg_stream_bytes.restype = ctypes.c_size_t
        self._setup = ctypes.c_char.in_dll(self._c, "ecg_setup")
        self._memory = np.empty(room // 8 + 1)
        names = self._c.ecg_rhythm_names(ctypes.byref(self._setup))
        self.classes = ctypes.string_at(names).decode()
        self._take = _Take(self._taken)
        self.lines: list[Line] = []

    @property
    def bytes(self) -> int:
        """What the library says that a stream takes."""
        return int(self._c.ecg_stream_bytes(ctypes.byref(self._setup)))

    def begin(self, given: int | None = None) -> bool:
        """Begin a stream in memory full of noise; whether there was enough of it."""
        self.lines = []
        self._memory.view(np.uint8)[:] = 0xA5
        place, size = ctypes.c_void_p(self._memory.ctypes.data), self.bytes if given is None else given
        self._stream = ctypes.c_void_p(
            self._c.ecg_stream_init(ctypes.byref(self._setup), place, ctypes.c_size_t(size), self._take, None)
        )
        return bool(self._stream)

    def feed(self, mv: Floats) -> int:
        """How many samples it took."""
        mv = np.ascontiguousarray(mv, np.float32)
        return int(self._c.ecg_stream_feed(self._stream, ctypes.c_void_p(mv.ctypes.data), len(mv)))

    def finish(self) -> None:
        """End the segment."""
        self._c.ecg_stream_finish(self._stream)
        assert np.all(self._memory.view(np.uint8)[self.bytes :] == 0xA5)

    def reset(self, sample: int) -> None:
        """Begin another segment."""
        self._c.ecg_stream_reset(self._stream, ctypes.c_int64(sample))

    def _taken(self, context: int | None, event: Any) -> None:
        of = event.contents.of
        line = (of.beat, of.quality, of.rhythm)[event.contents.kind].line(self.classes)
        self.lines.append((*line, event.contents.time_s, event.contents.end_time_s))


class Compiler:
    """Makes libraries; what does not depend on the rate is compiled once."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self._folder, self._flags, self._made = folder, flags, dict[tuple[float, bool], Library]()

    def library(self, fs: float, *, rhythm: bool = True) -> Library:
        """The project for a rate."""
        if (fs, rhythm) not in self._made:
            self._made[fs, rhythm] = self._compiled(fs, rhythm)
        return self._made[fs, rhythm]

    def _compiled(self, fs: float, rhythm: bool) -> Library:
        made = write_project(self._folder, fs, rhythm=rhythm)
        objects = []
        for name in sorted(made.files):
            if not name.endswith(".c") or name == "main.c":
                continue
            target = self._folder / f"{name}.o"
            if name == "ecg_setup.c" or not target.exists():
                self._cc("-c", name, "-o", target.name)
            objects.append(target.name)
        path = self._folder / f"firmware-{fs:g}-{rhythm}.so"
        self._cc("-shared", *objects, "-o", path.name, "-lm")
        return Library(path, made.stream_bytes)

    def _cc(self, *arguments: str) -> None:
        command = ["cc", *STRICT, *self._flags, *arguments]
        subprocess.run(command, cwd=self._folder, check=True, timeout=300)


def runs(mv: Floats) -> Iterator[tuple[int, Floats]]:
    """Where each stretch without missing samples begins, and the stretch."""
    there = np.concatenate([[False], np.isfinite(mv), [False]])
    edges = np.flatnonzero(there[1:] != there[:-1])
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield int(start), mv[start:end]


def said(library: Library, mv: Floats, cuts: Sequence[int] = (997,)) -> list[Line]:
    """Events of the library for a signal, each stretch a segment, fed in pieces of these lengths in turn."""
    assert library.begin()
    for start, stretch in runs(mv):
        library.reset(start)
        at = turn = 0
        while at < len(stretch):
            piece = stretch[at : at + max(1, cuts[turn % len(cuts)])]
            assert library.feed(piece) == len(piece)
            at, turn = at + len(piece), turn + 1
        library.finish()
    return library.lines


@dataclass
class _Confidences:
    """A stage that notes how sure the detector is of each beat."""

    name: str = "confidences"
    fs: None = None
    latency_s: float = 0.0
    window_s: float = 0.0
    reads: tuple[Part, ...] = ("beats",)
    writes: tuple[Part, ...] = ()
    found: dict[int, float] = field(default_factory=dict)

    def start(self, segment: Segment) -> None:
        self._seen = 0

    def reset(self) -> None:
        self.found.clear()

    def advance(self, segment: Segment) -> list[Any]:
        self.found |= {beat.sample: beat.confidence for beat in segment.beats_after(self._seen)}
        self._seen = segment.n_beats
        return []


def wanted(models: ecgedge.Models, mv: Floats, fs: float, *, rhythm: bool = True) -> list[Line]:
    """The same of a monitor."""
    stages = [stage for stage in default_stages(models) if rhythm or stage.name != "rhythm"]
    watch = _Confidences()
    monitor = ecgedge.Monitor(models, fs=fs, stages=[*stages, watch])
    events = []
    for start, stretch in runs(mv):
        events += monitor.feed(ecgedge.SampleBlock(stretch, fs, start))
    return [line for e in events + monitor.finish() if (line := _line(e, watch.found))]


def _line(e: ecgedge.Event, confidence: dict[int, float]) -> Line | None:
    if isinstance(e, ecgedge.Beat):
        return "beat", e.sample, e.rr_ms or 0.0, confidence[e.sample], e.symbol, e.time_s, e.time_s
    if isinstance(e, ecgedge.Quality):
        verdict = e.accepted, e.morphology, e.score, e.reasons
        return "quality", e.sample, e.end_sample, *verdict, e.time_s, e.end_time_s
    if isinstance(e, ecgedge.Rhythm):
        decided = e.conclusive, e.changed, e.af, e.heart_rate_bpm, e.rate, e.sinus
        named = e.sample, e.end_sample, e.probabilities, e.label, e.window_label, *decided
        return "rhythm", *named, e.time_s, e.end_time_s
    return None
