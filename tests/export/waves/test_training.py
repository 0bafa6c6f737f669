"""Training the wave network: the loss, that it learns, that it goes on, and what a whole folder holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ecgedge.waves.features import BEFORE, N
from ecgedge_export.data.record import Wave
from ecgedge_export.recipe import Training
from ecgedge_export.waves import gather, training
from ecgedge_export.waves.augment import Augment, WaveAugmenter
from ecgedge_export.waves.gather import CLASSES, RATE, WAVES, Marked
from ecgedge_export.waves.training import WaveRecipe, load_recipe, train

RECIPE = Path(__file__).parents[3] / "export" / "ecgedge_export" / "recipes" / "waves.toml"
SMALL = WaveRecipe(
    name="small", task="waves", width=8, kernel=9, stride=2, dilations=(1, 2, 4), dropout=0.0, knee=0.2,
    thresholds={"p": 0.03, "qrs": 0.02, "t": 0.03},
    training=Training(epochs=24, batch=12, lr=0.01, label_smoothing=0.0, ema=0.9, threads=1),
)  # fmt: skip
STILL = Augment(p_noise=0.0, p_without_p=0.0)


@pytest.fixture(scope="module")
def marked() -> Marked:
    """Beats of three bumps each, all of their waves marked."""
    rng = np.random.default_rng(0)
    t, signals, waves = np.arange(round(10 * RATE)) / RATE, [], []
    for _ in range(6):
        peaks = np.cumsum(rng.uniform(0.8, 1.1, 8))
        signal, own = 0.01 * rng.standard_normal(len(t)), []
        for peak in peaks:
            bumps = ("P", -0.13, 0.02, 0.15), ("QRS", 0.0, 0.012, 1.0), ("T", 0.28, 0.035, 0.3)
            for kind, offset, width, height in bumps:
                signal += height * np.exp(-0.5 * ((t - peak - offset) / width) ** 2)
                at = [round(500 * (peak + offset + k * width)) for k in (-2.5, 0, 2.5)]
                own.append(Wave(kind, *at))
        signals.append(signal.astype(np.float32))
        waves.append(own)
    places = [(i, j) for i, own in enumerate(waves) for j, w in enumerate(own) if w.kind == "QRS"]
    return Marked(
        signals=np.stack(signals),
        lengths=np.full(6, len(t)),
        sums=np.stack([gather._sums(own, 5000, 500.0) for own in waves]),
        fs=500.0,
        lead=np.array([i for i, _ in places]),
        peak_s=np.array([waves[i][j].peak / 500.0 for i, j in places]),
        tp_s=np.array([gather._tp_segments(waves[i], j, 500.0) for i, j in places]),
        records=tuple("abcdef"),
    )


def loss_of(logits: Tensor, shares: dict[str, float]) -> float:
    """Loss of one example all of whose samples have the same logits and shares."""
    run = training._WaveRun(SMALL.net(), np.zeros(1, np.int64), 1, SMALL.training, 10, None)
    run.net = lambda x: logits.repeat(N)[None]  # type: ignore[assignment]
    rows = [0.0, *(shares.get(name, 0.0) for name in (*WAVES, "known", "without P"))]
    x = torch.tensor(rows, dtype=torch.float32)[None, :, None].repeat(1, 1, N)
    return float(run._loss(x, np.zeros(1, np.int64)))


def test_what_is_known_is_learnt_and_nothing_else() -> None:
    says_t = torch.log(torch.tensor([0.1, 0.1, 0.7, 0.1]))
    assert loss_of(says_t, {"T": 1.0, "known": 1.0}) == pytest.approx(-np.log(0.7))
    assert loss_of(says_t, {"P": 1.0, "known": 1.0}) == pytest.approx(-np.log(0.1))
    assert loss_of(says_t, {"known": 1.0}) == pytest.approx(-np.log(0.1))
    assert loss_of(says_t, {"P": 1.0}) == 0
    half = loss_of(says_t, {"T": 0.5, "known": 1.0})
    assert half == pytest.approx(-0.5 * np.log(0.7) - 0.5 * np.log(0.1))


def test_where_there_is_no_p_everything_else_will_do() -> None:
    for likely in ([0.1, 0.7, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7]):
        assert loss_of(torch.log(torch.tensor(likely)), {"without P": 1.0}) == pytest.approx(-np.log(0.9))
    says_p = torch.log(torch.tensor([0.7, 0.1, 0.1, 0.1]))
    assert loss_of(says_p, {"without P": 1.0}) == pytest.approx(-np.log(0.3))


def test_it_learns_and_goes_on_where_it_was_stopped(marked: Marked, tmp_path: Path) -> None:
    augmenter, everybody = WaveAugmenter(STILL, [], SMALL.knee), np.arange(len(marked))
    losses: list[float] = []
    net = train(SMALL, marked, everybody, augmenter, tmp_path / "a.pt", lambda *p: losses.append(p[2]))
    assert losses[-1] < 0.6 * losses[0]
    with torch.no_grad():
        logits = net(torch.from_numpy(augmenter.plain(marked, everybody)[:, None]))
    named = logits.reshape(len(marked), N, len(CLASSES)).argmax(dim=2)
    assert (named[:, BEFORE] == CLASSES.index("QRS")).float().mean() > 0.9

    def stop(done: int, of: int, loss: float) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(SMALL, marked, everybody, augmenter, tmp_path / "b.pt", stop)
    again: list[float] = []
    other = train(SMALL, marked, everybody, augmenter, tmp_path / "b.pt", lambda *p: again.append(p[2]))
    assert again == losses[10:]
    for one, two in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_fibrillation_teaches_one_thing(monkeypatch: pytest.MonkeyPatch, marked: Marked) -> None:
    from ecgedge_export.data import DATASETS
    from ecgedge_export.data.record import Record

    def record(name: str, fold: int, **statements: float) -> Record:
        return Record("ptb-xl", name, Path("nowhere"), 100.0, 1000, ("I", "II"), name, fold=fold,
                      statements=statements)  # fmt: skip

    people = [record("1", 3, AFIB=0.0), record("2", 9, AFIB=0.0), record("3", 4, NORM=100.0)]
    row = replace(DATASETS["ptb-xl"], read=lambda _: iter(people))
    monkeypatch.setattr(gather, "DATASETS", {"ptb-xl": row})
    signal = marked.signals[0][::2]
    monkeypatch.setattr(Record, "lead", lambda self, which: signal)
    found = gather.fibrillation(marked)
    assert found.records == ("ptb-xl/1", "ptb-xl/1")
    assert len(found) == pytest.approx(16, abs=2)
    shares = np.diff(found.sums[0], axis=1)
    assert shares[:4].max() == 0
    assert (shares[4] == 1).all()
    both = marked.joined(found)
    assert len(both) == len(marked) + len(found)
    assert both.records[both.lead[-1]] == "ptb-xl/1"


def test_the_recipe_is_read_and_cut_for_a_quick_try() -> None:
    recipe, quick = load_recipe(RECIPE), load_recipe(RECIPE, quick=True)
    assert set(recipe.thresholds) == {"p", "qrs", "t"}
    assert quick.training.epochs == 2 < recipe.training.epochs
    assert N % recipe.stride == 0
