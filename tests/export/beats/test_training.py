"""Training the beat detector: what it is shown, that it learns, that it repeats itself, how it is scored."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgedge.artefacts.manifest import Manifest
from ecgedge.beats.detector import find_beats
from ecgedge.beats.net import HOP, LENGTH, BeatNet
from ecgedge.beats.settings import CLIP
from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_export.beats import training as beat_training
from ecgedge_export.beats.augment import Augmenter, Source, target
from ecgedge_export.beats.scores import Counts, compare, condition, pairs
from ecgedge_export.beats.training import Pool
from ecgedge_export.data import Episode, Record

REPORT = {
    "records": 2,
    "150 ms": {"Se": 99.0, "P+": 98.0, "F1": 98.5},
    "worst": [{"record": "105", "missed": 1, "made_up": 2}],
}
RECIPE = Path(__file__).parents[3] / "export" / "ecgedge_export" / "recipes" / "beats.toml"


@pytest.fixture(scope="module")
def source():
    """Two leads of narrow pulses, one upside down, with known places."""
    rng = np.random.default_rng(0)
    at = np.cumsum(rng.uniform(60, 110, 200))
    t = np.arange(round(at[-1]) + 100)
    x = np.zeros(len(t), np.float32)
    for p in at:
        near = slice(int(p) - 8, int(p) + 9)
        x[near] += np.exp(-0.5 * ((t[near] - p) / 2) ** 2).astype(np.float32)
    leads = np.stack([x, -0.5 * x]) + 0.01 * rng.standard_normal((2, len(t)))
    return Source((leads / leads.std(axis=1, keepdims=True)).astype(np.float32), at, at[::20])


def test_a_target_is_a_bell_at_each_beat():
    y = target(np.array([-50.0, 20.0, 60.5]))
    assert y.shape == (HOP,)
    assert y[20] == 1.0
    assert y[60] == y[61] == pytest.approx(np.exp(-0.5 * 0.25**2))
    assert y[40] < 1e-6


def test_views_have_the_form_and_the_beats_where_the_target_says(source):
    augmenter = Augmenter([], 0.3, (0.0, 10.0))
    rng = np.random.default_rng(1)
    hits = []
    for _ in range(200):
        x, y = augmenter.draw(source, rng)
        assert x.shape == (LENGTH,)
        assert y.shape == (HOP,)
        assert np.abs(x).max() <= CLIP
        middle = np.abs(x[60:-60])
        hits += [middle[max(0, i - 2) : i + 3].max() > 0.5 * middle.max() for i in np.flatnonzero(y > 0.99)]
    assert len(hits) > 50
    assert np.mean(hits) > 0.8  # but for steps, noise and dropouts


@pytest.fixture(scope="module")
def short():
    how = beat_training.load_recipe(RECIPE)
    return replace(how, steps=400, batch=32, channels=8, lr=0.01, svdb=0.0, ludb=0.0, self_labelled=0.0)


@pytest.fixture(scope="module")
def trained(short, source):
    return beat_training.train(
        short, [Pool(1.0, [source])], Augmenter([], 0.0, (0.0, 10.0)), lambda line: None
    )


def test_it_learns(trained, source):
    net = replace(trained, threshold=0.3, back=0.2)
    found = np.array([b.position for b in find_beats(0.2 * source.leads[0][:6000], net)])
    reference = source.beats[source.beats < 6000]
    hits = len(pairs(reference, found, 3))
    assert hits > 0.9 * len(reference)
    assert hits > 0.9 * len(found)


def test_the_same_seed_gives_the_same_weights(short, trained, source):
    again = beat_training.train(
        short, [Pool(1.0, [source])], Augmenter([], 0.0, (0.0, 10.0)), lambda line: None
    )
    assert again.weights == trained.weights


def test_the_runtime_computes_what_was_trained(short, trained):
    import torch

    from ecgedge.beats.net import Runner

    net = beat_training.TorchNet(short.channels).eval()
    packed = net.packed(short)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(p.half().float())  # as the file has them
        x = np.random.default_rng(2).normal(0, 1, LENGTH).astype(np.float32)
        theirs = torch.sigmoid(net(torch.from_numpy(x)[None, None]))[0].numpy()
    np.testing.assert_allclose(Runner(packed)(x), theirs, atol=1e-5)


def test_the_folder_comes_back_as_it_was_saved(short, trained, tmp_path):
    beat_training.save(trained, short, tmp_path / "beats", {"command": "test", "DS2": REPORT})
    assert BeatNet.load(tmp_path / "beats") == trained
    manifest = Manifest.load(tmp_path / "beats")
    assert manifest.training_data[0].name == "MIT-BIH Arrhythmia Database, DS1"
    assert "| 150 ms | 99.0 | 98.0 | 98.5 |" in (tmp_path / "beats" / "CARD.md").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net: replace(net, channels=9), "weights of the wrong number"),
        (lambda net: replace(net, weights=net.weights[:-8]), "weights of the wrong number"),
        (lambda net: replace(net, weights="x" + net.weights), "cannot be read"),
    ],
)
def test_a_damaged_network_is_refused(trained, short, tmp_path, change, message):
    with pytest.raises(ModelError, match=message):
        beat_training.save(change(trained), short, tmp_path / "beats", {"command": "test"})
    assert not (tmp_path / "beats").exists()


def test_matching_is_one_to_one():
    assert pairs([10, 20], [9, 11, 20], 2) == [(0, 0), (1, 2)]
    assert pairs([10, 11], [10.5], 2) == [(0, 0)]
    assert pairs([], [1, 2], 5) == pairs([1, 2], [], 5) == []
    assert pairs([100], [103], 2) == []


def a_record(tmp_path):
    fs, beats = 100.0, np.arange(1000, 60_000, 100)
    flutter = Episode(40_000, 45_000, "VFL")
    return Record("mitdb", "x", tmp_path, fs, 60_000, ("MLII",), "x", beats=beats, rhythms=(flutter,))


def test_scores_by_hand(tmp_path):
    record = a_record(tmp_path)
    found = np.r_[record.beats[1:] + 10, 555]
    counts = compare(record, np.sort(found), 0.15)
    assert counts == Counts(len(record.beats), len(record.beats), len(record.beats) - 1)
    assert compare(record, np.sort(found), 0.05).hits == 0
    assert (counts + counts).sensitivity == counts.sensitivity < 1


def test_ec57_leaves_out_the_first_minutes_and_flutter(tmp_path):
    record = a_record(tmp_path)
    counts = compare(record, record.beats, 0.15, ec57=True)
    assert counts.beats == counts.hits == len(np.arange(30_000, 60_000, 100)) - 50


def test_conditions_are_read():
    assert condition("em:6") == ("em", 6.0)
    for text in ("em", "xx:6", "em:loud"):
        with pytest.raises(ConfigError, match="em:6"):
            condition(text)
