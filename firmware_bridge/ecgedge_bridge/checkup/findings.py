"""What a check of a wearable has measured, and what is to be made of it: pure, without a radio.

``measure.py`` measures; :func:`findings` turns that into plain sentences: what is wrong, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.protocols.polar.frames import MTU_NEEDED
from ecgedge_bridge.stream.decoder import DecoderStats

__all__ = ["Checkup", "Finding", "findings"]

Level = Literal["fault", "warning", "fine"]


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was measured. What could not be measured is None, empty or 0.

    Parameters
    ----------
    wanted : str
        What was asked for.
    name, address : str
        The device that was found.
    near : tuple of str
        Names of the devices that were seen in the scan.
    rssi_dbm : int or None
        Signal strength in the scan, in dBm.
    profile : str
        How the device was spoken to.
    information : dict of str to str
        What the Device Information service holds: manufacturer, model, firmware and so on.
    battery_percent : int or None
        Battery level.
    error : str
        Why the check ended early.
    error_code : LinkCode or None
        The same as a code.
    seconds : float
        How long data was listened to.
    first_frame_s : float or None
        From the start of the measurement to the first data.
    fs, fs_hat : float
        Nominal sampling rate, and the one measured against the host's clock, in Hz; 0 without ECG.
    drift_ppm : float or None
        How much the device's clock is fast (positive) or slow against the host's; None if it sends no time
        stamps, or was not heard for long enough.
    stats : DecoderStats
        Samples received and lost, frames dropped and why.
    gaps : int
        How many times samples were lost.
    measurements : int
        Heart rates and acceleration blocks received.
    losses_of_link : tuple of str
        Why the link was lost, each time.
    dropped : int
        Notifications that came faster than this host took them.
    largest_notification : int
        Length of the longest value received, in bytes.
    jitter_p50_ms, jitter_p95_ms, jitter_max_ms : float or None
        How much later than at best notifications arrived.
    span_mv : float or None
        Extent of the ECG: 1st to 99th percentile of the last 10 s.
    clock_steps : int
        How many times the device's clock stepped.
    notes : tuple of str
        What else was noted of the stream.
    """

    wanted: str
    name: str = ""
    address: str = ""
    near: tuple[str, ...] = ()
    rssi_dbm: int | None = None
    profile: str = ""
    information: dict[str, str] = field(default_factory=dict)
    battery_percent: int | None = None
    error: str = ""
    error_code: LinkCode | None = None
    seconds: float = 0.0
    first_frame_s: float | None = None
    fs: float = 0.0
    fs_hat: float = 0.0
    drift_ppm: float | None = None
    stats: DecoderStats = field(default_factory=DecoderStats)
    gaps: int = 0
    measurements: int = 0
    losses_of_link: tuple[str, ...] = ()
    dropped: int = 0
    largest_notification: int = 0
    jitter_p50_ms: float | None = None
    jitter_p95_ms: float | None = None
    jitter_max_ms: float | None = None
    span_mv: float | None = None
    clock_steps: int = 0
    notes: tuple[str, ...] = ()

    @property
    def lost_fraction(self) -> float:
        """Share of the samples that was lost."""
        return self.stats.lost / max(1, self.stats.lost + self.stats.samples)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-serialisable dictionary with the findings."""
        return {
            "type": "checkup",
            **asdict(self),
            "findings": [asdict(finding) for finding in findings(self)],
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: how bad, its name, what it is, and what to do about it."""

    level: Level
    code: str
    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class _Rule:
    level: Level
    code: str
    applies: Callable[[Checkup], bool]
    text: Callable[[Checkup], str]
    advice: str


_WET = "wet the electrodes, tighten the strap, and sit still"
_CLOSER = "bring the device and this host closer together, with no body or metal between them"
_QUIETER = (
    "close what keeps this host busy; a USB adapter on a cable away from USB 3 and Wi-Fi helps the radio"
)

# What has a rule of its own; every other error is "refused".
_NAMED = (LinkCode.MTU, LinkCode.NOT_FOUND)

