"""Heart rate variability: RR cleaning and measures over sliding windows, in plain Python and numpy.

The way of an interval: :class:`RrCleaner` decides whether it lies between two normal beats, :class:`NnWindow`
keeps those of the last minutes with their running sums, :meth:`NnWindow.measures` reads the result. The stage
that makes events of it is in ``ecgedge.hrv.stage``.
"""

from ecgedge.events import HrvMeasures
from ecgedge.hrv.cleaning import Interval, RrCleaner
from ecgedge.hrv.measures import NnWindow
from ecgedge.hrv.spectrum import band_powers
from ecgedge.stream.rate import heart_rate_bpm

__all__ = ["HrvMeasures", "Interval", "NnWindow", "RrCleaner", "band_powers", "heart_rate_bpm"]
