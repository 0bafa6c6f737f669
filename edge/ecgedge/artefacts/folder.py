"""A model folder, loaded: what all models have in common."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from ecgedge.artefacts.backends import Backend, load_backend
from ecgedge.artefacts.manifest import Manifest
from ecgedge.stream.filters import FrontEnd

BUNDLED = Path(__file__).parents[1] / "models"
"""The models in the package, a folder for each."""


class ModelFolder:
    """A manifest and the runtime that runs its network.

    Parameters
    ----------
    manifest : Manifest
        Says how to prepare an input and what the logits mean.
    backend : Backend
        Runs the network.
    """

    bundled: ClassVar[str]

    def __init__(self, manifest: Manifest, backend: Backend) -> None:
        self.manifest, self.backend = manifest, backend

    @classmethod
    def load(cls, folder: str | Path | None = None, backend: str = "auto") -> Self:
        """Load a model folder, the one in the package where none is given.

        Raises
        ------
        ModelError
            Files are missing or changed, or no runtime for them is installed.
        """
        folder = BUNDLED / cls.bundled if folder is None else Path(folder)
        manifest = Manifest.load(folder)
        return cls(manifest, load_backend(folder, backend, manifest=manifest))

    @property
    def front_end(self) -> FrontEnd:
        """The filters that the model was trained behind."""
        m = self.manifest
        return FrontEnd(m.fs, m.bandpass_taps, **m.resampler)