# Limits with a source: the rate (Polar states 130 Hz within 2 %), the first frame (25 to 30 s were seen after
# a reconnection), jitter (250 ms is about half a frame of an H10). The others were chosen by hand, without
# measurements: 10 and 20 % of battery, -80 dBm, 1 % of lost samples, 0.05 and 10 mV around an ECG of some 1
# mV.
_RULES = (
    # Why there is no data.
    _Rule(
        "fault", "mtu_refused", lambda c: c.error_code == LinkCode.MTU,
        lambda c: "The device refuses to stream, because the connection's ATT MTU is too small for a frame.",
        f"let the Bluetooth stack exchange an MTU of {MTU_NEEDED} or more: BlueZ 5.48 or newer does; "
        "look for a setting that forbids it in /etc/bluetooth/main.conf",
    ),
    _Rule(
        "fault", "not_found", lambda c: c.error_code == LinkCode.NOT_FOUND,
        lambda c: f"{_error(c)} Seen were: {', '.join(c.near) or 'no named devices at all'}.",
        "put the device on (a strap advertises only on wet skin), end any phone app that holds it, "
        "and give its name or address as `ecgedge scan` shows it",
    ),
    _Rule(
        "fault", "refused", lambda c: bool(c.error) and c.error_code not in _NAMED,
        lambda c: f"The link failed: {_error(c)}",
        "do what the message advises, then check again",
    ),
    _Rule(
        "fault", "no_data", lambda c: not c.error and not _has_data(c),
        lambda c: f"The measurement was started, but no data came{_why(c)}.",
        f"{_WET}; if it stays so, take the device's battery out for a moment",
    ),
    # The device.
    _Rule(
        "fault", "battery_empty", lambda c: c.battery_percent is not None and c.battery_percent <= 10,
        lambda c: f"The battery is at {c.battery_percent} %: radio and clock get worse before it dies.",
        "put in a new battery, or charge the device",
    ),
    _Rule(
        "warning", "battery_low", lambda c: c.battery_percent is not None and 10 < c.battery_percent <= 20,
        lambda c: f"The battery is at {c.battery_percent} %.",
        "have a new battery ready, or charge the device before the next recording",
    ),
    _Rule(
        "warning", "slow_first_frame", lambda c: c.first_frame_s is not None and c.first_frame_s > 5,
        lambda c: f"The first data came {c.first_frame_s:.0f} s after the start.",
        "nothing, if it was connected to just before: an H10 takes up to 30 s then; else wet the electrodes",
    ),
    _Rule(
        "fault", "rate", lambda c: c.fs > 0 and c.fs_hat > 0 and abs(c.fs_hat / c.fs - 1) > 0.02,
        lambda c: f"The sampling rate is {c.fs_hat:.2f} Hz, more than 2 % off the {c.fs:g} Hz it should be.",
        "give the rate with fs= if the device can be set to another; else replace the device",
    ),
    _Rule(
        "warning", "drift", lambda c: c.drift_ppm is not None and abs(c.drift_ppm) > _drift_limit(c),
        lambda c: f"The device's clock is {_fast(c.drift_ppm)} by {abs(c.drift_ppm or 0):.0f} ppm.",
        "nothing for rhythm and heart rate; before you rely on times, check again with --seconds 600",
    ),
    _Rule(
        "warning", "clock_steps", lambda c: c.clock_steps > 0,
        lambda c: f"The device's clock stepped {_times(c.clock_steps)}.",
        "keep the device on the skin while it measures; how much was lost then is an estimate",
    ),
    _Rule(
        "warning", "flat", lambda c: c.span_mv is not None and c.span_mv < 0.05,
        lambda c: f"The ECG is flat: {c.span_mv:.3f} mV from top to bottom.",
        _WET,
    ),
    _Rule(
        "warning", "large", lambda c: c.span_mv is not None and c.span_mv > 10,
        lambda c: f"The ECG spans {c.span_mv:.0f} mV, many times that of a heart.",
        f"wait half a minute for the amplifier to settle; then {_WET}",
    ),
    # The radio.
    _Rule(
        "warning", "weak", lambda c: c.rssi_dbm is not None and c.rssi_dbm < -80,
        lambda c: f"The signal is weak: {c.rssi_dbm} dBm.",
        _CLOSER,
    ),
    _Rule(
        "fault", "link_lost", lambda c: bool(c.losses_of_link) and _has_data(c),
        lambda c: f"The link was lost {_times(len(c.losses_of_link))}{_why(c)}.",
        _CLOSER,
    ),
    _Rule(
        "fault", "loss", lambda c: c.lost_fraction > 0.01,
        lambda c: _lost(c),
        _CLOSER,
    ),
    _Rule(
        "warning", "some_loss", lambda c: 0 < c.lost_fraction <= 0.01,
        lambda c: _lost(c),
        f"nothing, if it is rare: gaps are marked in the events; else {_CLOSER}",
    ),
    _Rule(
        "fault", "frame_errors", lambda c: c.stats.frame_errors > 0,
        lambda c: f"{c.stats.frame_errors} frames could not be read.",
        "choose the profile that fits with profile=; if it is the right one, send us a capture "
        "(`ecgedge capture`) with the firmware version",
    ),
    _Rule(
        "warning", "late_frames", lambda c: c.stats.late > 0,
        lambda c: f"{c.stats.late} frames came after their successors and were dropped.",
        "update the Bluetooth stack; report it with a capture (`ecgedge capture`) if it stays so",
    ),
    _Rule(
        "warning", "duplicates", lambda c: c.stats.duplicates > 0,
        lambda c: f"{c.stats.duplicates} frames came twice: another program is subscribed to the device too.",
        "end the other program, if it is not meant to listen",
    ),
    _Rule(
        "warning", "notes", lambda c: bool(c.notes),
        lambda c: f"To be known of the stream: {'; '.join(c.notes)}.",
        "see there",
    ),
    # The host.
    _Rule(
        "fault", "dropped", lambda c: c.dropped > 0,
        lambda c: f"This host was too slow: {c.dropped} notifications were dropped.",
        _QUIETER,
    ),
    _Rule(
        "warning", "jitter", lambda c: c.jitter_p95_ms is not None and c.jitter_p95_ms > 250,
        lambda c: f"Data comes in bursts: one notification in 20 is {c.jitter_p95_ms:.0f} ms late or more.",
        _QUIETER,
    ),
)  # fmt: skip


