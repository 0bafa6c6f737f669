"""From a recipe with a ``[panel]`` to everything that its student learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.nets import RhythmNet
from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import Recipe
from ecgedge_export.rhythm import twelve_leads
from ecgedge_export.rhythm.build import Sets
from ecgedge_export.rhythm.panel.compare import Classroom
from ecgedge_export.rhythm.panel.teachers import Floats, Teachers, seat
from ecgedge_export.rhythm.panel.unlabelled import READERS, unlabelled
from ecgedge_export.train import Embeddings

Log = Callable[[str], None]
KEPT = Path(__file__).with_name("models")
"""Model folders that were shipped once and teach now."""


def classroom(
    recipe: Recipe,
    sets: Sets,
    start: Callable[[], RhythmNet],
    folders: Sequence[Path],
    known: Callable[[], Floats],
    embeddings: Embeddings | None = None,
    limit: int | None = None,
) -> Classroom:
    """Bring together the recordings, the models of ``folders``, and the network that training starts from.

    ``known`` gives the answers of a teacher with twelve leads; ``limit`` keeps that many records of each
    source of unlabelled signal.

    Raises
    ------
    ConfigError
        The panel is empty, or a model answers about other classes or windows.
    ModelError
        A model folder is damaged.
    """
    if not folders:
        raise ConfigError(f"the panel of {recipe.name} is empty: name its models")
    models = seat([RhythmModel.load(f, "onnx") for f in folders], recipe.classes, recipe.n_samples)
    teachers = Teachers(models, start())

    @cache
    def whole() -> Floats:
        return teachers.about(sets.train.signals, recipe.n_samples)

    @cache
    def other() -> Prepared:
        wanted = recipe.panel.unlabelled if recipe.panel and recipe.panel.unlabelled else tuple(READERS)
        return unlabelled(wanted, recipe.fs, limit)

    return Classroom(
        recipe, sets.train, sets.augmenter, teachers, start, whole, other, cache(known), embeddings
    )


def answers_of_twelve_leads(
    recipe: Recipe, ids: Sequence[str], work: Path, log: Log, limit: int | None = None
) -> Floats:
    """Logits of teachers with twelve leads about those recordings of ``ids`` that are of PTB-XL; else NaN.

    Each recording is answered by the teacher that saw the other half of the people.
    """
    who = twelve_leads.people(recipe, limit)
    said = twelve_leads.answers(recipe, who, work, log)
    place = {name: i for i, name in enumerate(who.ids)}
    found = np.full((len(ids), len(recipe.classes)), np.nan, np.float32)
    for row, name in enumerate(ids):
        # ptb-xl/ID/LEAD
        if (i := place.get(name.rpartition("/")[0])) is not None:
            found[row] = said[i]
    return found
