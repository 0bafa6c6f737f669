"""The link's state machine as a table, and its times: no I/O, no clock, no radio.

Rules of the file
-----------------
1. What may follow what stands in :data:`TRANSITIONS` and nowhere else. ``wearable.py`` looks the next state
   up; a pair that is not in the table is a mistake of the program and raises ``KeyError``.
2. A state is a step that runs until it ends, and it ends in one of two ways: ``DONE`` (what it was for is
   reached) or ``LOST`` (the radio or the device failed, and another try may go better). What no other try can
   cure is no outcome but a :class:`~ecgedge_bridge.LinkError`, and ends the link.
3. Time limits are numbers in :class:`LinkTiming`; no state reads a clock of its own.

Theory of operation
-------------------
There is one loop: scan, connect, set up, wait for the first frame, stream. Whatever is lost on that way, at
any step, leads to the same place, ``BACKING_OFF``: hang up, pause, and begin with a fresh scan. There is no
short way back, because after a lost link the Bluetooth stack's handle of the device may be dead, its services
may have changed, and a stream does not survive a disconnection: it has to be subscribed to and started again.

The first time round is stricter: a device that is not there, an adapter that is off, or three failed
connections are errors that a person should see. A link that was up once is tried for ever, or until the
caller's patience ends; then a pause grows from 1 s to 30 s, so that an absent device costs little, and begins
at 1 s again as soon as data flows.

``WAITING`` is a state of its own because a Polar H10 may take 25 to 30 s to its first frame after a
reconnection, while silence of 3 s in a running stream means that the link is dead: Bluetooth stacks do not
report it reliably.

``STOPPED`` is reached from every state when the caller leaves, so it is not in the table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class State(Enum):
    """Where the link is; the values are the ``state`` of :class:`~ecgedge_bridge.LinkState`."""

    SCANNING = "scanning"
    CONNECTING = "connecting"
    SETTING_UP = "setting_up"
    WAITING = "waiting"
    STREAMING = "streaming"
    BACKING_OFF = "backing_off"
    STOPPED = "stopped"


class Outcome(Enum):
    """How a state ended."""

    DONE = "done"
    LOST = "lost"


# Every row ends in the next step or in BACKING_OFF; STREAMING has no next step, so it only ends by loss.
TRANSITIONS: dict[tuple[State, Outcome], State] = {
    (State.SCANNING, Outcome.DONE): State.CONNECTING,
    (State.SCANNING, Outcome.LOST): State.BACKING_OFF,
    (State.CONNECTING, Outcome.DONE): State.SETTING_UP,
    (State.CONNECTING, Outcome.LOST): State.BACKING_OFF,
    (State.SETTING_UP, Outcome.DONE): State.WAITING,
    (State.SETTING_UP, Outcome.LOST): State.BACKING_OFF,
    (State.WAITING, Outcome.DONE): State.STREAMING,
    (State.WAITING, Outcome.LOST): State.BACKING_OFF,
    (State.STREAMING, Outcome.LOST): State.BACKING_OFF,
    (State.BACKING_OFF, Outcome.DONE): State.SCANNING,
}


@dataclass(frozen=True, slots=True)
class LinkTiming:
    """Every time limit of the link, in seconds.

    Parameters
    ----------
    first_find_s : float
        How long the first search may last before it is an error.
    find_s : float
        One search after the link was lost; it is repeated after a pause.
    stack_s : float
        What the Bluetooth stack may need to begin and end a scan; one that hangs raises nothing.
    connect_s : float
        Connection and service discovery, with the retries inside.
    command_s : float
        One command to the device, until its reply is complete.
    first_frame_s : float
        From the start command to the first frame: an H10 may take 25 to 30 s after a reconnection.
    no_data_s : float
        Silence after which a stream counts as dead; a Bluetooth stack may never report it. An H10 sends
        every 0.56 s.
    back_off_s, back_off_max_s : float
        First and longest pause before another try; each is twice the one before.
    jitter : float
        Pauses are spread by this fraction, so that several hosts do not try in step.
    disconnect_s : float
        Limit for hanging up.

    Examples
    --------
    >>> LinkTiming().back_off(attempt=3, spread=0.0)
    8.0
    """

    # 3 s are five frames of an H10; 40 s leave room above the 30 s that its first frame was seen to take. The
    # other limits are what BlueZ 5.66 needs on a small computer, with room: a limit that is too short costs a
    # connection.
    first_find_s: float = 30.0
    find_s: float = 10.0
    stack_s: float = 10.0
    connect_s: float = 60.0
    command_s: float = 5.0
    first_frame_s: float = 40.0
    no_data_s: float = 3.0
    back_off_s: float = 1.0
    back_off_max_s: float = 30.0
    jitter: float = 0.25
    disconnect_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse times that make no sense."""
        for name in self.__slots__:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative; give it in seconds")

    def back_off(self, attempt: int, spread: float) -> float:
        """Pause in seconds before try ``attempt`` (0 is the first), ``spread`` between -1 and 1."""
        # 2.0**32 is far above any limit: the exponent is bounded, so it cannot overflow.
        pause = min(self.back_off_max_s, self.back_off_s * 2.0 ** min(attempt, 32))
        return pause * (1 + self.jitter * spread)

    def scaled(self, speed: float) -> LinkTiming:
        """Return the times for a simulated wearable that plays ``speed`` times as fast as real time.

        Only times that follow the device's data shrink, and not below what a busy host needs.
        """
        return replace(
            self,
            first_frame_s=max(self.first_frame_s / speed, min(self.first_frame_s, 2.0)),
            no_data_s=max(self.no_data_s / speed, min(self.no_data_s, 0.3)),
            back_off_s=self.back_off_s / speed,
            back_off_max_s=self.back_off_max_s / speed,
        )
