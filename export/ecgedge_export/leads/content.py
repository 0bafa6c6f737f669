"""What leads tell of leads: how well the others come back from one, from two and from three."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ecgedge.leads.features import GUESSED, MARGIN, model_input
from ecgedge_export.leads import linear, scores
from ecgedge_export.leads.build import Lessons
from ecgedge_export.leads.net import LeadNet
from ecgedge_export.leads.scores import Compared
from ecgedge_export.leads.sets import Floats
from ecgedge_export.leads.training import LeadRecipe, train
from ecgedge_export.progress import epoch_log
from ecgedge_export.tasks import Log

GIVEN = (("I",), ("I", "II"), ("I", "II", "V2"))
"""One lead as a wearable has it; two as a patch; three from the side, below and in front."""
_TOGETHER = 64


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """Guesses of the leads that are not ``given``: by a network, and by a linear filter."""

    given: tuple[str, ...]
    network: Compared
    linear: Compared


def contents(
    how: LeadRecipe,
    lessons: Lessons,
    epochs: int,
    work: Path,
    log: Log,
    given: Sequence[tuple[str, ...]] = GIVEN,
) -> list[Content]:
    """Train a network of the recipe's shape and fit a filter for each set of leads, and test both, in float.

    All networks have the same budget; what was trained is taken from ``work``.
    """
    briefly = replace(how, training=replace(how.training, epochs=epochs))
    return [_content(briefly, lessons, names, work, log) for names in given]


def _content(how: LeadRecipe, lessons: Lessons, given: tuple[str, ...], work: Path, log: Log) -> Content:
    others = tuple(name for name in GUESSED if name not in given)
    x, y = lessons.taught.leads(given), lessons.taught.leads(others)
    told = " and ".join(given)
    net = train(
        how, x, y, lessons.noise, work / f"{'-'.join(given)}.pt", epoch_log(log, f"leads from {told}")
    )
    log(f"fitting the linear filter from {told}")
    floor, tested = linear.kept(work / floor_name(given), x, y), lessons.tested
    shown, true = tested.leads(given), tested.leads(others)
    ours, theirs = guessed(net, how.knee_mv, shown), floor(shown)
    return Content(
        given,
        scores.compared(others, ours, true, tested.patients),
        scores.compared(others, theirs, true, tested.patients),
    )


def floor_name(given: Sequence[str]) -> str:
    """File in the work folder that holds the linear filter from some leads."""
    return f"linear-{'-'.join(given)}.npz"


@torch.no_grad()
def guessed(net: LeadNet, knee_mv: float, given: Floats) -> Floats:
    """Leads that a float network guesses from whole recordings: (n, leads, time) in mV."""
    net.eval()
    beside = ((0, 0), (0, 0), (MARGIN, MARGIN))
    x = torch.from_numpy(model_input(np.pad(given, beside, mode="edge"), knee_mv))
    parts = [net.leads(x[i : i + _TOGETHER])[:, :, 0, MARGIN:-MARGIN] for i in range(0, len(x), _TOGETHER)]
    leads: Floats = torch.cat(parts).numpy()
    return leads
