"""Reports in the form of ANSI/AAMI EC57:2012, from a reference and a test annotation file per record.

Beat by beat as PhysioNet's ``bxb`` counts (matches within 150 ms, the first five minutes are learning time,
ventricular flutter is left out), episode by episode as ``epicmp``, gross and average as ``sumstats``. Where
a file calls the signal unreadable, ``bxb`` counts missed and made-up beats in a row and a column X; here they
are with the others, which changes none of these statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge_export.beat_classes.scores import CLASSES, ECTOPIC, NONE, Matrix, as_table, confusion, score
from ecgedge_export.data import Record
from ecgedge_export.data.build import episodes
from ecgedge_export.data.wfdb_files import flutter_changes, marks
from ecgedge_export.ec57.annotations import EXTENSION, REFERENCE, Annotations, ec57_codes, read
from ecgedge_export.ec57.episodes import AfCounts, compare_af

STANDARD = "ANSI/AAMI EC57:2012"
Ratios = Mapping[str, tuple[float, float]]
Shares = dict[str, float | None]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """One record: beats (6, 6), N S V F Q and none, truth by what they were called; episodes of AF."""

    record: str
    beats: Matrix
    af: AfCounts


def compare(record: Record, test: Annotations) -> Comparison:
    """Compare a record's own annotations with others.

    Parameters
    ----------
    record : Record
        With beats and rhythms; see :func:`as_reference`.
    test : Annotations

    Examples
    --------
    >>> from ecgedge.whole_recording import Beats
    >>> at, codes = np.array([40_000, 40_100]), np.array(["N", "V"])
    >>> record = Record("mitdb", "x", Path("x"), 100.0, 60_000, ("I",), "x", beats=at, symbols=codes)
    >>> found = compare(record, Annotations(Beats(at[:1], codes[:1]), ()))
    >>> beat_ratios(found.beats)["QRS Se"]
    (1, 2)
    """
    learnt = round(record.learning_s * record.fs)
    af = compare_af(record.rhythms, test.rhythms, record.fs, learnt, record.n_samples)
    return Comparison(record.id, confusion(record, test.beats), af)


def as_reference(record: Record, extension: str = REFERENCE) -> Record:
    """Take a record as the standard does: escape beats are S, flutter is also what "[" and "]" enclose."""
    flutter = episodes(flutter_changes(marks(record.path, extension)), record.n_samples)
    symbols = np.array(ec57_codes(record.symbols.tolist()), np.str_)
    return replace(record, symbols=symbols, rhythms=(*record.rhythms, *flutter))


def compare_files(
    records: Iterable[Record], folder: Path, extension: str = EXTENSION
) -> Iterator[Comparison]:
    """Compare each record's reference file with ``folder/ID.extension``.

    Raises
    ------
    ConfigError
        A test annotation file is missing or broken.
    """
    for record in records:
        yield compare(as_reference(record), read(folder, record, extension))


def beat_ratios(matrix: Matrix) -> dict[str, tuple[int, int]]:
    """Statistics of beats, each as (count, of how many): QRS, VEB and SVEB.

    Examples
    --------
    >>> matrix = np.zeros((6, 6), np.int64)
    >>> matrix[0, 0], matrix[2, 2], matrix[2, 5], matrix[0, 2] = 90, 8, 2, 1
    >>> [beat_ratios(matrix)[name] for name in ("QRS Se", "QRS P+", "VEB Se", "VEB P+", "VEB FPR")]
    [(99, 101), (99, 99), (8, 10), (8, 9), (1, 91)]
    """
    found = int(matrix[:-1, :-1].sum())
    qrs = {"QRS Se": (found, int(matrix[:-1].sum())), "QRS P+": (found, int(matrix[:, :-1].sum()))}
    ectopic = {
        f"{name} {figure}": ratio
        for name, symbol in ECTOPIC.items()
        for figure, ratio in score(matrix, symbol).ratios().items()
    }
    return qrs | ectopic


def shares(ratios: Ratios) -> Shares:
    """Statistics in %; None where there is nothing to divide by."""
    return {name: round(100 * part / whole, 2) if whole else None for name, (part, whole) in ratios.items()}


def gross(by_record: Sequence[Ratios]) -> Shares:
    """Statistics in % that give each beat, or each episode, the same weight.

    Examples
    --------
    >>> gross([{"VEB Se": (1, 2)}, {"VEB Se": (8, 8)}, {"VEB Se": (0, 0)}])
    {'VEB Se': 90.0}
    """
    names = by_record[0] if by_record else {}
    return shares({n: (sum(r[n][0] for r in by_record), sum(r[n][1] for r in by_record)) for n in names})


def average(by_record: Sequence[Ratios]) -> Shares:
    """Statistics in % that give each record the same weight; one without the statistic is left out.

    Examples
    --------
    >>> average([{"VEB Se": (1, 2)}, {"VEB Se": (8, 8)}, {"VEB Se": (0, 0)}])
    {'VEB Se': 75.0}
    """
    names = by_record[0] if by_record else {}
    defined = {n: [r[n][0] / r[n][1] for r in by_record if r[n][1]] for n in names}
    return shares({n: (sum(values), len(values)) for n, values in defined.items()})


def report(compared: Iterable[Comparison]) -> dict[str, Any]:
    """Make the whole report, of values that JSON has: statistics in %, null where not defined."""
    rows = list(compared)
    matrices = {row.record: row.beats for row in rows}
    total = np.sum(list(matrices.values()), axis=0) if rows else np.zeros((6, 6), np.int64)
    return {
        "standard": STANDARD,
        "records": len(rows),
        "beats": {
            "matrix": as_table(total),
            **_summary({record: beat_ratios(matrix) for record, matrix in matrices.items()}),
            "matrix_by_record": {record: as_table(matrix) for record, matrix in matrices.items()},
        },
        "af": {
            **_summary({row.record: row.af.ratios() for row in rows}),
            "counts_by_record": {
                row.record: {name: round(count, 3) for name, count in asdict(row.af).items()} for row in rows
            },
        },
    }


def _summary(ratios: Mapping[str, Ratios]) -> dict[str, Any]:
    rows = list(ratios.values())
    by_record = {record: shares(of_record) for record, of_record in ratios.items()}
    return {"gross": gross(rows), "average": average(rows), "by_record": by_record}


def table(of: Mapping[str, Any]) -> str:
    """Write what :func:`report` made as text: the matrix, then a line per record, gross and average.

    Either part, ``beats`` or ``af``, may be left out.
    """
    parts = [f"{of['standard']}, {of['records']} records."]
    if "beats" in of:
        parts[0] += " Rows: what beats are; columns: what they were called."
        parts += [*_matrix_lines(of["beats"]["matrix"]), "", *_lines(of["beats"])]
    if "af" in of:
        parts += ["", "Episodes of atrial fibrillation", *_lines(of["af"])]
    return "\n".join(parts)


def _matrix_lines(matrix: Mapping[str, Mapping[str, int]]) -> list[str]:
    columns = CLASSES + NONE
    head = "  " + "".join(f"{name.lower():>8}" for name in columns)
    return [head, *(f"{name} " + "".join(f"{matrix[name][c]:8d}" for c in columns) for name in columns)]


def _lines(of: Mapping[str, Any]) -> list[str]:
    names = list(of["gross"])
    rows = {**of["by_record"], "Gross": of["gross"], "Average": of["average"]}
    head = f"{'Record':8}" + "".join(f"{name:>13}" for name in names)
    return [head, *(f"{row:8}" + "".join(_cell(values[n]) for n in names) for row, values in rows.items())]


def _cell(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.2f'):>13}"
