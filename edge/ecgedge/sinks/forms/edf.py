"""EDF+ with annotations, written while the signal streams by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
import numpy.typing as npt

from ecgedge.events import Gap
from ecgedge.recording.readers.forms.edf import MISSING
from ecgedge.sinks.forms.edf_layout import (
    annotation,
    file_header,
    packed,
    records_for,
    scale_for,
)
from ecgedge.sinks.forms.fresh import FreshFiles
from ecgedge.sinks.forms.labels import Label
from ecgedge.sinks.forms.whole import WholeFile
from ecgedge.sinks.plain import plain
from ecgedge.sinks.sink import Item

__all__ = ["EdfFile"]

_RHYTHMS = {
    "(AFIB": "atrial fibrillation", "(N": "sinus rhythm", "(SBR": "sinus bradycardia",
    "(ST": "sinus tachycardia", "(O": "another rhythm",
}  # fmt: skip
_WAVES = "P", "QRS", "T"
_BORDERS = {"(": "onset", ")": "end", "p": "peak", "t": "peak"}
_LONGEST_TEXT = 400


class EdfFile(WholeFile):
    """An EDF+ file; for parameters see :class:`WholeFile`. No patient is named in it.

    EDF+ has no value for a missing sample. Its discontinuous variant EDF+D is refused by some readers and
    joined without a gap by others, so the file is continuous: missing samples have the lowest number, which
    no other sample has, and an annotation says for how long.
    """

    def _label(self, item: Item) -> None:
        if not isinstance(item, Gap):  # the signal shows what is missing
            super()._label(item)

    def _write(self, files: FreshFiles) -> None:
        spool = self.spool
        self._scale = scale_for(spool.levels())
        self._records = records = records_for(spool.fs)
        count = -(-spool.end // records.samples)
        local = self.start.astimezone() if self.start and self.start.tzinfo else self.start
        self._fraction_s = local.microsecond / 1e6 if local else 0.0
        texts = sorted([*self._gaps(count), *self._texts()], key=lambda one: one[0])
        self._annotations = len(texts)
        size, ends = packed([text for _, text in texts], [at // records.samples for at, _ in texts], count)
        lead = " ".join(plain(self.about.channel).split())
        label = f"ECG {lead}" if lead and not lead.upper().startswith("ECG") else lead or "ECG"
        with files.open(self.path) as file:
            file.write(file_header(label, self._scale, records, count, size, local))
            self._write_records(file, [text for _, text in texts], size, ends)

    def told(self) -> tuple[dict[str, object], str]:
        """Say how exactly the signal is held, and how many annotations there are."""
        scale = self._scale
        told: dict[str, object] = {
            "annotations": self._annotations, "step_uv": scale.step_uv, "exact": scale.exact
        }  # fmt: skip
        step = np.format_float_positional(scale.step_uv, precision=4, trim="-")
        how = "exact, in steps" if scale.exact else "off by half a step at most, steps"
        return told, f"values {how} of {step} uV; {self._annotations:,} annotations"

    def _write_records(self, file: IO[bytes], texts: list[bytes], size: int, ends: npt.ArrayLike) -> None:
        seconds, at = float(self._records.seconds), 0
        for number, (samples, end) in enumerate(zip(self._samples(), np.asarray(ends).tolist(), strict=True)):
            own = annotation(self._fraction_s + number * seconds, "")
            file.write(samples.tobytes())
            file.write(b"".join([own, *texts[at:end]]).ljust(size, b"\x00"))
            at = end

    def _samples(self) -> Iterator[npt.NDArray[np.int16]]:
        """Yield the numbers of each data record."""
        size, held = self._records.samples, np.empty(0, np.float32)
        for mv in self.spool.filled():
            held = np.concatenate([held, mv])
            whole = len(held) - len(held) % size
            yield from self._counts(held[:whole]).reshape(-1, size)
            held = held[whole:]
        if len(held):
            rest = np.full(size - len(held), np.nan, np.float32)
            yield self._counts(np.concatenate([held, rest]))

    def _counts(self, mv: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
        most = self._scale.most
        counts = np.rint(mv.astype(np.float64) * (1000 / self._scale.step_uv))
        known = np.clip(counts, 1 - most, most)
        return np.where(np.isfinite(mv), known, -most).astype("<i2")

    def _texts(self) -> Iterator[tuple[int, bytes]]:
        for label in self.labels:
            long = (label.end_sample - label.sample) / self.spool.fs
            yield label.sample, annotation(self._s(label.sample), _words(label), long or None)

    def _gaps(self, count: int) -> Iterator[tuple[int, bytes]]:
        """Where samples are missing, and what was filled behind the last one."""
        end = count * self._records.samples
        for first, behind in [*_missing(self.spool.filled()), (self.spool.end, end)]:
            if behind > first:
                where = " behind the end" if first == self.spool.end else ""
                text = f"{MISSING} of {behind - first} samples{where}"
                yield first, annotation(self._s(first), text, (behind - first) / self.spool.fs)

    def _s(self, sample: int) -> float:
        return self._fraction_s + sample / self.spool.fs


def _missing(pieces: Iterator[npt.NDArray[np.float32]]) -> Iterator[tuple[int, int]]:
    """Yield where runs of missing samples begin and end."""
    at, began = 0, None
    for mv in pieces:
        gone = np.concatenate([[began is not None], np.isnan(mv)])
        for index in np.flatnonzero(np.diff(gone)).tolist():
            if began is None:
                began = at + index
            else:
                yield began, at + index
                began = None
        at += len(mv)
    if began is not None:
        yield began, at


def _words(label: Label) -> str:
    match label.symbol:
        case "+":
            words = f"rhythm: {_RHYTHMS.get(label.text, label.text)}"
        case "~":
            words = f"noise: {label.text}" if label.subtype else "noise ends"
        case "(" | ")" | "p" | "t":
            words = f"{_WAVES[label.num]} {_BORDERS[label.symbol]}"
        case '"':
            words = label.text
        case _:
            words = label.symbol
    safe = plain(words)
    # Halves of surrogate pairs are escaped by now, so that UTF-8 holds all.
    return safe if len(safe) <= _LONGEST_TEXT else f"{safe[: _LONGEST_TEXT - 1]}…"
