"""Extra beats: by the hour, and an example of each kind."""

from __future__ import annotations

from collections.abc import Iterator

from ecgedge.ectopy import PATTERN
from ecgedge.report.drawing import charts
from ecgedge.report.findings.hours import HOUR_S
from ecgedge.report.findings.values import Ectopics, Findings
from ecgedge.report.page.markup import Html, drawing, figure, note, section, table
from ecgedge.report.page.telling import When, length
from ecgedge.report.strips import BRIEF_S, Strips

__all__ = ["ectopy"]

_NAMES = {"V": ("Ventricular", "VEB"), "S": ("Supraventricular", "SVEB")}


def ectopy(found: Findings, strips: Strips, when: When) -> Html:
    """Bars by the hour, runs, and strips; for both classes."""
    parts = [*_class("V", found.ventricular, found, strips, when)]
    parts += _class("S", found.supraventricular, found, strips, when)
    if not "".join(parts):
        return Html()
    return section(
        "ectopy",
        "Extra beats",
        *parts,
        note(
            f"Bigeminy: every second beat is an extra beat, trigeminy: every third, for {PATTERN} or more. "
            "On strips a dot is a normal beat; V, S, F and Q are the AAMI classes."
        ),
    )


def _class(symbol: str, kind: Ectopics, found: Findings, strips: Strips, when: When) -> Iterator[str]:
    title, short = _NAMES[symbol]
    if kind.single is None and kind.couplet is None and kind.longest_run is None:
        return
    if found.seconds > HOUR_S:
        counts = [
            None if not hour.assessed_s else hour.ventricular if symbol == "V" else hour.supraventricular
            for hour in found.hours
        ]
        start_s = found.hours[0].start_s
        yield figure(
            drawing(
                charts.bars(
                    counts, clock=found.start, start_s=start_s, label=f"{title}, by the hour", unit=short
                )
            )
        )
    runs = (
        (when(run.start_s), f"{run.beats}", _bpm(run.beats, run.end_s - run.start_s)) for run in kind.runs
    )
    yield table(f"{title} runs, the longest", ("from", "beats", "rate"), runs)
    yield from (
        figure(strips.around(at, f"{title}: {what}, {when(at)}", BRIEF_S)) for what, at in _examples(kind)
    )


def _bpm(beats: int, seconds: float) -> str:
    return f"{60 * (beats - 1) / seconds:.0f}/min" if seconds else "–"


def _examples(kind: Ectopics) -> Iterator[tuple[str, float]]:
    if kind.single is not None:
        yield "a single one", kind.single.start_s
    if kind.couplet is not None:
        yield "a couplet", (kind.couplet.start_s + kind.couplet.end_s) / 2
    if (run := kind.longest_run) is not None:
        lasts_s = run.end_s - run.start_s
        shown = run.start_s + BRIEF_S / 2 - 1 if lasts_s > BRIEF_S - 2 else (run.start_s + run.end_s) / 2
        yield f"the longest run, {run.beats} beats in {length(lasts_s)}", shown
    if (pattern := kind.longest_pattern) is not None:
        name = {2: "bigeminy", 3: "trigeminy"}[pattern.every]
        middle_s = min((pattern.start_s + pattern.end_s) / 2, pattern.start_s + BRIEF_S / 2)
        yield f"{name}, {pattern.beats} extra beats in {length(pattern.end_s - pattern.start_s)}", middle_s
