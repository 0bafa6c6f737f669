"""A training recipe: a TOML file with every choice that makes a model, unknown keys refused."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.rhythm.augment import Augment

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Net:
    """Shape of the student (see :class:`ecgedge_export.nets.RhythmNet`)."""

    stem: tuple[int, ...]
    stages: tuple[tuple[int, ...], ...]
    dropout: float = 0.05


@dataclass(frozen=True, slots=True)
class Training:
    """The optimiser's side of the recipe."""

    epochs: int = 60
    batch: int = 64
    lr: float = 4e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.08
    class_power: float = 0.5  # loss weight of a class: its share to the power of minus this
    ema: float = 0.998
    threads: int = 2  # part of the recipe: another number of threads sums in another order
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
    folds: int = 3
    weight: float = 0.5
    temperature: float = 2.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes one model."""

    name: str
    task: str
    fs: float
    window_s: float
    hop_s: float
    min_window_s: float
    clip: float
    classes: tuple[str, ...]
    net: Net
    training: Training = field(default_factory=Training)
    augment: Augment = field(default_factory=Augment)
    quantization: Quantization = field(default_factory=Quantization)
    distill: Distill | None = None

    @property
    def n_samples(self) -> int:
        """Length of the model's input."""
        return round(self.window_s * self.fs)


def load(path: Path, *, quick: bool = False) -> Recipe:
    """Read a recipe; ``quick`` cuts the epochs to what a test can wait for.

    Raises
    ------
    ConfigError
        No such file, no TOML, an unknown key or a missing one.
    """
    recipe = read(Recipe, path)
    if quick:
        return replace(recipe, training=replace(recipe.training, epochs=2))
    return recipe


def read(cls: type[R], path: Path) -> R:
    """Read a TOML file into a dataclass, nested tables into their own; errors as in :func:`load`."""
    try:
        raw = tomllib.loads(path.read_text())
    except OSError as e:
        raise ConfigError(
            f"cannot read the recipe {path}: {e.strerror}; recipes are in export/recipes"
        ) from e
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{path} is not TOML ({e}): mend that line") from e
    built: R = _build(cls, raw, str(path))
    return built


_NESTED = {
    "net": Net,
    "training": Training,
    "augment": Augment,
    "quantization": Quantization,
    "distill": Distill,
}


def _build(cls: Any, raw: dict[str, Any], where: str) -> Any:
    known = [f.name for f in fields(cls)]
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            raise ConfigError(f"{where}: unknown key {key!r}; {hint}")
    values = {k: _value(k, v, where) for k, v in raw.items()}
    try:
        return cls(**values)
    except TypeError as e:
        raise ConfigError(f"{where}: {str(e).removeprefix(f'{cls.__name__}.__init__() ')}; add it") from e


def _value(key: str, value: Any, where: str) -> Any:
    if key in _NESTED:
        return _build(_NESTED[key], value, f"{where} [{key}]")
    if isinstance(value, list):
        return tuple(_value("", v, where) for v in value)
    return value
