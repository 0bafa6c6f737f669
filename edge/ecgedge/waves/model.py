"""A wave model folder, ready to find the waves of a beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.backends import Backend
from ecgedge.artefacts.backends.base import check_logits
from ecgedge.artefacts.folder import NetworkFolder
from ecgedge.artefacts.manifest import Manifest
from ecgedge.waves.borders import BeatSpans, Bounds, spans
from ecgedge.waves.features import FS, Floats, N, model_input
from ecgedge_bridge.errors import ModelError

NORMALISATION = "qrs_height_knee"
WAVES = ("p", "qrs", "t")


class WaveModel(NetworkFolder):
    """A network that says for each sample around a beat which wave it belongs to.

    Parameters
    ----------
    manifest : Manifest
        Of task ``waves``.
    backend : Backend

    Raises
    ------
    ModelError
        The manifest is of another task, or asks for what this version does not know.
    """

    task = "waves"

    def __init__(self, manifest: Manifest, backend: Backend) -> None:
        super().__init__(manifest, backend)
        kind, values = manifest.normalisation.kind, manifest.normalisation.values
        if (kind, manifest.fs, manifest.n_inputs, values.get("places")) != (NORMALISATION, FS, N, N):
            raise ModelError(
                f"the model wants {manifest.n_inputs} values by {kind!r} at {manifest.fs:g} Hz, this version "
                f"knows {N} by {NORMALISATION!r} at {FS:g} Hz: update ecgedge"
            )
        given = manifest.thresholds.keys() & set(manifest.roles.values())
        if "knee" not in values or not given >= set(WAVES):
            raise ModelError(
                "the manifest lacks the knee of its normalisation, or a threshold or a class for p, qrs "
                "or t: give a whole model folder"
            )
        self._knee = float(values["knee"])
        # Seconds in the manifest, samples here.
        self._least = {wave: manifest.thresholds[wave] * FS for wave in WAVES}
        self._columns = {wave: manifest.classes.index(manifest.with_role(wave)[0]) for wave in WAVES}

    def probabilities(self, window: npt.NDArray[np.floating]) -> Floats:
        """Probability of each class for each sample of a window of filtered signal: (144,) to (144, 4)."""
        x = model_input(window, self._knee)
        logits = check_logits(self.backend.run(x[None, None])).reshape(N, -1)
        z = logits / np.float32(self.manifest.temperature)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p: Floats = e / e.sum(axis=1, keepdims=True)
        return p

    def spans(self, window: npt.NDArray[np.floating], at: Bounds) -> BeatSpans:
        """Find the waves of the beat in the middle of a window of filtered signal, shape (144,)."""
        p = self.probabilities(window)
        return spans({wave: p[:, column] for wave, column in self._columns.items()}, at, self._least)
