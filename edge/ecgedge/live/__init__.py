"""The terminal view of a running stream."""

from ecgedge.live.view import LiveView

__all__ = ["LiveView"]
