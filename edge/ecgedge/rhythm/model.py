"""A model folder, ready to name windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.backends import Backend
from ecgedge.artefacts.backends.base import check_logits
from ecgedge.artefacts.folder import NetworkFolder
from ecgedge.artefacts.manifest import Manifest
from ecgedge.rhythm.decision import AF_WHOLE_S, LIMITS, af_present, probabilities
from ecgedge.rhythm.wearer import Wearer, corrected
from ecgedge.stream.amplitude import model_input
from ecgedge_bridge.errors import ModelError

NORMALISATION = "qrs_height"  # the only method there is so far: ecgedge.stream.amplitude.model_input
# Share of windows with AF at which the probabilities are true, for a manifest without ``af_share``. The loss
# weighs AF up: on CinC 2017 and PTB-XL alike (9 and 7 % AF) the log loss is least where it is taken for 20 %.
AF_SHARE = 0.2


class RhythmModel(NetworkFolder):
    """Preprocessing of the manifest, one inference runtime, and calibrated probabilities.

    Parameters
    ----------
    manifest, backend : Manifest, Backend

    Raises
    ------
    ModelError
        The manifest asks for preprocessing that this version does not know.
    """

    task = "rhythm"

    def __init__(self, manifest: Manifest, backend: Backend) -> None:
        super().__init__(manifest, backend)
        if manifest.normalisation.kind != NORMALISATION or "clip" not in manifest.normalisation.values:
            raise ModelError(
                f"the model wants the normalisation {manifest.normalisation.kind!r}, this version knows "
                f"{NORMALISATION!r}: update ecgedge"
            )
        self._clip = float(manifest.normalisation.values["clip"])

    def prepare(self, signal: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """RhythmModel input from filtered signal in mV, shape (1, 1, n_samples)."""
        m = self.manifest
        return model_input(signal, m.fs, m.n_samples, self._clip)[None, None, :]

    def probabilities(self, signal: npt.NDArray[np.floating]) -> dict[str, float]:
        """Calibrated probability of each class for the end of a stretch of filtered signal."""
        logits = check_logits(self.backend.run(self.prepare(signal)))
        p = probabilities(logits, self.manifest.temperature)
        return dict(zip(self.manifest.classes, p.tolist(), strict=True))

    def for_wearer(self, p: dict[str, float], wearer: Wearer | None) -> dict[str, float]:
        """Probabilities for somebody in particular; ``p`` itself where too little is known of them."""
        share = wearer.expected_af if wearer else None
        return p if share is None else corrected(p, self.manifest.with_role("af"), self.af_share, share)

    @property
    def af_share(self) -> float:
        """Share of windows with AF at which :meth:`probabilities` are true."""
        return self.manifest.thresholds.get("af_share", AF_SHARE)

    def fibrillation(self, p: Mapping[str, float]) -> float:
        """Probability of atrial fibrillation; 0 for a model that has no class for it."""
        return sum(p.get(name, 0.0) for name in self.manifest.with_role("af"))

    @property
    def thresholds(self) -> dict[str, float]:
        """The manifest's, and :data:`LIMITS` for those that it does not give."""
        return {**LIMITS, **self.manifest.thresholds}

    def af(self, p: Mapping[str, float], seconds: float = AF_WHOLE_S) -> bool | None:
        """Atrial fibrillation or not, from a stretch of so many seconds.

        None where neither is probable enough, below 10 s, and for a model without AF.
        """
        if not self.manifest.with_role("af"):
            return None
        return af_present(self.fibrillation(p), seconds, self.thresholds)
