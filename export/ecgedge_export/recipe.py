"""A training recipe: a TOML file with every choice that makes a model, unknown keys refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

from ecgedge.artefacts.manifest import ROLES
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import read_text
from ecgedge_bridge.schema import Place, build, choice, converted, hint, integer, number, parse_toml
from ecgedge_export.data import cache_dir
from ecgedge_export.rhythm.augment import Augment

R = TypeVar("R")
Positive = Annotated[float, number(above=0, below=math.inf)]
Count = Annotated[int, integer(1, 1_000_000)]
RECIPES = Path(__file__).with_name("recipes")
"""The recipes in the package."""
QUICK_EPOCHS = 2  # the second one goes on from what the first one left


def _folder_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text):
        raise ValueError("a folder is called so: write letters, digits, _ and -")
    return text


@dataclass(frozen=True, slots=True)
class Net:
    """Shape of the student (see :class:`ecgedge_export.nets.RhythmNet`)."""

    stem: tuple[int, ...]
    stages: tuple[tuple[int, ...], ...]
    dropout: float = 0.05
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Training:
    """The optimiser's side of the recipe."""

    epochs: Count = 60
    batch: Count = 64
    lr: Positive = 4e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.08
    class_power: float = 0.5  # loss weight of a class: its share to the power of minus this
    ema: float = 0.998
    threads: Count = 2  # part of the recipe: another number of threads sums in another order
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Quantization:
    """Training with rounding (:mod:`ecgedge_export.int8.qat`) for models that lose too much without."""

    qat_epochs: int = 0  # none
    qat_lr: float = 2e-4


@dataclass(frozen=True, slots=True)
class Distill:
    """Who teaches the student, and how much that counts (see :class:`ecgedge_export.train.Lessons`).

    ``teacher`` is the name of a recipe beside the student's; ``folds`` is how many teachers share the
    recordings, so that each answers for those that it did not see. ``twelve_leads`` is the name of a recipe
    for a teacher with twelve leads; ``ship_twelve_leads`` says whether the student that is shipped learns
    from its people too, or is only compared with one that does.
    """

    teacher: str
    twelve_leads: str = ""
    ship_twelve_leads: bool = False
    folds: Annotated[int, integer(2, 100)] = 3
    weight: float = 0.5
    temperature: Positive = 2.0


@dataclass(frozen=True, slots=True)
class Panel:
    """Models that answer about the clean recordings, for a student that hears them varied.

    Parameters
    ----------
    models : tuple of str
        Names of recipes beside the student's, each made first where it is not at hand, or of model folders
        in ``rhythm/panel/models``, which were shipped once.
    weight, temperature : float
        As of :class:`ecgedge_export.train.Lessons`.
    view : str
        What the models answer about: the whole ``recording`` (mean of its first and last window), or each
        ``window`` that the student sees, before it was varied.
    features, tokens : float
        How much it counts that the features of the whole window, and of each moment of it, are like those
        that the network which training starts from has of the clean window.
    twelve_leads : str
        Name of a recipe for a teacher with twelve leads, which answers about PTB-XL too.
    unlabelled : tuple of str
        Data sets of :data:`ecgedge_export.rhythm.panel.unlabelled.READERS`; their ``view`` is the window.
    share : float
        Of a batch, for recordings without labels.
    bfloat16 : bool
        Convolutions in bfloat16, weights in float32: half the time on processors that have it.
    tries : tuple of str
        What ``distill`` compares beside labels and answers (:mod:`ecgedge_export.rhythm.panel.ways`).
    """

    models: tuple[str, ...] = ()
    weight: Annotated[float, number(above=0, below=1)] = 0.5
    temperature: Positive = 2.0
    view: Annotated[str, choice("recording", "window")] = "recording"
    features: Positive = 0.0
    tokens: Positive = 0.0
    twelve_leads: str = ""
    unlabelled: tuple[str, ...] = ()
    share: Annotated[float, number(above=0, below=1)] = 0.25
    bfloat16: bool = False
    tries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class External:
    """An encoder or a large model, whose embeddings a student learns to predict beside the labels.

    ``kind`` is "ecgedge" (an encoder of `ecgedge-export pretrain`) or one of
    :data:`ecgedge_export.teachers.KINDS`, with its ``checkpoint``, or the name that stands
    in a file of ``embeddings``; both paths are relative to the recipe. ``weight`` is that of
    :class:`ecgedge_export.train.Embeddings`.
    """

    kind: str
    checkpoint: str = ""
    embeddings: str = ""
    preset: str = ""
    weight: Positive = 0.5


def _channel(value: Any, place: Place) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        place.wrong(value, "a name or a number (from 0)")
    return value


