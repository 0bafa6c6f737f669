"""The package's own ECG, with no data set needed: the demonstration plays it, tests measure against it.

Each beat is a sum of Gaussians around its R peak, driven by a series of RR intervals, after McSharry,
Clifford, Tarassenko and Smith, "A dynamical model for generating synthetic electrocardiogram signals", IEEE
Trans. Biomed. Eng. 50(3), 2003. Their phase circle is unrolled here: P and QRS keep their time before and
around R, and only the T wave moves with the square root of the RR interval (Bazett), so the whole signal is
one vectorised expression.

It shows that a chain works from end to end. It is no measure of accuracy on people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["KINDS", "Segment", "SyntheticEcg", "synthesize"]

Float = npt.NDArray[np.float64]
KINDS = ("sinus", "af", "pvc", "noise")

_GRID_HZ = 20.0  # of the tachogram: 80 times its fastest component
_PR_S = 0.155  # P peak to R peak; PR interval from onset about 0.20 s less half a P wave
_FADE_S = 0.3

# One row for each wave: amplitude (mV), centre from R (s), width (s), 1 where the centre follows sqrt(RR).
# Lead I: small P, R just under 1 mV, shallow Q and S, an asymmetric T (slow up, fast down) of two parts.
_NORMAL = np.array(
    [
        [0.045, -_PR_S - 0.016, 0.019, 0],  # P, right atrium
        [0.075, -_PR_S + 0.014, 0.018, 0],  # P, left atrium
        [-0.080, -0.030, 0.0085, 0],  # Q
        [0.950, 0.000, 0.0115, 0],  # R
        [-0.170, 0.030, 0.0100, 0],  # S
        [0.130, 0.255, 0.048, 1],  # T, rising
        [0.140, 0.292, 0.028, 1],  # T, falling
    ]
)
# A ventricular beat: no P before it, 150 ms wide and notched, S-T and T against the QRS.
_PVC = np.array(
    [
        [0.000, 0.000, 0.018, 0],  # the sinus P wave that goes on under it; placed beat by beat
        [0.420, -0.052, 0.020, 0],  # slurred upstroke
        [1.200, 0.000, 0.026, 0],
        [0.520, 0.048, 0.020, 0],  # notch on the way down
        [-0.300, 0.115, 0.030, 0],
        [-0.240, 0.270, 0.060, 1],
        [-0.260, 0.320, 0.042, 1],
    ]
)
_P_ROWS = slice(0, 2)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one kind of rhythm.

    Parameters
    ----------
    kind : {"sinus", "af", "pvc", "noise"}
        Sinus rhythm, atrial fibrillation, sinus rhythm with premature ventricular beats, or sinus rhythm
        under motion noise that nobody could read.
    duration_s : float
        Length in seconds, above 0.
    heart_rate_bpm : float
        Mean ventricular rate, 30 to 200.

    Raises
    ------
    ValueError
        For an unknown kind, or a length or rate outside its range.
    """

    kind: str
    duration_s: float
    heart_rate_bpm: float = 68.0

    def __post_init__(self) -> None:
        """Refuse what cannot be played."""
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of segment {self.kind!r}: use one of {', '.join(KINDS)}")
        if not 0 < self.duration_s < float("inf"):
            raise ValueError(f"duration_s is {self.duration_s}: give a length in seconds above 0")
        if not 30 <= self.heart_rate_bpm <= 200:
            raise ValueError(f"heart_rate_bpm is {self.heart_rate_bpm}: give 30 to 200 beats a minute")


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticEcg:
    """An ECG whose every beat is known.

    Parameters
    ----------
    mv : ndarray of float32, shape (n,)
        The signal in mV.
    fs : float
        Sampling rate in Hz.
    beats : ndarray of int64, shape (m,)
        Sample index of each R peak.
    symbols : ndarray of str, shape (m,)
        ``"N"`` for a beat conducted from the atria (in AF too), ``"V"`` for a ventricular one.
    segments : tuple of Segment
        What was played, in order.
    """

    mv: npt.NDArray[np.float32]
    fs: float
    beats: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.str_]
    segments: tuple[Segment, ...]

    @property
    def bounds_s(self) -> tuple[tuple[float, float], ...]:
        """Start and end of each segment in seconds."""
        edges = np.cumsum([0.0, *(segment.duration_s for segment in self.segments)]).tolist()
        return tuple(pairwise(edges))


