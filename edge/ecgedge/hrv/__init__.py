"""Heart rate variability: RR cleaning and measures over sliding windows, in plain Python and numpy.

The way of an interval: :class:`RrCleaner` says whether it lies between two normal beats, :class:`NnWindow`
keeps those of the last minutes with their running sums, :meth:`NnWindow.measures` reads the result. The stage
that makes events of it is in ``ecgedge.hrv.stage``. :func:`rr_features` is the short form that the noise gate
uses on its own windows, uncleaned.
"""

from ecgedge.hrv.cleaning import Interval, RrCleaner
from ecgedge.hrv.features import RrFeatures, heart_rate_bpm, rr_features
from ecgedge.hrv.measures import HrvMeasures, NnWindow
from ecgedge.hrv.spectrum import band_powers

__all__ = [
    "HrvMeasures",
    "Interval",
    "NnWindow",
    "RrCleaner",
    "RrFeatures",
    "band_powers",
    "heart_rate_bpm",
    "rr_features",
]
