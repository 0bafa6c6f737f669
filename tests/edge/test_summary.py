"""What a stream came to: counted by hand, and the same from Python, from events and from the command line."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from made_events import FS, beats, rhythm, verdicts

import ecgedge
from ecgedge import Beat, Gap, Quality, Summarizer
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.sinks.ending import summary_lines
from ecgedge.stretches import AcceptedBeats, RecentRate


def summed(events):
    summarizer = Summarizer()
    summarizer.take(events)
    return summarizer.summary()


@pytest.mark.parametrize(
    ("symbols", "beats_v", "couplets", "runs", "longest"),
    [
        ("NNNVNNN", 1, 0, 0, 0),
        ("NVVNVNN", 3, 1, 0, 0),
        ("NVVVNVV", 5, 1, 1, 3),
        ("VVVVVVV", 7, 0, 1, 7),
        ("NNSSNNN", 0, 0, 0, 0),
    ],
)
def test_ectopic_beats_couplets_and_runs(symbols, beats_v, couplets, runs, longest):
    found = summed([*beats(symbols), *verdicts([True])]).ventricular
    assert (found.beats, found.couplets, found.runs, found.longest_run) == (beats_v, couplets, runs, longest)
    assert found.per_hour == pytest.approx(360 * beats_v)


@pytest.mark.parametrize(
    ("af", "counted"), [((False, False, False), 6), ((False, True, False), 4), ((True, True, None), 2)]
)
def test_supraventricular_beats_count_outside_of_af(af, counted):
    symbols = ("NNNSSNNNNNNNN" * 4)[:37]  # two in each ten seconds, at 75 a minute
    events = [*beats(symbols), *verdicts([True] * 3)]
    for i, is_af in enumerate(af):
        events.append(rhythm(max(0, 10 * i - 20), 10 * (i + 1), "A" if is_af else "O", is_af))
    found = summed(events)
    assert found.supraventricular.beats == counted
    assert found.supraventricular.couplets == counted / 2
    assert found.supraventricular.per_hour == pytest.approx(360 * counted / (3 - af.count(True)))
    assert found.beats == 37


def test_summary_does_not_depend_on_how_events_are_handed_over():
    mv = synthesize([Segment("af", 60.0, 90.0), Segment("sinus", 60.0, 70.0)], 130.0, 3).mv
    monitor = ecgedge.Monitor(fs=130.0)
    events = [*monitor.feed(mv), *monitor.finish()]
    each = Summarizer()
    for event in events:
        each.take([event])
    assert each.summary() == summed(events)


def test_asking_in_between_changes_nothing():
    asked, silent = Summarizer(), Summarizer()
    for event in [*beats("NVVVNVVNNNNNVN"), *verdicts([True, True])]:
        for each in (asked, silent):
            each.take([event])
        asked.summary()
    assert asked.summary() == silent.summary()


def test_refused_signal_and_gaps_count_for_nothing():
    inside = beats("NNNNNNNNNNNN" + "VVVVVVVVVVVVV" + "NNNNNNNNNNNN")
    found = summed([*inside, *verdicts([True, False, True])])
    assert found.usable == pytest.approx(2 / 3)
    assert found.ventricular.beats < 2
    assert found.heart_rate_bpm == pytest.approx(75)
    gap = Gap(1000, 10.0, 60_000, 600.0, 59_000)
    apart = summed([*beats("NNNNNNNNNNNN"), *verdicts([True]), gap])
    assert (apart.lost, apart.pauses) == (59_000, 0)


def test_pauses_and_the_longest_interval():
    slow = [Beat(round(at * FS), at, None, "N") for at in (0.5, 1.5, 2.5, 5.0, 6.0, 9.1)]
    found = summed([*slow, *verdicts([True])])
    assert found.pauses == 2
    assert found.longest_rr_ms == pytest.approx(3100)


@pytest.mark.parametrize(
    ("windows", "af", "burden", "longest_s"),
    [
        ([(0, 30, None)], None, None, 0.0),
        ([(0, 30, False), (10, 40, False)], False, 0.0, 0.0),
        ([(0, 30, False), (10, 40, True), (20, 50, True), (30, 60, False)], True, 1 / 3, 20.0),
        ([(0, 30, True), (10, 40, None), (20, 50, True)], True, 1.0, 30.0),
    ],
)
def test_af_in_time(windows, af, burden, longest_s):
    found = summed([rhythm(a, b, "A" if is_af else "N", is_af) for a, b, is_af in windows])
    assert found.af is af
    assert found.af_burden == (None if burden is None else pytest.approx(burden))
    assert found.longest_af_s == pytest.approx(longest_s)


def test_an_empty_stream_has_a_summary_without_figures():
    found = Summarizer().summary()
    assert (found.heart_rate_bpm, found.usable, found.af, found.beats, found.rhythms) == (
        None,
        None,
        None,
        0,
        {},
    )
    assert any("cannot tell" in line for line in summary_lines(found))


def test_a_made_recording():
    mv = synthesize(
        [Segment("sinus", 90.0, 66.0), Segment("af", 90.0, 100.0), Segment("pvc", 60.0, 70.0)], 130.0, 4
    ).mv
    found = ecgedge.summarize(mv, 130.0)
    assert found.end_sample == len(mv)
    assert found.heart_rate_bpm == pytest.approx(80, abs=6)
    assert found.af is True
    assert 0.2 < found.af_burden < 0.6
    assert found.ventricular.beats > 5
    said = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert said["type"] == "summary"
    assert said["ventricular"]["beats"] == found.ventricular.beats
    assert asdict(found)["beats"] == found.beats


def test_memory_does_not_grow():
    accepted = AcceptedBeats()
    for i in range(3000):
        list(accepted.take(beats("NNNNNNNNNNNN", 10.0 * i)))
        list(accepted.take([Quality(1000 * i, 10.0 * i, 1000 * i + 1000, 10.0 * i + 10, i % 3 > 0, 0.9)]))
    assert len(accepted._waiting) < 20
    assert len(accepted._verdicts) < 5


def test_the_rate_of_the_last_beats():
    rate = RecentRate()
    rate.take([*beats("N" * 25, rr_s=1.0), *beats("N" * 40, 25.0, 0.5), *verdicts([True] * 5)])
    assert rate.bpm(45.0) == pytest.approx(120)
    assert rate.bpm(100.0) is None
    refused = RecentRate()
    refused.take([*beats("N" * 25), *verdicts([False, False])])
    assert refused.bpm(20.0) is None


def test_every_mv_of_a_recording_counts_once(tmp_path):
    path = tmp_path / "ecg.csv"
    mv = synthesize([Segment("sinus", 70.0, 66.0)], 130.0, seed=1).mv
    rows = "\n".join(f"{v:.4f}" for v in mv[: 130 * 60])
    path.write_text(f"ecg_mV\n{rows}\n")
    recording = ecgedge.load(path, fs=130.0)
    assert ecgedge.summarize(recording) == ecgedge.summarize(np.asarray(recording.mv), recording.fs)
