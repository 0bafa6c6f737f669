"""A teacher from a file: one of our own encoders, or a checkpoint of other people's."""

from __future__ import annotations

from pathlib import Path

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.pretrain.trainer import is_encoder
from ecgedge_export.teachers.base import Teacher
from ecgedge_export.teachers.external import KINDS, kind_of, load_external
from ecgedge_export.teachers.own import KIND, PRESET, load_own


def load_teacher(kind: str | None, path: Path, preset: str | None = None) -> Teacher:
    """Load a checkpoint that the user has.

    Parameters
    ----------
    kind : str or None
        "ecgedge" for an encoder of `ecgedge-export pretrain`, or one of :data:`KINDS`; None looks.
    path : Path
        The file as its authors publish it.
    preset : str, optional
        Preprocessing; the kind's first one by default.

    Raises
    ------
    ConfigError
        Unknown kind or preset, or no such file.
    ModelError
        The file is no plain checkpoint, or its tensors are not exactly those of the kind.
    """
    if kind not in (None, KIND, *KINDS):
        raise ConfigError(f"no teacher is called {kind!r}: choose one of {KIND}, {', '.join(KINDS)}")
    if kind is None:
        kind = KIND if is_encoder(path) else kind_of(path)
    if kind != KIND:
        return load_external(kind, path, preset)
    if preset not in (None, PRESET):
        raise ConfigError(f"{KIND} has no preset {preset!r}: leave it out")
    return load_own(path)
