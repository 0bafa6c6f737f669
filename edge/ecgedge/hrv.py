"""Heart-rate variability: which intervals count, and what is measured on them.

An interval between two beats counts as NN (normal to normal) if it is within 20 % of the median of the
intervals around the time, as Malik et al. (Eur Heart J 10(12), 1989) compare it with the one before: a
premature beat makes a short and a long interval, a missed one a double, an extra one two halves, and all of
these are left out. The measures are those of the Task Force (Circulation 93(5), 1996) and of NeuroKit2, whose
values they equal on the same intervals, but for what :class:`Measures` says.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PLAUSIBLE_MS = (240.0, 3000.0)  # 250 to 20 beats per minute
TOLERANCE = 0.2
NEIGHBOURS = 11  # intervals whose median an interval is compared with
FEWEST = 4  # intervals that a measure needs
# 5 min is what LF needs by the Task Force; the first and last beats of a window lie somewhat inside.
SPECTRUM_S = 270.0
TACHOGRAM_HZ = 4.0
SECTION_S = 150.0
LF_HZ, HF_HZ = (0.04, 0.15), (0.15, 0.4)


@dataclass(frozen=True, slots=True)
class Measures:
    """Heart-rate variability of one window; None is what too few intervals, or too short a time, cannot tell.

    ``*_ms`` are in ms, ``pnn*`` in % of the successive differences (NeuroKit2 divides by one more). Standard
    deviations have n - 1 below; differences are taken between adjacent NN intervals only, ``rmssd_ms`` is
    their root mean square and ``sdsd_ms`` their standard deviation. ``mad_nn_ms`` is the median absolute
    deviation times 1.4826. ``sample_entropy`` has m = 2 and r = 0.2 SDNN. ``lf_ms2`` and ``hf_ms2`` are the
    power from 0.04 to 0.15 and from 0.15 to 0.4 Hz (Welch on the tachogram, interpolated to 4 Hz), in windows
    of 5 min.
    """

    n_nn: int
    nn_share: float
    mean_nn_ms: float | None = None
    sdnn_ms: float | None = None
    rmssd_ms: float | None = None
    sdsd_ms: float | None = None
    pnn20: float | None = None
    pnn50: float | None = None
    cvnn: float | None = None
    cvsd: float | None = None
    median_nn_ms: float | None = None
    mad_nn_ms: float | None = None
    iqr_nn_ms: float | None = None
    sd1_ms: float | None = None
    sd2_ms: float | None = None
    sample_entropy: float | None = None
    lf_ms2: float | None = None
    hf_ms2: float | None = None
    lf_hf: float | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """The time from one beat to the next.

    ``time_s`` is that of the later beat; ``nn`` says whether it counts, ``follows`` whether the one before it
    ends where this one starts and counts too.
    """

    time_s: float
    rr_ms: float
    nn: bool
    follows: bool


class RrCleaner:
    """Turns beats into intervals, and says which count; the time for each beat is bounded.

    Examples
    --------
    >>> cleaner = RrCleaner()
    >>> times = [0.0, 0.8, 1.6, 2.4, 2.9, 4.0, 4.8]  # the beat at 2.9 s comes early
    >>> [i.nn for i in map(cleaner.beat, times) if i]
    [True, True, True, False, False, True]
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=NEIGHBOURS)
        self.cut()

    def reset(self) -> None:
        """Start afresh: another stream."""
        self._recent.clear()
        self.cut()

    def cut(self) -> None:
        """Note that between the beat before and the next one something is not known: a gap, or noise."""
        self._last_s: float | None = None
        self._last_counted = False

    def beat(self, time_s: float) -> Interval | None:
        """Take a beat, return the interval that ends with it; None after a cut."""
        before, self._last_s = self._last_s, time_s
        if before is None:
            return None
        rr_ms = 1e3 * (time_s - before)
        plausible = PLAUSIBLE_MS[0] <= rr_ms <= PLAUSIBLE_MS[1]
        if plausible:
            self._recent.append(rr_ms)
        usual = median(self._recent) if self._recent else rr_ms
        nn = plausible and abs(rr_ms - usual) <= TOLERANCE * usual
        follows, self._last_counted = nn and self._last_counted, nn
        return Interval(time_s, rr_ms, nn, follows)