@dataclass(frozen=True, slots=True)
class OwnData:
    """Recordings of your own, in place of CinC 2017 (see :mod:`ecgedge_export.rhythm.own_data`).

    Parameters
    ----------
    folder : str
        Recordings of any form that :func:`ecgedge.read` knows; relative to the recipe.
    labels : str
        The table of labels, relative to the recipe or else to ``folder``. Its columns: ``file`` (relative to
        ``folder``), ``label``, and where known the patient, ``start_s`` and ``end_s``.
    patient : str
        Name of the column that names the patient; where there is none, each file is a patient.
    fs : float, optional
        Rate in Hz, for files that do not say it.
    channel, unit : optional
        As :func:`ecgedge.read` takes them.
    names : mapping of str to str
        Labels of the table that are called otherwise in ``classes``.
    validation_percent : int
        Share of the patients of each class who validate; at least one does.
    title, licence : str
        For the model's card.
    """

    folder: str
    labels: str = "labels.csv"
    patient: str = "patient"
    fs: Positive | None = None
    channel: Annotated[str | int, _channel] = ""
    unit: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    # More than the 15 of CinC 2017 with its thousands of records: of 20 patients three would say nothing.
    validation_percent: Annotated[int, integer(1, 90)] = 25
    title: str = "own recordings"
    licence: str = "not published"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes one model.

    ``init`` is what the weights start from: nothing (chance); beside ``[data]`` ``shipped`` for the model in
    the package, or a rhythm model folder, relative to the recipe; else the name of a recipe beside this one,
    which is trained first. ``also`` are data sets that train beside CinC 2017
    (:mod:`ecgedge_export.rhythm.further`).
    """

    name: str
    task: str
    fs: Positive
    window_s: Positive
    hop_s: Positive
    min_window_s: Positive
    clip: Positive
    classes: tuple[str, ...]
    roles: Mapping[str, Annotated[str, choice(*ROLES["rhythm"])]]
    net: Net
    training: Training = field(default_factory=Training)
    augment: Augment = field(default_factory=Augment)
    quantization: Quantization = field(default_factory=Quantization)
    distill: Distill | None = None
    panel: Panel | None = None
    teacher: External | None = None
    data: OwnData | None = None
    init: str = ""
    also: tuple[str, ...] = ()

    @property
    def n_samples(self) -> int:
        """Length of the model's input."""
        return round(self.window_s * self.fs)


@dataclass(frozen=True, slots=True)
class Heading:
    """What every recipe begins with: the name of the model (and of its folder), and the task."""

    name: Annotated[str, converted(_folder_name)]
    task: str


def found(recipe: Path) -> Path:
    """Path of a recipe: a file, or a recipe in the package by its bare name.

    Raises
    ------
    ConfigError
        There is neither; the message has the nearest name.

    Examples
    --------
    >>> found(Path("rhythm")).name, found(Path("recipes/gate.toml")).name
    ('rhythm.toml', 'gate.toml')
    """
    if recipe.is_file():
        return recipe
    packaged = {path.stem: path for path in RECIPES.glob("*.toml")}
    # Cards name the packaged recipes with the folder that they lie in.
    bare = recipe.parent.name in ("", "recipes") and recipe.suffix in ("", ".toml")
    if bare and recipe.stem in packaged:
        return packaged[recipe.stem]
    raise ConfigError(
        f"no recipe {recipe}: give a file, or the name of one in the package ({hint(recipe.stem, packaged)})"
    )


def heading(path: Path) -> Heading:
    """Read the heading of a recipe of any task; errors as in :func:`load`."""
    raw, place = _parsed(path)
    wanted = [f.name for f in fields(Heading)]
    return build(Heading, {key: raw[key] for key in wanted if key in raw}, place)


def work_folder(path: Path, *, quick: bool) -> Path:
    """Where checkpoints of a recipe are kept by default: in the user's cache."""
    return cache_dir() / "runs" / f"{heading(path).name}{'-quick' if quick else ''}"


def load(path: Path, *, quick: bool = False) -> Recipe:
    """Read a recipe; ``quick`` cuts the epochs to what a test can wait for.

    Raises
    ------
    ConfigError
        No such file, no TOML, an unknown key, a missing one, or a value of another kind.
    """
    recipe = read(Recipe, path)
    if recipe.roles.keys() != set(recipe.classes):
        raise ConfigError(f"{path}: roles = {dict(recipe.roles)} must name each of {recipe.classes} once")
    if recipe.data and (recipe.distill or recipe.teacher):
        raise ConfigError(
            f"{path}: leave [distill] and [teacher] out beside [data]: they know CinC 2017 alone"
        )
    if recipe.also and (recipe.data or recipe.distill or not recipe.init):
        raise ConfigError(f"{path}: also goes with init, and without [data] and [distill]: leave it out")
    if quick:
        return replace(recipe, training=replace(recipe.training, epochs=QUICK_EPOCHS))
    return recipe


def read(cls: Callable[..., R], path: Path) -> R:
    """Read a recipe into a dataclass, nested tables into their own; errors as in :func:`load`."""
    return build(cls, *_parsed(path))


class _Parsed(NamedTuple):
    raw: dict[str, Any]
    place: Place


def _parsed(path: Path) -> _Parsed:
    place = Place(f"{path}:")
    try:
        return _Parsed(parse_toml(read_text(path), place), place)
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else e
        raise ConfigError(f"cannot read the recipe {path}: {why}; give a file, or a name of {RECIPES}") from e
