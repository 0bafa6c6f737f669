"""What a notebook shows of values: a recording as ECG paper, results as small tables.

Only HTML text: no IPython is needed to make it, no script to read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from html import escape

import numpy as np

from ecgedge.events import Summary
from ecgedge.recording.load import Recording
from ecgedge.report.drawing.paper import rows
from ecgedge.sinks.plain import plain
from ecgedge.sinks.words import clock, name
from ecgedge.whole_recording import Beats, Classification

__all__ = ["html"]

_SHOWN_S = 10.0  # two rows of paper
_Row = tuple[str, str]


@singledispatch
def html(value: object) -> str:
    """Return a value as HTML.

    Raises
    ------
    TypeError
        Nobody has said how it looks.

    Examples
    --------
    >>> from ecgedge.whole_recording import classify
    >>> "too noisy to say" in html(classify(np.zeros(3000), fs=100))
    True
    """
    raise TypeError(f"{type(value).__name__} has no form for a notebook")


@html.register
def _recording(value: Recording) -> str:
    """Its first ten seconds with signal, and what the reader found."""
    missing = int(np.count_nonzero(np.isnan(value.mv)))
    begin = 0 if missing == len(value.mv) else int(np.flatnonzero(~np.isnan(value.mv))[0])
    first = value.mv[begin : begin + round(_SHOWN_S * value.fs)]
    label = f"{value.channel or 'ECG'}, {clock(begin / value.fs)} to {clock((begin + len(first)) / value.fs)}"
    facts = [
        ("length", f"{clock(value.duration_s)} at {value.fs:g} Hz"),
        ("missing", f"{missing} samples" if missing else "nothing"),
        ("start", "" if value.start is None else f"{value.start:%Y-%m-%d %H:%M:%S}"),
        ("unit of the file", value.unit),
        *(("note", note.detail or note.code.sentence) for note in value.notes),
    ]
    paper = rows(first, value.fs, start_s=begin / value.fs, label=label, clock=value.start)
    return paper + _table("Recording", facts)


@html.register
def _classification(value: Classification) -> str:
    facts = [
        ("rhythm", _verdict(value)),
        ("probabilities", ", ".join(f"{label} {p:.2f}" for label, p in value.probabilities.items())),
        ("atrial fibrillation", _yes(value.af)),
        ("conclusive", _yes(value.conclusive)),
        ("heart rate", _number(value.heart_rate_bpm, "/min")),
        ("usable", f"{value.usable_fraction:.0%}"),
    ]
    return _table("Classification", facts)


def _verdict(value: Classification) -> str:
    words = f"{value.label}: {name('N') if value.sinus else name(value.label)}"
    why = (value.rate or "") if value.reason is None else value.reason.replace("_", " ")
    return f"{words}, {why}" if why else words


@html.register
def _beats(value: Beats) -> str:
    classes = {"N": "normal", "S": "supraventricular", "V": "ventricular", "F": "fusion", "Q": "unknown"}
    counted = [
        (f"{symbol}: {words}", str(np.sum(value.symbol == symbol))) for symbol, words in classes.items()
    ]
    return _table(f"{len(value.sample)} beats", counted)


@html.register
def _summary(value: Summary) -> str:
    rhythms = ", ".join(f"{name(label)} {share:.0%}" for label, share in value.rhythms.items())
    facts = [
        ("length", clock(value.end_time_s - value.time_s)),
        ("usable", _share(value.usable)),
        ("lost", f"{value.lost} samples" if value.lost else "nothing"),
        ("heart rate", _number(value.heart_rate_bpm, "/min")),
        ("slowest, fastest minute", _both(value.slowest_bpm, value.fastest_bpm)),
        ("rhythms", rhythms),
        ("atrial fibrillation", _yes(value.af)),
        ("AF burden", _share(value.af_burden)),
        ("longest AF", clock(value.longest_af_s) if value.longest_af_s else ""),
        ("beats", str(value.beats)),
        ("ventricular ectopic beats", str(value.ventricular.beats)),
        ("supraventricular ectopic beats", str(value.supraventricular.beats)),
        ("pauses over 2 s", str(value.pauses)),
        ("longest RR", _number(value.longest_rr_ms, " ms")),
        ("RMSSD, SDNN", _both(value.rmssd_ms, value.sdnn_ms, " ms")),
    ]
    return _table("Summary", facts)


def _yes(value: bool | None) -> str:
    return "cannot be told" if value is None else "yes" if value else "no"


def _share(value: float | None) -> str:
    return "cannot be told" if value is None else f"{value:.0%}"


def _number(value: float | None, unit: str) -> str:
    return "cannot be told" if value is None else f"{value:.0f}{unit}"


def _both(one: float | None, other: float | None, unit: str = "/min") -> str:
    return f"{_number(one, unit)}, {_number(other, unit)}" if one is not None or other is not None else ""


def _table(title: str, facts: Sequence[_Row]) -> str:
    """Two columns; what is empty is left out."""
    lines = "".join(
        f'<tr><th style="text-align:left;font-weight:normal">{escape(plain(key))}</th>'
        f'<td style="text-align:left">{escape(plain(value))}</td></tr>'
        for key, value in facts
        if value
    )
    return f'<table><caption style="text-align:left">{escape(title)}</caption>{lines}</table>'