def findings(checkup: Checkup) -> tuple[Finding, ...]:
    """Return what is wrong with a wearable, its link or this host, the worst first.

    Parameters
    ----------
    checkup : Checkup
        What was measured.

    Returns
    -------
    tuple of Finding
        Never empty: what has nothing wrong with it is ``fine``.

    Examples
    --------
    >>> from ecgedge_bridge.stream.decoder import DecoderStats
    >>> (found,) = findings(Checkup("H10", battery_percent=7, stats=DecoderStats(samples=1300)))
    >>> found.level, found.code
    ('fault', 'battery_empty')
    """
    found = [
        Finding(rule.level, rule.code, rule.text(checkup), rule.advice)
        for rule in _RULES
        if rule.applies(checkup)
    ]
    found.sort(key=lambda finding: finding.level != "fault")
    if not found:
        found = [
            Finding("fine", "fine", "Nothing is wrong with the device, the link or this host.", "measure")
        ]
    return tuple(found)


def _drift_limit(checkup: Checkup) -> float:
    """In a short check arrival times alone make a drift: some 10 ms over its length."""
    return 200.0 + 10_000.0 / max(checkup.seconds, 1.0)


def _has_data(checkup: Checkup) -> bool:
    return checkup.stats.samples > 0 or checkup.measurements > 0


def _error(checkup: Checkup) -> str:
    return checkup.error[:1].upper() + checkup.error[1:].rstrip(".") + "."


def _why(checkup: Checkup) -> str:
    reasons = dict.fromkeys(checkup.losses_of_link)
    return f" ({'; '.join(reasons)})" if reasons else ""


def _lost(checkup: Checkup) -> str:
    stats = checkup.stats
    share = 100 * checkup.lost_fraction
    return f"{stats.lost} samples were lost in {checkup.gaps or 'some'} gaps: {share:.2g} % of all."


def _fast(drift_ppm: float | None) -> str:
    return "fast" if (drift_ppm or 0) > 0 else "slow"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
