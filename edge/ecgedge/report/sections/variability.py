"""Heart rate variability: in time, in frequency, and as a Poincaré plot."""

from __future__ import annotations

from collections.abc import Iterator

from ecgedge.report.drawing.scatter import histogram, poincare
from ecgedge.report.findings.values import Findings
from ecgedge.report.page.markup import Html, drawing, figure, note, section, table
from ecgedge.report.page.telling import number, percent

__all__ = ["variability"]

# Measure, its name, unit, digits, and what makes a percentage of it.
_WINDOWS = (
    ("mean_nn_ms", "mean NN interval", "ms", 0),
    ("sdnn_ms", "SDNN", "ms", 0),
    ("rmssd_ms", "RMSSD", "ms", 0),
    ("pnn50", "pNN50", "%", 1),
    ("sd1_ms", "SD1", "ms", 0),
    ("sd2_ms", "SD2", "ms", 0),
    ("lf_ms2", "LF, 0.04 to 0.15 Hz", "ms²", 0),
    ("hf_ms2", "HF, 0.15 to 0.4 Hz", "ms²", 0),
    ("lf_hf", "LF/HF", "", 2),
    ("sample_entropy", "sample entropy", "", 2),
)


def variability(found: Findings) -> Html:
    """Tables and plots of NN intervals; nothing where there are none."""
    hrv, whole = found.hrv, found.hrv.whole
    pairs = whole.pairs_ms()
    if not len(pairs):
        return Html()
    plots = (
        poincare(pairs, sd1_ms=whole.sd1_ms, sd2_ms=whole.sd2_ms),
        histogram(pairs[:, 1], label="NN intervals", unit="NN interval, ms"),
    )
    return section(
        "hrv",
        "Heart rate variability",
        table(
            "Windows of five minutes, one each minute",
            ("measure", "lowest", "mean", "highest"),
            _windows(found),
        ),
        table(
            "The whole recording",
            ("SDNN", "SDANN", "SDNN index", "RMSSD", "pNN50", "SD1", "SD2", "NN intervals"),
            [
                (
                    number(whole.sdnn_ms, "ms"),
                    number(hrv.sdann_ms, "ms"),
                    number(hrv.sdnn_index_ms, "ms"),
                    number(whole.rmssd_ms, "ms"),
                    percent(whole.pnn50),
                    number(whole.sd1_ms, "ms"),
                    number(whole.sd2_ms, "ms"),
                    f"{whole.count:,}",
                )
            ],
        ),
        figure(f'<div class="pair">{drawing(plots[0])}{drawing(plots[1])}</div>'),
        note(
            "NN intervals lie between two beats that were named normal, in readable signal, and are "
            "measured to the sample. In atrial fibrillation, and with many extra beats, they say little."
        ),
    )


def _windows(found: Findings) -> Iterator[tuple[str, ...]]:
    for key, name, unit, digits in _WINDOWS:
        if (known := found.hrv.windows.get(key)) is not None:
            low, mean, high, _ = (100 * value if unit == "%" else value for value in known)
            yield name, *(number(value, unit, digits) for value in (low, mean, high))
