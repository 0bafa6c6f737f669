"""What a virtual wearable plays: samples taken in any lengths, and what falls due at regular intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.simulation.faults import FaultKind, Ledger, Send

Signal = npt.NDArray[np.float64]
_INT24_MAX = (1 << 23) - 1


class Tape:
    """Samples from an array or from any iterator of numbers or arrays, taken in any lengths.

    Parameters
    ----------
    samples : ndarray of float, shape (n,), or iterator
        An iterator may give numbers or arrays, and may be endless.

    Examples
    --------
    >>> tape = Tape(iter([1.0, [2.0, 3.0]]))
    >>> tape.take(2).tolist(), tape.empty, tape.take(5).tolist(), tape.empty
    ([1.0, 2.0], False, [3.0], True)
    """

    def __init__(self, samples: npt.ArrayLike | Iterable[npt.ArrayLike]) -> None:
        parts = (samples,) if isinstance(samples, np.ndarray | list | tuple) else samples
        self._parts: Iterator[npt.ArrayLike] = iter(parts)  # type: ignore[arg-type]
        self._rest = np.empty(0)

    def take(self, n: int) -> Signal:
        """Return the next ``n`` samples; fewer at the end.

        Raises
        ------
        ValueError
            If a sample is no finite number.
        """
        pieces = [self._rest]
        have = len(self._rest)
        while have < n and (part := next(self._parts, None)) is not None:
            pieces.append(_finite(part))
            have += len(pieces[-1])
        ready = np.concatenate(pieces) if len(pieces) > 1 else self._rest
        self._rest = ready[n:]
        return ready[:n]

    @property
    def empty(self) -> bool:
        """Whether all samples are taken."""
        while not len(self._rest) and (part := next(self._parts, None)) is not None:
            self._rest = _finite(part)
        return not len(self._rest)


def whole_microvolt(samples_mv: Signal) -> npt.NDArray[np.int64]:
    """Return ECG in whole microvolt, as a front end of 24 bits gives it: what does not fit is clipped.

    Parameters
    ----------
    samples_mv : ndarray of float, shape (n,)
        In mV.

    Returns
    -------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> whole_microvolt(np.array([0.5, -9000.0])).tolist()
    [500, -8388608]
    """
    return np.clip(np.rint(samples_mv * 1000), -_INT24_MAX - 1, _INT24_MAX).astype(np.int64)


def _finite(samples: npt.ArrayLike) -> Signal:
    values = np.atleast_1d(np.asarray(samples, np.float64))
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("samples must be finite numbers in one dimension; cut out what is missing")
    return values


class Side:
    """Something sent at regular intervals beside the ECG.

    Parameters
    ----------
    every : float
        Interval in samples of the ECG.
    samples : int
        How many samples of its own each frame has: what its ledger counts.
    make : callable
        From the index of the frame's last sample to what is sent, or None while nobody has asked for it.
    is_asked : callable
        Whether somebody has.

    Attributes
    ----------
    ledger : Ledger
        What was sent and lost, in samples of its own, from the first one sent.
    """

    def __init__(
        self, every: float, samples: int, make: Callable[[int], Send | None], is_asked: Callable[[], bool]
    ) -> None:
        self.ledger = Ledger()
        self.is_asked = is_asked
        self._every = every
        self._samples = samples
        self._make = make
        self._count = 0

    @property
    def due(self) -> float:
        """Place in the ECG at which the next frame falls due."""
        return (self._count + 1) * self._every

    def next_frame(self) -> list[Send]:
        """Return what falls due now, and count it."""
        self._count += 1
        frame = self._make(self._count * self._samples - 1)
        if frame is None:
            return []
        self.ledger.played += self._samples
        self.ledger.sent += self._samples
        return [frame]

    def skip(self, place: int, kind: FaultKind) -> None:
        """Lose what falls due before a place in the ECG."""
        skipped = 0
        while self.due <= place:
            self._count += 1
            skipped += 1
        # What nobody has asked for yet is not lost.
        if self.ledger.sent:
            self.ledger.lose(skipped * self._samples, kind)
