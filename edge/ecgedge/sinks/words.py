"""Events in words, for people who read a terminal."""

from __future__ import annotations

from ecgedge.events import Battery, Event, FrameLost, Gap, Hrv, LinkState, Note, Quality, Rhythm
from ecgedge.sinks.sink import Item

__all__ = ["RHYTHMS", "STATES", "clock", "describe", "shown_at_s"]

# Labels are those of the PhysioNet/CinC Challenge 2017, which the rhythm model was trained on.
RHYTHMS = {"N": "sinus rhythm", "A": "atrial fibrillation", "O": "another rhythm", "~": "too noisy to say"}
# Of a link, as a person has to know them.
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


def shown_at_s(event: Event) -> float:
    """Time in seconds to show an event at: a verdict on a window comes at its end."""
    return event.end_time_s if isinstance(event, Rhythm | Quality | Hrv) else event.time_s


def describe(item: Item) -> str | None:
    """Put an event into one line; None for what is too frequent: blocks, beats, windows that are fine."""
    match item:
        case Rhythm():
            return _rhythm(item)
        case Quality(accepted=False):
            why = ", ".join(item.reasons).replace("_", " ") or "score below the threshold"
            return f"rejected as noise ({why}), no model run"
        case Hrv():
            minutes = (item.end_time_s - item.time_s) / 60
            values = {"RMSSD": item.rmssd_ms, "SDNN": item.sdnn_ms}
            parts = [f"{name} {ms:.0f} ms" for name, ms in values.items() if ms is not None]
            return f"HRV over {minutes:.1f} min: {', '.join([*parts, f'{item.usable:.0%} usable'])}"
        case Gap():
            seconds = item.end_time_s - item.time_s
            why = "lost" if item.reason == "lost" else "that are no numbers"
            return f"gap of {item.lost} samples {why} ({seconds:.1f} s)"
        case LinkState():
            return _link(item)
        case Note():
            return item.detail or item.code.sentence
        case FrameLost():
            return f"a frame could not be read: {item.detail or item.code.sentence}"
        case Battery():
            return f"battery {item.percent} %"
        case _:
            return None


def _rhythm(event: Rhythm) -> str:
    label, alone = (RHYTHMS.get(name, name) for name in (event.label, event.window_label))
    probability = event.probabilities.get(event.window_label, 0.0)
    if not event.conclusive:
        return f"{label}; this window alone is not conclusive"
    if event.window_label != event.label:
        return f"{label}; this window alone: {alone} ({probability:.2f})"
    return f"{label} ({probability:.2f})"


def _link(event: LinkState) -> str:
    if event.state == "scanning" and event.detail:
        return event.detail
    words = STATES.get(event.state, event.state)
    why = f": {event.detail}" if event.detail else ""
    return f"{words}{why}" + (f"; next try in {event.retry_s:.1f} s" if event.retry_s is not None else "")
