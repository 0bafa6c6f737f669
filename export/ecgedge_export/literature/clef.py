"""CLEF: contrast weighted by the difference of risk, against plain contrast and against no pre-training."""

from __future__ import annotations

from ecgedge_export.literature.encoders import Question, ask
from ecgedge_export.literature.row import Job, Measured

ARMS = {
    "infonce": (),
    "clef": ("infonce",),
    "clef_summed": ("infonce", "clef"),
}
NAMES = {
    "infonce": "InfoNCE",
    "clef": "CLEF as published (negatives averaged)",
    "clef_summed": "CLEF with summed negatives",
}
DECIDE = (
    Question("clef", "infonce", "probe"),
    Question("clef", "random", "probe"),
    Question("clef", "random", "tuned"),
)
MEASURES = {"probe": tuple(ARMS), "tuned": ("clef",)}


def measure(job: Job) -> Measured:
    """See :class:`ecgedge_export.literature.works.Row`."""
    return ask(job, ARMS, NAMES, DECIDE, MEASURES)
