"""A model folder, ready to name windows."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.backends import Backend, load_backend
from ecgedge.artefacts.manifest import Manifest
from ecgedge.rhythm.decision import probabilities
from ecgedge.stream.amplitude import model_input
from ecgedge.stream.filters import FrontEnd
from ecgedge_bridge.errors import ModelError

BUNDLED = Path(__file__).parents[1] / "models"
NORMALISATION = "qrs_height"  # the only method there is so far: ecgedge.stream.amplitude.model_input


class ModelFolder:
    """A manifest and the runtime that runs its network: what every model has, whatever it names.

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


class Model(ModelFolder):
    """Preprocessing of the manifest, one inference runtime, and calibrated probabilities.

    Parameters
    ----------
    manifest, backend : Manifest, Backend

    Raises
    ------
    ModelError
        The manifest asks for preprocessing that this version does not know.
    """

    bundled = "rhythm"

    def __init__(self, manifest: Manifest, backend: Backend) -> None:
        if manifest.normalisation.kind != NORMALISATION or "clip" not in manifest.normalisation.values:
            raise ModelError(
                f"the model wants the normalisation {manifest.normalisation.kind!r}, this version knows "
                f"{NORMALISATION!r}: update ecgedge"
            )
        super().__init__(manifest, backend)
        self._clip = float(manifest.normalisation.values["clip"])

    def prepare(self, signal: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Model input from filtered signal in mV, shape (1, 1, n_samples)."""
        m = self.manifest
        return model_input(signal, m.fs, m.n_samples, self._clip)[None, None, :]

    def probabilities(self, signal: npt.NDArray[np.floating]) -> dict[str, float]:
        """Calibrated probability of each class for the end of a stretch of filtered signal."""
        logits = self.backend.run(self.prepare(signal))
        p = probabilities(logits, self.manifest.temperature)
        return dict(zip(self.manifest.classes, p.tolist(), strict=True))
