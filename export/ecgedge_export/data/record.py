"""One type for a recording of any data set: where its signal is, and all its labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge_export.data import wfdb_files

# ANSI/AAMI EC57 table 3, over the beat codes of PhysioNet's annotation files.
_AAMI_MEMBERS = {"N": "NLRBejn", "S": "AaJS", "V": "VrE", "F": "F", "Q": "/fQ?"}
AAMI: Mapping[str, str] = {code: aami for aami, codes in _AAMI_MEMBERS.items() for code in codes}
BEAT_SYMBOLS = frozenset(AAMI)
LEARNING_S = 300.0  # EC57: the first five minutes do not count
BLOCK_S = 600.0  # of a signal that is read piece by piece: 0.5 MB at 200 Hz


@dataclass(frozen=True, slots=True)
class Episode:
    """What holds from sample ``start`` up to, not including, sample ``end``."""

    start: int
    end: int
    name: str

    def overlaps(self, start: float, end: float) -> bool:
        """Tell whether some of the episode lies in ``[start, end)``."""
        return self.start < end and self.end > start


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave ("P", "QRS" or "T") of a lead: borders and peak in samples, None for a border without a mark."""

    kind: str
    onset: int | None
    peak: int
    end: int | None


def _no_samples() -> npt.NDArray[np.int64]:
    return np.empty(0, np.int64)


def _no_symbols() -> npt.NDArray[np.str_]:
    return np.empty(0, "<U1")


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One recording with its labels; the signal stays in its file until it is asked for.

    Parameters
    ----------
    dataset, id : str
        Short name of the data set (see :data:`ecgedge_export.data.DATASETS`), and the record's name in it.
    path : Path
        The WFDB record, without suffix.
    fs : float
        Sampling rate in Hz.
    n_samples : int
        Length of every lead.
    leads : tuple of str
        Names as the header spells them; the first one is what a single-lead model is given.
    patient : str
        Equal for recordings of one person. Where a data set names no patients it is the record's id, equal
        for recordings that are known to be the same one.
    label : str
        Class of the whole recording as its data set names it, "" where there is none.
    beats, symbols : arrays of shape (k,)
        Sample index (int64) and code of each annotated beat, codes as PhysioNet writes them.
    rhythms, quality : tuple of Episode
        Rhythm and signal quality over the time, as the data set names them.
    waves : mapping of str to tuple of Wave
        Marked waves of each lead, by its name (LUDB).
    statements : mapping of str to float
        SCP-ECG statements with their likelihood in percent (PTB-XL).
    fold : int or None
        The publisher's own fold (PTB-XL).
    age : float or None
        Years.
    sex : str
        "F", "M" or "".
    report : str
        What was written about the recording (PTB-XL; mostly German).
    learning_s : float
        Seconds at the beginning that scores by EC57 leave out.
    """

    dataset: str
    id: str
    path: Path
    fs: float
    n_samples: int
    leads: tuple[str, ...]
    patient: str
    label: str = ""
    beats: npt.NDArray[np.int64] = field(default_factory=_no_samples)
    symbols: npt.NDArray[np.str_] = field(default_factory=_no_symbols)
    rhythms: tuple[Episode, ...] = ()
    quality: tuple[Episode, ...] = ()
    waves: Mapping[str, tuple[Wave, ...]] = field(default_factory=dict)
    statements: Mapping[str, float] = field(default_factory=dict)
    fold: int | None = None
    age: float | None = None
    sex: str = ""
    report: str = ""
    learning_s: float = LEARNING_S

    def signal(self, start: int = 0, stop: int | None = None) -> npt.NDArray[np.float32]:
        """Read samples ``[start, stop)`` of all leads: float32 of shape (n, leads), in mV.

        Invalid samples are NaN.

        Raises
        ------
        ConfigError
            The signal file is missing or broken.
        """
        return wfdb_files.signal(self.path, start, stop, list(range(len(self.leads))))

    def lead(self, which: int | str = 0) -> npt.NDArray[np.float32]:
        """Read one lead by its place or its name: float32 of shape (n,), in mV.

        Raises
        ------
        ValueError
            There is no such lead.
        ConfigError
            The signal file is missing or broken.
        """
        return wfdb_files.signal(self.path, 0, None, [self._index(which)])[:, 0]

    def _index(self, which: int | str) -> int:
        if isinstance(which, str) and which not in self.leads:
            raise ValueError(f"{self.id} has no lead {which!r}: choose one of {', '.join(self.leads)}")
        index = self.leads.index(which) if isinstance(which, str) else which
        if not 0 <= index < len(self.leads):
            raise ValueError(f"{self.id} has {len(self.leads)} leads: count from 0")
        return index

    def blocks(self, lead: int | str = 0, seconds: float = BLOCK_S) -> Iterator[npt.NDArray[np.float32]]:
        """Yield one lead in pieces of so many seconds, float32 in mV: a day never lies in memory as a whole.

        Raises
        ------
        ValueError, ConfigError
            As for :meth:`lead`.
        """
        index = self._index(lead)
        step = max(1, round(seconds * self.fs))
        for start in range(0, self.n_samples, step):
            yield wfdb_files.signal(self.path, start, min(start + step, self.n_samples), [index])[:, 0]

    @property
    def mv(self) -> npt.NDArray[np.float32]:
        """The first lead, float32 of shape (n,), in mV; read anew at every access."""
        return self.lead(0)

    @property
    def aami(self) -> npt.NDArray[np.str_]:
        """AAMI class (N, S, V, F or Q) of each beat, shape (k,)."""
        return np.array([AAMI[s] for s in self.symbols.tolist()], "<U1")

    def rhythm_at(self, sample: int) -> str:
        """Name of the rhythm that holds at a sample, "" where none is given."""
        return next((e.name for e in self.rhythms if e.start <= sample < e.end), "")
