"""Training on a few made signals: it learns, it repeats itself, it goes on where it was stopped."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import recipe, train
from ecgedge_export.rhythm import build as rhythm
from ecgedge_export.rhythm import training
from ecgedge_export.rhythm.augment import Augmenter


def run(small, data, path, epochs=None):
    augmenter = Augmenter(small.fs, small.n_samples, small.clip, small.augment, [])
    losses = []
    how = small if epochs is None else replace(small, training=replace(small.training, epochs=epochs))
    net = training.train(how, data, augmenter, path, lambda _, __, loss: losses.append(loss))
    return net, augmenter, losses


@pytest.fixture(scope="module")
def trained(small, data, tmp_path_factory):
    return run(small, data, tmp_path_factory.mktemp("run") / "checkpoint.pt")


def test_it_learns(trained, data):
    net, augmenter, losses = trained
    assert losses[-1] < 0.7 * losses[0]
    said = train.logits(net, np.stack([augmenter.plain(s) for s in data.signals])).argmax(axis=1)
    assert np.mean(said == [0 if label == "N" else 1 for label in data.labels]) > 0.9


def test_the_same_seed_gives_the_same_weights(small, data, trained, tmp_path):
    again, _, losses = run(small, data, tmp_path / "checkpoint.pt")
    assert losses == trained[2]
    for a, b in zip(trained[0].state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_stopped_run_goes_on_to_the_same_weights(small, data, trained, tmp_path):
    augmenter = Augmenter(small.fs, small.n_samples, small.clip, small.augment, [])

    class Stopped(Exception):  # noqa: N818
        pass

    def stop_after_three(done, _, __):
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        training.train(small, data, augmenter, tmp_path / "checkpoint.pt", stop_after_three)
    resumed, _, losses = run(small, data, tmp_path / "checkpoint.pt")
    assert losses == trained[2][3:]
    for a, b in zip(trained[0].state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_of_another_recipe_is_refused(small, data, trained, tmp_path):
    run(small, data, tmp_path / "checkpoint.pt")
    slower = replace(small, training=replace(small.training, lr=small.training.lr / 2))
    with pytest.raises(ConfigError, match="another recipe"):
        run(slower, data, tmp_path / "checkpoint.pt")


def test_views_differ_and_keep_the_form(small, data):
    augmenter = Augmenter(small.fs, small.n_samples, small.clip, small.augment, [data.signals[0].repeat(3)])
    rng = np.random.default_rng(0)
    drawn = [augmenter.draw(data.signals[1], rng) for _ in range(20)]
    assert all(v.shape == (3040,) and v.dtype == np.float32 and np.abs(v).max() <= small.clip for v in drawn)
    assert len({v.tobytes() for v in drawn}) == 20


def test_the_recipe_switches_training_with_rounding_on(small, data, trained):
    net, augmenter, _ = trained
    sets, said = rhythm.Sets(data, data, augmenter), []
    assert rhythm.tuned(net, small, sets, said.append) is net
    how = replace(small, quantization=recipe.Quantization(qat_epochs=2))
    student = rhythm.tuned(net, how, sets, said.append)
    assert [line.split(",")[0] for line in said] == [
        "rounding: [##########----------] 1/2",
        "rounding: [####################] 2/2",
    ]
    windows = np.stack([augmenter.plain(s) for s in data.signals])
    before, after = (train.logits(n, windows) for n in (net, student))
    assert 0 < np.abs(before - after).max() < 1.0  # the same network, trained on a little
