"""What the card of a word model says about its telemetry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecgedge_export.ship.markdown import table

Report = Mapping[str, Any]
_HEAD = (
    "",
    "records",
    "PRD %",
    "worst tenth",
    "correlation",
    "RMS µV",
    "bytes a beat",
    "kB a day",
    "as samples",
)


def measured_words(metrics: Report) -> list[str]:
    """Lines about fidelity and size, as ``ecgedge_export.tokens.scores.measured`` gives them."""
    centres, book, parity = metrics["centres"], metrics["vocabulary"], metrics["parity"]
    agreement = metrics["code_agreement"]
    return [
        "## Measured",
        "",
        "People who taught nothing, INT8 through `ecgedge.tokens.encode` and `decode`, against the filtered",
        "signal at 100 Hz. PRD: root of the error's power over the signal's. Medians over recordings, in",
        "brackets 95 % intervals (bootstrap over recordings); PRD of the worst tenth is at least that. Bytes",
        "with everything that a file has; the last column is a beat as samples of two bytes. Of CinC 2017",
        "every third recording of the validation split, of DS2 the first ten minutes of each.",
        "",
        *table(_HEAD, [_row(name, row) for name, row in metrics["telemetry"].items()]),
        "Of the words of an offline tokenizer (MIT-BIH DS2, filtered in both directions)",
        f"{_percent(centres)} have one of the stream's within 20 ms.",
        "",
        f"Codes in use: {book['used']} of {book['codes']}, perplexity {book['perplexity']}. The INT8 files",
        f"speak the code of the float network in {agreement['tflite']:.1%} (LiteRT) and",
        f"{agreement['onnx']:.1%} (ONNX Runtime) of {parity['windows']} words. Both files give the very same",
        f"numbers in {parity['identical']:.1%}; TFLite's reference kernels (TFLite Micro) differ",
        f"by {parity['reference_rms']:.2f} steps (root mean square).",
        "",
    ]


def _percent(centres: Report) -> str:
    return f"{100 * centres['within_20_ms']:.2f} %"


def _row(name: str, row: Report) -> tuple[object, ...]:
    return (
        name,
        row["records"],
        _span(row, "prd", 1),
        f"{row['prd_of_worst_tenth']:.1f}",
        _span(row, "correlation", 3),
        _span(row, "rms_mv", 0, 1000),
        f"{row['bytes_a_beat']:.2f}",
        f"{row['bytes_a_day'] / 1000:.0f}",
        f"{row['raw_bytes_a_beat']:.0f}",
    )


def _span(row: Report, key: str, digits: int, scale: float = 1) -> str:
    low, high = (scale * x for x in row[f"{key}_95"])
    return f"{scale * row[key]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