@dataclass(frozen=True, slots=True, eq=False)
class _Beats:
    """R times (s), whether ventricular, and for those the time from R to the hidden sinus P wave (s)."""

    r_s: Float
    ventricular: npt.NDArray[np.bool_]
    hidden_p_s: Float


def synthesize(segments: Sequence[Segment], fs: float = 130.0, seed: int = 0) -> SyntheticEcg:
    """Make an ECG out of segments, played one after the other.

    Parameters
    ----------
    segments : sequence of Segment
        At least one.
    fs : float
        Sampling rate in Hz, 50 to 4000.
    seed : int
        The same seed gives the same signal.

    Returns
    -------
    SyntheticEcg
        Signal in mV and the truth about each beat.

    Raises
    ------
    ValueError
        With no segments, or a rate outside 50 to 4000 Hz.

    Examples
    --------
    >>> ecg = synthesize([Segment("sinus", 10.0, heart_rate_bpm=60)], fs=130)
    >>> ecg.mv.shape, len(ecg.beats)
    ((1300,), 10)
    """
    if not segments:
        raise ValueError("no segments to play: give at least one, for example Segment('sinus', 10.0)")
    if not 50 <= fs <= 4000:
        raise ValueError(f"fs is {fs}: give a sampling rate of 50 to 4000 Hz")
    ecg_edges = np.cumsum([0.0, *(segment.duration_s for segment in segments)])
    n = round(float(ecg_edges[-1]) * fs)
    breath = _Breath.draw(np.random.default_rng([seed, 0]), float(ecg_edges[-1]))
    beats = _all_beats(segments, ecg_edges, breath, seed)
    rng = np.random.default_rng([seed, 1])
    mv = _wave_sum(
        np.arange(n) / fs, beats, _wave_table(beats, _no_p(beats, segments, ecg_edges), breath, rng)
    )
    mv += _background(rng, n, fs, breath)
    for i, segment in enumerate(segments):
        part = slice(round(float(ecg_edges[i]) * fs), round(float(ecg_edges[i + 1]) * fs))
        mv[part] += _overlay(segment, np.random.default_rng([seed, 2, i]), part.stop - part.start, fs)
    return _assemble(mv, fs, beats, tuple(segments))


def _assemble(mv: Float, fs: float, beats: _Beats, segments: tuple[Segment, ...]) -> SyntheticEcg:
    index = np.rint(beats.r_s * fs).astype(np.int64)
    inside = (index >= 0) & (index < len(mv))
    symbols = np.where(beats.ventricular, "V", "N")[inside]
    return SyntheticEcg(mv.astype(np.float32), fs, index[inside], symbols, segments)


# --- when the beats fall ---


@dataclass(frozen=True, slots=True, eq=False)
class _Breath:
    """Breathing, as a phase over time: it moves RR, R amplitude and baseline together, as in people."""

    t_s: Float
    phase: Float

    @classmethod
    def draw(cls, rng: np.random.Generator, duration_s: float) -> _Breath:
        t_s = np.arange(int((duration_s + 10) * _GRID_HZ)) / _GRID_HZ
        rate_hz = 0.24 + 0.02 * _band_noise(rng, len(t_s), _GRID_HZ, 0.0, 0.05)
        return cls(t_s, 2 * np.pi * np.cumsum(np.clip(rate_hz, 0.15, 0.4)) / _GRID_HZ)

    def at(self, t_s: Float) -> Float:
        """Lung volume, -1 to 1."""
        return np.sin(np.interp(t_s, self.t_s, self.phase))


def _all_beats(segments: Sequence[Segment], edges: Float, breath: _Breath, seed: int) -> _Beats:
    """Beats of all segments, each going on from the beat before it: the seams are ordinary RR intervals."""
    parts: list[_Beats] = []
    last_s = -0.5  # the first R falls inside the first second
    for i, segment in enumerate(segments):
        rng = np.random.default_rng([seed, 3, i])
        part = _RHYTHMS[segment.kind](rng, last_s, float(edges[i + 1]), segment.heart_rate_bpm, breath)
        parts.append(part)
        last_s = float(part.r_s[-1]) if len(part.r_s) else last_s
    return _Beats(*(np.concatenate(columns) for columns in zip(*map(_columns, parts), strict=True)))


def _columns(beats: _Beats) -> tuple[Float, npt.NDArray[np.bool_], Float]:
    return beats.r_s, beats.ventricular, beats.hidden_p_s


