"""What the lead network sees, and how two leads make four more.

Training and live inference both call these, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FS = 100.0
# A window gives its middle; the network's answers outside of it depend on where the window was cut. The
# margin is as long as what the network sees on either side, so that no lead depends on where windows begin.
HOP = 100
MARGIN = 64
N = HOP + 2 * MARGIN
GUESSED = ("II", "V1", "V2", "V3", "V4", "V5", "V6")
"""What a network gives; I is measured, and the other four follow from I and II."""
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""Names and order of a standard twelve-lead ECG."""


def model_input(window: npt.NDArray[np.floating], knee_mv: float) -> Floats:
    """Prepare windows of filtered lead I for the network.

    ``x`` mV become ``x / (|x| + knee)``, which lies between -1 and 1. INT8 has 255 steps: of a plain scale
    up to 4 mV a P wave of 0.1 mV would get three of them, and so it gets 21. Nothing is divided by the height
    of the signal, since the other leads are wanted in mV.

    Parameters
    ----------
    window : array
        Filtered signal in mV at 100 Hz.
    knee_mv : float
        What becomes one half.

    Examples
    --------
    >>> model_input(np.array([0.0, 0.5, -1.5]), knee_mv=0.5).tolist()
    [0.0, 0.5, -0.75]
    """
    x = np.asarray(window, np.float32)
    out: Floats = np.asarray(x / (np.abs(x) + np.float32(knee_mv)), np.float32)
    return out


def with_derived(leads: Mapping[str, Floats]) -> dict[str, Floats]:
    """Complete I, II and V1 to V6 to twelve leads, in the usual order.

    III = II - I (Einthoven, 1912); aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2 (Goldberger,
    1942).

    Examples
    --------
    >>> chest = {f"V{i}": np.zeros(1, np.float32) for i in range(1, 7)}
    >>> limbs = {"I": np.array([1.0], np.float32), "II": np.array([1.5], np.float32)}
    >>> twelve = with_derived({**limbs, **chest})
    >>> [float(twelve[name][0]) for name in ("III", "aVR", "aVL", "aVF")]
    [0.5, -1.25, 0.25, 1.0]
    """
    one, two = leads["I"], leads["II"]
    derived = {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    whole = {**leads, **derived}
    return {name: whole[name] for name in LEADS}
