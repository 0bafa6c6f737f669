"""How well is the rhythm named, what do INT8 and the gate cost, and how far do simple features come?

The validation split of CinC 2017 through ``ecgedge.classify``: INT8 and its float parent, with the gate and
without; how F1 grows where less is answered; AF or not beside the irregularity of the RR intervals, fitted on
a part of the training split, and beside the rivals that detect AF. The same split chose temperature and
limits of the model, so these are validation figures; nothing is chosen here.
"""

from __future__ import annotations

from typing import Any

from benchmarks.harness import command, recordings
from benchmarks.harness.command import Arguments
from benchmarks.harness.not_measured import or_skipped, skipped
from benchmarks.questions.rhythm import ablation, af
from benchmarks.questions.rhythm.ablation import Outcome
from ecgedge_export import splits

SHIPPED = "INT8, gate"


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    records = recordings.cinc2017(recordings.validating(), 30 if quick else None)
    outcomes = ablation.outcomes(records)
    ours: Outcome = outcomes[SHIPPED]
    return {
        "split": recordings.CINC2017,
        "split_sha256": splits.split_hash(ours.answers.ids),
        "arms": {name: row if skipped(row) else ablation.report(row) for name, row in outcomes.items()},
        "costs": ablation.costs(outcomes),
        "curve": {name: ablation.curve(outcomes[name]) for name in (SHIPPED, "INT8, no gate")},
        "AF": af.measure(records, ours, quick),
    }


def show(found: dict[str, Any]) -> None:
    """Print it."""
    if skipped(found):
        print(found["skipped"])
        return
    for name, row in found["arms"].items():
        figure = (
            row.get("skipped") or f"{row['mean_f1_nao']:.3f} {row['mean_f1_nao_95']}, named {row['named']}"
        )
        print(f"mean F1 of N, A, O; {name:16} {figure}")
    for name, row in found["costs"].items():
        print(f"{name:30} {row}")
    for row in found["curve"][SHIPPED]:
        print(f"answers from {row['limit']!s:10} {row['coverage']:.3f} F1 {row['mean_f1_nao']} {row['AF']}")
    af.show(found["AF"])


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "rhythm", lambda quick: or_skipped(measure, quick), show, arguments)
