"""What a file is told of a stream beside its items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["NOTHING_KNOWN", "About"]


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a stream, and what is wanted of it.

    Parameters
    ----------
    start : datetime or None
        Time of the first sample; of a live stream it is that of the clock.
    channel : str
        Name of the lead, "" where it has none.
    events : frozenset of str or None
        Types of event that were asked for; None for those that the form is for, empty for the signal alone.
    strip_s : float
        Length of the strips of a form that holds parts of the signal.
    """

    start: datetime | None = None
    channel: str = ""
    events: frozenset[str] | None = None
    strip_s: float = 30.0

    @property
    def signal_alone(self) -> bool:
        """Whether no events are wanted."""
        return self.events is not None and not self.events


NOTHING_KNOWN = About()
