"""Beat classes: what the model sees, when a beat is named, and that chunks do not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge.beat_classes import features as bf
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.beat_classes.stage import BeatClassStage
from ecgedge.beats.detector import bundled_net
from ecgedge.beats.stage import BeatStage
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.stream.filters import FrontEnd
from ecgedge.stream.pipeline import Pipeline

FS = 130.0
SIMILARITY = 240 + bf.N_INTERVALS  # where the similarities stand


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


def waves(*shape: int, seed: int = 0) -> bf.Floats:
    return np.random.default_rng(seed).normal(0, 0.3, (*shape, bf.N_WAVE)).astype(np.float32)


def test_inputs_of_many_beats_are_those_of_each() -> None:
    three = waves(5, 3)
    intervals = np.random.default_rng(3).normal(0, 0.5, (5, bf.N_INTERVALS)).astype(np.float32)
    together = bf.beat_inputs(three, intervals, 1.5)
    for i in range(5):
        alone = bf.beat_inputs(three[i : i + 1], intervals[i : i + 1], 1.5)
        np.testing.assert_allclose(alone[0], together[i], atol=1e-5)


def test_inputs_lie_sample_by_sample_with_the_figures_behind() -> None:
    three, intervals = waves(1, 3), np.linspace(-1, 1, bf.N_INTERVALS, dtype=np.float32)[None]
    row = bf.beat_inputs(three, intervals, 100.0)[0]
    height = np.ptp(three[0, 2, bf.QRS])
    np.testing.assert_allclose(row[: 3 * bf.N_WAVE].reshape(-1, 3).T, three[0] / height, rtol=1e-5)
    np.testing.assert_array_equal(row[240:SIMILARITY], intervals[0])
    for w in (0, 1):
        for region, place in ((bf.QRS, 0), (bf.P_WAVE, 1), (bf.T_WAVE, 2)):
            a, b = three[0, w, region] / height, three[0, 2, region] / height
            expected = np.cov(a, b, bias=True)[0, 1] / np.sqrt((a.var() + 1e-4) * (b.var() + 1e-4))
            assert row[SIMILARITY + 3 * w + place] == pytest.approx(expected, abs=1e-4)
            power = 0.5 * np.log((a.var() + 1e-4) / (b.var() + 1e-4))
            assert row[SIMILARITY + 6 + 3 * w + place] == pytest.approx(power, abs=1e-4)


def test_a_broad_qrs_is_slower_than_a_narrow_one() -> None:
    t = np.arange(bf.N_WAVE) - bf.BEFORE
    narrow, broad = (np.exp(-0.5 * (t / width) ** 2).astype(np.float32) for width in (2.0, 6.0))
    row = bf.beat_inputs(
        np.stack([broad, narrow, narrow])[None], np.zeros((1, bf.N_INTERVALS), np.float32), 9.0
    )[0]
    slower, same = row[SIMILARITY + 12], row[SIMILARITY + 13]
    assert slower == pytest.approx(2 * np.log(2 / 6), abs=0.3)
    assert same == 0.0


@given(gain=st.floats(0.2, 5.0), sign=st.sampled_from([-1.0, 1.0]))
def test_loudness_does_not_matter_and_polarity_only_turns_the_waves(gain, sign) -> None:
    intervals = np.zeros((3, bf.N_INTERVALS), np.float32)
    plain = bf.beat_inputs(waves(3, 3), intervals, 1.5)
    scaled = bf.beat_inputs(np.float32(gain * sign) * waves(3, 3), intervals, 1.5)
    plain[:, :240] *= np.float32(sign)
    np.testing.assert_allclose(scaled, plain, atol=2e-4)


def test_the_usual_beat_forgets_neither_the_wearer_nor_follows_an_artefact() -> None:
    history, usual = bf.BeatHistory(), waves(1)[0]
    for _ in range(30):
        history.take(usual, 0.8, 0.8)
    history.take(usual + 50.0, 0.8, 0.8)
    view = history.take(usual, 0.8, 0.8)
    assert np.abs(view.waves[2] - usual).max() < 0.05 * np.ptp(usual)
    early = history.take(-usual, 0.4, 1.2)
    np.testing.assert_array_equal(history.take(usual, 0.8, 0.8).waves[2], early.waves[2])


@given(
    rr=st.lists(st.floats(0.2, 60.0), min_size=1, max_size=60),
    after=st.floats(0.2, 60.0),
)
def test_intervals_stay_finite_and_a_longer_pause_is_a_pause(rr, after) -> None:
    history = bf.BeatHistory()
    wave = waves(1)[0]
    views = [history.take(wave, None if i == 0 else r, after) for i, r in enumerate(rr)]
    assert np.isfinite([v.intervals for v in views]).all()
    if after > bf.LONGEST_RR_S:
        again = bf.BeatHistory()
        same = [again.take(wave, None if i == 0 else r, bf.LONGEST_RR_S) for i, r in enumerate(rr)]
        np.testing.assert_array_equal(views[-1].intervals, same[-1].intervals)


def test_a_wave_beyond_the_ends_is_the_outermost_sample() -> None:
    signal = np.arange(10, dtype=np.float32)
    assert bf.cut(signal, -2, 5).tolist() == [0, 0, 0, 1, 2]
    assert bf.cut(signal, 7, 5).tolist() == [7, 8, 9, 9, 9]


def test_the_front_end_is_the_one_of_the_package(model) -> None:
    assert model.front_end == FrontEnd.default(bf.FS)


def regular(history: bf.BeatHistory, n: int, rr: float = 0.8) -> bf.BeatInputs:
    """View of the last of ``n`` beats that come when they are due."""
    wave = waves(1)[0]
    return [history.take(wave, rr, rr) for _ in range(n)][-1]


def test_atrial_fibrillation_has_no_usual_interval_and_a_steady_heart_has() -> None:
    rng = np.random.default_rng(1)
    fibrillating, wave = bf.BeatHistory(), waves(1)[0]
    view = [fibrillating.take(wave, rr, 0.8) for rr in rng.uniform(0.4, 1.2, 64)][-1]
    near = slice(bf.LONG_AGO + 1, bf.N_INTERVALS)
    assert (view.intervals[near] < -0.5).all()
    assert (regular(bf.BeatHistory(), 64).intervals[near] == 1.0).all()


def test_a_run_does_not_become_the_usual_beat() -> None:
    history, other = bf.BeatHistory(), waves(1, seed=9)[0]
    usual = regular(history, 64).waves[2]
    view = [history.take(other, 0.45, 0.45) for _ in range(20)][-1]
    np.testing.assert_array_equal(view.waves[2], usual)
    assert view.intervals[bf.LONG_AGO] == pytest.approx(2 * np.log(0.45 / 0.8), abs=1e-5)


def steady(n: int = 40) -> tuple[bf.BeatHistory, np.ndarray]:
    """A history of ``n`` beats at 75 a minute that look about the same, and their shape."""
    rng = np.random.default_rng(3)
    shape = np.convolve(np.arange(bf.N_WAVE) == bf.BEFORE, np.hanning(9), "same").astype(np.float32)
    history = bf.BeatHistory()
    for _ in range(n):
        wave = shape + rng.normal(0, 0.02, bf.N_WAVE).astype(np.float32)
        history.take(wave, 0.8 + rng.normal(0, 0.01), 0.8)
    return history, shape


@pytest.mark.parametrize(
    ("gain", "before", "after"),
    [(1.0, 0.6, 0.8), (1.0, 1.0, 0.8), (1.0, 0.8, 0.6), (1.6, 0.8, 0.8), (-1.0, 0.8, 0.8), (1.0, None, 0.8)],
    ids=["early", "late", "followed early", "taller", "upside down", "first"],
)
def test_a_beat_that_is_not_plainly_usual_is_left_to_the_model(gain, before, after) -> None:
    history, shape = steady()
    untouched, _ = steady()
    assert not history.take_if_template(np.float32(gain) * shape, before, after)
    a, b = (each.take(shape, 0.8, 0.8) for each in (history, untouched))
    np.testing.assert_array_equal(a.waves, b.waves)
    np.testing.assert_array_equal(a.intervals, b.intervals)


def test_a_plainly_usual_beat_teaches_what_it_would_have_taught() -> None:
    (asked, shape), (passed, _) = steady(), steady()
    assert passed.take_if_template(1.1 * shape, 0.82, 1.4), "a pause after it does not matter"
    asked.take(1.1 * shape, 0.82, 1.4)
    a, b = (history.take(shape, 0.5, 0.8) for history in (asked, passed))
    np.testing.assert_array_equal(a.waves, b.waves)
    np.testing.assert_array_equal(a.intervals, b.intervals)


def test_a_new_wearer_is_left_to_the_model() -> None:
    for n in (0, bf.RECENT - 1):
        history, shape = steady(n)
        assert not history.take_if_template(shape, 0.8, 0.8)


def test_the_model_is_asked_about_few_beats_of_sinus_rhythm_and_would_say_the_same(
    model, monkeypatch
) -> None:
    mv = synthesize([Segment("sinus", 120.0, 70.0)], FS, seed=5).mv
    asked = []
    symbols = model.symbols
    monkeypatch.setattr(model, "symbols", lambda views: asked.extend(views) or symbols(views))

    def named() -> list[ecgedge.Beat]:
        chain = pipeline(model)
        return beats(chain.feed(ecgedge.SampleBlock(samples=mv, fs=FS)) + chain.finish())

    found = named()
    assert len(asked) < 0.3 * len(found)
    monkeypatch.setattr(bf.BeatHistory, "take_if_template", lambda *_: False)
    assert named() == found
