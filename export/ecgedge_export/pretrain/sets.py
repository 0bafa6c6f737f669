"""Recordings that encoders learn from and are probed on, as arrays, read once and kept in the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import signal as dsp

from ecgedge.whole_recording import detect_beats
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data
from ecgedge_export.archives import npz
from ecgedge_export.data import Record
from ecgedge_export.pretrain.encoder import FS, N_SAMPLES

LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The independent ones: III, aVR, aVL and aVF are sums of I and II."""
LEAD_I = 0
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
FOLDS = range(1, 9)
"""Who may be learnt from and is probed out of fold; fold 9 chooses what is shipped, 10 tests."""
BAND_HZ = (0.67, 40.0)  # as CLEF and ECGFounder filter; zero phase, since nothing of it runs live
_ORDER = 5
_VERSION = "1"  # of what is kept in the cache
_REMEDY = "delete it, it is made again"

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cohort:
    """Recordings of ten seconds with what is known of each; row i of every array is one recording.

    Parameters
    ----------
    ids, patients : tuple of str
    folds : int64 array of shape (n,)
    ecg : float32 array of shape (n, 8, 1000)
        :data:`LEADS` at 100 Hz in mV, band-passed.
    age : float32 array of shape (n,)
        Years, at most 90; NaN where it is not known.
    sex : tuple of str
        "F", "M" or "".
    reports : tuple of str
        The cardiologist's words, mostly German; may be "".
    statements : tuple of dict
        SCP-ECG statements with their likelihood in percent.
    """

    ids: tuple[str, ...]
    patients: tuple[str, ...]
    folds: Ints
    ecg: Floats
    age: Floats
    sex: tuple[str, ...]
    reports: tuple[str, ...]
    statements: tuple[dict[str, float], ...]

    def __len__(self) -> int:
        """Return the number of recordings."""
        return len(self.ids)

    def only(self, rows: npt.ArrayLike) -> Cohort:
        """Return the recordings of some rows (places, or a mask)."""
        chosen = np.arange(len(self))[np.asarray(rows)]
        parts: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        taken: dict[str, Any] = {
            name: part[chosen] if isinstance(part, np.ndarray) else tuple(part[i] for i in chosen)
            for name, part in parts.items()
        }
        return Cohort(**taken)

    def has(self, codes: Sequence[str]) -> Floats:
        """Which statements each recording has: 0 or 1, shape (n, codes)."""
        return np.array([[code in said for code in codes] for said in self.statements], np.float32)

    @cached_property
    def superclasses(self) -> Floats:
        """Which of :data:`SUPERCLASSES` each recording has: 0 or 1, shape (n, 5)."""
        found = [data.superclasses(said) for said in self.statements]
        return np.array([[name in each for name in SUPERCLASSES] for each in found], np.float32)

    @cached_property
    def lead_i(self) -> Floats:
        """Lead I of every recording, shape (n, 1, 1000)."""
        return self.ecg[:, LEAD_I : LEAD_I + 1]

    @cached_property
    def digest(self) -> str:
        """Name of these recordings: a result of others is never taken for theirs."""
        return _digest(*self.ids)

    @cached_property
    def r_peaks(self) -> tuple[Ints, ...]:
        """R peaks in lead I of each recording, found by the runtime's own detector; kept in the cache."""
        path = _cache() / f"r-peaks-{self.digest}.npz"
        if not path.is_file():
            found = [detect_beats(x[LEAD_I], FS) for x in self.ecg]
            _save(path, length=np.array([len(x) for x in found]), peak=np.concatenate(found))
        with npz(path, _REMEDY) as z:
            return tuple(np.split(z["peak"], np.cumsum(z["length"])[:-1]))