def _sinus(rng: np.random.Generator, start_s: float, stop_s: float, bpm: float, breath: _Breath) -> _Beats:
    """Integral pulse frequency modulation of a tachogram with respiratory, LF (0.1 Hz) and slow parts."""
    t_s = start_s + np.arange(int((stop_s - start_s + 5) * _GRID_HZ)) / _GRID_HZ
    rr_s = 60.0 / bpm * (1 - 0.035 * breath.at(t_s))  # inspiration speeds the heart up
    rr_s += 60.0 / bpm * 0.022 * _band_noise(rng, len(t_s), _GRID_HZ, 0.06, 0.14)
    rr_s += 60.0 / bpm * 0.018 * _band_noise(rng, len(t_s), _GRID_HZ, 0.0, 0.04)
    turns = np.cumsum(1.0 / np.clip(rr_s, 0.3, 2.5)) / _GRID_HZ
    r_s = np.interp(np.arange(1, int(turns[-1])), turns, t_s)
    r_s = r_s[r_s < stop_s]
    return _Beats(r_s, np.zeros(len(r_s), dtype=bool), np.zeros(len(r_s)))


def _fibrillation(
    rng: np.random.Generator, start_s: float, stop_s: float, bpm: float, breath: _Breath
) -> _Beats:
    """RR intervals without memory: log-normal, 25 % spread, not under the AV node's refractory time."""
    count = int((stop_s - start_s) * bpm / 60 * 2) + 20
    rr_s = 60.0 / bpm * np.exp(0.25 * rng.standard_normal(count) - 0.03)
    r_s = start_s + np.cumsum(np.clip(rr_s, 0.32, 1.7))
    r_s = r_s[r_s < stop_s]
    return _Beats(r_s, np.zeros(len(r_s), dtype=bool), np.zeros(len(r_s)))


