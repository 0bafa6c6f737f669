"""The row on lead reconstruction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ecgedge.leads.features import GUESSED
from ecgedge.leads.model import LeadModel
from ecgedge_export.leads import auxiliary, build, linear
from ecgedge_export.leads.content import Content, contents, floor_name
from ecgedge_export.leads.scores import Compared
from ecgedge_export.leads.training import load_recipe
from ecgedge_export.literature.encoders import bench
from ecgedge_export.literature.row import Comparison, Job, Measured, Table, figure
from ecgedge_export.pretrain.table import SEEDS
from ecgedge_export.recipe import QUICK_EPOCHS, RECIPES

EPOCHS = 6  # of the networks from one, two and three leads; the shipped one has 20
QUICK_RECORDINGS = 32
CHEST = frozenset(("V1", "V3", "V4", "V5", "V6"))  # what no set of given leads holds

Report = Mapping[str, Any]


def measure(job: Job) -> Measured:
    """Measure the shipped model beside the linear filter, leads from more leads, and the auxiliary loss."""
    how = load_recipe(RECIPES / "leads.toml")
    lessons = build.load(QUICK_RECORDINGS if job.quick else None)
    job.log("fitting the linear filter, and testing what is shipped")
    place = job.work / floor_name(["I"])
    floor = linear.kept(place, lessons.taught.leads(["I"]), lessons.taught.leads(GUESSED))
    test = build.tested(LeadModel.load(), floor, lessons.tested)
    told = contents(how, lessons, QUICK_EPOCHS if job.quick else EPOCHS, job.work, job.log)
    beside = auxiliary.compared(bench(job), (1,) if job.quick else SEEDS)
    gone, gain = test["error_gone"]["all"], beside["gain"]
    return Measured(
        data=f"PTB-XL folds 1 to 8 ({len(lessons.taught)} recordings) taught, fold 9 ({test['recordings']} "
        f"of {test['patients']} patients) tested; auxiliary loss: folds 1 to 8 in two halves, out of fold",
        budget=f"22,000 parameters, INT8; {how.training.epochs} epochs, about 75 s of one core "
        f"({EPOCHS} epochs for each set of given leads)",
        seeds=1,
        tables=(_shipped(test), _told(told), _beside(beside)),
        comparisons=(
            Comparison(
                "share of the linear filter's squared error that INT8 does not make",
                gone["share"],
                *gone["share_95"],
            ),
            Comparison("leads beside against labels alone, macro AUROC, 3 seeds", *gain),
        ),
        verdict="available",
        finding=_finding(test, told[-1], gain),
    )


def _shipped(test: Report) -> Table:
    rows = []
    for name, ours in test["leads"].items():
        linear_ = test["linear"][name]
        cells = [
            cell
            for key, digits in (("correlation", 2), ("rmse_mv", 3), ("variance_ratio", 2))
            for cell in (_ends(ours, key, digits), figure(linear_[key], digits=digits))
        ]
        rows.append((name, *cells))
    return Table(
        "From lead I, INT8 through the public stream (correlation: median of recordings), and by the linear "
        "filter with 81 taps",
        ("lead", "correlation", "linear", "RMSE mV", "linear", "variance ratio", "linear"),
        tuple(rows),
    )


def _ends(row: Report, key: str, digits: int) -> str:
    low, high = row[f"{key}_95"]
    return figure(row[key], low, high, digits)


def _told(told: Sequence[Content]) -> Table:
    rows = []
    for content in told:
        for kind, found in (("U-Net", content.network), ("linear", content.linear)):
            figures = found.figures(np.arange(len(found.patients)))["correlation"]
            each = dict(zip(found.leads, figures, strict=True))
            cells = (figure(each[name], digits=2) if name in each else "given" for name in GUESSED)
            rows.append((", ".join(content.given), kind, *cells, figure(_chest_mv(found))))
    return Table(
        "What leads tell of leads: correlation of those that are not given, and the error over V1, V3, V4, "
        "V5 and V6, which are never given (float, the same budget for each)",
        ("given", "by", *GUESSED, "RMSE mV"),
        tuple(rows),
    )


def _chest_mv(found: Compared) -> float:
    """RMSE over the leads that are never given, in mV."""
    chest = [name in CHEST for name in found.leads]
    return float(np.sqrt(found.squared[:, chest].mean()))


def _beside(beside: Report) -> Table:
    rows = tuple((arm, figure(*beside[arm])) for arm in ("labels alone", "leads beside"))
    return Table("Five superclasses from lead I", ("a network that learns from", "macro AUROC"), rows)


def _finding(test: Report, most: Content, gain: Sequence[float]) -> str:
    gone, rows = test["error_gone"]["all"], test["leads"]
    ratios = [row["variance_ratio"] for row in rows.values()]
    lower = all(each["share"] > 0 for name, each in test["error_gone"].items() if name != "all")
    helps = "helps" if gain[1] > 0 else "does not help"
    ours, linear_ = _chest_mv(most.network), _chest_mv(most.linear)
    return (
        f"The network makes {100 * gone['share']:.0f} % less squared error than the linear filter"
        f"{', and less in each lead' if lower else ''}; guesses still hold {min(ratios):.2f} to "
        f"{max(ratios):.2f} of the true power. `ecgedge.reconstruct_leads` gives them with a warning. From "
        f"{', '.join(most.given)} the {'filter' if linear_ < ours else 'network'} is better at this budget "
        f"({ours:.3f} mV by the network, {linear_:.3f} by the filter). As an auxiliary loss it {helps} "
        f"({gain[0]:+.3f} macro AUROC), and no shipped model uses it."
    )
