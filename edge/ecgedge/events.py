"""What the runtime says: immutable events, each with its place in the stream.

``sample`` is an index in the caller's own rate, ``time_s`` the same place in seconds since the start of the
stream; ``end_sample`` and ``end_time_s`` follow where the event lasts.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecgedge.hrv.measures import HrvMeasures
from ecgedge_bridge.values import Battery, FrameLost, JsonEvent, LinkState, Note

__all__ = [
    "Battery",
    "Beat",
    "Event",
    "FrameLost",
    "Gap",
    "Hrv",
    "LinkState",
    "Note",
    "Quality",
    "Rhythm",
]


@dataclass(frozen=True, slots=True)
class Beat(JsonEvent):
    """One heart beat, at its R peak.

    ``rr_ms`` is the time since the beat before it in ms, ``None`` for the first beat after a start or a gap;
    ``symbol`` is its AAMI class (N S V F Q), ``None`` where no model named it.
    """

    sample: int
    time_s: float
    rr_ms: float | None
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class Quality(JsonEvent):
    """The noise gate's verdict on a stretch of signal.

    ``accepted`` says whether the rhythm can be told from it, ``score`` is the probability (0 to 1) that it
    can, ``reasons`` names what speaks against it; ``morphology`` says whether the shape of its beats can be
    trusted too.
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


@dataclass(frozen=True, slots=True)
class Rhythm(JsonEvent):
    """The rhythm of one window that the model saw.

    ``label`` is the decision after hysteresis (N, A, O or ~), ``window_label`` what this window alone says,
    ``probabilities`` maps each class to this window's calibrated probability; ``conclusive`` is False where
    no class was probable enough; ``changed`` marks the first event of a new label.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hrv(HrvMeasures, JsonEvent):
    """Heart rate variability of the last minutes, see :class:`ecgedge.hrv.HrvMeasures`.

    Comes every minute; the window grows to five minutes at the start of a stream, and has a last event at the
    end. What cannot be computed is None: LF and HF before there are five minutes, for example.
    """

    sample: int
    time_s: float
    end_sample: int
    end_time_s: float


@dataclass(frozen=True, slots=True)
class Gap(JsonEvent):
    """Signal that is missing: ``lost`` samples from ``sample`` up to ``end_sample``.

    ``reason`` is ``"lost"`` (never arrived) or ``"not_finite"`` (NaN or infinite: electrode off, or a bad
    file).
    """

    sample: int
    time_s: float
    end_sample: int
    end_time_s: float
    lost: int
    reason: str = "lost"


Event = Beat | Quality | Rhythm | Hrv | Gap | Battery | LinkState | Note | FrameLost
