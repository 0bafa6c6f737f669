"""What telemetry by words costs and loses, through ``ecgedge.tokens``, on people who taught nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, resample_poly, sosfiltfilt

from ecgedge.beats.detector import find_beats
from ecgedge.tokens.coding import LEAD_I, encode
from ecgedge.tokens.decoder import waveform
from ecgedge.tokens.features import FS
from ecgedge.tokens.model import WordModel
from ecgedge.tokens.sentence import TICKS_PER_S, Sentence
from ecgedge_export import data, prepare, splits
from ecgedge_export.beats.scores import pairs
from ecgedge_export.data import Record
from ecgedge_export.rhythm.scores import interval

Floats = npt.NDArray[np.float32]

RAW_BYTES = 2  # of a sample
DAY_S = 86_400.0
CENTRE_S = 0.02
BAND_HZ = (0.5, 41.0)  # of the offline filter: as wide as the runtime's


@dataclass(frozen=True, slots=True)
class Lost:
    """Of one recording: how far the decoded waveform is from the filtered one, and what it takes.

    ``prd`` in percent, ``correlation``, ``rms_mv``; ``reached`` is the share of the time that words reach;
    bytes of a beat, of a day, and of a beat as samples of two bytes.
    """

    id: str
    prd: float
    correlation: float
    rms_mv: float
    reached: float
    bytes_a_beat: float
    bytes_a_day: float
    raw_bytes_a_beat: float


LONG, LONGEST_S = "MIT-BIH DS2", 600.0
FIGURES = ("prd", "correlation", "rms_mv")
COSTS = ("reached", "bytes_a_beat", "bytes_a_day", "raw_bytes_a_beat")


class Heard(NamedTuple):
    """A recording, or its beginning: signal in mV, shape (n,), at ``fs`` Hz."""

    id: str
    mv: Floats
    fs: float


def sets(limit: int | None = None) -> dict[str, Iterator[Record]]:
    """Recordings that taught nothing, by the name of their set; the first ``limit`` of each.

    Of CinC 2017 every third one, and of DS2 the first ten minutes of each (:func:`heard`): with all of it the
    intervals would be little narrower, for a quarter of an hour of one core.
    """
    cinc = islice((r for r in data.cinc2017() if splits.is_validation(r.id)), 0, None, 3)
    ptbxl = (r for r in data.ptbxl() if r.fold == 9)
    return {
        LEAD_I: islice(cinc, limit),
        "PTB-XL fold 9, lead I": islice(ptbxl, limit),
        LONG: data.mitdb(splits.DS2[:limit]),
    }


def heard(record: Record) -> Heard:
    """Read the first lead of a recording, ten minutes at most."""
    return Heard(record.id, record.mv[: round(LONGEST_S * record.fs)], record.fs)


def lost(one: Heard, sentence: Sentence, model: WordModel) -> Lost | None:
    """Decode the words of a recording at 100 Hz and compare; None where there is none."""
    if not len(sentence):
        return None
    decoded = waveform(sentence, model.vocabulary, FS)
    wanted = prepare.filtered(one.mv, one.fs, FS)
    n = min(len(decoded), len(wanted))
    known = np.isfinite(decoded[:n])
    x, y = wanted[:n][known].astype(np.float64), decoded[:n][known].astype(np.float64)
    size = len(sentence.to_bytes())
    return Lost(
        one.id,
        prd=float(100 * np.sqrt(np.square(x - y).sum() / max(np.square(x).sum(), 1e-12))),
        correlation=float(np.corrcoef(x, y)[0, 1]),
        rms_mv=float(np.sqrt(np.square(x - y).mean())),
        reached=float(known.mean()),
        bytes_a_beat=size / len(sentence),
        bytes_a_day=size / sentence.duration_s * DAY_S,
        raw_bytes_a_beat=RAW_BYTES * len(one.mv) / len(sentence),
    )


def measured(folder: Path | None, backend: str = "litert", limit: int | None = None) -> dict[str, Any]:
    """All figures of a model folder, or of that in the package: of every set, and of the words' centres."""
    model, telemetry, places = WordModel.load(folder, backend), {}, list[Centres]()
    for name, records in sets(limit).items():
        rows = []
        for one in map(heard, records):
            sentence = encode(one.mv, one.fs, model=model)
            rows.append(lost(one, sentence, model))
            if name == LONG:
                places.append(centres(one, sentence))
        telemetry[name] = report([row for row in rows if row is not None])
    whole = Centres(*(sum(column) for column in zip(*places, strict=True)))
    return {"telemetry": telemetry, "centres": whole.as_shares()}


def report(rows: Iterable[Lost]) -> dict[str, Any]:
    """Medians over recordings with 95 % intervals (bootstrap over recordings), and the worst tenth's PRD."""
    every = list(rows)
    columns = {key: np.array([getattr(row, key) for row in every]) for key in (*FIGURES, *COSTS)}
    medians: dict[str, Any] = {key: _rounded(np.median(values)) for key, values in columns.items()}
    spans = {
        f"{key}_95": [_rounded(x) for x in interval(len(every), partial(_median, columns[key]))]
        for key in FIGURES
    }
    return {
        "records": len(every),
        **medians,
        **spans,
        "prd_of_worst_tenth": _rounded(np.quantile(columns["prd"], 0.9)),
    }


def _median(values: npt.NDArray[np.float64], drawn: npt.NDArray[np.int64]) -> float:
    return float(np.median(values[drawn]))


def _rounded(value: float | np.floating[Any]) -> float:
    return float(f"{float(value):.4g}")


class Centres(NamedTuple):
    """Words of the stream, of an offline tokenizer, and pairs of them within 20 ms."""

    stream: int
    offline: int
    near: int

    def as_shares(self) -> dict[str, float]:
        """Share of the offline words that have one of the stream near their centre, and the other way."""
        return {
            "words": self.stream,
            "within_20_ms": round(self.near / max(1, self.offline), 5),
            "precision": round(self.near / max(1, self.stream), 5),
        }


def centres(one: Heard, sentence: Sentence) -> Centres:
    """Where the stream put its words, against an offline tokenizer.

    Offline, the whole recording is filtered forwards and backwards by scipy, resampled at once, and the beats
    are found in all of it.
    """
    at_s = sentence.ticks / TICKS_PER_S
    expected = [beat.position / FS for beat in find_beats(_offline(one))]
    return Centres(len(at_s), len(expected), len(pairs(expected, at_s, CENTRE_S, nearest=True)))


def _offline(one: Heard) -> Floats:
    """The first lead filtered as no stream can: in both directions."""
    finite = np.nan_to_num(one.mv.astype(np.float64))
    whole = sosfiltfilt(butter(2, BAND_HZ, "bandpass", fs=one.fs, output="sos"), finite)
    out: Floats = resample_poly(whole, round(FS), round(one.fs)).astype(np.float32)
    return out


def kept(report: Mapping[str, Any]) -> str:
    """A line about a report."""
    return (
        f"PRD {report['prd']:.1f} %, r {report['correlation']:.3f}, {report['bytes_a_beat']:.2f} bytes/beat"
    )
