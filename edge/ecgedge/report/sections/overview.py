"""Heart rate and rhythm over the whole time, and the table by the hour."""

from __future__ import annotations

from ecgedge.report.drawing import charts
from ecgedge.report.findings.hours import HOUR_S
from ecgedge.report.findings.values import Findings, Hour
from ecgedge.report.page.markup import Html, drawing, figure, note, section, table
from ecgedge.report.page.telling import When, length, number, percent
from ecgedge.summary import BRIEF

__all__ = ["by_the_hour", "overview"]

_LEAST_S = 120.0  # a curve of one minute is a point


def overview(found: Findings) -> Html:
    """Trend and timeline, one above the other on one axis of time."""
    if found.seconds < _LEAST_S or not found.signal_s:
        return Html()
    minutes = [charts.Minute(one.start_s, one.low_bpm, one.bpm, one.high_bpm) for one in found.minutes]
    spans = [*found.rhythms, *found.refused, *found.gaps]
    axis = {"seconds": found.seconds, "clock": found.start}
    return section(
        "overview",
        "Heart rate and rhythm",
        figure(
            drawing(charts.trend(minutes, **axis)),  # type: ignore[arg-type]
            f"Line: mean of each minute. Band: its slowest and fastest {BRIEF} beats in a row.",
        ),
        figure(drawing(charts.timeline(spans, **axis))),  # type: ignore[arg-type]
    )


def by_the_hour(found: Findings, when: When) -> Html:
    """The table of a Holter report, for recordings of more than an hour."""
    if found.seconds <= HOUR_S:
        return Html()
    heads = (
        "from", "beats", "slowest", "mean", "fastest", "VEB", "SVEB", "pauses", "AF", "readable", "missing",
    )  # fmt: skip
    summary = found.summary
    foot = (
        "all", f"{summary.beats:,}", number(summary.slowest_bpm), number(summary.heart_rate_bpm),
        number(summary.fastest_bpm), f"{summary.ventricular.beats:,}", f"{summary.supraventricular.beats:,}",
        f"{summary.pauses:,}", percent(summary.af_burden), percent(summary.usable),
        length(sum(hour.missing_s for hour in found.hours)),
    )  # fmt: skip
    return section(
        "hours",
        "By the hour",
        table("Beats and rhythm by the hour", heads, (_hour(hour, when) for hour in found.hours), foot=foot),
        note(
            "Slowest, mean and fastest minute, in beats a minute. VEB: ventricular extra beats. SVEB: "
            "supraventricular extra beats outside of atrial fibrillation. AF: time in it."
        ),
    )


def _hour(hour: Hour, when: When) -> tuple[str, ...]:
    return (
        when.hour(hour.start_s), f"{hour.beats:,}", number(hour.slowest_bpm), number(hour.bpm),
        number(hour.fastest_bpm), f"{hour.ventricular:,}", f"{hour.supraventricular:,}", f"{hour.pauses:,}",
        length(hour.af_s) if hour.af_s else "0", percent(hour.usable),
        length(hour.missing_s) if hour.missing_s else "0",
    )  # fmt: skip
