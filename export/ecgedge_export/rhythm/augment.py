"""Augmentation of a recording: another stretch of it, upside down, faster, louder, noisier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecgedge.stream.amplitude import model_input

Signal = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Augment:
    """How far an augmented window may go from its recording; every ``p_`` is a probability.

    ``min_s`` is the shortest crop, ``stretch`` the largest relative change of tempo, ``gain`` the standard
    deviation of the log gain, ``snr_db`` the range of signal-to-noise ratios.
    """

    # CinC 2017 has records of 9 to 61 s, and live the first windows are short: a model of whole windows alone
    # would meet zeros at the edges that it never saw.
    p_short: float = 0.2
    min_s: float = 10.0
    # Some CinC 2017 recordings are upside down, and electrodes get swapped.
    p_flip: float = 0.25
    stretch: float = 0.06
    gain: float = 0.15
    p_noise: float = 0.3
    snr_db: tuple[float, float] = (3.0, 24.0)


class Augmenter:
    """Draws model inputs: ``draw(signal, rng)`` is an augmented window, shape (n,)."""

    def __init__(self, fs: float, n: int, clip: float, how: Augment, noise: list[Signal]) -> None:
        self._fs, self._n, self._clip, self._how, self._noise = fs, n, clip, how, noise

    def varied(self, how: Augment) -> Augmenter:
        """The same noise and windows, varied in another way."""
        return Augmenter(self._fs, self._n, self._clip, how, self._noise)

    def without_noise(self) -> Augmenter:
        """The same, but for the noise."""
        return Augmenter(self._fs, self._n, self._clip, self._how, [])

    @property
    def n_samples(self) -> int:
        """Length of a window."""
        return self._n

    def plain(self, signal: Signal) -> Signal:
        """Return the last window of the recording, unchanged."""
        return model_input(signal, self._fs, self._n, self._clip)

    def draw(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Return one random window of the recording."""
        return self._heard(self._piece(signal, rng), rng)

    def draw_pair(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Return the window that :meth:`draw` would, and the stretch as it was recorded: shape (2, n)."""
        piece = self._piece(signal, rng)
        return np.stack([self._heard(piece, rng), self.plain(piece)])

    def _piece(self, signal: Signal, rng: np.random.Generator) -> Signal:
        return self._stretched(self._crop(signal, rng), rng)

    def _heard(self, x: Signal, rng: np.random.Generator) -> Signal:
        """Noise, polarity and gain as a wearable may have them."""
        how = self._how
        if self._noise and rng.random() < how.p_noise:
            x = self._noisy(x, rng)
        sign = -1.0 if rng.random() < how.p_flip else 1.0
        gain = np.float32(sign * np.exp(rng.normal(0, how.gain)))
        # Scaled before the gain, and clipped after it: the model's own scaling would take the gain out again.
        wide = model_input(x, self._fs, self._n, 4 * self._clip)
        return np.asarray(np.clip(gain * wide, -self._clip, self._clip), np.float32)

    def _crop(self, signal: Signal, rng: np.random.Generator) -> Signal:
        longest = min(len(signal), self._n)
        shortest = min(longest, round(self._how.min_s * self._fs))
        length = rng.integers(shortest, longest + 1) if rng.random() < self._how.p_short else longest
        start = rng.integers(0, len(signal) - length + 1)
        return signal[start : start + length]

    def _stretched(self, x: Signal, rng: np.random.Generator) -> Signal:
        factor = 1 + rng.uniform(-self._how.stretch, self._how.stretch)
        at = np.arange(0, len(x) - 1, factor)
        return np.asarray(np.interp(at, np.arange(len(x)), x), np.float32)

    def _noisy(self, x: Signal, rng: np.random.Generator) -> Signal:
        noise = self._noise[rng.integers(len(self._noise))]
        start = rng.integers(0, len(noise) - len(x))
        piece = noise[start : start + len(x)]
        snr = rng.uniform(*self._how.snr_db)
        scale = np.sqrt(np.mean(x**2) / (np.mean(piece**2) + 1e-12) * 10 ** (-snr / 10))
        return np.asarray(x + scale * piece, np.float32)
