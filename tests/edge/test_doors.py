"""What strangers do with the package: append, share, copy, print."""

import copy
import pickle
import threading
from dataclasses import asdict

import numpy as np
import pytest

import ecgedge
from ecgedge import Beat, ConfigError, Gap, Models, Monitor, SampleBlock
from ecgedge.demo.synthetic import Segment, synthesize


@pytest.fixture(scope="module")
def models():
    return Models.load()


@pytest.fixture(scope="module")
def mv():
    return synthesize([Segment("sinus", 40.0, 70.0)], 130.0, seed=1).mv


def said(events):
    return [e.to_json() for e in events]


def whole(models, mv):
    monitor = Monitor(models)
    return said(monitor.feed(SampleBlock(mv, 130.0, 0)) + monitor.finish())


@pytest.mark.parametrize("n", [1, 13, 73, 130, 4000])
@pytest.mark.parametrize("how", ["block", "array", "list"])
def test_blocks_and_arrays_without_a_place_are_appended(models, mv, n, how):
    monitor, events = Monitor(models, fs=130.0), []
    short = mv[: 130 * 12] if n == 1 else mv
    for at in range(0, len(short), n):
        part = short[at : at + n]
        made = {
            "block": lambda p: SampleBlock(p, fs=130.0),
            "array": lambda p: p,
            "list": lambda p: p.tolist(),
        }
        events += monitor.feed(made[how](part))
    assert said(events + monitor.finish()) == whole(models, short)


def test_appending_goes_on_after_a_gap_and_after_finish(models, mv):
    monitor = Monitor(models)
    monitor.feed(SampleBlock(mv[:1000], 130.0, 0))
    monitor.feed(SampleBlock(mv[1500:2000], 130.0, 1500))
    events = monitor.feed(SampleBlock(mv[2000:], 130.0)) + monitor.finish()
    beats = [e.sample for e in events if isinstance(e, Beat)]
    assert not any(isinstance(e, Gap) for e in events)
    assert max(beats) > 2000
    later = monitor.feed(SampleBlock(mv, 130.0)) + monitor.finish()
    assert min(e.sample for e in later if isinstance(e, Beat)) > len(mv)


def test_an_empty_block_with_an_old_index_does_not_rewind(models, mv):
    monitor = Monitor(models)
    events = monitor.feed(SampleBlock(mv[:3000], 130.0, 0))
    events += monitor.feed(SampleBlock(mv[:0], 130.0, 5))
    events += monitor.feed(SampleBlock(mv[3000:], 130.0, 3000)) + monitor.finish()
    assert said(events) == whole(models, mv)
    assert monitor.stats.lost == 0


def test_an_array_without_a_rate_says_where_to_give_it(models):
    with pytest.raises(ConfigError, match="Monitor\\(fs=130"):
        Monitor(models).feed(np.zeros(10))


def test_numbers_of_numpy_are_numbers(models, mv):
    monitor = Monitor(models)
    events = monitor.feed(SampleBlock(mv, np.float32(130.0), np.int64(7))) + monitor.finish()
    assert all(type(e.sample) is int for e in events)
    with pytest.raises(TypeError):
        SampleBlock(mv, 130.0, 1.5)


def test_helpers_take_a_recording(tmp_path, mv):
    path = tmp_path / "ecg.csv"
    rows = [f"{v:.5f}" for v in mv]
    rows[1000:1200] = ["nan"] * 200
    path.write_text("ecg_mV\n" + "\n".join(rows) + "\n")
    r = ecgedge.load(path, fs=130.0)
    assert np.isnan(r.mv).sum() == 200
    assert ecgedge.classify(r) == ecgedge.classify(r.mv, r.fs) == ecgedge.classify(r, r.fs)
    assert ecgedge.detect_beats(r).tolist() == ecgedge.detect_beats(r.mv, 130.0).tolist()
    assert ecgedge.classify_beats(r).sample.tolist() == ecgedge.classify_beats(r.mv, 130.0).sample.tolist()
    assert ecgedge.assess_quality(r) == ecgedge.assess_quality(r.mv, 130.0)
    assert ecgedge.summarize(r).lost == 200
    with pytest.raises(ValueError, match="leave fs out"):
        ecgedge.classify(r, 250.0)
    with pytest.raises(ValueError, match="give fs"):
        ecgedge.classify(r.mv)


@pytest.mark.parametrize("do", [pickle.dumps, copy.copy, copy.deepcopy])
def test_what_cannot_be_copied_says_what_to_do(models, do):
    with pytest.raises(TypeError, match=r"make (one there|another one)"):
        do(Monitor(models))
    with pytest.raises(TypeError, match=r"Models\.load"):
        do(models.rhythm)


def test_events_can_be_pickled_and_turned_into_dictionaries(models, mv):
    monitor = Monitor(models)
    for event in monitor.feed(SampleBlock(mv, 130.0)) + monitor.finish():
        assert pickle.loads(pickle.dumps(event)) == event
        assert event.to_json() == {"type": type(event).__name__.lower(), **asdict(event)}


def test_threads_share_models_and_not_a_monitor(models, mv):
    expected, found = whole(models, mv), []
    threads = [threading.Thread(target=lambda: found.append(whole(models, mv))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
    monitor = Monitor(models, timer=lambda: (monitor.feed(np.zeros(1)), 0.0)[1], fs=130.0)
    with pytest.raises(RuntimeError, match="one thread"):
        monitor.feed(SampleBlock(mv, 130.0))


def test_a_repr_is_short(mv):
    assert (
        repr(SampleBlock(mv, 130.0, 7, device="H10"))
        == f"SampleBlock({len(mv)} samples at 130 Hz, sample=7, device='H10')"
    )
    assert repr(SampleBlock(mv, 130.0)) == f"SampleBlock({len(mv)} samples at 130 Hz, sample=None)"


def test_a_script_has_nothing_on_stderr_and_keeps_what_is_written_meanwhile(program):
    done = program(
        "import os, numpy as np, ecgedge\n"
        "from ecgedge.artefacts.backends.quiet import without_idle_talk\n"
        "ecgedge.classify(np.random.default_rng(0).normal(size=6000), 130)\n"
        "with without_idle_talk():\n"
        "    os.write(2, b'INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\\nERROR: kept\\n')\n"
    ).run()
    assert done.returncode == 0, done.stderr
    assert done.stderr == "ERROR: kept\n"
