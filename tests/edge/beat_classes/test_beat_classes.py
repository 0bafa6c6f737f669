"""Beat classes: what the model sees, when a beat is named, and that chunks do not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge.beat_classes import features as bf
from ecgedge.beat_classes import history as bh
from ecgedge.beat_classes import layout
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.beat_classes.stage import BeatClassStage
from ecgedge.beats.detector import bundled_net
from ecgedge.beats.stage import BeatStage
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.stream.filters import FrontEnd
from ecgedge.stream.pipeline import Pipeline

FS = 130.0
SIMILARITY = 240 + layout.N_RHYTHM  # where the similarities stand
P_WAVES = SIMILARITY + layout.N_SIMILARITIES


@pytest.fixture(scope="module")
def model() -> BeatClassModel:
    return BeatClassModel.load()


@pytest.fixture(scope="module")
def ecg():
    return synthesize([Segment("sinus", 40.0, 70.0), Segment("pvc", 60.0, 70.0)], FS, seed=5)


def pipeline(model: BeatClassModel) -> Pipeline:
    return Pipeline((BeatStage(bundled_net(), events=False), BeatClassStage(model)), 100.0, model.front_end)


def beats(events) -> list[ecgedge.Beat]:
    return [e for e in events if isinstance(e, ecgedge.Beat)]


def test_early_broad_beats_are_v_and_the_others_n(ecg) -> None:
    found = ecgedge.classify_beats(ecg.mv, FS)
    assert found.sample.dtype == np.int64
    assert np.array_equal(found.sample, ecgedge.detect_beats(ecg.mv, FS))
    late = found.sample > 8 * FS
    truth = np.array([ecg.symbols[np.argmin(np.abs(ecg.beats - s))] for s in found.sample])
    assert np.mean(found.symbol[late] == truth[late]) > 0.97
    assert (truth == "V").sum() > 5


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 4000), max_size=12))
def test_the_same_beats_however_the_stream_is_cut(ecg, model, cuts) -> None:
    mv = ecg.mv[: int(50 * FS)]
    whole = pipeline(model)
    expected = whole.feed(ecgedge.SampleBlock(samples=mv, fs=FS)) + whole.finish()
    pieces, events, at = pipeline(model), [], 0
    for end in [*sorted({min(c, len(mv)) for c in np.cumsum(cuts).tolist()}), len(mv)]:
        events += pieces.feed(ecgedge.SampleBlock(samples=mv[at:end], fs=FS, sample=at))
        at = end
    assert events + pieces.finish() == expected


def test_a_beat_is_named_when_the_next_has_come_and_no_later(ecg, model) -> None:
    stream = pipeline(model)
    out: list[tuple[float, float]] = []
    for at in range(0, len(ecg.mv), 13):
        events = stream.feed(ecgedge.SampleBlock(samples=ecg.mv[at : at + 13], fs=FS, sample=at))
        out += [((at + 13) / FS, b.time_s) for b in beats(events)]
    rr = np.diff([t for _, t in out])
    delays = np.array([said - t for said, t in out])[:-1]
    assert (delays - rr).max() < 3.1, "the next beat, the filters' and the detector's delay, one tick"


def test_a_pause_ends_the_wait(model) -> None:
    mv = synthesize([Segment("sinus", 20.0, 70.0)], FS, seed=1).mv
    silent = np.concatenate([mv, np.full(int(8 * FS), mv[-1])])
    events = pipeline(model).feed(ecgedge.SampleBlock(samples=silent, fs=FS))
    expected = ecgedge.detect_beats(silent, FS)
    assert [b.sample for b in beats(events)] == expected.tolist()


def test_a_gap_ends_the_wait_and_the_history(ecg, model) -> None:
    stream = pipeline(model)
    half = int(30 * FS)
    events = stream.feed(ecgedge.SampleBlock(samples=ecg.mv[:half], fs=FS))
    events += stream.feed(ecgedge.SampleBlock(samples=ecg.mv[:half], fs=FS, sample=2 * half))
    events += stream.finish()
    first = [b.symbol for b in beats(events) if b.sample < half]
    second = [b.symbol for b in beats(events) if b.sample >= 2 * half]
    assert first == second


def test_the_monitor_names_its_beats_and_json_says_so(ecg) -> None:
    monitor = ecgedge.Monitor()
    events = monitor.feed(ecgedge.SampleBlock(samples=ecg.mv, fs=FS)) + monitor.finish()
    found = beats(events)
    assert [b.sample for b in found] == ecgedge.classify_beats(ecg.mv, FS).sample.tolist()
    assert {b.symbol for b in found} >= {"N", "V"}
    assert found[0].to_json()["symbol"] in set("NSVFQ")


def test_both_backends_say_the_same(ecg) -> None:
    said = [
        ecgedge.classify_beats(ecg.mv, FS, models=ecgedge.Models.load(b)).symbol for b in ("litert", "onnx")
    ]
    assert said[0].tolist() == said[1].tolist()


def test_a_rhythm_model_is_no_beat_model() -> None:
    with pytest.raises(ecgedge.ModelError, match=r"give the folder of a model for .beat_classes"):
        BeatClassModel.load(BUNDLED / "rhythm")


def test_the_bundled_model_fits_a_microcontroller() -> None:
    folder = BUNDLED / "beat_classes"
    manifest = Manifest.load(folder)
    assert manifest.classes == tuple("NSVFQ")
    assert (folder / manifest.backends["tflite"].file).stat().st_size <= 32 * 1024


def waves(*shape: int, seed: int = 0) -> layout.Floats:
    return np.random.default_rng(seed).normal(0, 0.3, (*shape, layout.N_WAVE)).astype(np.float32)


def test_inputs_of_many_beats_are_those_of_each() -> None:
    three = waves(5, 3)
    rhythm = np.random.default_rng(3).normal(0, 0.5, (5, layout.N_RHYTHM)).astype(np.float32)
    together = bf.beat_inputs(three, rhythm, 1.5)
    for i in range(5):
        alone = bf.beat_inputs(three[i : i + 1], rhythm[i : i + 1], 1.5)
        np.testing.assert_allclose(alone[0], together[i], atol=1e-5)


def test_inputs_lie_sample_by_sample_with_the_figures_behind() -> None:
    three, rhythm = waves(1, 3), np.linspace(-1, 1, layout.N_RHYTHM, dtype=np.float32)[None]
    row = bf.beat_inputs(three, rhythm, 100.0)[0]
    height = np.ptp(three[0, 2, layout.QRS])
    np.testing.assert_allclose(row[: 3 * layout.N_WAVE].reshape(-1, 3).T, three[0] / height, rtol=1e-5)
    np.testing.assert_array_equal(row[240:SIMILARITY], rhythm[0])
    for w in (0, 1):
        for region, place in ((layout.QRS, 0), (layout.P_WAVE, 1), (layout.T_WAVE, 2)):
            a, b = three[0, w, region] / height, three[0, 2, region] / height
            expected = np.cov(a, b, bias=True)[0, 1] / np.sqrt((a.var() + 1e-4) * (b.var() + 1e-4))
            assert row[SIMILARITY + 3 * w + place] == pytest.approx(expected, abs=1e-4)
            power = 0.5 * np.log((a.var() + 1e-4) / (b.var() + 1e-4))
            assert row[SIMILARITY + 6 + 3 * w + place] == pytest.approx(power, abs=1e-4)


def test_a_broad_qrs_is_slower_than_a_narrow_one() -> None:
    t = np.arange(layout.N_WAVE) - layout.BEFORE
    narrow, broad = (np.exp(-0.5 * (t / width) ** 2).astype(np.float32) for width in (2.0, 6.0))
    row = bf.beat_inputs(
        np.stack([broad, narrow, narrow])[None], np.zeros((1, layout.N_RHYTHM), np.float32), 9.0
    )[0]
    slower, same = row[SIMILARITY + 12], row[SIMILARITY + 13]
    assert slower == pytest.approx(2 * np.log(2 / 6), abs=0.3)
    assert same == 0.0


@given(gain=st.floats(0.2, 5.0), sign=st.sampled_from([-1.0, 1.0]))
def test_loudness_does_not_matter_and_polarity_only_turns_the_waves(gain, sign) -> None:
    rhythm = np.zeros((3, layout.N_RHYTHM), np.float32)
    plain = bf.beat_inputs(waves(3, 3), rhythm, 1.5)
    scaled = bf.beat_inputs(np.float32(gain * sign) * waves(3, 3), rhythm, 1.5)
    plain[:, :240] *= np.float32(sign)
    np.testing.assert_allclose(scaled, plain, atol=2e-4)


def test_the_template_forgets_neither_the_wearer_nor_follows_an_artefact() -> None:
    history, normal = bh.BeatHistory(), waves(1)[0]
    for _ in range(30):
        history.take(normal, 0.8, 0.8)
    history.take(normal + 50.0, 0.8, 0.8)
    inputs = history.take(normal, 0.8, 0.8)
    assert np.abs(inputs.waves[2] - normal).max() < 0.05 * np.ptp(normal)
    early = history.take(-normal, 0.4, 1.2)
    np.testing.assert_array_equal(history.take(normal, 0.8, 0.8).waves[2], early.waves[2])


@given(
    rr=st.lists(st.floats(0.2, 60.0), min_size=1, max_size=60),
    after=st.floats(0.2, 60.0),
)
def test_figures_of_the_rhythm_stay_finite_and_a_longer_pause_is_a_pause(rr, after) -> None:
    history = bh.BeatHistory()
    wave = waves(1)[0]
    inputs = [history.take(wave, None if i == 0 else r, after) for i, r in enumerate(rr)]
    assert np.isfinite([v.rhythm for v in inputs]).all()
    if after > layout.LONGEST_RR_S:
        again = bh.BeatHistory()
        same = [again.take(wave, None if i == 0 else r, layout.LONGEST_RR_S) for i, r in enumerate(rr)]
        np.testing.assert_array_equal(inputs[-1].rhythm, same[-1].rhythm)


def test_a_wave_beyond_the_ends_is_the_outermost_sample() -> None:
    signal = np.arange(10, dtype=np.float32)
    assert bf.cut(signal, -2, 5).tolist() == [0, 0, 0, 1, 2]
    assert bf.cut(signal, 7, 5).tolist() == [7, 8, 9, 9, 9]


def test_the_front_end_is_the_one_of_the_package(model) -> None:
    assert model.front_end.agrees(FrontEnd.default(layout.FS))


def shape(p_wave: float = 0.2) -> layout.Floats:
    """A beat with a P wave of that many mV before a QRS of 1 mV."""
    t = np.arange(layout.N_WAVE) - layout.BEFORE
    return (np.exp(-0.5 * (t / 2.5) ** 2) + p_wave * np.exp(-0.5 * ((t + 16) / 3) ** 2)).astype(np.float32)


def rhythm_of(rr: list[float], wave: layout.Floats) -> layout.Floats:
    """Figures of the last of beats that look the same and come after these intervals."""
    history = bh.BeatHistory()
    return [history.take(wave, *pair) for pair in zip(rr, [*rr[1:], rr[-1]], strict=True)][-1].rhythm


STEADY, REPEATS, CHANGES, P_WAVE, QRS, P_DIFFERENCE = range(5, 11)


def test_a_steady_heart_is_told_from_fibrillation() -> None:
    rng = np.random.default_rng(1)
    af = rhythm_of(rng.uniform(0.4, 1.2, 200).tolist(), shape(0.0) + 0.02 * waves(1)[0])
    sinus = rhythm_of([0.8] * 200, shape())
    np.testing.assert_allclose(sinus[:5], 0.0, atol=1e-6)
    np.testing.assert_allclose(sinus[STEADY:P_WAVE], [1, 1, -1], atol=1e-6)
    assert sinus[P_WAVE] > 0.9
    assert af[STEADY] < -0.5
    assert af[CHANGES] > 0.0


def test_beats_without_a_common_p_wave_show_none() -> None:
    rng, history = np.random.default_rng(2), bh.BeatHistory()
    for _ in range(120):
        fibrillation = np.convolve(rng.normal(0, 0.1, layout.N_WAVE), np.hanning(7), "same").astype(
            np.float32
        )
        last = history.take(shape(0.0) + fibrillation, 0.8, 0.8)
    assert last.rhythm[P_WAVE] < 0.0 < 0.8 < last.rhythm[QRS]
    assert last.rhythm[P_DIFFERENCE] > 0.0


def test_mostly_premature_beats_do_not_become_the_normal_interval() -> None:
    # As in record 232: runs of premature beats, each run after a pause.
    cycle = [1.8, *[0.62] * 4]
    rr = cycle * 60
    ectopic, normal = rhythm_of(rr, shape()), rhythm_of([*rr, 1.8], shape())
    assert ectopic[0] < -0.3 < 1.0 < normal[0]
    assert ectopic[1] < -0.3 < 1.0 < normal[1]


def test_an_exercise_ramp_is_early_against_five_minutes_and_hardly_against_one() -> None:
    figures = rhythm_of(np.linspace(0.9, 0.5, 250).tolist(), shape())
    assert -0.5 < figures[0] < 0.0
    assert figures[1] < figures[0]
    assert figures[STEADY] > 0.9


def test_an_early_beat_leaves_template_and_p_waves_alone() -> None:
    history, other = bh.BeatHistory(), waves(1, seed=9)[0]
    for _ in range(64):
        history.take(shape(), 0.8, 0.8)
    early = [history.take(other, 0.45, 0.45) for _ in range(5)][-1]
    np.testing.assert_allclose(early.waves[2], shape(), atol=1e-6)
    assert early.rhythm[P_WAVE] > 0.9


def test_the_p_wave_is_compared_with_the_templates() -> None:
    three = np.stack([shape(0.2), shape(-0.2), shape(0.2)])[None]
    p = bf.beat_inputs(three, np.zeros((1, layout.N_RHYTHM), np.float32), 9.0)[0, P_WAVES:]
    same, share, turned, opposite = p[1:]
    assert same == 0.0
    assert share == pytest.approx(0.75, abs=0.25)
    assert turned > 0.5
    assert opposite == pytest.approx(-share, abs=0.01)


def steady(n: int = 40) -> tuple[bh.BeatHistory, np.ndarray]:
    """A history of ``n`` beats at 75 a minute that look about the same, and their shape."""
    rng = np.random.default_rng(3)
    plain = np.convolve(np.arange(layout.N_WAVE) == layout.BEFORE, np.hanning(9), "same").astype(np.float32)
    history = bh.BeatHistory()
    for _ in range(n):
        wave = plain + rng.normal(0, 0.02, layout.N_WAVE).astype(np.float32)
        history.take(wave, 0.8 + rng.normal(0, 0.01), 0.8)
    return history, plain


@pytest.mark.parametrize(
    ("gain", "before", "after"),
    [(1.0, 0.6, 0.8), (1.0, 1.0, 0.8), (1.0, 0.8, 0.6), (1.6, 0.8, 0.8), (-1.0, 0.8, 0.8), (1.0, None, 0.8)],
    ids=["early", "late", "followed early", "taller", "upside down", "first"],
)
def test_a_beat_that_is_not_plain_is_left_to_the_model(gain, before, after) -> None:
    history, plain = steady()
    untouched, _ = steady()
    assert not history.take_if_template(np.float32(gain) * plain, before, after)
    a, b = (each.take(plain, 0.8, 0.8) for each in (history, untouched))
    np.testing.assert_array_equal(a.waves, b.waves)
    np.testing.assert_array_equal(a.rhythm, b.rhythm)


def test_a_plain_beat_teaches_what_it_would_have_taught() -> None:
    (asked, plain), (passed, _) = steady(), steady()
    assert passed.take_if_template(1.1 * plain, 0.82, 1.4), "a pause after it does not matter"
    asked.take(1.1 * plain, 0.82, 1.4)
    a, b = (history.take(plain, 0.5, 0.8) for history in (asked, passed))
    np.testing.assert_array_equal(a.waves, b.waves)
    np.testing.assert_array_equal(a.rhythm, b.rhythm)


def test_a_new_wearer_is_left_to_the_model() -> None:
    for n in (0, layout.PLAIN_BEATS - 1):
        history, plain = steady(n)
        assert not history.take_if_template(plain, 0.8, 0.8)


def test_the_model_is_asked_about_few_beats_of_sinus_rhythm_and_would_say_the_same(
    model, monkeypatch
) -> None:
    mv = synthesize([Segment("sinus", 120.0, 70.0)], FS, seed=5).mv
    asked = []
    symbol = model.symbol
    monkeypatch.setattr(model, "symbol", lambda row: asked.append(row) or symbol(row))

    def named() -> list[ecgedge.Beat]:
        chain = pipeline(model)
        return beats(chain.feed(ecgedge.SampleBlock(samples=mv, fs=FS)) + chain.finish())

    found = named()
    assert len(asked) < 0.3 * len(found)
    monkeypatch.setattr(bh.BeatHistory, "take_if_template", lambda *_: False)
    monkeypatch.setattr("ecgedge.beat_classes.stage.new_history", bh.BeatHistory)
    assert named() == found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_in_sure_fibrillation_no_beat_is_supraventricular_ectopic(model, seed) -> None:
    """After sinus rhythm irregular beats are called S, until windows of 30 s tell the rhythm."""
    ecg = synthesize([Segment("sinus", 60.0, 70.0), Segment("af", 90.0, 100.0)], FS, seed)
    block = ecgedge.SampleBlock(samples=ecg.mv, fs=FS)
    alone = pipeline(model)
    without = np.array([b.symbol for b in beats(alone.feed(block) + alone.finish())])
    found = ecgedge.classify_beats(ecg.mv, FS)
    told = found.sample > 100 * FS
    assert (without[told] == "S").sum() > 3
    assert (found.symbol[told] == "S").sum() == 0
    other = without != "S"
    assert np.array_equal(found.symbol[other], without[other])


def test_a_helper_names_beats_as_a_monitor_does(ecg) -> None:
    monitor = ecgedge.Monitor(fs=FS)
    live = beats([*monitor.feed(ecg.mv), *monitor.finish()])
    found = ecgedge.classify_beats(ecg.mv, FS)
    assert [b.symbol for b in live] == found.symbol.tolist()
    assert [b.sample for b in live] == found.sample.tolist()


def test_every_runtime_names_the_same_beats_alike() -> None:
    models, said = [BeatClassModel.load(backend=name) for name in ("core", "litert", "onnx")], []
    history, rng = bf.new_history(), np.random.default_rng(6)
    for wave in waves(40) + shape():
        beat = wave, rng.uniform(0.4, 1.0), rng.uniform(0.4, 1.0)
        said.append([model.symbol(history.inputs(*beat, *model.form)) for model in models])
        history.learn(wave, 0.8, 0.8)
    assert all(len(set(names)) == 1 for names in said)
    assert len({names[0] for names in said}) > 1


def test_codes_are_named_as_the_floats_they_stand_for() -> None:
    codes = BeatClassModel.load(backend="litert")
    floats = BeatClassModel(codes.manifest, OnlyFloats(codes.backend))
    assert (len(codes.form), len(floats.form)) == (3, 1)
    rng, history = np.random.default_rng(7), bf.new_history()
    for wave in waves(60) + shape():
        beat = wave, rng.uniform(0.4, 1.0), rng.uniform(0.4, 1.0)
        said = [model.symbol(history.inputs(*beat, *model.form)) for model in (codes, floats)]
        assert said[0] == said[1]
        history.learn(*beat)


class OnlyFloats:
    """A backend that takes no codes."""

    def __init__(self, inner) -> None:
        self.name, self.artefact, self.run = inner.name, inner.artefact, inner.run
