"""Training of the beat-class model on synthetic ECG: it learns, repeats itself, and keeps its sides apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ecgedge.beat_classes.layout import FS, N_INPUTS, N_RHYTHM
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_export import prepare
from ecgedge_export.beat_classes import build as models
from ecgedge_export.beat_classes import folds, training
from ecgedge_export.beat_classes import gather as data
from ecgedge_export.beat_classes.gather import UNKNOWN, BeatSet
from ecgedge_export.train import Lessons, with_average

SIMILARITY = 240 + N_RHYTHM
RECIPE = Path(__file__).parents[3] / "export" / "ecgedge_export" / "recipes" / "beat_classes.toml"


def recording(seed: int, record: str, source: str = "mitdb") -> BeatSet:
    """A minute of sinus rhythm with PVCs, its beats as the detector finds them."""
    ecg = synthesize([Segment("pvc", 60.0, 70.0)], 130.0, seed)
    signal = prepare.filtered(ecg.mv, 130.0, FS)
    peaks = data.detect(signal)
    near = [np.argmin(np.abs(ecg.beats * FS / 130.0 - p)) for p in peaks]
    symbols = [UNKNOWN] * len(peaks) if source == "unnamed" else ecg.symbols[near].tolist()
    return data.observe(signal, peaks, symbols, source, record)


@pytest.fixture(scope="module")
def beats() -> BeatSet:
    taught = [recording(i, f"{name}/{lead}") for i, name in enumerate(data.TAUGHT[:5]) for lead in (0, 1)]
    return data.joined([*taught, recording(90, "u", "unnamed")])


@pytest.fixture(scope="module")
def how() -> training.BeatClassRecipe:
    full = training.load_recipe(RECIPE)
    short = replace(full.training, epochs=3, lr=1e-2, batch=32)
    return replace(full, draws=(300, 0, 200, 0, 0), unnamed=50, p_noise=0.0, prior=(0.0,) * 5, training=short)


@pytest.fixture(scope="module")
def augmenter(how) -> training.BeatAugmenter:
    return training.BeatAugmenter(how, [])


def quiet(*_: object) -> None:
    pass


def test_beats_are_kept_until_what_makes_them_changes(beats, tmp_path, monkeypatch) -> None:
    made = []
    monkeypatch.setattr(data, "gather", lambda *asked: made.append(asked) or beats)
    kept = [data.gathered(tmp_path, seed, quiet) for seed in (1, 1, 2)]
    assert [asked[0] for asked in made] == [1, 2]
    assert all(len(k) == len(beats) for k in kept)
    changed = tmp_path / "premature.py"
    changed.write_text("# another one")
    monkeypatch.setattr(data.made_premature, "__file__", str(changed))
    data.gathered(tmp_path, 1, quiet)
    assert len(made) == 3


def test_an_epoch_can_be_had_without_its_classes(how, beats, augmenter) -> None:
    first, again = (list(training.epoch_inputs(how, beats, augmenter, 1)) for _ in range(2))
    assert sum(len(x) for x in first) == sum(how.draws)
    assert {tuple(x.shape[1:]) for x in first} == {(1, N_INPUTS)}
    assert all(torch.equal(x, y) for x, y in zip(first, again, strict=True))


def test_a_checkpoint_gives_the_network_back(how, beats, augmenter, tmp_path) -> None:
    net = training.train(how, beats, augmenter, tmp_path / "c.pt", quiet)
    back = with_average(how.net(), tmp_path / "c.pt")
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), back.parameters(), strict=True))


def test_it_learns_what_a_pvc_looks_like(how, beats, augmenter, tmp_path) -> None:
    net = training.train(how, beats, augmenter, tmp_path / "c.pt", quiet)
    fresh = recording(1000, "new")
    said = training.answers([net], fresh, how.clip).argmax(axis=1)
    assert np.mean(np.array(list("NSVFQ"))[said] == fresh.symbols) > 0.97


def test_the_same_seed_gives_the_same_weights_also_when_it_was_stopped(
    how, beats, augmenter, tmp_path
) -> None:
    whole = training.train(how, beats, augmenter, tmp_path / "a.pt", quiet)

    def stop(done: int, *_: object) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(how, beats, augmenter, tmp_path / "b.pt", stop)
    rest = training.train(how, beats, augmenter, tmp_path / "b.pt", quiet)
    for a, b in zip(whole.state_dict().values(), rest.state_dict().values(), strict=True):
        assert torch.equal(a, b)


class Watched(training.BeatAugmenter):
    """Notes which sources were drawn."""

    def draw(self, beats, chosen, rng):
        self.seen = getattr(self, "seen", set()) | set(beats.source[chosen].tolist())
        return super().draw(beats, chosen, rng)


def test_unnamed_beats_are_drawn_only_with_a_teacher_who_is_followed(how, beats, tmp_path) -> None:
    alone, taught = Watched(how, []), Watched(how, [])
    once = replace(how, training=replace(how.training, epochs=1))
    training.train(once, beats, alone, tmp_path / "a.pt", quiet)
    assert alone.seen == {"mitdb"}
    # A teacher who calls everything S, and counts for everything
    answers = np.full((len(beats), 5), -9.0, np.float32)
    answers[:, 1] = 9.0
    net = training.train(how, beats, taught, tmp_path / "b.pt", quiet, Lessons(answers, 1.0, 1.0))
    assert taught.seen == {"mitdb", "unnamed"}
    assert (training.answers([net], beats, how.clip).argmax(axis=1) == 1).all()


def test_answers_do_not_depend_on_where_a_batch_ends(how, beats, monkeypatch) -> None:
    net = how.net().eval()
    whole = training.answers([net], beats, how.clip)
    monkeypatch.setattr(training, "ANSWERED", 37)
    np.testing.assert_allclose(training.answers([net], beats, how.clip), whole, atol=1e-4)


def test_views_are_plain_inputs_where_nothing_is_varied(how, beats) -> None:
    still = replace(how, stretch=0.0, gain=0.0, jitter=0.0, p_flip=0.0, rhythm_noise=0.03)
    chosen = np.arange(40)
    drawn = training.BeatAugmenter(still, []).draw(beats, chosen, np.random.default_rng(0))
    plain = training.plain_inputs(beats, how.clip)[chosen]
    np.testing.assert_allclose(drawn[:, :240], plain[:, :240], atol=1e-3)
    np.testing.assert_allclose(drawn[:, SIMILARITY:], plain[:, SIMILARITY:], atol=1e-3)
    assert 0.01 < np.abs(drawn[:, 240:246] - plain[:, 240:246]).mean() < 0.05


def test_a_fold_never_learns_from_the_records_that_validate_it(beats) -> None:
    tempo = data.joined(data.other_tempos([recording(0, f"{data.TAUGHT[0]}/0")], np.random.default_rng(1)))
    beats = data.joined([beats, tempo, recording(7, "801/0", "svdb")])
    assert "801" in folds.folds(beats)
    for k in range(folds.FOLDS):
        held_out = [r for r, f in folds.folds(beats).items() if f == k]
        learn, validation = folds.sides(beats, held_out)
        taught = {r.partition("/")[0] for r in learn.record.tolist()}
        assert taught.isdisjoint(held_out)
        assert set(validation.record.tolist()) <= {f"{r}/0" for r in held_out}
        assert "u" in taught
    assert "201" not in data.TAUGHT, "one person with 202, who tests"


def test_the_variants_are_trained_on_every_fold(how, beats, augmenter, tmp_path) -> None:
    quick = replace(how, teachers=1, teacher_width=18, training=replace(how.training, epochs=1))
    table = folds.compare(quick, beats, augmenter, 1, tmp_path, quiet)
    assert list(table) == ["labels", "teacher's choice", "distilled"]
    assert table["labels"]["MIT-BIH DS1"]["VEB"]["gain_95"] == [0.0, 0.0]
    assert table["labels"]["svdb"] == {}, "none is among these beats"
    assert len(list(tmp_path.glob("1-*/distilled.pt"))) == folds.FOLDS


def test_waves_speak_only_for_classes_that_they_may(how, beats, augmenter, tmp_path) -> None:
    net = training.train(how, beats, augmenter, tmp_path / "c.pt", quiet)
    weight = net.out_of_waves.weight.detach()
    assert not weight[:2].any(), "N and S"
    assert weight[2].abs().max() > 0.01, "V"
    rows = torch.zeros(2, 1, N_INPUTS)
    rows[1, 0, :240] = torch.linspace(-1.0, 1.0, 240)
    with torch.no_grad():
        a, b = net(rows)
    assert a[0] == b[0]
    assert a[1] == b[1]
    assert a[2] != b[2]


def test_a_looped_recording_is_long_and_keeps_its_labels() -> None:
    short = recording(3, "A00001", "premature")
    (last,) = data.looped_beats([short], "looped", np.random.default_rng(1))
    assert last.symbols.tolist() == short.symbols.tolist()
    assert set(last.source.tolist()) == {"looped"}
    np.testing.assert_array_equal(last.waves, short.waves)
    assert not np.allclose(last.template[0], short.template[0]), "it remembers the times before"


def test_another_tempo_changes_intervals_and_nothing_else() -> None:
    rest = recording(3, f"{data.TAUGHT[0]}/0")
    (made,) = data.other_tempos([rest, recording(4, f"{data.TAUGHT[0]}/1")], np.random.default_rng(5))
    np.testing.assert_array_equal(made.waves, rest.waves)
    assert made.symbols.tolist() == rest.symbols.tolist()
    ratio = made.rr_s[1:] / rest.rr_s[1:]
    assert 0.45 < ratio.min() < ratio.max() < 1.45
    assert np.abs(np.diff(ratio)).max() < 0.1


def test_beats_are_kept_and_read_back(beats, tmp_path) -> None:
    beats.save(tmp_path / "beats.npz")
    again = BeatSet.load(tmp_path / "beats.npz")
    np.testing.assert_array_equal(again.waves, beats.waves)
    assert again.record.tolist() == beats.record.tolist()


def test_the_beat_before_is_of_the_same_recording(beats) -> None:
    before = beats.before
    assert (beats.record[before] == beats.record).all()
    assert (
        np.flatnonzero(before == np.arange(len(beats)))
        == np.unique(beats.record, return_index=True)[1][
            np.argsort(np.unique(beats.record, return_index=True)[1])
        ]
    ).all()


def test_golden_inputs_are_those_of_an_early_broad_beat() -> None:
    ((signal, inputs),) = models.golden(1.5)
    assert signal.shape == (2000,) or abs(len(signal) - 2000) < 5
    assert inputs.shape == (N_INPUTS,)
    assert inputs[240] < -0.3, "it comes early"
    assert inputs[SIMILARITY + 12] < -0.5, "its QRS is slower than that of the template beat"
