"""What the runtime finds: immutable events, each with its place in the stream.

``sample`` is an index in the caller's own rate, ``time_s`` the same place in seconds since the start of the
stream; ``end_sample`` and ``end_time_s`` follow where the event lasts.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecgedge.shown import Shown
from ecgedge_bridge.values import Battery, ByFields, FrameLost, JsonEvent, LinkState, Mark, Note

__all__ = [
    "Battery",
    "Beat",
    "Ectopy",
    "Event",
    "FrameLost",
    "Gap",
    "Hrv",
    "Intervals",
    "LinkState",
    "Mark",
    "Note",
    "Quality",
    "Rhythm",
    "Summary",
    "Waves",
    "Word",
]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Beat(JsonEvent):
    """One heart beat, at its R peak.

    ``rr_ms`` is the time since the beat before it in ms, ``None`` for the first beat after a start or a gap;
    ``symbol`` is its AAMI class (N S V F Q), ``None`` where no model named it.
    """

    sample: int
    time_s: float
    rr_ms: float | None
    symbol: str | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Quality(JsonEvent):
    """The noise gate's verdict on a stretch of signal.

    ``accepted``: the rhythm can be told from it, ``score`` is the probability (0 to 1) that it
    can, where noise is as rare as in hand-held recordings (2.4 % of the windows of CinC 2017, so
    that 0.9 is little there), ``reasons`` names what speaks against it; ``morphology``:
    the shape of its beats can be trusted too.
    """

    sample: int
    time_s: float
    end_sample: int
    end_time_s: float
    accepted: bool
    score: float
    reasons: tuple[str, ...] = ()
    morphology: bool = False

    @property
    def start_s(self) -> float:
        """Start of the stretch in seconds: the same as ``time_s``."""
        return self.time_s

    @property
    def end_s(self) -> float:
        """End of the stretch in seconds: the same as ``end_time_s``."""
        return self.end_time_s


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rhythm(JsonEvent):
    """The rhythm of one window that the model saw.

    ``label`` is the decision after hysteresis (N, A, O or ~), ``window_label`` that of this window alone,
    ``probabilities`` maps each class to this window's calibrated probability; ``conclusive`` is False where
    no class was probable enough; ``changed`` marks the first event of a new label.

    ``af``: atrial fibrillation or not, None from less than 10 s of signal without noise and where neither is
    probable enough. A diagnosis asks for 30 s (Hindricks et al., ESC guidelines, 2020). Atrial flutter is not
    told apart: it may count as either.

    Rate and rhythm apart: ``heart_rate_bpm`` is the window's, None without two beats; ``rate`` is
    ``"bradycardia"`` below 50, ``"tachycardia"`` from 100, else None. The class O covers sinus rhythm at such
    a rate too: ``sinus`` says whether the rhythm held is sinus rhythm whatever its rate, None for ~.
    """

    sample: int
    time_s: float
    end_sample: int
    end_time_s: float
    label: str
    window_label: str
    probabilities: dict[str, float]
    conclusive: bool
    changed: bool
    af: bool | None = None
    heart_rate_bpm: float | None = None
    rate: str | None = None
    sinus: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class HrvMeasures(ByFields):
    """Heart rate variability (definitions: Task Force, Circulation 93(5), 1996); None: cannot be computed.

    Differences are taken between intervals that share a beat, never across one that was left out.

    Parameters
    ----------
    n_rr, n_nn : int
        RR intervals in usable signal, and those of them between two normal beats, which all else is made of.
    usable : float
        Share of the window's time that NN intervals cover, 0 to 1.
    mean_nn_ms, median_nn_ms, mad_nn_ms, iqr_nn_ms : float, optional
        MAD is the plain median distance from the median; neurokit2 multiplies it by 1.4826, which makes it
        an estimate of the standard deviation.
    sdnn_ms, sdsd_ms : float, optional
        Standard deviations of intervals and of differences, with n - 1.
    rmssd_ms : float, optional
        Root mean square of differences: no mean is subtracted, as it is for SDSD.
    pnn20, pnn50 : float, optional
        Share of differences beyond 20 and 50 ms, 0 to 1. neurokit2 divides by the number of intervals
        instead, one more than of differences (and gives %); with intervals left out that is no share.
    cvnn, cvsd : float, optional
        SDNN and RMSSD over the mean.
    sd1_ms, sd2_ms : float, optional
        Axes of the Poincaré plot: of neighbours (x, y), the deviations of (y - x) / √2 and (y + x) / √2.
    sample_entropy : float, optional
        m = 2, r = 0.2 SDNN, Chebyshev distance; needs 100 intervals. No template spans one left out.
    lf_ms2, hf_ms2, lf_hf : float, optional
        Lomb-Scargle power from 0.04 to 0.15 and from 0.15 to 0.4 Hz, of windows of 5 min or more of which
        80 % are usable. neurokit2 resamples and uses Welch's method with its own scale: no equality.
    """

    n_rr: int
    n_nn: int
    usable: float
    mean_nn_ms: float | None
    sdnn_ms: float | None
    rmssd_ms: float | None
    sdsd_ms: float | None
    pnn20: float | None
    pnn50: float | None
    cvnn: float | None
    cvsd: float | None
    median_nn_ms: float | None
    mad_nn_ms: float | None
    iqr_nn_ms: float | None
    sd1_ms: float | None
    sd2_ms: float | None
    sample_entropy: float | None
    lf_ms2: float | None
    hf_ms2: float | None
    lf_hf: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Hrv(HrvMeasures, JsonEvent):
    """Heart rate variability of the last minutes, see :class:`HrvMeasures`.

    Comes every minute; the window grows to five minutes at the start of a stream, and has a last event at the
    end. What cannot be computed is None: LF and HF before there are five minutes, for example.
    """

    sample: int
    time_s: float
    end_sample: int
    end_time_s: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Waves(JsonEvent):
    """P, QRS and T of one beat, whose R peak is at ``sample``; None for what is not there or not seen.

    Borders are samples of the caller; intervals come from borders between samples, so that they do not step
    by one sample of a slow device.

    Parameters
    ----------
    sample, time_s
        The R peak, as in the beat's :class:`Beat` event.
    p_onset, p_peak, p_end, qrs_onset, qrs_end, t_onset, t_peak, t_end : int, optional
    pr_ms : float, optional
        From the onset of P to that of QRS.
    qrs_ms : float, optional
    qt_ms : float, optional
        From the onset of QRS to the end of T.
    """

    sample: int
    time_s: float
    p_onset: int | None = None
    p_peak: int | None = None
    p_end: int | None = None
    qrs_onset: int | None = None
    qrs_end: int | None = None
    t_onset: int | None = None
    t_peak: int | None = None
    t_end: int | None = None
    pr_ms: float | None = None
    qrs_ms: float | None = None
    qt_ms: float | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Word(JsonEvent):
    """One beat as a word, whose R peak is at ``sample``.

    ``code`` (0 to 255) stands for its shape, see :mod:`ecgedge.tokens`; ``rr_ms`` is the time since the beat
    before it, ``None`` for the first one after a start or a gap; ``gain_mv`` is the height of the shape.
    """

    sample: int
    time_s: float
    code: int
    rr_ms: float | None
    gain_mv: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Intervals(JsonEvent):
    """PR, QRS and QT of a minute: medians over its beats, and how many of them agreed.

    A median is None where fewer than five beats, or less than half of those that were measured, lie near it:
    in atrial fibrillation, for example, there is no PR.

    Parameters
    ----------
    sample, time_s, end_sample, end_time_s
        The minute, or what there was of it. It holds no gap.
    beats : int
        Beats that were measured: normal ones in signal whose shape the gate trusts, where both are known.
    pr_ms, qrs_ms, qt_ms : float, optional
        Medians.
    pr_beats, qrs_beats, qt_beats : int
        Beats that agreed: within 20 ms of the median of PR, 15 ms of QRS, 30 ms of QT.
    rr_ms : float, optional
        Median RR interval of the beats.
    qtc_bazett_ms, qtc_fridericia_ms : float, optional
        QT over the square root and over the cube root of the RR interval in seconds (Bazett, Heart 7, 1920;
        Fridericia, Acta Med Scand 53, 1920), both of the medians.
    """

    sample: int
    time_s: float
    end_sample: int
    end_time_s: float
    beats: int
    pr_ms: float | None
    pr_beats: int
    qrs_ms: float | None
    qrs_beats: int
    qt_ms: float | None
    qt_beats: int
    rr_ms: float | None
    qtc_bazett_ms: float | None
    qtc_fridericia_ms: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Gap(JsonEvent):
    """Signal that is missing: ``lost`` samples from ``sample`` up to ``end_sample``.

    ``reason`` is ``"lost"`` (never arrived), ``"not_finite"`` (NaN or infinite: electrode off, or a bad file)
    or ``"interrupted"`` (the recording was, and went on later in the same file).
    """

    sample: int
    time_s: float
    end_sample: int
    end_time_s: float
    lost: int
    reason: str = "lost"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Ectopy(ByFields):
    """Ectopic beats of one class in accepted signal: number, per hour of it, couplets, runs of 3 and more."""

    beats: int = 0
    per_hour: float | None = None
    couplets: int = 0
    runs: int = 0
    longest_run: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Summary(JsonEvent, Shown):
    """What a stream came to.

    Parameters
    ----------
    sample, time_s, end_sample, end_time_s
        The stream, in the caller's own rate and in seconds.
    usable : float or None
        Share of the signal that the gate accepted; None where it saw none.
    lost : int
        Samples that are missing.
    heart_rate_bpm, slowest_bpm, fastest_bpm : float or None
        Over all accepted signal, and of the slowest and the fastest minute.
    rhythms : dict
        Share of the time that was given each label.
    af : bool or None
        Whether there was atrial fibrillation in any window; None where no window could tell.
    af_burden : float or None
        Share of the time that could be told in which there was.
    longest_af_s : float
        The longest uninterrupted episode.
    beats : int
        In accepted signal.
    ventricular, supraventricular : Ectopy
        Beats of class V, and those of class S outside of atrial fibrillation, in which the class tells
        nothing.
    pauses, longest_rr_ms
        Intervals over 2 s in accepted signal, and the longest of all.
    rmssd_ms, sdnn_ms : float or None
        Means over the stream's HRV windows.
    """

    sample: int
    time_s: float
    end_sample: int
    end_time_s: float
    usable: float | None
    lost: int
    heart_rate_bpm: float | None
    slowest_bpm: float | None
    fastest_bpm: float | None
    rhythms: dict[str, float]
    af: bool | None
    af_burden: float | None
    longest_af_s: float
    beats: int
    ventricular: Ectopy
    supraventricular: Ectopy
    pauses: int
    longest_rr_ms: float | None
    rmssd_ms: float | None
    sdnn_ms: float | None


Event = (
    Beat
    | Waves
    | Word
    | Quality
    | Rhythm
    | Hrv
    | Intervals
    | Gap
    | Mark
    | Battery
    | LinkState
    | Note
    | FrameLost
    | Summary
)
