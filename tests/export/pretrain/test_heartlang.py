"""Blanked beats and their codes: the loss against a loop, and nothing of a blanked beat is seen."""

import numpy as np
import pytest
import torch
from cohorts import cohort

from ecgedge.tokens.coding import bundled
from ecgedge_export.pretrain.encoder import Encoder, standardised
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.words import heartlang
from ecgedge_export.pretrain.words.heartlang import HeartLang, Sentence, masked, sentences, spoken

PEAKS = np.array([100, 190, 300, 420, 500, 610, 700, 830])


@pytest.fixture
def made(monkeypatch):
    """An objective over eight recordings whose words are made up."""
    rng = np.random.default_rng(2)
    middles = np.rint((PEAKS[1:] + PEAKS[:-1]) / 2).astype(int)
    borders = np.stack([[52, *middles], [*middles, 878]], axis=1)
    codes = [rng.integers(0, 256, (8, len(PEAKS))) for _ in range(8)]
    monkeypatch.setattr(
        heartlang, "sentences", lambda who: [Sentence(borders, PEAKS, one) for one in codes[: len(who)]]
    )
    torch.manual_seed(0)
    who = cohort(8)
    objective = HeartLang(Encoder().eval(), who)
    objective.parts.eval()
    return objective, who


def test_the_loss_is_the_formula(made):
    objective, who = made
    batch = Batch(torch.from_numpy(who.ecg), np.arange(8))
    with torch.no_grad():
        found = float(objective.loss(batch, np.random.default_rng(4)))
    rng = np.random.default_rng(4)
    drawn = [(i, lead) for i in range(8) for lead in rng.integers(8, size=2).tolist()]
    losses = []
    for i, lead in drawn:
        said = objective._sentences[i]
        x = standardised(batch.ecg[i, lead][None, None])
        hidden = masked(len(PEAKS), rng)
        for beat in hidden:
            x[0, 0, said.borders[beat, 0] : said.borders[beat, 1]] = 0
        with torch.no_grad():
            tokens = objective.encoder.encode(x).tokens
            decoded = objective.parts["decoder"](tokens.unsqueeze(2)).squeeze(2)[0]
            for beat in hidden:
                logits = objective.parts["code"](decoded[:, PEAKS[beat] // 20]).double()
                losses.append(float(logits.logsumexp(0) - logits[said.codes[lead, beat]]))
    assert len(losses) == 8 * 2 * 4
    assert found == pytest.approx(np.mean(losses), rel=1e-4)


def test_nothing_of_a_blanked_beat_is_seen(made, monkeypatch):
    objective, who = made
    monkeypatch.setattr(heartlang, "masked", lambda n, rng: [3])
    seen = []
    monkeypatch.setattr(
        objective.encoder, "encode", lambda x: seen.append(x.clone()) or Encoder.encode(objective.encoder, x)
    )
    objective.loss(Batch(torch.from_numpy(who.ecg), np.arange(8)), np.random.default_rng(4))
    (x,) = seen
    low, high = objective._sentences[0].borders[3]
    assert float(x[..., low:high].abs().max()) == 0
    assert float(x[..., low - 1].abs().max()) > 0
    assert float(x[..., high].abs().max()) > 0


def test_recordings_without_beats_have_no_loss(made, monkeypatch):
    objective, who = made
    none = Sentence(np.empty((0, 2), np.int64), np.empty(0, np.int64), np.empty((8, 0), np.int64))
    objective._sentences = [none] * 8
    loss = objective.loss(Batch(torch.from_numpy(who.ecg), np.arange(8)), np.random.default_rng(4))
    loss.backward()
    assert float(loss.detach()) == 0


def test_half_of_the_beats_are_blanked():
    rng = np.random.default_rng(0)
    assert [len(masked(n, rng)) for n in (0, 1, 2, 8, 11)] == [0, 1, 1, 4, 6]
    assert len({tuple(masked(8, rng)) for _ in range(20)}) > 10


def test_words_of_a_recording_are_those_of_the_runtime():
    from ecgedge.demo.synthetic import Segment, synthesize
    from ecgedge.tokens import encode
    from ecgedge.whole_recording import detect_beats
    from ecgedge_export.prepare import filtered

    mv = synthesize([Segment("sinus", 10.0, 70.0)], 100.0, seed=3).mv
    clean = filtered(mv, 100.0, 100.0)[:1000]
    said = spoken(np.stack([clean, -clean]), detect_beats(mv, 100.0))
    own = encode(mv, 100.0).codes
    # R peaks are whole samples here and fractions there: now and then another code is nearer.
    assert (said.codes[0] == own).mean() > 0.5
    assert (said.codes[1] != said.codes[0]).mean() > 0.5
    assert (said.borders[1:, 0] == said.borders[:-1, 1]).mean() > 0.5
    assert (said.borders[:, 0] < said.peaks).all()
    assert (said.peaks < said.borders[:, 1]).all()


def test_words_are_kept_by_recordings_and_vocabulary(monkeypatch, tmp_path):
    monkeypatch.setattr(heartlang, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr("ecgedge_export.pretrain.sets.data.cache_dir", lambda: tmp_path)
    who = cohort(3)
    first = sentences(who)
    (kept,) = tmp_path.rglob("words-*.npz")
    assert bundled().id in kept.name
    monkeypatch.setattr(heartlang, "spoken", None)  # not made again
    for one, other in zip(first, sentences(who), strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
