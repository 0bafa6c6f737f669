"""A panel answers about clean windows, and the student that hears them varied learns from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import recipe as recipes
from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import Panel
from ecgedge_export.rhythm.augment import Augment, Augmenter
from ecgedge_export.rhythm.build import fit_temperature
from ecgedge_export.rhythm.panel import compare, ways, worth
from ecgedge_export.rhythm.panel.compare import NOTHING, Classroom
from ecgedge_export.rhythm.panel.room import KEPT, RhythmModel
from ecgedge_export.rhythm.panel.teachers import Teachers, likeness_loss, seat
from ecgedge_export.rhythm.panel.training import Material, PanelRun, _batches, train
from ecgedge_export.rhythm.panel.unlabelled import unlabelled
from ecgedge_export.rhythm.scores import mean_f1
from ecgedge_export.rhythm.training import train as train_alone
from ecgedge_export.rhythm.training import untrained
from ecgedge_export.train import UNLABELLED, Embeddings, Lessons


def quiet(*_: object) -> None:
    """Say nothing."""


class Tempo(Teachers):
    """Knows the truth of made recordings: quick pulses are A. It stands in for no network's folder."""

    def __init__(self, features=None):
        super().__init__((), features)

    def answers(self, clean):
        quick = (clean > 0.3).sum(axis=1) > (clean != 0).sum(axis=1) / 55
        return np.where(quick[:, None], [-4, 4, -4, -4], [4, -4, -4, -4]).astype(np.float32)


@pytest.fixture(scope="module")
def augmenter(small):
    noise = [np.random.default_rng(1).standard_normal(20_000).astype(np.float32)]
    return Augmenter(small.fs, small.n_samples, small.clip, small.augment, noise)


@pytest.fixture(scope="module")
def quick(small):
    return replace(small, training=replace(small.training, epochs=8))


def test_both_views_are_of_the_same_stretch_and_the_student_hears_what_it_would_alone(augmenter, data):
    for seed in range(20):
        pair = augmenter.draw_pair(data.signals[0], np.random.default_rng(seed))
        assert (pair[0] == augmenter.draw(data.signals[0], np.random.default_rng(seed))).all()
        assert abs(np.corrcoef(pair)[0, 1]) > 0.3
    calm = Augmenter(100.0, 3040, 1.5, Augment(p_noise=0, p_flip=0, gain=0.0), [])
    pair = calm.draw_pair(data.signals[0], np.random.default_rng(0))
    np.testing.assert_allclose(pair[0], pair[1], atol=1e-6)


