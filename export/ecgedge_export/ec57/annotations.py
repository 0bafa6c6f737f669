"""Test annotations as WFDB files: what the runtime finds in a record, or any other program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgedge.events import Beat, Event, Rhythm
from ecgedge.recording.wfdb.annotations import Annotation, encode_annotations
from ecgedge.whole_recording import Beats
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock
from ecgedge_export.data import Episode, Record
from ecgedge_export.data.build import episodes
from ecgedge_export.data.record import AAMI, BEAT_SYMBOLS
from ecgedge_export.data.wfdb_files import marks, rhythm_changes
from ecgedge_export.spread import Chosen

EXTENSION = "ecgedge"
REFERENCE = "atr"
AF, NO_AF = "AFIB", "N"
# Atrial and nodal escape beats: SVEBs to EC57, N in the literature since de Chazal.
ESCAPES = frozenset("ejn")


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """Test annotations of a record: beats with their AAMI classes, and rhythms that follow on each other."""

    beats: Beats
    rhythms: tuple[Episode, ...]


def from_events(events: Iterable[Event], n_samples: int) -> Annotations:
    """Turn a monitor's events of a whole record into annotations.

    Rhythms are those of :class:`AfChanges`. A beat that no model named is a Q.

    Parameters
    ----------
    events : iterable of Event
        In the order in which they came.
    n_samples : int
        Length of the record.

    Examples
    --------
    >>> from_events([], 1000).rhythms
    (Episode(start=0, end=1000, name='N'),)
    """
    every = list(events)
    beats = [e for e in every if isinstance(e, Beat)]
    at, symbols = [b.sample for b in beats], [b.symbol or "Q" for b in beats]
    changes = AfChanges()
    for rhythm in (e for e in every if isinstance(e, Rhythm)):
        changes.take(rhythm)
    return Annotations(
        Beats(np.array(at, np.int64), np.array(symbols, np.str_)), episodes(changes.made, n_samples)
    )


class AfChanges:
    """Where AF begins and ends, from a monitor's rhythm events in the order in which they come.

    A rhythm holds from the middle of the window in which it was first found, the first one from the start of
    the record; whatever is not atrial fibrillation is called N.

    Examples
    --------
    >>> changes = AfChanges()
    >>> changes.made
    [(0, 'N')]
    """

    def __init__(self) -> None:
        self._made: list[tuple[int, str]] = []

    def take(self, rhythm: Rhythm) -> None:
        """Take the next event."""
        name = AF if rhythm.label == "A" else NO_AF
        if not self._made:
            self._made.append((0, name))
        elif name != self._made[-1][1]:
            self._made.append(((rhythm.sample + rhythm.end_sample) // 2, name))

    @property
    def made(self) -> list[tuple[int, str]]:
        """Changes so far, as (sample, name)."""
        return self._made or [(0, NO_AF)]


def write(
    folder: Path, record_id: str, fs: float, annotations: Annotations, extension: str = EXTENSION
) -> Path:
    """Write annotations of a record as a WFDB annotation file.

    Beats have the codes N S V F Q; rhythms are ``+`` annotations with the texts ``(AFIB`` and ``(N``. The
    rate is written too, so that no header has to lie beside the file.

    Returns
    -------
    Path
        ``folder/record_id.extension``.

    Raises
    ------
    ConfigError
        The extension is not made of letters alone, or is that of the reference.

    Examples
    --------
    >>> import tempfile
    >>> test = from_events([Beat(120, 1.2, None, "V")], 500)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder), "100", 100.0, test).name
    '100.ecgedge'
    """
    if not (extension.isascii() and extension.isalpha()) or extension == REFERENCE:
        raise ConfigError(f"extension {extension!r}: give letters only, and not {REFERENCE!r}: the reference")
    beats = zip(annotations.beats.sample.tolist(), annotations.beats.symbol.tolist(), strict=True)
    rows = [Annotation(e.start, "+", text=f"({e.name}") for e in annotations.rhythms]
    rows = sorted([*rows, *(Annotation(at, symbol) for at, symbol in beats)], key=lambda row: row.sample)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record_id}.{extension}"
    path.write_bytes(b"".join(encode_annotations(rows, fs)))
    return path


def read(folder: Path, record: Record, extension: str = EXTENSION) -> Annotations:
    """Read somebody's annotations of a record.

    Beats may have any of PhysioNet's codes. Where the file says that it counts samples at another rate than
    the record's, they are brought to that of the record.

    Raises
    ------
    ConfigError
        There is no such file, or it is broken.

    Examples
    --------
    >>> import tempfile
    >>> test = from_events([Beat(120, 1.2, None, "V")], 500)
    >>> record = Record("mitdb", "100", Path("100"), 100.0, 500, ("MLII",), "100")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write(Path(folder), "100", 100.0, test)
    ...     again = read(Path(folder), record)
    >>> again.beats.sample.tolist(), again.beats.symbol.tolist(), again.rhythms
    ([120], ['V'], (Episode(start=0, end=500, name='N'),))
    """
    path = folder / record.id
    if not path.with_name(f"{record.id}.{extension}").is_file():
        raise ConfigError(
            f"{folder} has no {record.id}.{extension}: name the records that it holds, or another extension"
        )
    notes = marks(path, extension)
    scale = record.fs / notes.fs if notes.fs else 1.0
    at, symbols = notes.only(BEAT_SYMBOLS)
    changes = ((round(s * scale), name) for s, name in rhythm_changes(notes))
    classes = np.array([AAMI[code] for code in ec57_codes(symbols)], np.str_)
    beats = Beats(np.round(at * scale).astype(np.int64), classes)
    return Annotations(beats, episodes(changes, record.n_samples))


def ec57_codes(symbols: Iterable[str]) -> list[str]:
    """Codes of beats with atrial and nodal escape beats as supraventricular ectopic ones.

    The standard and ``bxb`` count e, j and n so. :data:`ecgedge_export.data.record.AAMI` counts them as N,
    as papers on beat classes do since de Chazal and colleagues (2004).

    Examples
    --------
    >>> ec57_codes("Nejn")
    ['N', 'S', 'S', 'S']
    """
    return ["S" if code in ESCAPES else code for code in symbols]


def found_in(chosen: Chosen, record: Record) -> tuple[Record, Annotations]:
    """Run the pipeline over the first lead of a record; return the record with what it says."""
    monitor = chosen.monitor()
    monitor.reset()
    block = SampleBlock(samples=record.mv, fs=record.fs)
    return record, from_events([*monitor.feed(block), *monitor.finish()], record.n_samples)


def annotate(
    found: Iterable[tuple[Record, Annotations]],
    folder: Path,
    extension: str = EXTENSION,
    log: Callable[[str], None] = lambda line: None,
) -> None:
    """Write what was found in records, a file for each.

    PhysioNet's programs read the files where their folder and that of the reference are in the path:
    ``WFDB="FOLDER MITDB" bxb -r 100 -a atr ecgedge -S report.txt``.
    """
    for record, test in found:
        log(f"{record.id}: {write(folder, record.id, record.fs, test, extension)}")
