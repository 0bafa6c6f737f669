"""The terminal view of a running stream."""

from ecgedge.sinks.screen.screen import Screen
from ecgedge.sinks.screen.view import LiveView

__all__ = ["LiveView", "Screen"]