def test_a_panel_without_weight_is_the_training_without_a_panel(quick, data, augmenter, tmp_path):
    start = untrained(quick)
    how = Panel(weight=0.0)
    alone = train_alone(quick, data, augmenter, tmp_path / "a.pt", quiet, start=untrained(quick))
    panel = train(quick, how, Tempo(), Material(data, NOTHING), augmenter, tmp_path / "b.pt", quiet, start)
    for a, b in zip(alone.state_dict().values(), panel.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_answers_about_whole_recordings_are_lessons(quick, data, augmenter, tmp_path):
    own = replace(quick, training=replace(quick.training, epochs=3))
    said = Tempo().answers(np.stack([augmenter.plain(s) for s in data.signals]))
    start, checkpoints = untrained(own), (tmp_path / "a.pt", tmp_path / "b.pt")
    lessons = Lessons(said, 0.4, 3.0)
    one = train_alone(own, data, augmenter, checkpoints[0], quiet, lessons, start=untrained(own))
    how, material = Panel(weight=0.4, temperature=3.0), Material(data, NOTHING, said)
    two = train(own, how, Tempo(), material, augmenter, checkpoints[1], quiet, start)
    for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_student_learns_from_the_panel_where_nothing_is_labelled(quick, data, augmenter, tmp_path):
    """Four labels, all else unlabelled: only the panel knows which pulses are quick."""
    few = data.only([i < 4 for i in range(64)])
    labels = Prepared(few.ids * 16, ["N"] * 64, few.signals * 16)  # and half of these are wrong
    material = Material(labels, replace(data, labels=[""] * 64))
    how = Panel(weight=0.9, share=0.5)
    own = replace(quick, training=replace(quick.training, epochs=24))
    net = train(own, how, Tempo(), material, augmenter, tmp_path / "c.pt", quiet, untrained(own))
    said = compare.worth.logits(net, np.stack([augmenter.plain(s) for s in data.signals])).argmax(axis=1)
    assert np.mean(np.array(["NAO~"[i] for i in said]) == data.labels) > 0.85


def test_the_loss_against_labels_leaves_unlabelled_windows_out(quick, data, augmenter):
    other = replace(data, labels=[""] * 64)
    run = PanelRun(quick, Panel(weight=0.0), Tempo(), Material(data, other), untrained(quick), 10)
    batch = next(_batches(Material(data, other), 0.25, augmenter, quick.training, np.random.default_rng(0)))
    x, chosen = batch
    assert (chosen >= 64).sum() == 4
    assert (run.targets[chosen[chosen >= 64]] == UNLABELLED).all()
    run.net.eval()
    labelled = torch.from_numpy(chosen < 64)
    with torch.no_grad():
        both, alone = run._loss(x, chosen), run._loss(x[labelled], chosen[labelled.numpy()])
    assert float(both) == pytest.approx(float(alone), rel=1e-5)


def test_what_twelve_leads_say_counts_half_where_they_say_anything(quick, data):
    known = np.full((64, 4), np.nan, np.float32)
    known[3] = [0, 8, 0, 0]
    material = Material(data, replace(data, labels=[""] * 64), known=known)
    run = PanelRun(quick, Panel(), Tempo(), material, untrained(quick), 10)
    clean = torch.from_numpy(np.stack([data.signals[i][-3000:] for i in (3, 4, 3)]))[:, None]
    said = run._answers(clean, np.array([3, 4, 64 + 3]))
    alone = Tempo().answers(clean[:, 0].numpy())
    np.testing.assert_allclose(said[0], (alone[0] + known[3]) / 2)
    np.testing.assert_array_equal(said[1:], alone[1:])


def test_features_are_drawn_to_the_teachers_and_moments_one_by_one():
    rng = torch.Generator().manual_seed(0)
    ours, theirs = (torch.rand(3, 8, 1, 6, generator=rng) for _ in range(2))
    a, b = ours.double().numpy()[:, :, 0], theirs.double().numpy()[:, :, 0]

    def cosine(x, y):
        return (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)

    window = 1 - cosine(a.mean(2), b.mean(2)).mean()
    moments = 1 - cosine(a, b).mean()
    said = likeness_loss(ours, theirs, features=0.5, tokens=2.0)
    assert float(said) == pytest.approx(0.5 * window + 2.0 * moments, rel=1e-5)
    turned = theirs.flip(3)  # the same window, other moments
    assert float(likeness_loss(theirs, turned, features=1.0, tokens=0.0)) == pytest.approx(0, abs=1e-6)
    assert float(likeness_loss(theirs, turned, features=0.0, tokens=1.0)) > 0.01


def test_a_kept_model_answers_as_through_the_package_and_another_is_refused(data):
    model = RhythmModel.load(KEPT / "rhythm_separable", "onnx")
    seat([model], ("N", "A", "O", "~"), 3040)
    window = Augmenter(100.0, 3040, 1.5, Augment(), []).plain(data.signals[0])
    said = Teachers((model, model)).answers(window[None])[0]
    p = np.exp(said / model.manifest.temperature)
    expected = list(model.probabilities(data.signals[0]).values())
    np.testing.assert_allclose(p / p.sum(), expected, atol=1e-5)
    with pytest.raises(ConfigError, match="take it out of"):
        seat([model], ("N", "A"), 3040)


def test_wrong_labels_are_a_share_and_always_the_same(data):
    wrong = ways.with_wrong_labels(data, 0.5, ("N", "A", "O", "~"))
    changed = [a != b for a, b in zip(wrong.labels, data.labels, strict=True)]
    assert 20 < sum(changed) < 44
    assert wrong.labels == ways.with_wrong_labels(data, 0.5, ("N", "A", "O", "~")).labels
    assert ways.with_wrong_labels(data, 0.0, ("N", "A")) is data


def test_a_source_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="svdb"):
        unlabelled(["svdbb"], 100.0)


