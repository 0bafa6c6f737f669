"""What a stage is, and the laws that it lives by.

A stage turns filtered signal, and what the stages in front of it found, into marks on the segment and into
events. The pipeline runs all stages in order, once a tick. These laws make the same samples give the same
events, bit for bit, however they were cut into blocks:

1. The sample index is the only clock. The pipeline filters up to each tick (a second of filtered signal,
   counted from the segment's start), and a stage looks when a tick comes. How large the caller's blocks are
   decides nothing. Arithmetic has a fixed shape: every output is one sum of fixed length in fixed order, and
   a network always runs on arrays of one size. A sum over "what has come since" would round differently with
   every cut.
2. A stage sees ticks and the segment: no block, no clock, no other stage. It keeps what it has to know across
   segments (the label held, the HRV window) and drops it at ``reset``. ``start`` begins a segment.
3. Order is dependency. A stage declares the parts of the segment that it ``writes`` and ``reads``; who
   writes a part comes before who reads it. The pipeline checks that when it is made.
4. Buffers follow from what stages declare. ``window_s`` is how much of the past a stage looks at together,
   ``latency_s`` how long after its inputs are complete its own statement about a sample is. The pipeline adds
   latencies along the order: a part is complete up to ``segment.settled(part)``, and the ring is long enough
   for every window that waits for its parts. Signal, beats and verdicts are kept as long as the ring. What
   cannot fit is refused when the pipeline is made.
5. At a segment's end every stage advances once more, in the same order, with ``segment.ended`` set: all parts
   are then complete, and what is pending comes out. A window never spans a gap, since a gap ends the segment.
6. Marks go onto the segment, events go out; nothing calls back. A thing is made once: a beat is one object
   from its detection on, and later stages add to it.
7. Every index in an event lies in its segment, in the caller's own rate.

There is one exception to latencies: a beat that only the detector's search-back finds comes later than
declared, and windows that have passed by then do without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ecgedge.events import Event
from ecgedge.stream.segment import Part, Segment

# A tick is as long as the stretch that the beat network speaks about in one run: with shorter steps no beat
# would be found earlier, with longer ones every event would come later.
TICK_S = 1.0


class Stage(Protocol):
    """One step behind the filters, see the laws above.

    Attributes
    ----------
    name : str
        For timings and for messages.
    fs : float or None
        Rate in Hz of the filtered signal that it needs, None where any will do.
    latency_s : float
        How far it lags behind the parts that it reads, in seconds: where these are complete up to a place,
        it is complete up to this long before it.
    window_s : float
        How much of the past it reads at once, in seconds.
    reads, writes : tuple of str
        Parts of the segment.
    """

    @property
    def name(self) -> str: ...
    @property
    def fs(self) -> float | None: ...
    @property
    def latency_s(self) -> float: ...
    @property
    def window_s(self) -> float: ...
    @property
    def reads(self) -> tuple[Part, ...]: ...
    @property
    def writes(self) -> tuple[Part, ...]: ...

    def start(self, segment: Segment) -> None:
        """Begin a new segment."""

    def advance(self, segment: Segment) -> Sequence[Event]:
        """Look at what a tick brought; the last call of a segment, with ``segment.ended``, flushes."""

    def reset(self) -> None:
        """Forget everything: another recording comes."""
