"""Models as one value: shared, exchanged one by one, refused where they do not fit, asked for roles."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import ecgedge
from ecgedge import ConfigError, ModelError, Models, Monitor, SampleBlock
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.golden import load_golden
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.beats.net import BeatNet
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.gate.model import GateModel
from ecgedge.monitor import default_stages
from ecgedge.rhythm.model import RhythmModel
from ecgedge.stream.filters import FrontEnd


@pytest.fixture(scope="module")
def models():
    return Models.load()


@pytest.fixture(scope="module")
def fibrillating():
    return synthesize([Segment("af", 60)], fs=130, seed=5).mv


def events_of(monitor, mv):
    return monitor.feed(SampleBlock(mv, 130.0)) + monitor.finish()


def with_classes(models, classes, roles):
    """The same network under other names."""
    manifest = replace(models.rhythm.manifest, classes=classes, roles=dict(zip(classes, roles, strict=True)))
    return replace(models, rhythm=RhythmModel(manifest, models.rhythm.backend))


def test_monitors_share_models_and_no_state(models, fibrillating):
    one, two = Monitor(models), Monitor(models)
    one.feed(SampleBlock(fibrillating[:5000], 130.0))
    assert events_of(two, fibrillating) == events_of(Monitor(), fibrillating)
    assert one.models is two.models is models


def test_each_model_is_loaded_from_a_folder_or_taken_as_it_is(models):
    folders = {name: BUNDLED / name for name in ("rhythm", "beat_classes", "gate", "beats")}
    loaded = Models.load("onnx", **folders)
    assert loaded.rhythm.backend.name == loaded.beat_classes.backend.name == "onnx"
    assert (loaded.gate, loaded.beats) == (models.gate, models.beats)
    again = Models.load(
        rhythm=models.rhythm, beat_classes=models.beat_classes, gate=models.gate, beats=models.beats
    )
    assert again == models


@pytest.mark.parametrize(
    ("load", "wrong"),
    [
        (RhythmModel.load, "beat_classes"),
        (BeatClassModel.load, "rhythm"),
        (GateModel.load, "beats"),
        (BeatNet.load, "gate"),
        (RhythmModel.load, "gate"),
    ],
)
def test_the_folder_of_another_task_is_refused(load, wrong):
    with pytest.raises(ModelError, match=f"the model's task is '{wrong}': give the folder of a model for"):
        load(BUNDLED / wrong)


def test_models_of_different_rates_are_refused(models):
    with pytest.raises(ModelError, match=r"rates \(rhythm at 100 Hz, .* gate at 125 Hz"):
        replace(models, gate=replace(models.gate, front_end=FrontEnd.default(125.0)))


def test_models_behind_different_filters_are_refused(models):
    other = replace(models.beats.front_end, cutoff_hz=35.0)
    with pytest.raises(ModelError, match="models for beats were trained behind other filters"):
        replace(models, beats=replace(models.beats, front_end=other))


def test_another_gate_is_exchanged_without_touching_the_rest(models):
    noise = np.random.default_rng(0).normal(0, 1, 3900)
    open_gate = replace(models, gate=replace(models.gate, threshold=0.0))
    assert not any(q.accepted for q in ecgedge.assess_quality(noise, 130.0, models=models))
    assert all(q.accepted for q in ecgedge.assess_quality(noise, 130.0, models=open_gate))
    assert ecgedge.classify(noise, 130.0, models=models).usable_fraction == 0
    assert ecgedge.classify(noise, 130.0, models=open_gate).usable_fraction == 1


def test_other_stages_run_in_place_of_the_default_ones(models, fibrillating):
    kept = [stage for stage in default_stages(models) if stage.name not in ("hrv", "rhythm")]
    events = events_of(Monitor(models, stages=kept), fibrillating)
    assert {type(e).__name__ for e in events} == {"Beat", "Quality"}
    with pytest.raises(ConfigError, match="reads beats"):
        Monitor(models, stages=kept[1:])


def test_a_model_without_af_cannot_deny_it(models, fibrillating):
    """It used to say that there is none, because no class was called A."""
    assert Monitor(models).af({"N": 1.0, "A": 0.0}) is False
    without = with_classes(models, ("N", "A", "O", "~"), ("normal", "other", "other", "noise"))
    assert Monitor(without).af({"N": 1.0, "A": 0.0}) is None
    assert ecgedge.classify(fibrillating, 130.0, models=models).af is True
    assert ecgedge.classify(fibrillating, 130.0, models=without).af is None


def test_af_may_have_several_classes_of_any_name(models):
    several = with_classes(models, ("sinus", "coarse", "fine", "bad"), ("normal", "af", "af", "noise"))
    monitor = Monitor(several)
    assert monitor.af({"sinus": 0.3, "coarse": 0.35, "fine": 0.35}) is True
    assert monitor.af({"sinus": 0.98, "coarse": 0.01, "fine": 0.01}) is False
    assert monitor.af({"sinus": 0.7, "coarse": 0.15, "fine": 0.15}) is None


def test_the_noise_class_is_found_by_its_role(models, fibrillating):
    named = with_classes(models, ("sinus", "fib", "misc", "bad"), ("normal", "af", "other", "noise"))
    nothing = ecgedge.classify(np.zeros(3000), 100.0, models=named)
    assert (nothing.label, nothing.conclusive, nothing.af) == ("bad", False, None)
    assert nothing.reason == "no_signal"
    assert nothing.probabilities == dict.fromkeys(("sinus", "fib", "misc", "bad"), 0.25)
    found = ecgedge.classify(fibrillating, 130.0, models=named)
    assert (found.label, found.af) == ("fib", True)


def test_a_model_without_a_noise_class_still_says_that_there_was_nothing_to_name(models):
    named = with_classes(models, ("N", "A", "O", "X"), ("normal", "af", "other", "other"))
    nothing = ecgedge.classify(np.zeros(3000), 100.0, models=named)
    assert (nothing.label, nothing.conclusive) == ("noise", False)
    assert nothing.probabilities == dict.fromkeys(("N", "A", "O", "X", "noise"), 0.2)


def test_beats_are_called_what_the_manifest_calls_them(models):
    manifest = models.beat_classes.manifest
    classes = tuple("nsvfq")
    roles = dict(zip(classes, manifest.roles.values(), strict=True))
    lower = BeatClassModel(replace(manifest, classes=classes, roles=roles), models.beat_classes.backend)
    mv = synthesize([Segment("pvc", 60, 70)], fs=130, seed=5).mv
    expected = ecgedge.classify_beats(mv, 130.0, models=models)
    found = ecgedge.classify_beats(mv, 130.0, models=replace(models, beat_classes=lower))
    assert {"N", "V"} <= set(expected.symbol)
    assert found.symbol.tolist() == [symbol.lower() for symbol in expected.symbol]


@pytest.mark.parametrize("backend", ["litert", "onnx"])
def test_threads_may_share_models(backend):
    """Helpers share the bundled models; interleaved runs of one interpreter would mix up their logits."""
    model = RhythmModel.load(None, backend)
    cases = load_golden(BUNDLED / "rhythm", model.manifest)
    kind = {"litert": "tflite", "onnx": "onnx"}[backend]

    def run(case):
        logits = [model.backend.run(case.preprocessed.reshape(1, 1, -1)) for _ in range(100)]
        return all(np.array_equal(each, logits[0]) for each in logits), logits[0]

    with ThreadPoolExecutor(4) as pool:
        for case, (same, logits) in zip(cases, pool.map(run, cases), strict=True):
            assert same
            np.testing.assert_allclose(logits, case.logits[kind], atol=0.2)
