"""Events in words, for people who read a terminal."""

from __future__ import annotations

from ecgedge.events import (
    Battery,
    Event,
    FrameLost,
    Gap,
    Hrv,
    Intervals,
    LinkState,
    Mark,
    Note,
    Quality,
    Rhythm,
)
from ecgedge.sinks.plain import plain
from ecgedge.sinks.sink import Item

__all__ = [
    "OTHER_EXPLAINED",
    "RHYTHMS",
    "STATES",
    "clock",
    "describe",
    "name",
    "reasons",
    "shown_at_s",
    "verdict",
]

# Labels are those of the PhysioNet/CinC Challenge 2017, which the rhythm model was trained on.
# In them O covers all that is neither normal sinus rhythm nor AF: ectopic beats, flutter, block, and also
# sinus rhythm below 50 or from 100 a minute, which the events' ``sinus`` and ``rate`` tell apart.
RHYTHMS = {"N": "sinus rhythm", "A": "atrial fibrillation", "O": "another rhythm", "~": "too noisy to say"}
# What the label O covers: in short, and for a summary. In the training data it is all that cardiologists
# called neither normal, nor AF, nor noise.
_OTHER = "another rhythm, neither normal sinus nor AF"
OTHER_EXPLAINED = (
    "Another rhythm is what is neither normal sinus rhythm nor AF: extra beats, blocks,",
    "other arrhythmias; often also sinus rhythm that is slow or fast. Atrial flutter is",
    "not told apart: it may be called either.",
)
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
# Of a gap, why.
_MISSING = {"not_finite": "that are no numbers", "interrupted": "while nothing was recorded"}

_CLOSE_S = 0.05  # the end of a window lies on the model's grid, up to 4 samples before that of the signal


def clock(time_s: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``; a window that ends a few samples before a second ends at it."""
    minutes, seconds = divmod(int(time_s + _CLOSE_S), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def shown_at_s(event: Event) -> float:
    """Time in seconds to show an event at: a verdict on a window comes at its end."""
    return event.end_time_s if isinstance(event, Rhythm | Quality | Hrv | Intervals) else event.time_s


def describe(item: Item) -> str | None:
    """Put an event into one line that is safe to show; None for blocks, beats and windows that are fine."""
    words = _described(item)
    return None if words is None else plain(words)


def name(label: str) -> str:
    """Return what a rhythm label means."""
    return RHYTHMS.get(label, label)


def verdict(event: Rhythm) -> str:
    """Return a rhythm and its rate in few words."""
    rhythm = RHYTHMS["N"] if event.sinus else name(event.label)
    return f"{rhythm}, {event.rate}" if event.rate else rhythm


def reasons(event: Quality) -> str:
    """Return what speaks against a window, in words."""
    return ", ".join(event.reasons).replace("_", " ") or "score below the threshold"


def _described(item: Item) -> str | None:
    match item:
        case Rhythm():
            return _rhythm(item)
        case Quality(accepted=False):
            return f"too noisy ({reasons(item)}), no model run"
        case Hrv():
            minutes = (item.end_time_s - item.time_s) / 60
            values = {"RMSSD": item.rmssd_ms, "SDNN": item.sdnn_ms}
            parts = [f"{name} {ms:.0f} ms" for name, ms in values.items() if ms is not None]
            return f"HRV over {minutes:.1f} min: {', '.join([*parts, f'{item.usable:.0%} usable'])}"
        case Intervals():
            return _intervals(item)
        case Gap():
            seconds = item.end_time_s - item.time_s
            return f"gap of {item.lost} samples {_MISSING.get(item.reason, 'lost')} ({seconds:.1f} s)"
        case LinkState():
            return _link(item)
        case Note():
            return item.detail or item.code.sentence
        case FrameLost():
            return f"a frame could not be read: {item.detail or item.code.sentence}"
        case Battery():
            return f"battery {item.percent} %"
        case Mark():
            return f"marked: {item.text}" if item.text else "marked"
        case _:
            return None


def _rhythm(event: Rhythm) -> str:
    label = _OTHER if event.label == "O" and not event.sinus else name(event.label)
    label = RHYTHMS["N"] if event.sinus else label
    if event.rate and event.heart_rate_bpm is not None:
        label = f"{label}, {event.rate} {event.heart_rate_bpm:.0f}/min"
    alone = name(event.window_label)
    probability = event.probabilities.get(event.window_label, 0.0)
    if not event.conclusive:
        return f"{label}; this window alone is not conclusive"
    if event.window_label != event.label:
        return f"{label}; this window alone: {alone} ({probability:.2f})"
    # Of sinus rhythm at such a rate the model has only said that it is no normal one.
    return label if event.sinus and event.rate else f"{label} ({probability:.2f})"


def _intervals(event: Intervals) -> str:
    """Medians of a minute; what most beats do not agree on is left out."""
    values = {
        "PR": (event.pr_ms, event.pr_beats),
        "QRS": (event.qrs_ms, event.qrs_beats),
        "QT": (event.qt_ms, event.qt_beats),
    }
    parts = [f"{name} {ms:.0f} ms ({beats})" for name, (ms, beats) in values.items() if ms is not None]
    if event.qtc_fridericia_ms is not None:
        parts.append(f"QTc {event.qtc_fridericia_ms:.0f} ms (Fridericia)")
    return f"{', '.join(parts) or 'no intervals that agree'}; {event.beats} beats"


def _link(event: LinkState) -> str:
    if event.state == "scanning" and event.detail:
        return event.detail
    words = STATES.get(event.state, event.state)
    why = f": {event.detail}" if event.detail else ""
    return f"{words}{why}" + (f"; next try in {event.retry_s:.1f} s" if event.retry_s is not None else "")
