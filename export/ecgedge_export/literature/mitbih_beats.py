"""Beats cut out by the length that they last, against a fixed stretch; time and memory of fewer samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecgedge_export import recipe
from ecgedge_export.beat_classes import segment_arms as arms
from ecgedge_export.beat_classes.folds import f1, gain
from ecgedge_export.beat_classes.scores import ECTOPIC
from ecgedge_export.beat_classes.segment_arms import FIXED, Cost, Run_, cost
from ecgedge_export.literature.row import Comparison, Job, Measured, Table, figure
from ecgedge_export.rhythm.scores import interval

SEEDS, FOLD_SEEDS = 3, 1
QUICK_RECORDS = 3
MOST_LOST = 0.003  # of F1, by the class that gains nothing
SAME_PERSON = "202/0"  # the person of 201, who taught
# A stretch of 0.7 s at MIT-BIH's own rate, and as both arms see it
SAMPLES = (252, 64)


def measure(job: Job) -> Measured:
    """Train both arms on DS1; validate in its folds, test on DS2, and measure what a beat costs."""
    how = arms.load_recipe(recipe.found(Path("beat_segments")), quick=job.quick)
    seeds = 1 if job.quick else SEEDS
    few = QUICK_RECORDS if job.quick else None
    folds = {} if job.quick else {"DS1, five folds": arms.in_folds(how, job.work, FOLD_SEEDS, job.log)}
    ds2 = arms.on_ds2(how, job.work, seeds, job.log, few)
    without = {kind: [_without(run, SAME_PERSON) for run in runs] for kind, runs in ds2.items()}
    parts = {**folds, "DS2": ds2, "DS2 without 202": without}
    costs = [cost(how.width, n) for n in SAMPLES]
    return Measured(
        data="MIT-BIH, first lead, beats of our detector; DS1 teaches (22 records), DS2 tests (22 records)",
        budget=f"{costs[-1].parameters:,} parameters, {how.training.epochs} times {sum(how.draws):,} beats",
        seeds=seeds,
        tables=(_f1_table(parts, how.segment), _by_record(ds2, how.segment), _cost_table(costs)),
        comparisons=tuple(
            Comparison(
                f"{how.segment} against fixed, {name}, {title} F1", *gain(of[how.segment], of[FIXED], symbol)
            )
            for name, of in parts.items()
            for title, symbol in ECTOPIC.items()
        ),
        verdict=_verdict(next(iter(parts.values())), how.segment),
        finding=_finding(parts, how.segment, costs),
    )


def _without(run: Run_, record: str) -> Run_:
    return {name: matrix for name, matrix in run.items() if name != record}


def _mean_f1(runs: list[Run_], symbol: str, records: list[str] | None = None) -> float:
    return float(np.mean([f1([run[r] for r in records or run], symbol) for run in runs]))


def _f1_cell(runs: list[Run_], symbol: str) -> str:
    names = sorted(runs[0])
    span = interval(len(names), lambda drawn: _mean_f1(runs, symbol, [names[i] for i in drawn]))
    return figure(_mean_f1(runs, symbol), *span)


def _f1_table(parts: dict[str, dict[str, list[Run_]]], segment: str) -> Table:
    rows = tuple(
        (name, kind, *(_f1_cell(of[kind], symbol) for symbol in ECTOPIC.values()))
        for name, of in parts.items()
        for kind in (FIXED, segment)
    )
    return Table(
        "F1, mean of the seeds (one in folds), 95 % over records", ("tested on", "segment", *ECTOPIC), rows
    )


def _by_record(of: dict[str, list[Run_]], segment: str) -> Table:
    """Records with ten ectopic beats of a kind or more: few of them decide a gross figure."""
    rows = []
    for title, symbol in ECTOPIC.items():
        for record in sorted(of[FIXED][0]):
            n = int(of[FIXED][0][record]["NSVFQO".index(symbol)].sum())
            if n >= 10:
                cells = (figure(_mean_f1(of[kind], symbol, [record])) for kind in (FIXED, segment))
                rows.append((record.partition("/")[0], title, str(n), *cells))
    return Table(
        "DS2 by record, F1, mean of the seeds", ("record", "class", "beats", FIXED, segment), tuple(rows)
    )


def _cost_table(costs: list[Cost]) -> Table:
    rows = tuple(
        (str(c.samples), f"{c.parameters:,}", f"{c.infer_us:.0f}", f"{c.train_us:.0f}", f"{c.activations:,}")
        for c in costs
    )
    head = (
        "samples of a beat",
        "parameters",
        "answer, µs of CPU",
        "learn, µs of CPU",
        "bytes of activations",
    )
    return Table("What a beat costs: 0.7 s at 360 Hz, and 64 samples", head, rows)


def _verdict(of: dict[str, list[Run_]], segment: str) -> str:
    """Chosen where nothing is tested, in folds: one class gains for sure, and the other loses nothing."""
    gains = [gain(of[segment], of[FIXED], symbol) for symbol in ECTOPIC.values()]
    helps = any(one.low > 0 for one in gains) and all(one.gain >= -MOST_LOST for one in gains)
    return "available" if helps else "no gain"


def _finding(parts: dict[str, dict[str, list[Run_]]], segment: str, costs: list[Cost]) -> str:
    many, few = costs
    told = []
    for title, symbol in ECTOPIC.items():
        more, low, high = gain(parts["DS2"][segment], parts["DS2"][FIXED], symbol)
        told.append(f"{title} F1 {more:+.3f} ({low:+.3f} to {high:+.3f})")
    return (
        f"Inter-patient, stretches as long as a beat against fixed ones: {', '.join(told)}. Fewer samples "
        f"cut the time of learning by {1 - few.train_us / many.train_us:.0%}, of an answer by "
        f"{1 - few.infer_us / many.infer_us:.0%}; activations are {many.activations / few.activations:.1f} "
        "times smaller."
    )
