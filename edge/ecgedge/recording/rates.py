"""Which sampling rates are believed."""

from __future__ import annotations

from ecgedge_bridge.errors import ConfigError

MIN_FS, MAX_FS = 50.0, 4000.0
_STRAP_FS = 130.0
_STRAP_TOLERANCE = 0.02  # Polar's own specification of the H10's clock
_WHOLE_TOLERANCE = (
    0.002  # a rate this close to a whole number of Hz is that number, written with rounded times
)


def check_fs(fs: float, name: str) -> float:
    """Return the rate, or raise ConfigError when no ECG is sampled like that."""
    if not MIN_FS <= fs <= MAX_FS:
        raise ConfigError(
            f"{name} is {fs:g} Hz, which no ECG is sampled at: give fs, a rate in Hz of 50 to 4000"
        )
    return float(fs)


def nominal_fs(measured: float) -> float:
    """Nominal rate behind a measured one: 130 Hz within 2 %, else the whole number it is close to."""
    if abs(measured / _STRAP_FS - 1) <= _STRAP_TOLERANCE:
        return _STRAP_FS
    whole = float(round(measured))
    return whole if whole and abs(measured / whole - 1) <= _WHOLE_TOLERANCE else measured
