"""Train students in every way that a panel allows, and say what each way is worth."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ecgedge_export.nets import RhythmNet
from ecgedge_export.prepare import Prepared
from ecgedge_export.progress import epoch_log
from ecgedge_export.recipe import Recipe
from ecgedge_export.rhythm.augment import Augmenter
from ecgedge_export.rhythm.panel import ways, worth
from ecgedge_export.rhythm.panel.teachers import Floats, Teachers
from ecgedge_export.rhythm.panel.training import Material, train
from ecgedge_export.rhythm.panel.ways import Way
from ecgedge_export.rhythm.panel.worth import MEASURES, Sides, Student
from ecgedge_export.train import Embeddings, Progress

Log = Callable[[str], None]
NOTHING = Prepared([], [], [])


@dataclass(frozen=True, slots=True, eq=False)
class Classroom:
    """All that students of a recipe learn from; what takes long is given when it is asked for.

    Parameters
    ----------
    recipe : Recipe
    labelled : Prepared
    augmenter : Augmenter
    teachers : Teachers
    start : callable
        Gives a new network with the weights that training starts from.
    whole : callable
        Gives what the panel says about the labelled recordings, (n, classes).
    unlabelled : callable
        Gives recordings without labels.
    twelve_leads : callable
        Gives what a teacher with twelve leads says, (n, classes), NaN where it knows nothing.
    embeddings : Embeddings, optional
        Of the labelled recordings.
    """

    recipe: Recipe
    labelled: Prepared
    augmenter: Augmenter
    teachers: Teachers
    start: Callable[[], RhythmNet]
    whole: Callable[[], Floats]
    unlabelled: Callable[[], Prepared] = lambda: NOTHING
    twelve_leads: Callable[[], Floats | None] = lambda: None
    embeddings: Embeddings | None = None

    def material(self, way: Way) -> Material:
        """What one way learns from."""
        labelled = ways.with_wrong_labels(self.labelled, way.wrong, self.recipe.classes)
        return Material(
            labelled,
            self.unlabelled() if way.panel.unlabelled else NOTHING,
            self.whole() if way.panel.weight and way.panel.view == "recording" else None,
            self.twelve_leads() if way.panel.twelve_leads else None,
            self.embeddings if way.embeddings else None,
        )

    def taught(self, way: Way, seed: int, checkpoint: Path, progress: Progress) -> RhythmNet:
        """Train one student, going on from ``checkpoint`` where there is one."""
        training = replace(self.recipe.training, seed=seed)
        own = replace(self.recipe, training=training, augment=way.augment, panel=way.panel)
        return train(
            own,
            way.panel,
            self.teachers,
            self.material(way),
            self.augmenter.varied(way.augment),
            checkpoint,
            progress,
            self.start(),
        )

    def shipped(self, checkpoint: Path, progress: Progress) -> RhythmNet:
        """Train the student that the recipe describes."""
        assert self.recipe.panel
        way = Way(self.recipe.panel, self.recipe.augment, embeddings=self.embeddings is not None)
        return self.taught(way, self.recipe.training.seed, checkpoint, progress)


def student(room: Classroom, name: str, way: Way, seed: int, heard: Sides, work: Path, log: Log) -> Student:
    """Train one student, or take it from ``work``, and let it answer."""
    place = work / f"{_folder(name)}-{seed}"
    net = room.taught(way, seed, place / "checkpoint.pt", epoch_log(log, f"{name}, {seed}"))
    return Student(worth.answers(net, heard, place / "answers.npz"), heard, room.recipe.classes)


def _folder(name: str) -> str:
    return re.sub("[^a-z]+", "-", name)


def compare(
    room: Classroom, found: Mapping[str, Way], seeds: int, heard: Sides, work: Path, log: Log
) -> dict[str, Any]:
    """Every way with ``seeds`` seeds, the same steps each: its figures, and what it gains.

    Returns
    -------
    dict
        For each way ``against`` and, for each of :data:`MEASURES`, ``by_seed``, ``gain`` over the way that
        differs in one thing, and ``gain_95`` (in the measure's own direction).
    """
    # Seed by seed, so that what is there when time is up holds every way.
    students: dict[str, list[Student]] = {name: [] for name in found}
    for seed in range(1, seeds + 1):
        for name, way in found.items():
            students[name].append(student(room, name, way, seed, heard, work, log))
    return {
        name: {"against": way.against, **_figures(students[name], students[way.against])}
        for name, way in found.items()
    }


def _figures(ours: list[Student], theirs: list[Student]) -> dict[str, Any]:
    found = {}
    for measure in MEASURES:
        difference, low, high = worth.gain(measure, ours, theirs)
        found[measure.name] = {
            "by_seed": [round(worth.figure(measure, s), 4) for s in ours],
            "gain": round(difference, 4),
            "gain_95": [round(low, 4), round(high, 4)],
        }
    return found
