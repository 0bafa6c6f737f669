"""A lead model folder, ready to guess leads II and V1 to V6 from lead I."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.backends import Backend
from ecgedge.artefacts.backends.base import check_logits
from ecgedge.artefacts.folder import NetworkFolder
from ecgedge.artefacts.manifest import Manifest
from ecgedge.leads.features import FS, GUESSED, Floats, N, model_input
from ecgedge_bridge.errors import ModelError

NORMALISATION = "mv_knee"


class LeadModel(NetworkFolder):
    """A network that gives seven leads in mV for each sample of a window of lead I.

    Parameters
    ----------
    manifest : Manifest
        Of task ``leads``.
    backend : Backend

    Raises
    ------
    ModelError
        The manifest is of another task, or asks for what this version does not know.
    """

    task = "leads"

    def __init__(self, manifest: Manifest, backend: Backend) -> None:
        super().__init__(manifest, backend)
        kind, values = manifest.normalisation.kind, manifest.normalisation.values
        if (kind, manifest.fs, manifest.n_inputs, values.get("places")) != (NORMALISATION, FS, N, N):
            raise ModelError(
                f"the model wants {manifest.n_inputs} values by {kind!r} at {manifest.fs:g} Hz, this version "
                f"knows {N} by {NORMALISATION!r} at {FS:g} Hz: update ecgedge"
            )
        if "knee_mv" not in values or set(manifest.roles.values()) != set(map(str.lower, GUESSED)):
            raise ModelError(
                "the manifest lacks the knee of its normalisation, or one of the leads II and V1 to V6: "
                "give a whole model folder"
            )
        self._knee_mv = float(values["knee_mv"])
        self._columns = [manifest.classes.index(manifest.with_role(name.lower())[0]) for name in GUESSED]

    def guess(self, window: npt.NDArray[np.floating]) -> Floats:
        """Leads :data:`ecgedge.leads.features.GUESSED` in mV, from a window of filtered lead I in mV.

        Parameters
        ----------
        window : ndarray, shape (228,)
            At 100 Hz; the answer holds for all but the outermost 64 samples on either side.

        Returns
        -------
        ndarray of float32, shape (7, 228)
        """
        x = model_input(window, self._knee_mv)
        mv = check_logits(self.backend.run(x[None, None])).reshape(N, -1)
        leads: Floats = mv.T[self._columns]
        return leads
