"""Measuring a wearable for a while: what ``ecgedge doctor`` does. ``findings.py`` explains it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ecgedge_bridge.checkup.findings import Checkup
from ecgedge_bridge.codes import LinkCode, NoteCode
from ecgedge_bridge.errors import LinkError
from ecgedge_bridge.protocols.session import INFORMATION, WearableEvent
from ecgedge_bridge.stream.clock import HostClock
from ecgedge_bridge.stream.decoder import DecoderStats
from ecgedge_bridge.values import Acceleration, Battery, HeartRate, LinkState, Note, SampleBlock

if TYPE_CHECKING:
    from ecgedge_bridge.link.radio import Found
    from ecgedge_bridge.link.wearable import Wearable

__all__ = ["Examination", "examine"]

# The ECG is measured on so much, which holds several beats at any heart rate.
_SPAN_S = 10.0
_ARRIVALS = 100_000  # 15 hours of an H10
_NOTES = 8  # different ones: what a device repeats is kept once
# Notes that the checkup has as numbers.
_COUNTED = (NoteCode.LATE_FRAME, NoteCode.DROPPED, NoteCode.OUT_OF_ORDER)
# Asked for with every checkup: what the findings are about, beside the ECG.
_EXTRAS = ("battery", "information")


class Jitter(NamedTuple):
    """How much later than at best notifications came, in ms; None where nothing came."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None


class Examination:
    """Collects what comes from one wearable, and sums it up as a :class:`Checkup`.

    Parameters
    ----------
    wanted : str
        What was asked for.
    near : iterable of Found
        What was seen in the scan.

    Examples
    --------
    >>> examination = Examination("Polar H10")
    >>> examination.on_event(Battery(0, 0.0, 87), now_s=0.0)
    >>> for k in range(10):
    ...     stamp_ns, arrival_s = round((k + 1) * 1e9), k + 1.02
    ...     block = SampleBlock(np.zeros(130, np.float32), 130.0, 130 * k, stamp_ns, arrival_s)
    ...     examination.on_block(block)
    >>> checkup = examination.checkup()
    >>> checkup.battery_percent, checkup.fs, checkup.span_mv, checkup.jitter_max_ms
    (87, 130.0, 0.0, 0.0)
    """

    def __init__(self, wanted: str, near: Iterable[Found] = ()) -> None:
        self.wanted = wanted
        self.near = tuple(near)
        self.error = ""
        self.error_code: LinkCode | None = None
        self.on_first_data: Callable[[], None] | None = None
        self._name = ""
        self._information: dict[str, str] = {}
        self._battery: int | None = None
        self._largest = 0
        self._measurements = 0
        self._losses: list[str] = []
        self._notes: dict[str, None] = {}
        self._clock_steps = 0
        self._up = False
        self._waiting_since_s: float | None = None
        self._first_frame_s: float | None = None
        self._clock = HostClock()
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=_ARRIVALS)
        self._recent: deque[SampleBlock] = deque()
        self._fs = 0.0
        self._gaps = 0
        self._last: SampleBlock | None = None

    def on_notification(self, uuid: str, data: bytes, host_time_s: float) -> None:
        """Take what the device sent, before it is decoded."""
        if uuid in INFORMATION:
            self._information[INFORMATION[uuid]] = data.decode("utf-8", "replace").rstrip("\0 ")
        else:
            self._largest = max(self._largest, len(data))

    def on_event(self, event: WearableEvent, now_s: float) -> None:
        """Take what came besides the ECG."""
        match event:
            case Battery():
                self._battery = event.percent
            case HeartRate() | Acceleration():
                self._measurements += 1
                self._on_data(now_s)
            case LinkState():
                self._on_state(event, now_s)
            case Note(code=NoteCode.CLOCK_STEP):
                self._clock_steps += 1
            case Note() if event.code not in _COUNTED and len(self._notes) < _NOTES:
                self._notes[event.detail or event.code.sentence] = None

    def _on_state(self, link: LinkState, now_s: float) -> None:
        self._name = link.device
        if link.state == "backing_off" and self._up:
            self._up = False
            self._losses.append(link.detail)
        elif link.state == "waiting":
            self._up = True
            self._waiting_since_s = now_s

    def on_block(self, block: SampleBlock) -> None:
        """Take a block of ECG."""
        if block.host_time_s is None or not len(block.samples):
            return
        self._on_data(block.host_time_s)
        self._clock.add(block)
        self._arrivals.append((block.end_sample - 1, block.host_time_s))
        self._gaps += self._last is not None and block.sample > self._last.end_sample
        self._fs, self._last = block.fs, block
        self._recent.append(block)
        while self._recent[0].end_sample < block.end_sample - _SPAN_S * block.fs:
            self._recent.popleft()

    def _on_data(self, now_s: float) -> None:
        if self._first_frame_s is not None:
            return
        self._first_frame_s = now_s - (self._waiting_since_s if self._waiting_since_s is not None else now_s)
        if self.on_first_data is not None:
            self.on_first_data()

    def checkup(self, wearable: Wearable | None = None, seconds: float = 0.0) -> Checkup:
        """Sum up what was taken so far.

        Parameters
        ----------
        wearable : Wearable, optional
            The connection; None if there was none.
        seconds : float
            How long data was listened to.
        """
        device = self._device(wearable)
        stamped = self._last is not None and self._last.device_time_ns is not None
        drift_ppm = self._clock.drift_ppm
        jitter = self._jitter()
        return Checkup(
            wanted=self.wanted,
            name=device.name if device is not None else "",
            address=device.address if device is not None else "",
            near=tuple(found.name for found in self.near if found.name),
            rssi_dbm=device.rssi if device is not None else None,
            profile=wearable.profile.name if wearable is not None and wearable.profile is not None else "",
            information=self._information,
            battery_percent=self._battery,
            error=self.error,
            error_code=self.error_code,
            seconds=seconds,
            first_frame_s=self._first_frame_s,
            fs=self._fs,
            fs_hat=self._clock.fs_hat if stamped or drift_ppm is not None else 0.0,
            drift_ppm=drift_ppm if stamped else None,
            stats=wearable.stats if wearable is not None else DecoderStats(),
            dropped=wearable.dropped if wearable is not None else 0,
            gaps=self._gaps,
            measurements=self._measurements,
            losses_of_link=tuple(self._losses),
            largest_notification=self._largest,
            jitter_p50_ms=jitter.p50_ms,
            jitter_p95_ms=jitter.p95_ms,
            jitter_max_ms=jitter.max_ms,
            span_mv=self._span_mv(),
            clock_steps=self._clock_steps,
            notes=tuple(self._notes),
        )

    def _device(self, wearable: Wearable | None) -> Found | None:
        """Which of the devices near it was, by its address, or by its name where nothing else is known."""
        if wearable is not None:
            return next((found for found in self.near if found.address == wearable.address), None)
        return next((found for found in self.near if found.name and found.name == self._name), None)

    def _jitter(self) -> Jitter:
        if not self._arrivals:
            return Jitter()
        samples, arrivals = zip(*self._arrivals, strict=True)
        late_s = np.array(arrivals) - self._clock.host_time_s(np.array(samples, np.int64))
        return Jitter(*np.percentile(1000 * np.maximum(late_s, 0.0), (50, 95, 100)).round(3).tolist())

    def _span_mv(self) -> float | None:
        if not self._recent:
            return None
        low, high = np.percentile(np.concatenate([block.samples for block in self._recent]), (1, 99))
        return float(high - low)


