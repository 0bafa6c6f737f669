"""Counters and stamps of a few bits, made such that do not wrap; pure."""

from __future__ import annotations

import math

# Arrival times come from the caller and may be anything: ten years are more than any stream, and their
# product with any rate still fits a number.
_MAX_HOST_GAP_S = 10 * 365 * 86400.0


class Unwrap:
    """A counter of a few bits, made one that does not wrap.

    The value nearest to what the host's clock expects is taken: small steps back stay steps back, and a
    silence longer than a whole turn is seen.

    Parameters
    ----------
    bits : int
        Width of the counter.
    per_s : float
        How fast it counts.

    Examples
    --------
    >>> count = Unwrap(8, per_s=10.0)
    >>> [count(raw, host_s) for raw, host_s in [(250, 0.0), (4, 1.0), (3, 1.0), (4, 26.6)]]
    [250, 260, 259, 516]
    """

    __slots__ = ("_host_s", "_last", "_modulus", "_per_s", "_quarter", "_quarter_s")

    def __init__(self, bits: int, per_s: float) -> None:
        self._modulus = 1 << bits
        self._per_s = per_s
        self._quarter = self._modulus // 4
        self._quarter_s = self._quarter / per_s
        self._last: int | None = None
        self._host_s = 0.0

    def __call__(self, raw: int, host_time_s: float) -> int:
        """Return ``raw`` without wraps; ``host_time_s`` is its arrival."""
        last, modulus = self._last, self._modulus
        if last is None:
            value = raw
        else:
            step = (raw - last) % modulus
            value = last + step
            # A small step in a short time needs no arithmetic: so it is with nearly every frame.
            if step > self._quarter or not 0 <= host_time_s - self._host_s < self._quarter_s:
                expected = bounded(host_time_s - self._host_s) * self._per_s
                value += modulus * round((expected - step) / modulus)
        self._last, self._host_s = value, host_time_s
        return value


def bounded(seconds: float) -> float:
    """Limit a span of host time to what can be calculated with; what is no number is 0."""
    return min(max(seconds, 0.0), _MAX_HOST_GAP_S) if math.isfinite(seconds) else 0.0
