"""The scale of ECG paper: whoever draws an ECG takes it from here."""

from __future__ import annotations

__all__ = [
    "CALIBRATION_MM",
    "COLUMN_MM",
    "GAIN_MM_MV",
    "LARGE_MM",
    "PAGE_MM",
    "ROW_S",
    "SMALL_MM",
    "SPEED_MM_S",
    "row_seconds",
]

# The standard for paper and its grid (Kligfield et al., Circulation 115, 2007; IEC 60601-2-25).
SPEED_MM_S = 25.0
GAIN_MM_MV = 10.0
SMALL_MM = 1.0  # 40 ms, 0.1 mV
LARGE_MM = 5.0  # 200 ms, 0.5 mV

PAGE_MM = 190.0  # A4 less two margins of 10 mm
CALIBRATION_MM = 10.0  # left of the trace: room for the pulse of 1 mV and 0.2 s
ROW_S = (PAGE_MM - CALIBRATION_MM) / SPEED_MM_S  # what fits beside it: 7.2 s
COLUMN_MM = (
    0.1  # a printer's dot at 254 dpi: in one column no more is drawn than its lowest and highest point
)


def row_seconds(seconds: float, most_s: float = ROW_S) -> float:
    """Return the length of the rows that a stretch is wrapped into: even, and whole large squares.

    Examples
    --------
    >>> row_seconds(10.0), row_seconds(30.0), row_seconds(5.0)
    (5.0, 6.0, 5.0)
    """
    if seconds <= most_s:
        return seconds
    square_s = LARGE_MM / SPEED_MM_S
    count = -(-seconds // most_s)
    return min(most_s, -(-round(seconds / count / square_s, 6) // 1) * square_s)
