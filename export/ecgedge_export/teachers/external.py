"""Checkpoints of CLEF and ECGFounder as teachers: read without unpickling code, and loaded strictly."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_export.data.checksums import sha256
from ecgedge_export.teachers.base import Vector
from ecgedge_export.teachers.net1d import CLEF_MEDIUM, CLEF_SMALL, ECG_FOUNDER, Layout, Net1d
from ecgedge_export.teachers.presets import PRESETS, Preset


@dataclass(frozen=True, slots=True)
class Kind:
    """A published model.

    Parameters
    ----------
    layout : Layout
        Its sizes.
    prefix : str
        What every name in the checkpoint starts with.
    parameters : int
        Number of trained values, batch norms included: a wrong layout shows here before anything is loaded.
    presets : tuple of str
        Names of its preprocessings, the default first.
    terms : str
        Where it comes from and under which terms.
    """

    layout: Layout
    prefix: str
    parameters: int
    presets: tuple[str, ...]
    terms: str


_CLEF = "Zenodo 17572734; code Clear BSD, see there for the weights"
# Numbers of parameters are those of the published checkpoints, counted from their tensors.
KINDS: Mapping[str, Kind] = {
    "clef-small": Kind(CLEF_SMALL, "backbone.", 447_792, ("clef",), _CLEF),
    "clef-medium": Kind(CLEF_MEDIUM, "backbone.", 30_654_000, ("clef",), _CLEF),
    "ecgfounder": Kind(
        ECG_FOUNDER,
        "",
        30_807_750,
        ("founder", "founder-plain"),
        "1-lead checkpoint; code MIT, see there for the weights",
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class ExternalTeacher:
    """A loaded checkpoint; see :func:`load_teacher`."""

    name: str
    net: Net1d
    preparation: Preset
    sha256: str

    @property
    def preset(self) -> str:
        """Name of the preprocessing."""
        return self.preparation.name

    @property
    def dim(self) -> int:
        """Length of the vector."""
        return KINDS[self.name].layout.widths[-1]

    def embed(self, signal: npt.NDArray[np.floating], fs: float) -> Vector:
        """Embed ten seconds of lead I: (n,) in mV at ``fs`` Hz to float32 (dim,).

        Raises
        ------
        ValueError
            Not ten seconds of one lead, or a sample that is not finite.
        """
        window = torch.from_numpy(self.preparation(signal, fs))
        with torch.inference_mode():
            vector: Vector = self.net(window[None, None])[0].numpy()
        return vector


def load_external(kind: str, path: Path, preset: str | None = None) -> ExternalTeacher:
    """Load a checkpoint of one of :data:`KINDS`; see :func:`ecgedge_export.teachers.load_teacher`."""
    preset = preset or KINDS[kind].presets[0]
    if preset not in KINDS[kind].presets:
        raise ConfigError(f"{kind} has no preset {preset!r}: choose one of {', '.join(KINDS[kind].presets)}")
    net = build(kind)
    state = _tensors(path, KINDS[kind].prefix)
    try:
        net.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ModelError(f"{path} is no {kind}: {_first_lines(error)}; take another kind or file") from error
    return ExternalTeacher(kind, net.eval(), PRESETS[preset], sha256(path))


def kind_of(path: Path) -> str:
    """Kind of a checkpoint, by the names and shapes of its tensors.

    Raises
    ------
    ConfigError
        No such file.
    ModelError
        It is no plain checkpoint, or of a model that is not known here.
    """
    shapes = {name: value.shape for name, value in _tensors(path, "").items()}
    for kind, row in KINDS.items():
        with torch.device("meta"):  # shapes alone, no memory
            wanted = Net1d(row.layout).state_dict()
        if shapes == {f"{row.prefix}{name}": value.shape for name, value in wanted.items()}:
            return kind
    raise ModelError(f"{path} is none of {', '.join(KINDS)}: name the kind to learn what differs")


def build(kind: str) -> Net1d:
    """Build an untrained network of a kind, and make sure that it has the published number of parameters."""
    net = Net1d(KINDS[kind].layout)
    n = sum(p.numel() for p in net.parameters())
    if n != KINDS[kind].parameters:
        raise ModelError(f"{kind} has {n:,} parameters, not {KINDS[kind].parameters:,}: its layout is wrong")
    return net


def _tensors(path: Path, prefix: str) -> dict[str, torch.Tensor]:
    """Read the state dictionary, bare or under "state_dict", and take the prefix off every name."""
    if not path.is_file():
        raise ConfigError(f"no such file: {path}: download the checkpoint from its authors and name it")
    state = _read(path)
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not (isinstance(state, dict) and all(isinstance(v, torch.Tensor) for v in state.values())):
        raise ModelError(f"{path} holds no state dictionary: take the file that its authors publish")
    strange = sorted(name for name in state if not name.startswith(prefix))
    if strange:
        raise ModelError(
            f"{path} has {strange[0]!r}, which does not start with {prefix!r}: take another kind"
        )
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}


def _read(path: Path) -> Any:
    try:
        # A checkpoint is a pickle, and an ordinary load runs whatever is in it.
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ModelError(
            f"{path} cannot be read as tensors alone ({_first_lines(error)}): it is damaged, or it holds "
            "objects, which are never unpickled here; save its state_dict anew"
        ) from error


def _first_lines(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:200]