def test_a_panel_in_a_recipe_is_read_and_its_limits_are_kept(tmp_path):
    text = (recipes.RECIPES / "rhythm_base.toml").read_text()
    (tmp_path / "a.toml").write_text(text + '[panel]\nmodels = ["x"]\ntokens = 0.5\n')
    panel = recipes.load(tmp_path / "a.toml").panel
    assert panel == Panel(("x",), tokens=0.5)
    (tmp_path / "a.toml").write_text(text + '[panel]\nmodels = ["x"]\nshare = 1.0\n')
    with pytest.raises(ConfigError, match="share"):
        recipes.load(tmp_path / "a.toml")


@pytest.fixture(scope="module")
def heard(small, data):
    """Made sides of every kind; AF of PTB-XL are the quick pulses."""
    truth = np.array(data.labels)
    rng = np.random.default_rng(2)
    windows = np.stack([Augmenter(100.0, 3040, 1.5, Augment(), []).plain(s) for s in data.signals])
    sides = {name: worth.Side(windows, truth) for name in ("clean", "first 10 s", "PTB-XL")}
    for snr_db in worth.SNRS_DB:
        for kind in worth.prepare.NOISES:
            noise = 10 ** (-snr_db / 20) * rng.standard_normal(windows.shape).astype(np.float32)
            sides[f"{kind}, {snr_db:g} dB"] = worth.Side(windows + noise, truth)
    return sides


def test_every_way_is_measured_and_goes_on_where_it_was(quick, data, augmenter, heard, tmp_path):
    recipe = replace(quick, panel=Panel(tries=tuple(ways.TRIES)), teacher=recipes.External("made"))
    recipe = replace(recipe, training=replace(recipe.training, epochs=1))
    room = Classroom(
        recipe,
        data,
        augmenter,
        teachers := Tempo(untrained(recipe)),
        lambda: untrained(recipe),
        lambda: teachers.answers(np.stack([augmenter.plain(s) for s in data.signals])),
        lambda: replace(data, labels=[""] * 64),
        lambda: np.full((64, 4), np.nan, np.float32),
        Embeddings(np.eye(64, 3, dtype=np.float32), 0.5),
    )
    tried = ways.ways(recipe)
    assert len(tried) == 11
    rows = compare.compare(room, tried, 1, heard, tmp_path, quiet)
    assert list(rows) == list(tried)
    assert rows["labels"]["mean F1"]["gain_95"] == [0, 0]
    assert all({m.name for m in worth.MEASURES} < set(row) for row in rows.values())
    before = {f: f.stat().st_mtime_ns for f in tmp_path.glob("*/*")}
    assert compare.compare(room, tried, 1, heard, tmp_path, quiet) == rows
    assert {f: f.stat().st_mtime_ns for f in tmp_path.glob("*/*")} == before


def test_figures_are_what_a_slow_reference_says(heard, data):
    rng = np.random.default_rng(3)
    said = {name: rng.standard_normal((64, 4)).astype(np.float32) for name in heard}
    student = worth.Student(said, heard, ("N", "A", "O", "~"))
    drawn = np.stack([np.ones(64), np.bincount(rng.integers(0, 64, 64), minlength=64)])
    for weights, rows in zip(drawn, [np.repeat(np.arange(64), w.astype(int)) for w in drawn], strict=True):
        one = weights[None]
        truth = np.array(data.labels)[rows]
        p = special.softmax(said["clean"] / fit_temperature(said["clean"], np.tile([1, 0], 32)), axis=1)[rows]
        index = np.array(["NAO~".index(x) for x in truth])
        named = ["NAO~"[i] for i in p.argmax(axis=1)]
        assert student.f1(["clean"], one)[0] == pytest.approx(mean_f1(truth, named))
        assert student.nll(one)[0] == pytest.approx(-np.log(p[np.arange(64), index]).mean())
        total = 0.0
        for k in range(worth.BINS):
            inside = [i for i in range(64) if k == min(int(p[i].max() * worth.BINS), worth.BINS - 1)]
            total += abs(sum((p[i].argmax() == index[i]) - p[i].max() for i in inside))
        assert student.ece(["clean"], one)[0] == pytest.approx(total / 64)
        t = fit_temperature(said["clean"], np.tile([1, 0], 32))
        scores = special.softmax(said["PTB-XL"] / t, axis=1)[rows, 1]
        pairs = [(a > b) + 0.5 * (a == b) for a in scores[index == 1] for b in scores[index != 1]]
        assert student.auroc(one)[0] == pytest.approx(np.mean(pairs))
    assert np.isnan(student.verdicts(np.zeros((1, 64)))[0])