def measure(intervals: list[Interval]) -> Measures:
    """Measure the variability of the intervals that count.

    The cost is that of a few passes over them, with a table of all pairs for the sample entropy: half a
    millisecond for five minutes.

    Examples
    --------
    >>> rr = [800, 810, 790, 805, 815]
    >>> m = measure([Interval(0.8 * i, x, True, i > 0) for i, x in enumerate(rr)])
    >>> m.n_nn, round(m.mean_nn_ms), round(m.rmssd_ms, 2)
    (5, 804, 14.36)
    """
    counted = [i for i in intervals if i.nn]
    share = len(counted) / len(intervals) if intervals else 0.0
    if len(counted) < FEWEST:
        return Measures(len(counted), share)
    nn = np.array([i.rr_ms for i in counted])
    follows = np.array([i.follows for i in counted[1:]], bool)
    lf, hf = band_powers(np.array([i.time_s for i in counted]), nn)
    mean, sdnn = float(nn.mean()), float(nn.std(ddof=1))
    quarter, middle, three_quarters = np.percentile(nn, [25, 50, 75]).tolist()
    return Measures(
        n_nn=len(counted),
        nn_share=share,
        mean_nn_ms=mean,
        sdnn_ms=sdnn,
        cvnn=sdnn / mean,
        median_nn_ms=middle,
        mad_nn_ms=1.4826 * float(np.median(np.abs(nn - middle))),
        iqr_nn_ms=three_quarters - quarter,
        sample_entropy=sample_entropy(nn, 0.2 * sdnn),
        lf_ms2=lf,
        hf_ms2=hf,
        lf_hf=lf / hf if lf is not None and hf else None,
        **_successive(nn[:-1][follows], nn[1:][follows], mean),
    )


def _successive(first: Array, second: Array, mean: float) -> dict[str, float]:
    """What pairs of adjacent intervals tell."""
    if len(first) < FEWEST - 1:
        return {}
    step = second - first
    rmssd = float(np.sqrt(np.mean(step**2)))
    return {
        "rmssd_ms": rmssd,
        "sdsd_ms": float(step.std(ddof=1)),
        "cvsd": rmssd / mean,
        "pnn20": 100 * float(np.mean(np.abs(step) > 20)),
        "pnn50": 100 * float(np.mean(np.abs(step) > 50)),
        # The spread across and along the diagonal of the Poincare plot.
        "sd1_ms": float(step.std(ddof=1) / np.sqrt(2)),
        "sd2_ms": float((first + second).std(ddof=1) / np.sqrt(2)),
    }


def sample_entropy(x: Array, r: float) -> float | None:
    """Negative log of how often runs of two that agree within ``r`` go on to agree for a third.

    Richman and Moorman (Am J Physiol Heart 278(6), 2000), m = 2.

    Examples
    --------
    >>> import numpy as np
    >>> sample_entropy(np.array([1.0, 2, 1, 2, 1, 2, 1, 2]), r=0.5)
    0.0
    """
    n = len(x)
    if n < 4:
        return None
    near = np.abs(x[:, None] - x) <= r
    two = near[: n - 2, : n - 2] & near[1 : n - 1, 1 : n - 1]
    three = two & near[2:, 2:]
    # Each pair is in the table twice, and each run once with itself.
    b, a = two.sum() - (n - 2), three.sum() - (n - 2)
    return float(np.log(b / a)) if a else None


def band_powers(times_s: Array, nn_ms: Array) -> tuple[float | None, float | None]:
    """Power of the low and the high frequencies in ms^2; None where the window is shorter than 5 min.

    The tachogram is interpolated linearly to 4 Hz; sections of 150 s, half overlapping, without their mean,
    under a Hann window (Welch, IEEE Trans Audio Electroacoust 15(2), 1967).
    """
    if times_s[-1] - times_s[0] < SPECTRUM_S:
        return None, None
    grid = np.arange(times_s[0], times_s[-1], 1 / TACHOGRAM_HZ)
    x = np.interp(grid, times_s, nn_ms)
    n = round(SECTION_S * TACHOGRAM_HZ)
    sections = np.lib.stride_tricks.sliding_window_view(x, n)[:: n // 2]
    window = np.hanning(n + 1)[:-1]
    spectra = np.fft.rfft((sections - sections.mean(axis=1, keepdims=True)) * window)
    density = 2 * np.mean(np.abs(spectra) ** 2, axis=0) / (TACHOGRAM_HZ * np.sum(window**2))
    hz = np.arange(len(density)) * TACHOGRAM_HZ / n
    lf, hf = (float(density[(hz >= low) & (hz < high)].sum()) / SECTION_S for low, high in (LF_HZ, HF_HZ))
    return lf, hf


def heart_rate_bpm(beats_s: npt.ArrayLike) -> float | None:
    """Beats per minute from the median RR interval; None where there are fewer than two beats."""
    rr = np.diff(np.asarray(beats_s, np.float64))
    return float(60.0 / np.median(rr)) if len(rr) else None
