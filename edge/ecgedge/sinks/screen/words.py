"""Events in words, for people who read a terminal."""

from __future__ import annotations

from ecgedge.events import Battery, Event, FrameLost, Gap, Hrv, LinkState, Note, Quality, Rhythm

__all__ = ["RHYTHMS", "STATES", "clock", "describe"]

RHYTHMS = {"N": "sinus rhythm", "A": "atrial fibrillation", "O": "another rhythm", "~": "too noisy to say"}
STATES = {
    "scanning": "looking for the wearable",
    "connecting": "connecting",
    "setting_up": "setting up",
    "waiting": "waiting for the first samples",
    "streaming": "streaming",
    "backing_off": "connection lost",
    "stopped": "stopped",
}


def clock(time_s: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def describe(event: Event) -> str | None:
    """Say an event in one line; None for what is too frequent to be said: beats, windows that are fine."""
    match event:
        case Rhythm():
            return _rhythm(event)
        case Quality(accepted=False):
            return f"rejected as noise ({_words(event.reasons)}), no model run"
        case Hrv():
            return _hrv(event)
        case Gap():
            seconds = event.end_time_s - event.time_s
            why = "lost" if event.reason == "lost" else "that are no numbers"
            return f"gap of {event.lost} samples {why} ({seconds:.1f} s)"
        case LinkState():
            return _link(event)
        case Note():
            return event.detail or event.code.sentence
        case FrameLost():
            return f"a frame could not be read: {event.detail or event.code.sentence}"
        case Battery():
            return f"battery {event.percent} %"
        case _:
            return None


def _rhythm(event: Rhythm) -> str:
    sure = event.probabilities.get(event.window_label, 0.0)
    said = RHYTHMS.get(event.label, event.label)
    if not event.conclusive:
        return f"{said}; this window alone is not conclusive"
    if event.window_label != event.label:
        return (
            f"{said}; this window alone: {RHYTHMS.get(event.window_label, event.window_label)} ({sure:.2f})"
        )
    return f"{said} ({sure:.2f})"


def _hrv(event: Hrv) -> str:
    minutes = (event.end_time_s - event.time_s) / 60
    values = [("RMSSD", event.rmssd_ms), ("SDNN", event.sdnn_ms)]
    said = [f"{name} {ms:.0f} ms" for name, ms in values if ms is not None]
    return f"HRV over {minutes:.1f} min: {', '.join([*said, f'{event.usable:.0%} usable'])}"


def _link(event: LinkState) -> str:
    if event.state == "scanning" and event.detail:
        return event.detail
    words = STATES.get(event.state, event.state)
    why = f": {event.detail}" if event.detail else ""
    return f"{words}{why}" + (f"; next try in {event.retry_s:.1f} s" if event.retry_s is not None else "")


def _words(reasons: tuple[str, ...]) -> str:
    return ", ".join(reason.replace("_", " ") for reason in reasons) or "score below the threshold"
