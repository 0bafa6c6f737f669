"""The figures of a Holter report's first page."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ecgedge.events import Ectopy
from ecgedge.report.findings.values import Ectopics, Findings
from ecgedge.report.page.markup import Html, facts, section
from ecgedge.report.page.telling import When, length, number, percent, rate
from ecgedge.summary import PAUSE_S

__all__ = ["figures"]

_Pairs = Iterator[tuple[str, str]]


def figures(found: Findings, when: When) -> Html:
    """Blocks of names and values."""
    blocks = (
        facts("Recording", _recording(found, when)),
        facts("Heart rate", _rate(found, when)),
        facts("Rhythm", _rhythm(found)),
        facts("Ventricular beats (VEB)", _ectopy(found.summary.ventricular, found.ventricular)),
        facts("Supraventricular (SVEB)", _ectopy(found.summary.supraventricular, found.supraventricular)),
        facts("Pauses", _pauses(found, when)),
        facts("Heart rate variability", _hrv(found)),
        facts("Intervals, medians", _intervals(found)),
    )
    return section("figures", "Figures", Html(f'<div class="blocks">{"".join(blocks)}</div>\n'))


def _recording(found: Findings, when: When) -> _Pairs:
    if found.start is not None:
        yield "begins", when(0.0)
        yield "ends", when(found.seconds)
    yield "length", length(found.seconds)
    yield "ECG in it", length(found.signal_s)
    yield "readable", percent(found.summary.usable)
    yield "samples missing", f"{found.summary.lost:,}"
    yield "beats", f"{found.summary.beats:,}"


def _rate(found: Findings, when: When) -> _Pairs:
    yield "mean", rate(found.summary.heart_rate_bpm)
    for name, minute in (("slowest minute", found.slowest), ("fastest minute", found.fastest)):
        if minute is not None:
            yield name, f"{rate(minute.bpm)} at {when.minute(minute.start_s)}"


def _rhythm(found: Findings) -> _Pairs:
    shares = found.summary.rhythms
    named_s = sum(span.end_s - span.start_s for span in found.rhythms)
    off = found.off_rate_s / named_s if named_s else 0.0
    yield "sinus rhythm", percent(shares.get("N", 0.0))
    yield "sinus, slow or fast", percent(off) if off else ""
    yield "another rhythm", percent(max(shares.get("O", 0.0) - off, 0.0))
    yield "atrial fibrillation", percent(shares.get("A", 0.0))
    yield "too noisy to say", percent(shares["~"]) if shares.get("~") else ""
    yield "AF burden", percent(found.summary.af_burden)
    yield "AF, longest", length(found.summary.longest_af_s) if found.summary.af else ""


def _ectopy(counted: Ectopy, found: Ectopics) -> _Pairs:
    yield "beats", f"{counted.beats:,}"
    yield "an hour", number(counted.per_hour, digits=1)
    yield "single", f"{found.singles:,}"
    yield "couplets", f"{counted.couplets:,}"
    yield "runs of 3 and more", f"{counted.runs:,}"
    yield "longest run", f"{counted.longest_run} beats" if counted.longest_run else ""
    yield "bigeminy, episodes", f"{found.bigeminy:,}" * bool(found.bigeminy)
    yield "trigeminy, episodes", f"{found.trigeminy:,}" * bool(found.trigeminy)


def _pauses(found: Findings, when: When) -> _Pairs:
    yield f"over {PAUSE_S:g} s", f"{found.summary.pauses:,}"
    if found.longest is not None:
        yield "longest RR", f"{found.longest.seconds:.2f} s at {when(found.longest.start_s)}"


def _hrv(found: Findings) -> _Pairs:
    yield "RMSSD, mean of 5 min", number(found.summary.rmssd_ms, "ms")
    yield "SDNN, mean of 5 min", number(found.summary.sdnn_ms, "ms")
    yield "SDNN, whole recording", number(found.hrv.whole.sdnn_ms, "ms")
    yield "SDANN", number(found.hrv.sdann_ms, "ms") if found.hrv.sdann_ms is not None else ""


def _intervals(found: Findings) -> _Pairs:
    names = {"PR": "pr_ms", "QRS": "qrs_ms", "QT": "qt_ms", "QTc (Fridericia)": "qtc_fridericia_ms"}
    for name, key in (names | {"QTc (Bazett)": "qtc_bazett_ms"}).items():
        known = [value for one in found.intervals if (value := getattr(one, key)) is not None]
        if known:
            yield name, f"{median(known):.0f} ms ({min(known):.0f} to {max(known):.0f})"