async def examine(
    name_or_address: str,
    seconds: float = 30.0,
    *,
    look_s: float = 5.0,
    on_event: Callable[[WearableEvent], None] | None = None,
    **options: Any,
) -> Checkup:
    """Scan, connect and listen for a while; what is wrong is in the result, not in an exception.

    Parameters
    ----------
    name_or_address : str
        As for :func:`~ecgedge_bridge.connect`.
    seconds : float
        How long to listen from the first data on.
    look_s : float
        How long to scan before, for the signal strength and for what else is near.
    on_event : callable, optional
        Called with everything that is no :class:`SampleBlock`, as it comes.
    **options
        Those of :func:`~ecgedge_bridge.connect`.

    Returns
    -------
    Checkup

    Raises
    ------
    LinkError
        If there is no Bluetooth adapter to look with.

    Examples
    --------
    ::

        checkup = await examine("Polar H10", seconds=60)
        for finding in findings(checkup):
            print(finding.text, finding.advice)
    """
    from ecgedge_bridge.link.bleak_radio import connect, scan
    from ecgedge_bridge.link.states import LinkTiming

    where = {key: options[key] for key in ("backend", "adapter") if key in options}
    extras = {*_EXTRAS, *options.pop("extras", ())}
    examination = Examination(name_or_address, await scan(look_s, **where))
    timing: LinkTiming = options.setdefault("timing", LinkTiming())
    clock = asyncio.get_running_loop().time

    def take(event: WearableEvent) -> None:
        examination.on_event(event, clock())
        if on_event is not None:
            on_event(event)

    wearable: Wearable | None = None
    began_s: float | None = None
    try:
        async with asyncio.timeout(None) as limit:

            def begin() -> None:
                nonlocal began_s
                began_s = clock()
                limit.reschedule(began_s + seconds)

            examination.on_first_data = begin
            link = connect(
                name_or_address,
                extras=extras,
                on_event=take,
                on_notification=examination.on_notification,
                **options,
            )
            async with link as wearable:
                # Twice: a link that sends no first frame is tried again once.
                limit.reschedule(clock() + 2 * timing.first_frame_s)
                async for block in wearable:
                    examination.on_block(block)
    except TimeoutError:
        if not limit.expired():
            examination.error = "the Bluetooth stack does not answer: restart it, or plug the adapter in anew"
            examination.error_code = LinkCode.NO_ANSWER
    except LinkError as error:
        examination.error, examination.error_code = str(error), error.code
    listened_s = 0.0 if began_s is None else clock() - began_s
    return examination.checkup(wearable, round(listened_s, 3))
