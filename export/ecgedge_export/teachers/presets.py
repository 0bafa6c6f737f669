"""Preprocessing of the external teachers: resample to 500 Hz, filter as the model was trained, standardise.

Offline and zero phase, for teachers only: what runs on a wearable is :mod:`ecgedge.stream.filters`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy import signal as dsp

# Both models were trained on ten seconds at 500 Hz: another length is another distribution.
FS = 500.0
WINDOW_S = 10.0
N_SAMPLES = round(FS * WINDOW_S)
# As the models' own code filters: band, baseline by a median, notch at 50 Hz mains.
BAND_HZ = (0.67, 40.0)
_MEDIAN_S = 0.4
_NOTCH_HZ, _NOTCH_Q = 50.0, 30.0

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Preset:
    """A way to prepare ten seconds at 500 Hz.

    Parameters
    ----------
    name : str
        As it is kept beside embeddings.
    filtered : callable
        From (5000,) in mV to what is then standardised.
    source : str
        Where it is described.
    """

    name: str
    filtered: Callable[[Array], Array]
    source: str

    def __call__(self, mv: npt.NDArray[np.floating], fs: float) -> npt.NDArray[np.float32]:
        """Prepare ten seconds: (n,) in mV at ``fs`` Hz to float32 (5000,) of mean 0 and deviation 1.

        Raises
        ------
        ValueError
            Not one lead, not ten seconds, or a sample that is not finite.

        Examples
        --------
        >>> x = PRESETS["clef"](np.sin(np.arange(2500) / 20), 250.0)
        >>> x.shape, round(float(x.std()), 3)
        ((5000,), 1.0)
        """
        return standardised(self.filtered(at_500_hz(mv, fs)))


def check_window(mv: npt.NDArray[np.floating], fs: float) -> None:
    """Refuse what is not ten seconds of one lead without gaps; errors as in :meth:`Preset.__call__`."""
    if mv.ndim != 1 or fs <= 0 or abs(len(mv) - WINDOW_S * fs) > 1:
        raise ValueError(f"{mv.shape} samples at {fs} Hz are not ten seconds of one lead: cut a window first")
    if not np.isfinite(mv).all():
        raise ValueError("the window has samples that are not finite: fill the gap or take another window")


def at_500_hz(mv: npt.NDArray[np.floating], fs: float) -> Array:
    """Resample ten seconds of one lead to (5000,); errors as in :meth:`Preset.__call__`."""
    x = np.asarray(mv, np.float64)
    check_window(x, fs)
    ratio = Fraction(FS / fs).limit_denominator(10_000)
    if ratio != 1:
        x = dsp.resample_poly(x, ratio.numerator, ratio.denominator, padtype="line")
    return np.pad(x, (0, max(0, N_SAMPLES - len(x))), mode="edge")[:N_SAMPLES]


def standardised(x: Array) -> npt.NDArray[np.float32]:
    """Mean 0 and deviation 1; a flat line becomes zeros."""
    deviation = float(x.std())
    if deviation < 1e-8:  # rounding, after the filters
        return np.zeros(len(x), np.float32)
    return np.asarray((x - x.mean()) / deviation, np.float32)


def bandpass(x: Array, order: int) -> Array:
    """Butterworth 0.67 to 40 Hz, forwards and backwards."""
    sos = dsp.butter(order, BAND_HZ, "bandpass", fs=FS, output="sos")
    y: Array = dsp.sosfiltfilt(sos, x)
    return y


def _founder(x: Array) -> Array:
    notched = dsp.filtfilt(*dsp.iirnotch(_NOTCH_HZ, _NOTCH_Q, FS), x)
    y = bandpass(notched, 4)
    y -= dsp.medfilt(y, 2 * round(_MEDIAN_S * FS / 2) + 1)
    return y


PRESETS: Mapping[str, Preset] = {
    p.name: p
    for p in (
        Preset("clef", lambda x: bandpass(x, 5), "CLEF, arXiv 2512.02180"),
        Preset("founder", _founder, "ECGFounder, training: notch, band, median"),
        Preset("founder-plain", lambda x: x, "ECGFounder, evaluation: standardised only"),
    )
}
