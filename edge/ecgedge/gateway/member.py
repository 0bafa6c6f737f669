"""One wearable of a ward: decoded blocks in; judged, recorded and given to all sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import EcgEdgeError
from ecgedge_bridge.forwarding.arrivals import Arrivals
from ecgedge_bridge.link.states import State
from ecgedge_bridge.values import LinkState, Mark, SampleBlock

if TYPE_CHECKING:
    from ecgedge.monitor import Monitor
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.sink import Sink

__all__ = ["Member", "Places"]


class Places(Protocol):
    """What says where in a file an item belongs: a recorder, or what stands for none."""

    def place(self, item: Any) -> Any:
        """Return the item in the file's count."""


class Member:
    """A wearable of a ward, and all that is its own.

    Parameters
    ----------
    name : str
        What a person calls it.
    monitor : Monitor
        With models that all share.
    recorder : Places
        Where its blocks belong in its recording.
    sink : Sink
        Takes all that comes, recording included.
    ending : Ending
        Sums it up.
    tell : callable
        Takes a sentence for the user.

    Attributes
    ----------
    arrivals : Arrivals
        What is forwarded of it.
    failed : str
        Why it is taken no more; empty while it is.
    is_live : bool
        Whether its ECG comes.
    """

    def __init__(
        self,
        name: str,
        monitor: Monitor,
        recorder: Places,
        sink: Sink,
        ending: Ending,
        tell: Callable[[str], None],
    ) -> None:
        self.name, self.monitor, self.ending = name, monitor, ending
        self.arrivals = Arrivals()
        self.failed, self.is_live = "", False
        self._recorder, self._sink, self._tell = recorder, sink, tell

    def take(self, items: Iterable[Any]) -> None:
        """Take what a link or a session gives, in its order.

        What one wearable cannot be taken for must not end the others: it is told, and this one is left out
        from then on.
        """
        if self.failed:
            return
        try:
            for item in items:
                self._take(item)
        except (EcgEdgeError, ValueError) as error:
            self.failed = str(error)
            self._tell(plain(f"{self.name}: {error}: left out from now on"))

    def _take(self, item: Any) -> None:
        if isinstance(item, SampleBlock):
            self.is_live = True
            placed = self._recorder.place(item)
            self._sink.take([placed, *self.monitor.feed(placed)])
        elif isinstance(item, Mark):
            self._sink.take([item])
        else:
            if isinstance(item, LinkState):
                self.is_live = item.state == State.STREAMING.value
            self._sink.take([self._recorder.place(item)])

    def finish(self) -> None:
        """Take what is still pending, at the end."""
        self.take(self.arrivals.rest())
        if not self.failed:
            self._sink.take(self.monitor.finish())
