"""What the card of a lead model says about its guesses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecgedge_export.ship.markdown import table
from ecgedge_export.ship.tried import TRIED

Report = Mapping[str, Any]
_HEAD = ("lead", "correlation", "linear", "RMSE mV", "linear", "variance ratio", "linear", "error gone %")


def measured_leads(metrics: Report) -> list[str]:
    """Lines about the leads, as ``ecgedge_export.leads.scores.report`` gives them, and about INT8."""
    test = metrics["test"]
    whole = test["error_gone"]["all"]
    low, high = (100 * end for end in whole["share_95"])
    return [
        "## Measured",
        "",
        f"PTB-XL, fold 9: {test['recordings']} recordings of {test['patients']} patients who taught nothing,",
        "INT8 through `ecgedge.LeadReconstructor`, against true leads behind the same filters (about 1 to",
        "41 Hz). The correlation is the median over recordings; error and variance are over all of them. A",
        "variance ratio of 0.5 means that guesses have half of the power of the true lead: what lead I does",
        "not tell is left out, and guesses are too small. `linear` is a ridge regression of 81 taps, fitted",
        f"to the same people. The network makes {100 * whole['share']:.0f} % ({low:.0f} to {high:.0f}) less",
        "squared error in all. 95 % intervals, by bootstrap over patients, in brackets.",
        "",
        *table(_HEAD, [_row(name, test) for name in test["leads"]]),
        "## What was tried",
        "",
        *(f"* {idea}" for idea in TRIED["leads"]),
        "",
        *_int8(metrics["parity"]),
    ]


def _row(name: str, test: Report) -> tuple[object, ...]:
    ours, floor = test["leads"][name], test["linear"][name]
    cells: list[object] = [name]
    for key, digits in (("correlation", 2), ("rmse_mv", 3), ("variance_ratio", 2)):
        low, high = ours[f"{key}_95"]
        cells += [
            f"{ours[key]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})",
            f"{floor[key]:.{digits}f}",
        ]
    gone = test["error_gone"][name]
    low, high = (100 * end for end in gone["share_95"])
    return (*cells, f"{100 * gone['share']:.0f} ({low:.0f} to {high:.0f})")


def _int8(parity: Report) -> list[str]:
    rows: list[tuple[object, object]] = [
        ("INT8 against the float network, RMS", f"{1e3 * parity['int8_rms']:.1f} µV"),
        ("ONNX Runtime and LiteRT: the same values", f"{parity['identical']:.1%} of samples"),
        (
            "TFLite's reference kernels (TFLite Micro) against LiteRT, RMS",
            f"{parity['reference_rms']:.2f} steps of the output",
        ),
    ]
    return ["## INT8 against float", "", *table(("", ""), rows)]
