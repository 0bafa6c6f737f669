"""FHIR bundles as saved, through the eyes of fhir.resources and of our own reader."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources.R4B.bundle import Bundle

import ecgedge
from ecgedge.events import Beat, Hrv, Mark, Quality, Rhythm
from ecgedge.sinks.about import About
from ecgedge.sinks.registry import open_saver
from ecgedge.summary import Summarizer
from ecgedge_bridge.values import SampleBlock

FS = 130.0
START = datetime(2026, 11, 28, 22, 30, 5)


def signal(seconds: int) -> list[SampleBlock]:
    uv = np.rint(np.random.default_rng(0).normal(size=seconds * 130) * 400)
    mv = (uv / 1000).astype(np.float32)
    return [SampleBlock(mv[at : at + 130], FS, at) for at in range(0, len(mv), 130)]


def events(seconds: int) -> list[Any]:
    made: list[Any] = [Beat(i * 104 + 50, i * 0.8, 800.0, "V" if i % 9 == 0 else "N") for i in range(seconds)]
    for at in range(0, seconds, 10):
        label = "A" if 100 <= at < 200 else "N"
        place = (at * 130, float(at), at * 130 + 1300, at + 10.0)
        made.append(Quality(*place, True, 0.9, morphology=True))
        made.append(
            Rhythm(*place, label, label, {label: 0.9}, True, False, af=label == "A", heart_rate_bpm=75)
        )
    return [*made, Mark(250 * 130, 250.0, "palpitations\x00 ♥"), Mark(5, 5 / FS)]


def saved(path: Path, items: list[Any], **about: Any) -> Bundle:
    sink = open_saver(str(path), about=About(**about))
    sink.take(items)
    sink.close()
    text = path.read_text("utf-8")
    bundle = Bundle.model_validate_json(text)
    assert json.loads(bundle.model_dump_json()).keys() == json.loads(text).keys()
    return bundle


def test_a_bundle_is_valid_preliminary_and_names_nobody(tmp_path: Path) -> None:
    found = events(300)
    bundle = saved(tmp_path / "a.fhir.json", [*signal(300), *found], start=START, channel="I")
    device, *rest = [entry.resource for entry in bundle.entry]
    assert "Not a medical device" in device.note[0].text
    assert device.version[0].value == ecgedge.__version__
    url = bundle.entry[0].fullUrl
    for one in rest:
        assert (one.status, one.device.reference, one.subject, one.performer) == (
            "preliminary",
            url,
            None,
            None,
        )
        assert (one.effectivePeriod or one.effectiveDateTime) is not None
    summarizer = Summarizer()
    summarizer.take(found)
    summary = summarizer.summary()
    values = {one.code.text: one.valueQuantity.value for one in rest if one.valueQuantity}
    assert float(values["Heart rate, mean"]) == pytest.approx(summary.heart_rate_bpm, abs=1e-3)
    assert float(values["Ventricular ectopic beats"]) == summary.ventricular.beats > 0
    burden = values["Share of the time that could be told in atrial fibrillation"]
    assert float(burden) == pytest.approx(100 * summary.af_burden, abs=1e-3)  # type: ignore[operator]
    codes = {c.code for one in rest for c in one.code.coding or ()}
    assert codes == {"8867-4", "8884-9", "131328"}
    marks = {one.valueString for one in rest if one.valueString}
    assert marks == {r"palpitations\x00 ♥", "mark"}


def test_strips_show_the_start_onsets_and_marks_to_the_sample(tmp_path: Path) -> None:
    blocks = signal(300)
    blocks[2].samples[4:9] = np.nan
    bundle = saved(tmp_path / "a.fhir.json", [*blocks, *events(300)], start=START, channel="I", strip_s=15.0)
    strips = [e.resource for e in bundle.entry if "valueSampledData" in e.resource.model_dump_json()]
    begins = [(s.effectivePeriod.start.replace(tzinfo=None) - START).total_seconds() for s in strips]
    assert begins == [0.0, pytest.approx(100, abs=8), pytest.approx(200, abs=8), pytest.approx(245, abs=0.01)]
    assert strips[0].component[0].code.coding[0].code == "131329"
    data = strips[0].component[0].valueSampledData
    assert (data.origin.code, float(data.factor), float(data.period)) == ("uV", 1.0, pytest.approx(1000 / FS))
    mv = np.concatenate([b.samples for b in blocks])[: 15 * 130]
    words = data.data.split()
    assert [word == "E" for word in words] == np.isnan(mv).tolist()
    ours = ecgedge.load(tmp_path / "a.fhir.json")
    np.testing.assert_array_equal(ours.mv, mv)
    assert ours.channel == "I"
    assert ours.start is not None
    assert ours.start.replace(tzinfo=None) == START


def test_without_a_start_places_are_notes_and_the_strip_may_be_the_whole(tmp_path: Path) -> None:
    blocks = signal(40)
    bundle = saved(tmp_path / "a.fhir.json", [*blocks, *events(40)], strip_s=3600.0, channel="chest ♥")
    strip = bundle.entry[-1].resource
    assert strip.effectivePeriod is None
    assert strip.note[0].text == "0.000 s to 40.000 s since the start of the recording"
    assert strip.component[0].code.coding[0].code == "131328"
    np.testing.assert_array_equal(
        ecgedge.load(tmp_path / "a.fhir.json").mv, np.concatenate([b.samples for b in blocks])
    )


def test_the_signal_alone_and_the_findings_alone(tmp_path: Path) -> None:
    items = [*signal(60), *events(60)]
    alone = saved(tmp_path / "a.fhir.json", items, events=frozenset())
    assert len(alone.entry) == 2
    findings = saved(tmp_path / "b.fhir.json", items, strip_s=0.0)
    assert "131328" not in findings.model_dump_json()


def test_strips_are_bounded(tmp_path: Path) -> None:
    marks = [Mark(i * 650, i * 5.0, str(i)) for i in range(120)]
    bundle = saved(tmp_path / "a.fhir.json", [*signal(600), *marks], strip_s=4.0)
    strips = [e for e in bundle.entry if "valueSampledData" in e.resource.model_dump_json()]
    assert len(strips) == 20


def test_hrv_is_in_it(tmp_path: Path) -> None:
    hrv = dict.fromkeys(Hrv.__dataclass_fields__, None) | {
        "sample": 0, "time_s": 0.0, "end_sample": 7800, "end_time_s": 60.0, "n_rr": 70, "n_nn": 70,
        "usable": 1.0, "rmssd_ms": 31.5, "sdnn_ms": 52.25,
    }  # fmt: skip
    bundle = saved(tmp_path / "a.fhir.json", [*signal(60), *events(60), Hrv(**hrv)])  # type: ignore[arg-type]
    values = {e.resource.code.text: e.resource.valueQuantity for e in bundle.entry[1:]}
    (sdnn,) = [value for text, value in values.items() if text.startswith("SDNN")]
    assert (float(sdnn.value), sdnn.code) == (52.25, "ms")