def ptbxl(folds: Sequence[int] = FOLDS, limit: int | None = None) -> Cohort:
    """Read PTB-XL; ``limit`` keeps that many recordings, spread over all folds.

    Raises
    ------
    ConfigError
        The data set is not at hand.
    """
    records = [r for r in data.ptbxl() if r.fold in folds]
    if limit:
        records = records[:: max(1, len(records) // limit)][:limit]
    path = _cache() / f"ptb-xl-{_digest(*(r.id for r in records))}.npz"
    if not path.is_file():
        _save(path, ecg=np.stack([_leads(r) for r in records]))
    with npz(path, _REMEDY) as z:
        ecg = z["ecg"]
    return Cohort(
        tuple(r.id for r in records),
        tuple(r.patient for r in records),
        np.array([r.fold or 0 for r in records]),
        ecg,
        np.array([np.nan if r.age is None else r.age for r in records], np.float32),
        tuple(r.sex for r in records),
        tuple(r.report for r in records),
        tuple(dict(r.statements) for r in records),
    )


@dataclass(frozen=True, eq=False)
class Strips:
    """Single-lead recordings as windows: several of one recording where it is long.

    ``windows`` is (m, 1, 1000) at 100 Hz in mV; ``of`` (m,) is the recording of each; ``ids`` and ``labels``
    are of the recordings.
    """

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    windows: Floats
    of: Ints


def cinc2017(limit: int | None = None) -> Strips:
    """Read CinC 2017 without its noisy class: first and last ten seconds of each recording.

    Raises
    ------
    ConfigError
        The data set is not at hand.
    """
    records = [r for r in data.cinc2017() if r.label != "~"]
    if limit:
        records = records[:: max(1, len(records) // limit)][:limit]
    path = _cache() / f"cinc2017-{_digest(*(r.id for r in records))}.npz"
    if not path.is_file():
        pairs = [_ends(at_100_hz(r.mv, r.fs)) for r in records]
        of = np.repeat(np.arange(len(pairs)), [len(p) for p in pairs])
        _save(path, windows=np.concatenate(pairs)[:, None], of=of)
    with npz(path, _REMEDY) as z:
        return Strips(tuple(r.id for r in records), tuple(r.label for r in records), z["windows"], z["of"])


def at_100_hz(mv: npt.NDArray[np.floating], fs: float) -> Floats:
    """Band-pass and resample the last axis to 100 Hz; what is not finite counts as 0.

    Examples
    --------
    >>> at_100_hz(np.zeros((2, 5000)), 500.0).shape
    (2, 1000)
    """
    x = np.nan_to_num(np.asarray(mv, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    sos = dsp.butter(_ORDER, BAND_HZ, "bandpass", fs=fs, output="sos")
    x = dsp.sosfiltfilt(sos, x, axis=-1)
    if fs != FS:
        wanted = round(x.shape[-1] * FS / fs)
        ratio = Fraction(FS / fs).limit_denominator(10_000)
        x = dsp.resample_poly(x, ratio.numerator, ratio.denominator, axis=-1, padtype="line")[..., :wanted]
    return np.asarray(x, np.float32)


def _leads(record: Record) -> Floats:
    chosen = [record.leads.index(name) for name in LEADS]
    return fitted(at_100_hz(record.signal().T[chosen], record.fs))


def fitted(x: Floats) -> Floats:
    """Cut the last axis to ten seconds, or fill it with zeros."""
    x = x[..., :N_SAMPLES]
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, N_SAMPLES - x.shape[-1])])


def _ends(x: Floats) -> Floats:
    """First and last ten seconds; one window where the recording has no more than ten."""
    first, last = fitted(x), fitted(x[-N_SAMPLES:])
    return np.stack([first, last] if len(x) > N_SAMPLES else [first])


def _cache() -> Path:
    return data.cache_dir() / "prepared" / "pretrain"


def _digest(*names: str) -> str:
    text = json.dumps([_VERSION, BAND_HZ, _ORDER, *names])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _save(path: Path, **arrays: Any) -> None:
    with atomic_file(path) as file:
        np.savez(file, **arrays)
