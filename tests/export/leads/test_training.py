"""Training the lead network: what is drawn, the loss, that it learns, that it goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ecgedge.leads.features import GUESSED, MARGIN, model_input
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.leads import content, sets, training
from ecgedge_export.leads.training import CROP, Augment, LeadRecipe, drawn, load_recipe, train
from ecgedge_export.recipe import QUICK_EPOCHS, RECIPES, Training

SMALL = LeadRecipe(
    name="small", task="leads", widths=(4, 8), kernel=5, dilations=(1,), knee_mv=0.5,
    training=Training(epochs=40, batch=8, lr=0.02, ema=0.9, threads=1),
    augment=Augment(gain=0.0, p_noise=0.0),
)  # fmt: skip
TIME = 1000


def made(n=24, seed=0):
    """Lead I of bumps, and two leads that follow from it: one smaller, one of its slope."""
    rng, t = np.random.default_rng(seed), np.arange(TIME) / 100.0
    given = np.zeros((n, 1, TIME))
    for i in range(n):
        for peak in np.arange(rng.uniform(0, 0.8), 10, rng.uniform(0.7, 1.0)):
            given[i, 0] += 0.8 * np.exp(-0.5 * ((t - peak) / 0.03) ** 2)
    wanted = np.concatenate([-0.5 * given, 10 * np.gradient(given, 0.01, axis=2) / 100], axis=1)
    return given.astype(np.float32), wanted.astype(np.float32)


def learn(how, tmp_path, name="a.pt", told=None):
    given, wanted = made()
    return train(
        how, given, wanted, [], tmp_path / name, lambda *step: told.append(step) if told is not None else None
    )


def test_an_example_is_an_input_its_leads_and_where_there_is_signal():
    given, wanted = made(8)
    x = drawn(SMALL, given, wanted, [], np.random.default_rng(0))
    assert x.shape == (8, 4, CROP)
    for i, (inputs, leads, known) in enumerate(zip(x[:, 0], x[:, 1:3], x[:, 3], strict=True)):
        places = np.flatnonzero(known)
        start = [s for s in range(-MARGIN, TIME) if np.array_equal(
            model_input(given[i, 0, np.clip(np.arange(s, s + CROP), 0, TIME - 1)], 0.5), inputs)]  # fmt: skip
        assert len(start) >= 1
        first = start[0] + places[0]
        np.testing.assert_array_equal(leads[:, places], wanted[i, :, first : first + len(places)])
        assert (np.diff(places) == 1).all()


def test_a_gain_is_that_of_all_leads_and_noise_that_of_the_input():
    given, wanted = made(8)
    louder = replace(SMALL, augment=Augment(gain=0.5, p_noise=0.0))
    x = drawn(louder, given, wanted, [], np.random.default_rng(0))
    mv = 0.5 * x[:, 0] / (1 - np.abs(x[:, 0]))
    np.testing.assert_allclose(x[:, 1], -0.5 * mv, atol=1e-3)
    assert 0.1 < np.abs(x[:, 1]).max(axis=1).std() / np.abs(wanted[:, 0]).max() < 0.5
    noisy = replace(SMALL, augment=Augment(gain=0.0, p_noise=1.0, snr_db=(6, 6)))
    hum = [np.sin(np.arange(3000)).astype(np.float32)]
    z = drawn(noisy, given, wanted, hum, np.random.default_rng(0))
    clean = drawn(SMALL, given, wanted, [], np.random.default_rng(0))
    np.testing.assert_array_equal(z[:, 1:], clean[:, 1:])
    added = 0.5 * z[:, 0] / (1 - np.abs(z[:, 0])) - 0.5 * clean[:, 0] / (1 - np.abs(clean[:, 0]))
    mv = 0.5 * clean[:, 0] / (1 - np.abs(clean[:, 0]))
    assert 20 * np.log10(mv.std() / added.std()) == pytest.approx(6, abs=1)


@torch.no_grad()
def test_what_lies_beyond_the_ends_teaches_nothing():
    run = training._LeadRun(SMALL.net(1, 2), np.zeros(1, np.int64), 1, SMALL.training, 10, None)
    run.net.eval()
    given, wanted = made(1)
    x = torch.from_numpy(drawn(SMALL, given, wanted, [], np.random.default_rng(3)))
    x[:, 3, :100] = 0
    changed = x.clone()
    changed[:, 1:3, :100] += 5
    chosen = np.zeros(1, np.int64)
    assert float(run._loss(x, chosen)) == float(run._loss(changed, chosen))
    wrong = (run.net.leads(x[:, :1])[:, :, 0] - x[:, 1:3])[:, :, x[0, 3] > 0]
    assert float(run._loss(x, chosen)) == pytest.approx(float((wrong**2).mean()), rel=1e-5)


def test_it_learns_what_follows_from_lead_i(tmp_path):
    told: list[tuple[int, int, float]] = []
    net = learn(SMALL, tmp_path, told=told)
    assert told[-1][2] < 0.1 * told[0][2]
    given, wanted = made(4, seed=9)
    found = content.guessed(net, 0.5, given)
    assert found.shape == wanted.shape
    assert ((found - wanted) ** 2).mean() < 0.3 * wanted.var()


def test_a_stopped_training_goes_on_to_the_same_network(tmp_path):
    brief = replace(SMALL, training=replace(SMALL.training, epochs=4))
    whole = learn(brief, tmp_path)

    class StoppedError(Exception):
        pass

    def stop(done, *_):
        if done == 2:
            raise StoppedError

    given, wanted = made()
    with pytest.raises(StoppedError):
        train(brief, given, wanted, [], tmp_path / "b.pt", stop)
    again = learn(brief, tmp_path, "b.pt")
    for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_recipe_says_everything_and_quick_is_brief(tmp_path):
    assert load_recipe(RECIPES / "leads.toml", quick=True).training.epochs == QUICK_EPOCHS
    wrong = tmp_path / "wrong.toml"
    wrong.write_text((RECIPES / "leads.toml").read_text().replace("kernel", "kernal"))
    with pytest.raises(ConfigError, match="kernal"):
        load_recipe(wrong)


def test_a_short_training_on_real_leads_lowers_the_loss(tmp_path):
    try:
        people = sets.people()
    except ConfigError as missing:
        pytest.skip(str(missing))
    taught = people.of(sets.TAUGHT_FOLDS, 48)
    assert taught.signals.shape == (48, 8, TIME)
    assert not np.isnan(taught.signals).any()
    how = replace(load_recipe(RECIPES / "leads.toml"), training=replace(SMALL.training, epochs=6, lr=0.005))
    told: list[tuple[int, int, float]] = []
    train(how, taught.leads(["I"]), taught.leads(GUESSED), [], tmp_path / "c.pt", lambda *s: told.append(s))
    assert told[-1][2] < 0.7 * told[0][2]


def test_nobody_is_on_two_sides():
    try:
        people = sets.people()
    except ConfigError as missing:
        pytest.skip(str(missing))
    sides = [set(people.of(folds).patients.tolist()) for folds in (sets.TAUGHT_FOLDS, [sets.TEST_FOLD])]
    assert all(sides)
    assert not sides[0] & sides[1]
