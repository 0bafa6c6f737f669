"""The report of ``evaluate burden`` as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecgedge.sinks.plain import plain
from ecgedge_export.burden.reference import QUESTIONS
from ecgedge_export.burden.scores import FIGURES

_MOST_ROWS = 200
_BY_RECORD = ("burden", "burden found", "window F1", "episode Se", "episode P+")


def table(of: Mapping[str, Any]) -> str:
    """Write what :func:`ecgedge_export.burden.run.run` made: figures with intervals, then each recording."""
    return "\n".join(_lines(of))


def _lines(of: Mapping[str, Any]) -> Iterator[str]:
    for question in QUESTIONS:
        arms = of[question.name]
        first = next(iter(arms.values()))
        yield (
            f"{plain(of['of'])}, {question.name}: {first['recordings']} recordings of {first['patients']} "
            f"patients, {first['hours']:.1f} h; windows of {of['window_s']:g} s; in %, 95 % over patients"
        )
        yield f"{'':22}" + "".join(f"{arm:>26}" for arm in arms)
        for name in FIGURES:
            yield f"{name:22}" + "".join(f"{_cell(arm['gross'][name]):>26}" for arm in arms.values())
        name = "median burden error"
        yield f"{name:22}" + "".join(f"{_value(arm[name]):>26}" for arm in arms.values())
        yield ""
    yield from _flutter(of["flutter"])
    if of["runtime"]:
        usable, error = (of["runtime"][name] for name in ("usable", "summary burden error"))
        yield f"The gate accepted {_value(usable)} %; burden error of the summary {_value(error)} points."
    for name, reason in list(of["skipped"].items())[:_MOST_ROWS]:
        yield f"skipped {plain(name)}: {plain(reason)}"
    yield from _by_record(of[QUESTIONS[0].name])


def _flutter(of: Mapping[str, Any]) -> Iterator[str]:
    if of["hours"]:
        said = ", ".join(f"{arm} {_value(share)} %" for arm, share in of["called AF"].items())
        yield f"Of {of['hours']:.1f} h of flutter were called AF: {said}."


def _by_record(arms: Mapping[str, Any]) -> Iterator[str]:
    for arm, figures in arms.items():
        rows = figures["by_record"]
        yield ""
        yield f"{QUESTIONS[0].name}, {arm}"
        yield f"{'recording':22}" + "".join(f"{name:>14}" for name in _BY_RECORD)
        for record, row in list(rows.items())[:_MOST_ROWS]:
            yield f"{plain(record):22}" + "".join(f"{_value(row[name]):>14}" for name in _BY_RECORD)
        if len(rows) > _MOST_ROWS:
            yield f"... {len(rows) - _MOST_ROWS} more: see the JSON"


def _cell(of: list[float | None]) -> str:
    value, low, high = of
    if low is None or high is None:
        return _value(value)
    return f"{_value(value)} ({low:.1f} to {high:.1f})"


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
