"""What can go wrong with a virtual wearable, what it then does, and the ledger of what was lost.

Everything that is lost is lost by count of samples, never by time, so that a test or a demo can compare what
a client reports with the :class:`Ledger` to the sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

LinkFault = Literal["disconnect", "silence", "end", "stall", "clock", "garbage"]
FrameFault = Literal["drop_frame", "drop_part", "duplicate", "reorder", "corrupt", "truncate"]
SetupFault = Literal["refuse", "no_answer", "hang_up", "mtu"]
FaultKind = LinkFault | FrameFault | SetupFault

LINK_FAULTS = frozenset(get_args(LinkFault))
FRAME_FAULTS = frozenset(get_args(FrameFault))
SETUP_FAULTS = frozenset(get_args(SetupFault))


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong at a given place of the ECG.

    Parameters
    ----------
    at_s : float
        Place in the ECG, in seconds; the fault comes at the first frame boundary there or after it. What goes
        wrong while a connection is set up comes with the first one from there on.
    kind : str
        With the stream:

        ``disconnect``
            The link drops, and the ECG goes on for ``seconds`` while the device is out of reach.
        ``silence``
            The link stays, but nothing is sent for ``seconds``.
        ``end``
            The device ends the measurement by itself, and ``seconds`` go by.
        ``stall``
            Everything comes ``seconds`` late, then all at once; nothing is lost. At a place where the stream
            begins anew it is a late first frame.
        ``clock``
            The device's clock steps by ``seconds``, which may be negative.
        ``garbage``
            A notification that means nothing comes between two frames.

        With one frame: ``drop_frame``, it is not sent; ``drop_part``, the last of its notifications is not
        sent; ``duplicate``, it is sent twice; ``reorder``, it is sent after its successor; ``corrupt``,
        it is damaged; ``truncate``, its last byte is missing.

        While a connection is set up, at a command that starts a measurement: ``refuse``, it is refused with
        the status ``code``; ``no_answer``, it is not answered; ``hang_up``, the link drops. And ``mtu``: the
        next connection is made with an ATT MTU of ``code`` at most.
    seconds : float
        How much ECG a disconnect, a silence or an end costs: exactly ``round(seconds * fs)`` samples, however
        long the reconnection takes; how long a stall lasts; how far the clock steps.
    code : int
        Status of a refusal, or the MTU.

    Raises
    ------
    ValueError
        If there is no such fault.
    """

    at_s: float
    kind: FaultKind
    seconds: float = 0.0
    code: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot happen."""
        kinds = LINK_FAULTS | FRAME_FAULTS | SETUP_FAULTS
        if self.kind not in kinds:
            raise ValueError(f"unknown fault {self.kind!r}; use one of {', '.join(sorted(kinds))}")
        lowest = -math.inf if self.kind == "clock" else 0.0
        finite = math.isfinite(self.at_s) and math.isfinite(self.seconds)
        if not (finite and self.at_s >= 0 and self.seconds >= lowest and self.code >= 0):
            raise ValueError("a fault's at_s, seconds and code are 0 or more; correct them")


@dataclass(frozen=True, slots=True)
class Lost:
    """Samples ``start`` up to ``stop`` (excluded) that were not sent in a readable frame."""

    start: int
    stop: int
    kind: FaultKind


@dataclass(slots=True)
class Ledger:
    """The truth, to compare with what a client reports: samples played = sent + lost."""

    played: int = 0
    sent: int = 0
    lost: list[Lost] = field(default_factory=list)

    @property
    def lost_samples(self) -> int:
        """Number of samples lost."""
        return sum(gap.stop - gap.start for gap in self.lost)

    def lose(self, n: int, kind: FaultKind) -> None:
        """Count ``n`` samples as played and lost."""
        start = self.played
        self.played += n
        if n:
            self.lost.append(Lost(start, self.played, kind))


@dataclass(frozen=True, slots=True)
class Send:
    """Send this notification on this characteristic; as an indication where it ``indicate``s."""

    data: bytes
    uuid: str = ""
    indicate: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for this many seconds of ECG time; if ``late``, what falls due meanwhile is sent after."""

    seconds: float
    late: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Drop the link, and stay away for this many seconds of ECG time."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class End:
    """End the measurement, saying so if there is a way to."""

    report: Send | None = None


Action = Send | Pause | Drop | End
