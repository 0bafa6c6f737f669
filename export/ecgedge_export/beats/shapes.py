"""Made ECG of shapes that annotated recordings lack: wide QRS, tall T, pacing, rails, edges of a segment.

MIT-BIH has next to no QRS above 200 ms, no T wave twice the R, and no segment that begins or ends in the
middle of a beat under mains hum. A detector that has not seen them misses them, or finds beats where there
are none. Every recording here is a sum of Gaussians (McSharry et al., IEEE TBME 50, 2003, without the
dynamics), sampled at 500 Hz and passed through the runtime's own front end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.beats.net import FS
from ecgedge_export import prepare
from ecgedge_export.beats.augment import Source

Signal = npt.NDArray[np.float64]

FS_MADE = 500.0
LENGTH_S = 24.0  # more than a crop needs, stretched at most
QRS_S = 0.1  # waves whose middles are nearer to the beat than this make its QRS
SPIKE_S = 0.002  # narrower waves are pacing spikes
LARGE = 0.6  # share of a paced beat's height that makes a wave large: its spike, if the filters leave so much
SEARCH_S = 0.03  # filters and rails move a peak by less than this


@dataclass(frozen=True, slots=True)
class Wave:
    """A Gaussian: height in mV, middle relative to the beat and standard deviation in seconds."""

    mv: float
    at_s: float
    sd_s: float


Shape = list[Wave]
Kind = Callable[[np.random.Generator, float], Shape]


def narrow(rng: np.random.Generator, rr_s: float) -> Shape:
    """A normal beat, its T wave anything from inverted to as tall as R."""
    k = rng.uniform(0.7, 1.3)
    return [
        *_p_wave(rng),
        Wave(-rng.uniform(0, 0.3), -0.026 * k, 0.01 * k),
        Wave(rng.uniform(0.5, 1.5), 0.0, 0.0115 * k),
        Wave(-rng.uniform(0, 0.5), 0.028 * k, 0.011 * k),
        _t_wave(rng, rr_s, rng.uniform(-0.4, 0.9)),
    ]


def wide(rng: np.random.Generator, rr_s: float) -> Shape:
    """A QRS of 130 to 270 ms, notched or not, T against it: bundle branch block, hyperkalaemia."""
    k = rng.uniform(0.75, 1.6)
    notch = rng.uniform(0.3, 1.0)
    return [
        *(_p_wave(rng) if rng.random() < 0.6 else []),
        Wave(rng.uniform(0.3, 1.0) * notch, -0.045 * k, 0.02 * k),
        Wave(rng.uniform(0.5, 1.0), rng.uniform(-0.01, 0.01), 0.022 * k),
        Wave(rng.uniform(-0.6, 1.0) * notch, 0.04 * k, 0.022 * k),
        _t_wave(rng, rr_s, -rng.uniform(0.1, 0.7)),
    ]


def tall_t(rng: np.random.Generator, rr_s: float) -> Shape:
    """A T wave up to 2.5 times as tall as R, broad or narrow."""
    r = rng.uniform(0.3, 0.8)
    k = rng.uniform(0.8, 1.3)
    t = _t_wave(rng, rr_s, r * rng.uniform(1.0, 2.5))
    return [
        *_p_wave(rng),
        Wave(-rng.uniform(0, 0.3) * r, -0.026 * k, 0.01 * k),
        Wave(r, 0.0, 0.0115 * k),
        Wave(-rng.uniform(0, 0.6) * r, 0.028 * k, 0.011 * k),
        Wave(t.mv, t.at_s, t.sd_s * rng.uniform(0.55, 1.0)),
    ]


def paced(rng: np.random.Generator, rr_s: float) -> Shape:
    """A pacing spike of 1 to 2 ms, 40 to 100 ms before the middle of a wide QRS."""
    spike = Wave(rng.choice([-1, 1]) * rng.uniform(0.5, 6.0), -rng.uniform(0.04, 0.1), 0.001)
    return [spike, *[w for w in wide(rng, rr_s) if w.at_s > -0.1]]


def _p_wave(rng: np.random.Generator) -> Shape:
    return [Wave(rng.uniform(0, 0.2), -rng.uniform(0.13, 0.2), rng.uniform(0.018, 0.03))]


def _t_wave(rng: np.random.Generator, rr_s: float, mv: float) -> Wave:
    """Its peak follows R by what Bazett's rule leaves of the RR interval."""
    return Wave(mv, rng.uniform(0.24, 0.32) * min(1.1, np.sqrt(rr_s)), rng.uniform(0.03, 0.06))


SHAPES: tuple[tuple[float, Kind], ...] = (
    (0.3, narrow),
    (0.4, wide),
    (0.15, tall_t),
    (0.15, paced),
)


def made_sources(n: int, seed: int) -> list[Source]:
    """Make ``n`` recordings, one lead each, with the place of every R peak."""
    rng = np.random.default_rng(seed)
    return [_source(rng) for _ in range(n)]


def _source(rng: np.random.Generator) -> Source:
    x, expected, kind = made_signal(rng)
    if rng.random() < 0.25:
        x = _on_rails(x, rng)
    first, last = (0, len(x)) if rng.random() < 0.4 else _cut(len(x), rng)
    if rng.random() < 0.35 or first or last < len(x):
        x = x + _hum(len(x), rng)
    y = prepare.filtered(x[first:last], FS_MADE, FS)
    shift = first / FS_MADE * FS
    places = expected / FS_MADE * FS - shift
    beats = peaks(y, first_deflections(y, places) if kind is paced else places)
    # The detector sees the first and the last value go on beyond the edges of a segment.
    before, after = round(shift), round((len(x) - last) / FS_MADE * FS)
    lead = np.pad(y, (before, after), "edge")
    near_edge = beats[(beats < FS) | (beats > len(y) - FS)] if before or after else beats[:0]
    edges = [float(e) for e, there in ((before, before), (before + len(y), after)) if there]
    rare = np.concatenate([near_edge + before, np.array(edges)])
    return Source((lead / max(lead.std(), 1e-3))[None].astype(np.float32), beats + before, rare)


