"""A beat-class model folder, ready to name beats."""

from __future__ import annotations

from typing import cast

import numpy as np

from ecgedge.artefacts.backends import Backend
from ecgedge.artefacts.backends.base import CodesBackend, check_logits
from ecgedge.artefacts.backends.interpreter import quantization
from ecgedge.artefacts.folder import NetworkFolder
from ecgedge.artefacts.manifest import Manifest
from ecgedge.beat_classes.features import Row
from ecgedge.beat_classes.layout import FS, N_INPUTS
from ecgedge_bridge.errors import ModelError

NORMALISATION = "beat_inputs"
_SHAPE = (1, 1, N_INPUTS)


class BeatClassModel(NetworkFolder):
    """A model that names a beat from what its :class:`ecgedge.beat_classes.features.History` gives.

    ``form`` is what :meth:`History.inputs` takes after the beat: how far the inputs may go and, where the
    backend reads INT8 codes, their scale and zero point.

    Parameters
    ----------
    manifest : Manifest
        Of task ``beat_classes``.
    backend : Backend
        One that reads codes is given codes, one that takes many beats at once is given many.

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
        self.form: tuple[float, ...] = (float(values["clip"]),)
        self._run_codes = cast(CodesBackend, backend).run_codes if hasattr(backend, "run_codes") else None
        if self._run_codes:
            scale, zero_point = quantization(backend.artefact.input)
            self.form += float(scale), int(zero_point)

    def symbol(self, row: Row) -> str:
        """Class of a beat, as the manifest names it; ``row`` is what its history gave in this model's form.

        Examples
        --------
        >>> from ecgedge.beat_classes.features import new_history
        >>> model = BeatClassModel.load()
        >>> model.symbol(new_history().inputs(np.zeros(80, np.float32), None, 0.8, *model.form))
        'N'
        """
        if self._run_codes is not None:
            # The greatest code is that of the greatest logit, and codes are always numbers.
            best = self._run_codes(np.frombuffer(row, np.int8).reshape(_SHAPE)).argmax()
        else:
            best = check_logits(self.backend.run(np.frombuffer(row, np.float32).reshape(_SHAPE))).argmax()
        return self.manifest.classes[best]
