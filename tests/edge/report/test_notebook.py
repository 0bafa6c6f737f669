"""What a notebook shows of a recording and of results."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.report.notebook import html

ECG = synthesize([Segment("pvc", 60.0, 70.0)], 130.0, seed=2)


def table(shown: str) -> dict[str, str]:
    tree = ET.fromstring(f"<div>{shown}</div>")
    return {row[0].text or "": row[1].text or "" for row in tree.iter("tr")}


def test_a_recording_is_ten_seconds_of_paper_and_what_it_is() -> None:
    mv = ECG.mv.copy()
    mv[:650] = np.nan  # five seconds
    recording = ecgedge.Recording(mv, 130.0, start=datetime(2026, 11, 29, 8), channel="<b>lead I")
    shown = recording._repr_html_()
    assert shown.count("<svg") == 2
    assert "08:00:06" in shown  # it begins where there is signal
    assert table(shown)["length"] == "1:00 at 130 Hz"
    assert table(shown)["missing"] == "650 samples"
    assert "<b>" not in shown


def test_a_recording_of_nothing_is_shown() -> None:
    shown = ecgedge.Recording(np.full(100, np.nan, np.float32), 100.0)._repr_html_()
    assert "no signal" in shown


def test_results_are_tables_of_their_values() -> None:
    found = ecgedge.classify(ECG.mv, 130.0)
    rows = table(found._repr_html_())
    assert rows["rhythm"].startswith(f"{found.label}: ")
    assert rows["heart rate"] == f"{found.heart_rate_bpm:.0f}/min"
    summary = ecgedge.summarize(ECG.mv, 130.0)
    rows = table(summary._repr_html_())
    assert rows["ventricular ectopic beats"] == str(summary.ventricular.beats)
    assert rows["beats"] == str(summary.beats)
    assert rows["length"] == "1:00"
    beats = ecgedge.classify_beats(ECG.mv, 130.0)
    rows = table(beats._repr_html_())
    assert rows["V: ventricular"] == str((beats.symbol == "V").sum()) != "0"
    assert sum(map(int, rows.values())) == len(beats.sample)
    noise = ecgedge.classify(np.zeros(3000), 100)
    assert table(noise._repr_html_())["rhythm"] == "~: too noisy to say, no signal"
    assert table(noise._repr_html_())["heart rate"] == "cannot be told"


def test_what_nobody_has_a_form_for_is_refused() -> None:
    with pytest.raises(TypeError, match="int has no form"):
        html(3)


def test_values_do_not_load_the_drawing() -> None:
    code = (
        "import sys, ecgedge, numpy\n"
        "found = ecgedge.classify(numpy.zeros(3000), 100)\n"
        "assert not [m for m in sys.modules if m.startswith('ecgedge.report')]\n"
        "assert '<table>' in found._repr_html_()\n"
        "assert 'IPython' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
