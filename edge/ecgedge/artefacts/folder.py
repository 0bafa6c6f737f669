"""A model folder, loaded: a manifest with a network, or with weights in a file of their own."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar, Generic, NamedTuple, NoReturn, Self, TypeVar

from ecgedge.artefacts.backends import Backend, load_backend
from ecgedge.artefacts.manifest import Manifest, read_verified
from ecgedge.artefacts.sealed import artefact_place
from ecgedge.stream.filters import FrontEnd
from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.schema import Place, build, parse_json

BUNDLED = Path(__file__).parents[1] / "models"
"""The models in the package: a folder for each task, of its name."""
WEIGHTS_NAME = "weights.json"
W = TypeVar("W")


class NetworkFolder:
    """A manifest, and the runtime that runs its network.

    Parameters
    ----------
    manifest : Manifest
        Says how to prepare an input and what the logits mean.
    backend : Backend
        Runs the network.

    Raises
    ------
    ModelError
        The manifest is of another task.
    """

    task: ClassVar[str]

    def __init__(self, manifest: Manifest, backend: Backend) -> None:
        _check_task(manifest, self.task)
        self.manifest, self.backend = manifest, backend
        self.front_end = front_end(manifest)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: a runtime holds the network in memory of its own."""
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or copied: threads may share it, and another "
            "process loads its own (Models.load())"
        )

    @classmethod
    def load(cls, folder: str | Path | None = None, backend: str = "auto") -> Self:
        """Load a model folder, the one in the package where none is given.

        Raises
        ------
        ModelError
            Files are missing or changed, or no runtime for them is installed.
        """
        folder = BUNDLED / cls.task if folder is None else Path(folder)
        manifest = Manifest.load(folder)
        _check_task(manifest, cls.task)
        return cls(manifest, load_backend(folder, backend, manifest=manifest))


class Weights(NamedTuple, Generic[W]):
    """Verified content of a weights file, where it came from, and the manifest that lists it."""

    manifest: Manifest
    content: W
    place: Place


def load_weights(
    folder: str | Path | None, task: str, form: type[W], thresholds: Collection[str]
) -> Weights[W]:
    """Read the weights of a folder without a network, the one in the package where none is given.

    Parameters
    ----------
    folder : path or None
    task : str
    form : dataclass
        What the weights file holds.
    thresholds : collection of str
        What the manifest has to give.

    Raises
    ------
    ModelError
        A file is missing or changed, of another task or form, or a threshold is missing; the message names
        it.
    """
    folder = BUNDLED / task if folder is None else Path(folder)
    manifest = Manifest.load(folder)
    _check_task(manifest, task)
    assert manifest.weights is not None  # a manifest of such a task has them
    place = artefact_place(f"{folder / manifest.weights.file}:")
    content = build(form, parse_json(read_verified(folder, manifest.weights), place), place)
    if manifest.thresholds.keys() != set(thresholds):
        place.refuse(f"lacks the thresholds {' and '.join(map(repr, thresholds))} in its manifest")
    return Weights(manifest, content, place)


def front_end(manifest: Manifest) -> FrontEnd:
    """The filters that a model was trained behind."""
    return FrontEnd(manifest.fs, manifest.bandpass_taps, **manifest.resampler)


def _check_task(manifest: Manifest, task: str) -> None:
    if manifest.task != task:
        raise ModelError(f"the model's task is {manifest.task!r}: give the folder of a model for {task!r}")
