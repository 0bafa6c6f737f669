"""Which of several nodes connects to a wearable that is free: the one that hears it best. Pure, no clock.

A strap that is connected does not advertise, so nobody can say how well others would hear it: it is decided
each time that it is free. For a moment all who hear it are listened to; then the best one is offered the
wearable. One that does not make it in time is passed over for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Roaming"]

# All who are near have heard a strap by then: it advertises several times a second.
_SETTLE_S = 2.0
# What was heard longer ago is not heard any more.
_FRESH_S = 4.0
# A connection with its set-up takes some seconds, with retries a quarter of a minute.
_OFFER_S = 20.0
# An attempt that failed: others come first for so long.
_PASSED_OVER_S = 30.0


@dataclass(slots=True)
class _Heard:
    rssi: int
    at_s: float


class Roaming:
    """Decides for one wearable.

    Examples
    --------
    >>> roaming = Roaming()
    >>> roaming.heard("room 1", -80, now_s=0.0)
    >>> roaming.heard("room 2", -60, now_s=0.5)
    >>> roaming.choice(now_s=1.0), roaming.choice(now_s=2.5)
    (None, 'room 2')
    """

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}
        self._since_s: float | None = None
        self._offered: tuple[str, float] | None = None
        self._failed_s: dict[str, float] = {}

    def heard(self, node: str, rssi: int, now_s: float) -> None:
        """Note how well a node that is not connected hears the wearable, in dBm."""
        self._heard[node] = _Heard(rssi, now_s)
        if self._since_s is None:
            self._since_s = now_s

    def connected(self) -> None:
        """Note that somebody has it: it begins anew when it is free."""
        self._heard.clear()
        self._failed_s.clear()
        self._since_s = self._offered = None

    def choice(self, now_s: float) -> str | None:
        """Return who may connect now: the same one until it did or its time is over, None for nobody yet."""
        self._heard = {node: one for node, one in self._heard.items() if now_s - one.at_s <= _FRESH_S}
        if self._offered is not None:
            node, at_s = self._offered
            if now_s - at_s < _OFFER_S:
                return node
            self._failed_s[node], self._offered = now_s, None
        if self._since_s is None or now_s - self._since_s < _SETTLE_S:
            return None
        if not self._heard:
            self._since_s = None
            return None
        best = max(
            self._heard, key=lambda node: (not self._is_passed_over(node, now_s), self._heard[node].rssi)
        )
        self._offered = (best, now_s)
        return best

    def _is_passed_over(self, node: str, now_s: float) -> bool:
        failed_s = self._failed_s.get(node)
        return failed_s is not None and now_s - failed_s < _PASSED_OVER_S
