"""A beat-class model folder, ready to name beats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgedge.artefacts.backends import Backend
from ecgedge.artefacts.backends.base import check_logits
from ecgedge.artefacts.folder import NetworkFolder
from ecgedge.artefacts.manifest import Manifest
from ecgedge.beat_classes.features import FS, N_INPUTS, BeatInputs, beat_inputs
from ecgedge_bridge.errors import ModelError

NORMALISATION = "beat_inputs"


class BeatClassModel(NetworkFolder):
    """A model that names a beat from its :class:`ecgedge.beat_classes.features.BeatInputs`.

    Parameters
    ----------
    manifest : Manifest
        Of task ``beat_classes``.
    backend : Backend

    Raises
    ------
    ModelError
        The manifest is of another task, or asks for preprocessing that this version does not know.
    """

    task = "beat_classes"

    def __init__(self, manifest: Manifest, backend: Backend) -> None:
        super().__init__(manifest, backend)
        kind, values = manifest.normalisation.kind, manifest.normalisation.values
        wanted = kind, manifest.fs, manifest.n_inputs
        if wanted != (NORMALISATION, FS, N_INPUTS) or "clip" not in values:
            raise ModelError(
                f"the model wants {manifest.n_inputs} values by {kind!r} at {manifest.fs:g} Hz, this version "
                f"knows {N_INPUTS} by {NORMALISATION!r} at {FS:g} Hz: update ecgedge"
            )
        self._clip = float(values["clip"])

    def symbols(self, inputs: Sequence[BeatInputs]) -> list[str]:
        """Class of each beat, as the manifest names it; what is prepared together costs less."""
        if not inputs:
            return []
        waves, intervals = np.array([i.waves for i in inputs]), np.array([i.intervals for i in inputs])
        rows = beat_inputs(waves, intervals, self._clip)[:, None, None]
        # One by one: the network of a microcontroller takes one beat, and so does the file that was proven.
        return [self.manifest.classes[int(check_logits(self.backend.run(x)).argmax())] for x in rows]
