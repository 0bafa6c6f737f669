"""The word model: its loss against a slow reference, codes that follow their words, and that it learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ecgedge.tokens.features import HALF, N, model_input
from ecgedge_export.recipe import Training
from ecgedge_export.tokens import training
from ecgedge_export.tokens.gather import Recording, Words, _some, joined, spoken
from ecgedge_export.tokens.training import WordRecipe, load_recipe, places, settled, train
from ecgedge_export.tokens.vq import LEAST, Codebook, Tokenizer

SMALL = WordRecipe(
    name="small", task="tokens", hidden=16, dim=8, codes=12, commitment=0.4, words=512,
    shares={"cinc2017": 0.5, "mitdb": 0.5},
    training=Training(epochs=60, batch=64, lr=4e-3, label_smoothing=0.0, ema=0.9, threads=1),
)  # fmt: skip


def shape(kind: int, gain: float, rr: float, rng: np.random.Generator) -> np.ndarray:
    """A beat of one of six shapes, cut at its midpoints."""
    t = (np.arange(N) - HALF) / 100.0
    sign, width, t_wave = (-1) ** (kind % 2), (0.02, 0.05, 0.03)[kind % 3], (0.3, -0.2)[kind % 2]
    x = sign * np.exp(-0.5 * (t / width) ** 2) + t_wave * np.exp(-0.5 * ((t - 0.28) / 0.05) ** 2)
    x = gain * (x + 0.01 * rng.standard_normal(N))
    return np.where(np.abs(t) < rr / 2, x, 0).astype(np.float32)


@pytest.fixture(scope="module")
def words() -> Words:
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 6, 600)
    cut = np.array([shape(k, rng.uniform(0.3, 3.0), rng.uniform(0.6, 1.1), rng) for k in kinds])
    half = np.where(np.arange(600) < 300, "cinc2017", "mitdb")
    return Words(cut, np.full(600, 0.8, np.float32), kinds.astype("<U1"), np.full(600, "r"), half)


def slow_loss(net: Tokenizer, x: torch.Tensor, commitment: float) -> float:
    """The loss of the card, word by word."""
    error, power, apart = 0.0, 0.0, 0.0
    for word in x[:, 0]:
        z = net.encoder(word[None, None])[0]
        z = z / z.norm()
        distances = [float((z - code).square().sum()) for code in net.codebook.codes]
        code = net.codebook.codes[int(np.argmin(distances))]
        decoded = net.decoder(code[None])[0]
        for wanted, found in zip(word.tolist(), decoded.tolist(), strict=True):
            if wanted != 0:
                error += (found - wanted) ** 2
            power += wanted**2
        apart += min(distances) / len(z) / len(x)
    return error / power + commitment * apart


def test_the_loss_is_that_of_the_card(words: Words) -> None:
    torch.manual_seed(3)
    net = Tokenizer(16, 8, 12).eval()
    x = torch.from_numpy(model_input(words.words[:20])[:, None])
    with torch.no_grad():
        assert float(net.loss(x, 0.25)) == pytest.approx(slow_loss(net, x, 0.25), rel=1e-4)


def test_the_gradient_goes_straight_through_the_code(words: Words) -> None:
    torch.manual_seed(3)
    net = Tokenizer(16, 8, 12).eval()
    x = torch.from_numpy(model_input(words.words[:20])[:, None])
    net.loss(x, 1e-9).backward()
    grad = net.encoder.layers[0].weight.grad
    assert grad is not None
    assert float(grad.abs().sum()) > 0


def test_codes_follow_their_words_and_unused_ones_begin_again() -> None:
    torch.manual_seed(0)
    book = Codebook(3, 2)
    book.codes = F.normalize(torch.tensor([[1.0, 0.2], [-1.0, 0.1], [0.0, -1.0]]), dim=1)
    book.sums, book.spoken = book.codes.clone(), torch.ones(3)
    z = F.normalize(torch.tensor([[0.0, 1.0], [0.3, 1.0], [-0.3, 1.0]] * 4), dim=1)
    before = book.codes[0].clone()
    for _ in range(40):
        book.follow(z, torch.zeros(len(z), dtype=torch.int64))
    assert float(book.codes[0] @ torch.tensor([0.0, 1.0])) > 0.98 > float(before[1])
    np.testing.assert_allclose(book.codes.norm(dim=1), 1.0, rtol=1e-5)
    for _ in range(400):
        book.follow(z, torch.zeros(len(z), dtype=torch.int64))
    assert float(book.spoken.min()) >= LEAST / 2
    assert float((book.codes @ z.T).amax(dim=1).min()) > 0.99  # all of them stand where words are


def test_it_learns_the_shapes_and_goes_on_where_it_was_stopped(words: Words, tmp_path: Path) -> None:
    losses: list[float] = []
    learnt = train(SMALL, words, tmp_path / "a.pt", lambda *p: losses.append(p[2]))
    assert losses[-1] < 0.5 * losses[0]
    inputs = model_input(words.words)
    chosen = (places(learnt.encoder, inputs) @ learnt.vocabulary.codes.T).argmax(axis=1)
    # Shapes of one kind share codes, and no code stands for two kinds.
    pure = [np.unique(words.symbols[chosen == code], return_counts=True)[1] for code in np.unique(chosen)]
    assert sum(counts.max() for counts in pure) / len(words) > 0.95

    def stop(done: int, of: int, loss: float) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(SMALL, words, tmp_path / "b.pt", stop)
    again = train(SMALL, words, tmp_path / "b.pt", lambda *_: None)
    np.testing.assert_array_equal(again.vocabulary.codes, learnt.vocabulary.codes)
    np.testing.assert_array_equal(again.vocabulary.waves, learnt.vocabulary.waves)


def test_the_wave_of_a_code_is_the_shape_of_its_words(words: Words) -> None:
    torch.manual_seed(1)
    net = Tokenizer(16, 8, 6)
    one = model_input(words.words[words.symbols == "0"])
    vocabulary = settled(net.encoder, net.codebook.codes.numpy(), one)
    used = (places(net.encoder, one) @ vocabulary.codes.T).argmax(axis=1)
    wave = vocabulary.waves[np.bincount(used).argmax()]
    whole = one.mean(axis=0)
    assert np.corrcoef(wave[20:76], whole[20:76])[0, 1] > 0.99
    assert np.ptp(wave) == pytest.approx(1.0, abs=0.02)


def test_sources_have_their_shares(words: Words) -> None:
    odds = training._odds(SMALL, words.only(np.arange(400)))
    assert odds[:300].sum() == pytest.approx(0.5)
    assert odds.sum() == pytest.approx(1.0)


def test_a_whole_recording_is_cut_as_the_stream_cuts_it() -> None:
    from ecgedge.demo.synthetic import Segment, synthesize
    from ecgedge.tokens import encode
    from ecgedge.tokens.coding import bundled
    from ecgedge_export import prepare

    mv = synthesize([Segment("sinus", 30.0, 75.0)], 130.0, seed=2).mv
    offline = spoken(Recording("x", "1", prepare.filtered(mv, 130.0, 100.0), np.empty(0), ()))
    sentence = encode(mv, 130.0)
    model = bundled()
    assert [model.speak(word).code for word in offline.words] == sentence.codes.tolist()
    assert np.isnan(offline.rr_s[0])
    np.testing.assert_allclose(offline.rr_s[1:], np.diff(sentence.ticks) / 250, atol=0.005)


def test_ectopic_words_are_kept_before_others(words: Words) -> None:
    rng = np.random.default_rng(0)
    symbols = np.where(np.arange(600) % 20 == 0, "V", "N")
    mixed = Words(words.words, words.rr_s, symbols, words.record, words.source)
    few = _some(mixed, 80, rng)
    assert len(few) == 80
    assert (few.symbols == "V").sum() >= 30
    assert len(joined([few, few])) == 160


def test_the_recipe_in_the_package_is_read() -> None:
    path = Path(training.__file__).parents[1] / "recipes" / "tokens.toml"
    how = load_recipe(path)
    assert how.codes == 256
    assert sum(how.shares.values()) == pytest.approx(1.0)
    assert load_recipe(path, quick=True).training.epochs == 2
