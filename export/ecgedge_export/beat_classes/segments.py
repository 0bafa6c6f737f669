"""Two ways to cut a beat out of the signal: a fixed stretch, or one as long as the beat lasts.

After "High-quality MIT-BIH beats" (arXiv 2411.07252): there the length of a beat is the mean interval of 10 s
without outliers, the beat lies around its QRS, and neighbours stay outside. Here the 10 s are those before
the beat, since a live stream has no others, and outliers are intervals more than 30 % off the median; the
paper does not give its rule. Either way the stretch becomes 64 samples, and intervals are given beside it as
ratios, which a stretch of adapted length no longer shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge.beat_classes.layout import FS, LONGEST_RR_S
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data, prepare
from ecgedge_export.archives import npz
from ecgedge_export.beat_classes.gather import detect, named_by

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Symbols = npt.NDArray[np.str_]

KINDS = ("fixed", "adaptive")
N_WAVE, N_RATIOS = 64, 5
MARGIN = 4  # samples of the 64 on either side, so that a varied beat can be moved
FIXED_S = (0.25, 0.45)  # before and behind the R peak
PAST_S, NEAR = 10.0, 0.3
USUAL_RR_S = 0.8  # where there is no interval yet
HALF_S = (0.2, 1.0)  # least and most of an adapted half-width: 150 and 30 a minute
HEIGHTS = 10  # beats whose median height is the unit of a beat's samples
LEAST_MV = 0.02
CLIP = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Beats of several recordings: ``waves`` (k, 72) in heights of recent beats, ``ratios`` (k, 5).

    ``symbols`` (k,) are AAMI classes, "" for what is no beat; ``record`` (k,) names the recordings as
    ``ID/LEAD``, ``source`` (k,) their data set.
    """

    waves: Floats
    ratios: Floats
    symbols: Symbols
    record: Symbols
    source: Symbols

    def __len__(self) -> int:
        return len(self.symbols)

    def only(self, keep: npt.NDArray[np.bool_]) -> Segments:
        """Return the beats marked True."""
        return Segments(*(getattr(self, f.name)[keep] for f in fields(self)))


def mean_rr_s(peaks_s: Sequence[float] | Array) -> Array:
    """Mean interval up to each beat: of the 10 s before it, without those over 30 % off their median.

    Parameters
    ----------
    peaks_s : array, shape (k,)
        R peaks in seconds, ascending.

    Returns
    -------
    array, shape (k,)
        0.8 s for the first beat, which has no interval before it.

    Examples
    --------
    >>> mean_rr_s([0.0, 1.0, 2.0, 2.5, 4.0]).tolist()  # the short interval and the pause are left out
    [0.8, 1.0, 1.0, 1.0, 1.0]
    """
    at = np.asarray(peaks_s, np.float64)
    rr = np.diff(at)
    out = np.full(len(at), USUAL_RR_S)
    # Intervals that ended in the past 10 s; the last one in any case.
    first = np.minimum(np.searchsorted(at[1:], at - PAST_S, "right"), np.arange(len(at)) - 1)
    for i in range(1, len(at)):
        past = rr[first[i] : i]
        median = np.median(past)
        near = past[np.abs(past - median) <= NEAR * median]
        # An even number of intervals may all be far from the middle of two.
        out[i] = near.mean() if len(near) else median
    return out


def cut(signal: Floats, peaks: Sequence[float], kind: str) -> Floats:
    """Cut beats out of a filtered signal at 100 Hz, each resampled to 64 samples and 4 more on either side.

    Parameters
    ----------
    signal : array, shape (n,)
    peaks : sequence of float
        R peaks in samples, ascending.
    kind : str
        ``fixed``: from 0.25 s before to 0.45 s behind the peak; ``adaptive``: half of :func:`mean_rr_s` on
        either side.

    Returns
    -------
    array, shape (k, 72)
        Beyond the signal's ends its outermost samples.

    Examples
    --------
    >>> signal = np.arange(1000, dtype=np.float32)
    >>> wave = cut(signal, [400.0, 500.0, 600.0], "adaptive")[2, MARGIN:-MARGIN]
    >>> float(wave[0]), float(wave[-1])  # 0.5 s on either side
    (550.0, 650.0)
    """
    at = np.asarray(peaks, np.float64)
    if kind == "adaptive":
        half = np.clip(mean_rr_s(at / FS) / 2, *HALF_S) * FS
        before, behind = half, half
    else:
        before, behind = (np.full(len(at), s * FS) for s in FIXED_S)
    share = np.arange(-MARGIN, N_WAVE + MARGIN) / (N_WAVE - 1)
    places = at[:, None] - before[:, None] + share * (before + behind)[:, None]
    out: Floats = np.interp(places, np.arange(len(signal)), signal).astype(np.float32)
    return out


def rr_ratios(peaks_s: Sequence[float] | Array) -> Floats:
    """Logarithms of ratios of intervals, each doubled and at most 1.5: (k, 5).

    The interval before a beat over :func:`mean_rr_s` of the beat before, over the one before it and over the
    next one; the next one over the mean; the mean over 0.8 s. What is longer than 2 s counts as 2 s.
    """
    at = np.asarray(peaks_s, np.float64)
    mean = mean_rr_s(at)
    earlier = np.concatenate([mean[:1], mean[:-1]])
    rr = np.minimum(np.diff(at), LONGEST_RR_S)
    before = np.concatenate([earlier[:1], rr])
    last = np.concatenate([before[:1], before[:-1]])
    after = np.append(rr, LONGEST_RR_S)
    ratios = (before / earlier, before / last, before / after, after / earlier, mean / USUAL_RR_S)
    out: Floats = np.clip(2 * np.log(np.stack(ratios, axis=1)), -CLIP, CLIP).astype(np.float32)
    return out


def in_heights(waves: Floats) -> Floats:
    """Waves over the median height of the ten beats up to each, at most 1.5."""
    height = np.maximum(np.ptp(waves, axis=1), LEAST_MV)
    padded = np.concatenate([np.full(HEIGHTS - 1, np.nan), height])
    recent = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, HEIGHTS), axis=1)
    out: Floats = np.clip(waves / recent[:, None], -CLIP, CLIP).astype(np.float32)
    return out


def gather(record_ids: Sequence[str], kind: str, leads: Iterable[int] = (0,)) -> Segments:
    """Beats of MIT-BIH records as our detector finds them, with the classes of the annotations."""
    parts = []
    for record in data.mitdb(record_ids):
        for lead in leads:
            signal = prepare.filtered(record.lead(lead), record.fs, FS)
            if peaks := detect(signal):
                parts.append(_of(signal, peaks, named_by(record, peaks), f"{record.id}/{lead}", kind))
    return Segments(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Segments)))


def _of(signal: Floats, peaks: list[float], symbols: list[str], name: str, kind: str) -> Segments:
    waves = in_heights(cut(signal, peaks, kind))
    n = len(peaks)
    ratios = rr_ratios(np.array(peaks) / FS)
    return Segments(waves, ratios, np.array(symbols, np.str_), np.full(n, name), np.full(n, "mitdb"))


def kept(path: Path, make: Callable[[], Segments]) -> Segments:
    """Beats that are made once and kept in a file."""
    if not path.is_file():
        made = make()
        with atomic_file(path) as file:
            np.savez(file, **{f.name: getattr(made, f.name) for f in fields(made)})
    with npz(path, "delete it, it is made again") as z:
        return Segments(*(z[f.name] for f in fields(Segments)))
