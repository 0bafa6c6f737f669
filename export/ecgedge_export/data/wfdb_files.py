"""WFDB files, read with the wfdb library: headers, samples in mV, beats, rhythms and quality."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import wfdb

from ecgedge.recording.units import units_per_mv
from ecgedge_bridge.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Header:
    """What a header file says: rate in Hz, length in samples, lead names, comment lines."""

    fs: float
    n_samples: int
    leads: tuple[str, ...]
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """Annotations of one file, each array of shape (k,): sample, code, subtype and text.

    ``fs`` is the rate that samples are counted at, in Hz, where the file or a header beside it says so.
    """

    sample: npt.NDArray[np.int64]
    symbol: npt.NDArray[np.str_]
    subtype: npt.NDArray[np.int64]
    text: tuple[str, ...]
    fs: float | None = None

    def only(self, codes: frozenset[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.str_]]:
        """Samples and codes of the annotations with one of these codes."""
        keep = np.isin(self.symbol, sorted(codes))
        return self.sample[keep], self.symbol[keep]


def record_paths(folder: Path, names: str) -> dict[str, Path]:
    """Find records anywhere below a folder: name to path without suffix, sorted by name.

    Parameters
    ----------
    folder : Path
        Root of a data set.
    names : str
        Regular expression that the whole name matches. Of records with the same name the one nearest to the
        root counts.
    """
    found: dict[str, Path] = {}
    for header in sorted(folder.rglob("*.hea"), key=lambda p: (len(p.parts), p)):
        if re.fullmatch(names, header.stem):
            found.setdefault(header.stem, header.with_suffix(""))
    return dict(sorted(found.items()))


def header(path: Path) -> Header:
    """Read a record's header."""
    h = _call(path, wfdb.rdheader, str(path))
    return Header(float(h.fs), int(h.sig_len or 0), tuple(h.sig_name or ()), tuple(h.comments))


def signal(path: Path, start: int, stop: int | None, channels: list[int]) -> npt.NDArray[np.float32]:
    """Read samples in mV: float32 of shape (n, channels), invalid ones NaN."""
    wave = _call(path, wfdb.rdrecord, str(path), sampfrom=start, sampto=stop, channels=channels)
    # A file may be in uV or V; wfdb gives NaN for samples that are marked invalid.
    scale = np.array([units_per_mv(path, unit) for unit in wave.units])
    return np.asarray(wave.p_signal / scale, np.float32)


def marks(path: Path, extension: str) -> Marks:
    """Read an annotation file; no annotations where there is no such file."""
    if not path.with_name(f"{path.name}.{extension}").is_file():
        return Marks(np.empty(0, np.int64), np.empty(0, "<U1"), np.empty(0, np.int64), ())
    a = _call(path, wfdb.rdann, str(path), extension)
    # Texts are padded with NUL to an even length.
    text = tuple(t.rstrip("\x00 ") for t in a.aux_note)
    sample, subtype = np.asarray(a.sample, np.int64), np.asarray(a.subtype, np.int64)
    return Marks(sample, np.array(a.symbol, np.str_), subtype, text, a.fs and float(a.fs))


def rhythm_changes(notes: Marks) -> Iterator[tuple[int, str]]:
    """Yield (sample, name) of rhythm changes; the name is "" where a rhythm ends and none follows.

    A change is a text that starts with a parenthesis, whatever the annotation's code: CPSC 2021 hangs some of
    them on a beat. A lone ")" ends a rhythm (Icentia11k).
    """
    for at, text in zip(notes.sample.tolist(), notes.text, strict=True):
        if text.startswith("("):
            yield at, text[1:]
        elif text == ")":
            yield at, ""


def flutter_changes(notes: Marks) -> Iterator[tuple[int, str]]:
    """Yield (sample, name) where ventricular flutter or fibrillation starts ("[", VFL) and ends ("]", "")."""
    for at, symbol in zip(notes.sample.tolist(), notes.symbol, strict=True):
        if symbol in ("[", "]"):
            yield at, "VFL" if symbol == "[" else ""


def quality_changes(notes: Marks) -> Iterator[tuple[int, str]]:
    """Yield (sample, name) where the quality of the first lead changes: clean, noisy or unreadable.

    The bits of a "~" annotation's subtype are those of the WFDB Programmer's Guide: bit 0 is noise in signal
    0, bit 4 says that it cannot be read, -1 that none can.
    """
    for at, symbol, bits in zip(notes.sample.tolist(), notes.symbol, notes.subtype.tolist(), strict=True):
        if symbol == "~":
            yield at, "unreadable" if bits & 16 else "noisy" if bits & 1 else "clean"


def _call(path: Path, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call the library, which raises whatever a broken file trips."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(f"cannot read {path} ({why}): fetch or unpack the data set again") from error