def _with_pvcs(
    rng: np.random.Generator, start_s: float, stop_s: float, bpm: float, breath: _Breath
) -> _Beats:
    """Every fifth to tenth beat comes early from a ventricle; the sinus clock runs on: a full pause."""
    sinus = _sinus(rng, start_s, stop_s, bpm, breath)
    r_s = sinus.r_s.copy()
    early = np.cumsum(rng.integers(5, 11, size=len(r_s) // 5 + 1))
    early = early[early < len(r_s) - 1]
    rr_s = r_s[early] - r_s[early - 1]
    ahead_s = rr_s * (1 - rng.uniform(0.56, 0.66, size=len(early)))
    r_s[early] -= ahead_s
    ventricular, hidden_p_s = sinus.ventricular.copy(), sinus.hidden_p_s.copy()
    ventricular[early], hidden_p_s[early] = True, ahead_s - _PR_S
    return _Beats(r_s, ventricular, hidden_p_s)


_Rhythm = Callable[[np.random.Generator, float, float, float, _Breath], _Beats]
_RHYTHMS: dict[str, _Rhythm] = {"sinus": _sinus, "af": _fibrillation, "pvc": _with_pvcs, "noise": _sinus}


# --- what each beat looks like ---


def _no_p(beats: _Beats, segments: Sequence[Segment], edges: Float) -> npt.NDArray[np.bool_]:
    """Beats in atrial fibrillation, which have no P wave."""
    where = np.clip(np.searchsorted(edges, beats.r_s, side="right") - 1, 0, len(segments) - 1)
    return np.array([segment.kind == "af" for segment in segments])[where]


def _wave_table(
    beats: _Beats, no_p: npt.NDArray[np.bool_], breath: _Breath, rng: np.random.Generator
) -> Float:
    """Waves of each beat, shape (beats, waves, 3): amplitude, centre, width, varied from beat to beat."""
    m = len(beats.r_s)
    table = np.where(beats.ventricular[:, None, None], _PVC, _NORMAL).copy()
    table[no_p, _P_ROWS, 0] = 0.0
    hidden = np.flatnonzero(beats.ventricular)
    table[hidden, 0, 0], table[hidden, 0, 1] = 0.10, beats.hidden_p_s[hidden]
    stretch = np.sqrt(np.clip(np.diff(beats.r_s, prepend=beats.r_s[:1] - 0.9), 0.35, 1.4))
    follows = table[:, :, 3] > 0
    table[:, :, 1] = np.where(follows, table[:, :, 1] * stretch[:, None], table[:, :, 1])
    table[:, :, 2] = np.where(follows, table[:, :, 2] * stretch[:, None], table[:, :, 2])
    gain = 1 + 0.05 * breath.at(beats.r_s) + 0.02 * rng.standard_normal(m)
    table[:, :, 0] *= gain[:, None] * (1 + 0.04 * rng.standard_normal(table.shape[:2]))
    table[:, :, 2] *= 1 + 0.02 * rng.standard_normal(table.shape[:2])
    return table[:, :, :3]


def _wave_sum(t_s: Float, beats: _Beats, table: Float) -> Float:
    """Sum the waves of the beat before each sample and of its neighbours; others add nothing visible."""
    before = np.searchsorted(beats.r_s, t_s, side="right") - 1
    mv = np.zeros(len(t_s))
    for step in (-1, 0, 1):
        beat = before + step
        known = np.flatnonzero((beat >= 0) & (beat < len(beats.r_s)))
        waves = table[beat[known]]
        from_r = (t_s[known] - beats.r_s[beat[known]])[:, None]
        mv[known] += np.sum(
            waves[..., 0] * np.exp(-0.5 * ((from_r - waves[..., 1]) / waves[..., 2]) ** 2), axis=1
        )
    return mv


# --- what lies over the beats ---


def _band_noise(rng: np.random.Generator, n: int, fs: float, low_hz: float, high_hz: float) -> Float:
    """Gaussian noise of unit RMS between two frequencies, shaped in the frequency domain."""
    if n < 2:
        return np.zeros(n)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    f_hz = np.fft.rfftfreq(n, 1 / fs)
    spectrum[(f_hz < low_hz) | (f_hz > high_hz) | (f_hz == 0)] = 0.0
    noise = np.fft.irfft(spectrum, n)
    rms = float(np.sqrt(np.mean(noise**2)))
    return noise / rms if rms > 0 else noise


def _background(rng: np.random.Generator, n: int, fs: float, breath: _Breath) -> Float:
    """What a good electrode still shows: breathing and drift, a little muscle and amplifier noise."""
    baseline = 0.035 * breath.at(np.arange(n) / fs) + 0.030 * _band_noise(rng, n, fs, 0.0, 0.12)
    return baseline + 0.006 * rng.standard_normal(n) + 0.005 * _band_noise(rng, n, fs, 20.0, 0.45 * fs)


def _overlay(segment: Segment, rng: np.random.Generator, n: int, fs: float) -> Float:
    """Fibrillatory waves or motion noise, faded in and out inside the segment."""
    if segment.kind == "af":
        return _fibrillatory_waves(rng, n, fs) * _fade(n, fs)
    if segment.kind == "noise":
        return _motion(rng, n, fs) * _fade(n, fs)
    return np.zeros(n)


def _fade(n: int, fs: float) -> Float:
    t_s = np.arange(n) / fs
    edge = np.clip(np.minimum(t_s, t_s[::-1]) / _FADE_S, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * edge)


def _fibrillatory_waves(rng: np.random.Generator, n: int, fs: float) -> Float:
    """Waves of 4 to 9 Hz whose rate and height wander, with the harmonic that makes them saw-toothed."""
    rate_hz = np.clip(6.2 + 0.8 * _band_noise(rng, n, fs, 0.0, 0.8), 4.0, 9.0)
    phase = 2 * np.pi * np.cumsum(rate_hz) / fs
    height_mv = 0.045 * np.clip(1 + 0.4 * _band_noise(rng, n, fs, 0.0, 0.5), 0.2, 2.0)
    return height_mv * (np.sin(phase) + 0.35 * np.sin(2 * phase)) + 0.010 * _band_noise(rng, n, fs, 4.0, 9.0)


def _motion(rng: np.random.Generator, n: int, fs: float) -> Float:
    """A strap that slips: steps of the electrode, swings above the QRS, bursts in its band, and muscle."""
    jumps = np.where(rng.random(n) < 1.4 / fs, rng.normal(0.0, 3.0, n), 0.0)
    decay = np.exp(-np.arange(int(2.5 * fs)) / (0.45 * fs))  # the amplifier's high-pass brings a step back
    steps = np.convolve(jumps, decay)[:n]
    swings = 1.8 * _band_noise(rng, n, fs, 0.2, 1.5)
    on = np.clip(0.55 + 0.6 * _band_noise(rng, n, fs, 0.0, 0.6), 0.15, 1.5)
    return (
        steps
        + swings
        + on * (1.1 * _band_noise(rng, n, fs, 2.0, 14.0) + 0.35 * _band_noise(rng, n, fs, 18.0, 45.0))
    )
