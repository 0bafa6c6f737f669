"""What several model cards share: tables, and what INT8 costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a table, with an empty one behind it.

    Examples
    --------
    >>> table(("a", "b"), [(1, 2)])
    ['| a | b |', '|---|---|', '| 1 | 2 |', '']
    """
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines, ""]


def int8_against_float(metrics: Mapping[str, Any]) -> list[str]:
    """Lines on how far the INT8 files are from the float network and from each other."""
    parity = metrics["parity"]
    rows: list[tuple[object, object]] = [
        (
            "the same class as the float network",
            f"{parity['float_agreement']:.1%} of {parity['windows']} inputs",
        ),
        ("ONNX Runtime and LiteRT: the same logits", f"{parity['identical']:.1%}"),
        (
            "LiteRT and TFLite's reference kernels (TFLite Micro): the same class",
            f"{parity['reference_agreement']:.1%}",
        ),
    ]
    if "float" in metrics:
        key = "mean_f1" if "own_data" in metrics else "mean_f1_nao"
        lost = 100 * (metrics["float"][key] - metrics["int8_litert"][key])
        rows.append(("points of mean F1 that INT8 loses, through the same gate", f"{lost:.2f}"))
    return ["## INT8 against float", "", *table(("", ""), rows)]