class Made(NamedTuple):
    """A recording in mV at :data:`FS_MADE`, the samples of its R peaks, and its kind of beat."""

    mv: Signal
    peaks: Signal
    kind: Kind


def made_signal(rng: np.random.Generator) -> Made:
    """Make a recording of one of the shapes, without rails, edges and hum."""
    kind = SHAPES[rng.choice(len(SHAPES), p=[share for share, _ in SHAPES])][1]
    n = round(LENGTH_S * FS_MADE)
    rr_s = 60 / np.exp(rng.uniform(np.log(32), np.log(170)))
    own = kind(rng, rr_s)
    other = wide(rng, rr_s)
    own_at_s, other_at_s = peak_s(own), peak_s(other)
    spread = rng.choice([0.02, 0.06, 0.2])
    x, t, expected = np.zeros(n), rng.uniform(0, rr_s), []
    while t < LENGTH_S + 1:
        ectopic = kind is not paced and rng.random() < 0.04
        add(x, FS_MADE, t, other if ectopic else own)
        expected.append((t + (other_at_s if ectopic else own_at_s)) * FS_MADE)
        t += max(0.3, rr_s * (1 + spread * rng.standard_normal()))
    x += rng.uniform(0.002, 0.03) * rng.standard_normal(n)
    return Made(x * rng.choice([-1, 1]), np.array([at for at in expected if at < n]), kind)


def add(x: Signal, fs: float, at_s: float, shape: Shape) -> None:
    """Add a beat to a signal, in place."""
    for wave in shape:
        low = max(0, round((at_s + wave.at_s - 5 * wave.sd_s) * fs) - 1)
        high = min(len(x), round((at_s + wave.at_s + 5 * wave.sd_s) * fs) + 2)
        if low < high:
            t = np.arange(low, high) / fs - at_s - wave.at_s
            x[low:high] += wave.mv * np.exp(-0.5 * (t / wave.sd_s) ** 2)


def peak_s(shape: Shape) -> float:
    """Place of the R peak relative to the beat: the extreme of its QRS, whatever its sign."""
    t = np.arange(-QRS_S, QRS_S, 0.001)
    qrs = [w for w in shape if abs(w.at_s) < QRS_S and w.sd_s > SPIKE_S]
    x = sum(w.mv * np.exp(-0.5 * ((t - w.at_s) / w.sd_s) ** 2) for w in qrs)
    return float(t[np.abs(x).argmax()])


def _on_rails(x: Signal, rng: np.random.Generator) -> Signal:
    """Cut off at what the amplifier can give, on one side or both."""
    top = float(np.abs(x).max()) * rng.uniform(0.4, 0.95)
    turns = rng.uniform(0.05, 0.4) * np.arange(len(x)) / FS_MADE
    wandering = x + rng.uniform(0, 0.6) * top * np.sin(2 * np.pi * turns)
    out: Signal = np.clip(wandering, -top if rng.random() < 0.5 else -np.inf, top)
    return out


def _cut(n: int, rng: np.random.Generator) -> tuple[int, int]:
    """A segment that begins late, ends early, or both."""
    third = n // 3
    first = int(rng.integers(0, third)) if rng.random() < 0.7 else 0
    last = n - int(rng.integers(0, third)) if rng.random() < 0.7 or not first else n
    return first, last


def _hum(n: int, rng: np.random.Generator) -> Signal:
    """Mains hum up to twice a QRS, in any phase."""
    mv = np.exp(rng.uniform(np.log(0.05), np.log(2.0)))
    return np.asarray(
        mv * np.sin(2 * np.pi * (rng.choice([50.0, 60.0]) * np.arange(n) / FS_MADE + rng.random()))
    )


def first_deflections(y: npt.NDArray[np.floating], expected: Signal) -> Signal:
    """Where a paced beat is marked by hand: at its spike where that stands out, else at the first large wave.

    So the beats of MIT-BIH 104 and 217 are marked. A detector that takes the spike of one beat and the S wave
    of the next makes intervals of 80 ms out of nothing.
    """
    before, after = round(0.12 * FS), round(0.08 * FS)
    out = []
    for at in expected[(expected >= 0) & (expected < len(y))]:
        low = max(0, round(at) - before)
        near = np.abs(y[low : round(at) + after])
        # Peaks alone: the T wave of the beat before may end here.
        peak = np.r_[False, (near[1:-1] >= near[:-2]) & (near[1:-1] > near[2:]), False]
        large = peak & (near >= LARGE * near.max())
        out.append(low + int(large.argmax() if large.any() else near.argmax()))
    return np.array(out)


def peaks(y: npt.NDArray[np.floating], expected: Signal) -> Signal:
    """R peaks: the extreme of the filtered signal near each place where one is expected."""
    reach = round(SEARCH_S * FS)
    weight = np.hanning(2 * reach + 3)[1:-1] ** 0.5
    out = []
    for at in expected[(expected >= 0) & (expected < len(y))]:
        low, high = max(0, round(at) - reach), min(len(y), round(at) + reach + 1)
        near = np.abs(y[low:high]) * weight[low - round(at) + reach : high - round(at) + reach]
        out.append(low + float(near.argmax()))
    return np.array(sorted(set(out)))
