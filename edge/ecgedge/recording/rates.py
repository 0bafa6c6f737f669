"""Which sampling rates are believed."""

from __future__ import annotations

from ecgedge_bridge.errors import ConfigError

__all__ = ["MAX_FS", "MIN_FS", "check_fs"]

MIN_FS, MAX_FS = 50.0, 4000.0  # below, the QRS complex is gone; above, no ECG front end samples
ROUNDING = 1e-4  # a rate that was measured from rounded stamps lies a little beside the true one


def check_fs(fs: float, name: str) -> float:
    """Return the rate, or raise ConfigError when no ECG is sampled like that."""
    if not MIN_FS * (1 - ROUNDING) <= fs <= MAX_FS * (1 + ROUNDING):
        raise ConfigError(
            f"{name} is {fs:g} Hz, which no ECG is sampled at: give fs, a rate in Hz of 50 to 4000"
        )
    return float(min(max(fs, MIN_FS), MAX_FS))
