"""A FHIR R4 bundle: what a recording came to, and strips of its ECG."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, get_args

import numpy as np

from ecgedge.events import Ectopy, Event, Mark, Summary
from ecgedge.recording.steps import Levels
from ecgedge.recording.wfdb.encode import scaling_for
from ecgedge.sinks.forms.fhir_codes import (
    CATEGORY,
    HEART_RATE,
    POTENTIAL,
    RHYTHM,
    lead,
    quantity,
    text_alone,
)
from ecgedge.sinks.forms.fresh import FreshFiles
from ecgedge.sinks.forms.labels import AF
from ecgedge.sinks.forms.whole import WholeFile
from ecgedge.sinks.plain import plain
from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import name
from ecgedge.summary import PAUSE_S, Summarizer

__all__ = ["FhirBundle"]

_MOST_STRIPS, _MOST_STRIPS_S = 20, 3600.0
_BEFORE = 1 / 3  # of a strip, that lies before what it shows
_MOST_MARKS = 500

Resource = dict[str, Any]


class FhirBundle(WholeFile):
    """A Bundle of the type ``collection``: a Device and Observations; for parameters see :class:`WholeFile`.

    All are preliminary, and nobody is named. Strips of ``about.strip_s`` seconds show the start of the
    recording, each onset of atrial fibrillation, each mark and other changes of rhythm: at most twenty, an
    hour in all.
    """

    def _check(self) -> None:
        self._summarizer = Summarizer()
        self._marks: list[Mark] = []
        self._any_event = False
        self._device = f"urn:uuid:{uuid.uuid4()}"

    def _label(self, item: Item) -> None:
        super()._label(item)
        if isinstance(item, get_args(Event)):
            self._any_event = True
            self._summarizer.take([item])
        if isinstance(item, Mark) and len(self._marks) < _MOST_MARKS:
            self._marks.append(item)

    def _write(self, files: FreshFiles) -> None:
        resources = [*self._observations(), *self._strips()]
        self._count = len(resources)
        entries = [{"fullUrl": self._device, "resource": _device()}]
        entries += [{"fullUrl": f"urn:uuid:{uuid.uuid4()}", "resource": one} for one in resources]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        with files.open(self.path) as file:
            file.write(json.dumps(bundle, indent=1, ensure_ascii=False, allow_nan=False).encode())

    def told(self) -> tuple[dict[str, object], str]:
        """Say how many observations there are, and how many of them are strips."""
        told: dict[str, object] = {"observations": self._count, "strips": self._n_strips}
        return told, f"{self._count} observations, {self._n_strips} of them strips of ECG"

    # --- what the recording came to ---

    def _observations(self) -> Iterator[Resource]:
        if not self._any_event:
            return
        summary = self._summarizer.summary()
        for code, value, parts in _findings(summary):
            found = self._observation(code, 0.0, self.spool.end / self.spool.fs) | value
            if parts:
                found["component"] = [{"code": text_alone(text), **part} for text, part in parts]
            yield found
        for mark in self._marks:
            made = self._observation(text_alone("Mark of the wearer"), mark.time_s, None)
            yield made | {"valueString": plain(mark.text).strip() or "mark"}

    def _observation(self, code: Resource, start_s: float, end_s: float | None) -> Resource:
        made: Resource = {
            "resourceType": "Observation", "status": "preliminary", "category": CATEGORY, "code": code,
            "device": {"reference": self._device},
        }  # fmt: skip
        if self.start is None:
            to = "" if end_s is None else f" to {end_s:.3f} s"
            made["note"] = [{"text": f"{start_s:.3f} s{to} since the start of the recording"}]
        elif end_s is None:
            made["effectiveDateTime"] = self._moment(start_s)
        else:
            made["effectivePeriod"] = {"start": self._moment(start_s), "end": self._moment(end_s)}
        return made

    def _moment(self, seconds: float) -> str:
        """A time with a zone, this machine's where it has none: FHIR takes no time of day without one."""
        assert self.start is not None
        return (self.start.astimezone() + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")

    # --- strips ---

    def _strips(self) -> Iterator[Resource]:
        self._n_strips = 0
        fs, length = self.spool.fs, round(self.about.strip_s * self.spool.fs)
        for first in self._firsts(length):
            mv = self.spool.between(first, min(first + length, self.spool.end))
            if not np.isfinite(mv).any():
                continue
            self._n_strips += 1
            made = self._observation(POTENTIAL, first / fs, (first + len(mv)) / fs)
            made["component"] = [{"code": lead(self._lead()), "valueSampledData": _sampled(mv, fs)}]
            yield made

    def _lead(self) -> str:
        return " ".join(plain(self.about.channel).split())[:32]

    def _firsts(self, length: int) -> list[int]:
        """First samples of strips, in order; the most telling ones where there is no room for all."""
        if not length:
            return []
        most = max(1, min(_MOST_STRIPS, int(_MOST_STRIPS_S / self.about.strip_s)))
        changes = [label for label in self.labels if label.symbol == "+"]
        wanted = [0, *(label.sample for label in changes if label.text == AF)]
        wanted += [mark.sample for mark in self._marks] + [label.sample for label in changes]
        chosen: list[int] = []
        for at in wanted:
            covered = any(first <= at < first + length for first in chosen)
            if not covered and len(chosen) < most:
                chosen.append(max(0, min(at - round(_BEFORE * length), self.spool.end - length)))
        return sorted(chosen)


def _sampled(mv: np.ndarray[Any, np.dtype[np.float32]], fs: float) -> Resource:
    """Whole numbers of the signal's own steps, in microvolts; E where samples are missing."""
    levels = Levels()
    levels.add(mv)
    scaling = scaling_for(levels)
    numbers = np.rint(np.nan_to_num(mv, posinf=0, neginf=0).astype(np.float64) * scaling.gain).astype(
        np.int64
    )
    known = np.isfinite(mv)
    words = [str(n) if ok else "E" for n, ok in zip(numbers.tolist(), known.tolist(), strict=True)]
    return {
        "origin": quantity(0, "uV"), "period": 1000 / fs, "factor": scaling.step_uv, "dimensions": 1,
        "data": " ".join(words),
    }  # fmt: skip


def _findings(summary: Summary) -> Iterator[tuple[Resource, Resource, list[tuple[str, Resource]]]]:
    """Code, value and parts of what a stream came to; what could not be told is left out."""
    if summary.heart_rate_bpm is not None:
        parts = {"Slowest minute": summary.slowest_bpm, "Fastest minute": summary.fastest_bpm}
        yield (
            HEART_RATE,
            _value(summary.heart_rate_bpm, "beats/minute", "/min"),
            [(text, _value(bpm, "beats/minute", "/min")) for text, bpm in parts.items() if bpm is not None],
        )
    if summary.rhythms:
        shares = sorted(summary.rhythms.items(), key=lambda one: -one[1])
        yield (
            RHYTHM,
            {"valueCodeableConcept": text_alone(name(shares[0][0]))},
            [(f"Share of the time: {name(label)}", _value(100 * share, "%")) for label, share in shares],
        )
    if summary.af_burden is not None:
        text = "Share of the time that could be told in atrial fibrillation"
        longest = ("Longest episode", _value(summary.longest_af_s, "s"))
        yield text_alone(text), _value(100 * summary.af_burden, "%"), [longest]
    if summary.beats:
        for kind, ectopy in (
            ("Ventricular", summary.ventricular), ("Supraventricular", summary.supraventricular)
        ):  # fmt: skip
            text = f"{kind} ectopic beats"
            yield text_alone(text), _value(ectopy.beats, "beats", "{beats}"), list(_ectopy(ectopy))
        longest_rr = summary.longest_rr_ms
        yield (
            text_alone(f"Pauses over {PAUSE_S:g} s"),
            _value(summary.pauses, "pauses", "{pauses}"),
            ([] if longest_rr is None else [("Longest RR interval", _value(longest_rr, "ms"))]),
        )
    for text, ms in (("RMSSD of NN intervals", summary.rmssd_ms), ("SDNN of NN intervals", summary.sdnn_ms)):
        if ms is not None:
            yield text_alone(f"{text}, mean of windows of five minutes"), _value(ms, "ms"), []
    if summary.usable is not None:
        text = "Share of the signal without too much noise"
        yield (
            text_alone(text),
            _value(100 * summary.usable, "%"),
            [("Missing samples", _value(summary.lost, "samples", "{samples}"))],
        )


def _ectopy(found: Ectopy) -> Iterator[tuple[str, Resource]]:
    if found.per_hour is not None:
        yield "Each hour", _value(found.per_hour, "beats/hour", "/h")
    yield "Couplets", _value(found.couplets, "couplets", "{couplets}")
    yield "Runs of three and more", _value(found.runs, "runs", "{runs}")
    if found.longest_run:
        yield "Longest run", _value(found.longest_run, "beats", "{beats}")


def _value(value: float, unit: str, code: str | None = None) -> Resource:
    return {"valueQuantity": quantity(value, unit, code)}


def _device() -> Resource:
    from ecgedge import __version__

    return {
        "resourceType": "Device",
        "status": "active",
        "deviceName": [{"name": "ecgedge", "type": "user-friendly-name"}],
        "type": text_alone("software that analyses a single-lead ECG"),
        "version": [{"type": text_alone("software"), "value": __version__}],
        "note": [{"text": "Not a medical device. What it found was not reviewed by anybody."}],
    }
