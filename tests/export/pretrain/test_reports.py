"""Text vectors against TF-IDF by hand, and matching losses against loops written from the cards' formulas."""

import math

import numpy as np
import pytest
import torch

from ecgedge_export.data.databases.ptbxl import SUPERCLASSES
from ecgedge_export.pretrain.reports.matching import local_similarity, symmetric_ce
from ecgedge_export.pretrain.reports.statements import SIGNS, described
from ecgedge_export.pretrain.reports.text import TextTower, words

TEXTS = [
    "Sinusrhythmus normales EKG",
    "sinusrhythmus, linkstyp",
    "Vorhofflimmern linkstyp",
    "vorhofflimmern 4.46",
]


def slow_grams(text):
    """Count three, four and five letters in a row, letter by letter."""
    counts = {}
    for word in words(text):
        padded = " " + word + " "
        for n in (3, 4, 5):
            for start in range(len(padded) - n + 1):
                gram = padded[start : start + n]
                counts[gram] = counts.get(gram, 0) + 1
    return counts


def slow_tf_idf(texts):
    """Rows of the matrix as the formula has them, each of length 1; grams of a single text left out."""
    counts = [slow_grams(t) for t in texts]
    df = {g: sum(g in c for c in counts) for c in counts for g in c}
    kept = sorted(g for g in df if df[g] > 1)
    rows = []
    for c in counts:
        row = [c.get(g, 0) * (math.log((1 + len(texts)) / (1 + df[g])) + 1) for g in kept]
        length = math.sqrt(sum(x * x for x in row))
        rows.append([x / length for x in row])
    return np.array(rows)


def test_vectors_have_the_cosines_of_tf_idf_by_hand():
    """All directions kept, an SVD turns the vectors and changes no cosine; the last direction is left out."""
    matrix = slow_tf_idf(TEXTS)
    _, _, vt = np.linalg.svd(matrix, full_matrices=False)
    reduced = matrix @ vt[:3].T
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True)
    found = TextTower(TEXTS)(TEXTS)
    assert found.shape == (4, 64)
    assert np.allclose(found @ found.T, reduced @ reduced.T, atol=1e-5)
    assert np.allclose(np.abs(found[:, :3]), np.abs(reduced), atol=1e-5)
    assert not found[:, 3:].any()


def test_a_tower_is_the_same_each_time_and_knows_only_what_it_was_fitted_on():
    again = TextTower(TEXTS)(["vorhofflimmern"])
    assert np.array_equal(TextTower(TEXTS)(["vorhofflimmern"]), again)
    near, far = (again @ TextTower(TEXTS)([TEXTS[3], TEXTS[0]]).T)[0]
    assert near > 0.9
    assert far < 0.5
    assert not TextTower(TEXTS)(["xyz 123", ""]).any()
    with pytest.raises(ValueError, match="give more"):
        TextTower(["abc", "xyz"])


def slow_ce(logits, texts):
    """Both directions, pair by pair; equal texts share what is wanted."""
    n, total = len(logits), 0.0
    for rows in (logits, [list(column) for column in zip(*logits, strict=True)]):
        for i in range(n):
            partition = sum(math.exp(x) for x in rows[i])
            mine = [j for j in range(n) if texts[j] == texts[i]]
            total -= sum(math.log(math.exp(rows[i][j]) / partition) for j in mine) / len(mine) / n
    return total / 2


@pytest.mark.parametrize("texts", ["abcd", "abca", "aaaa"])
def test_matching_is_clips(texts):
    logits = torch.from_numpy(np.random.default_rng(0).standard_normal((4, 4)))
    same = torch.tensor([[a == b for b in texts] for a in texts])
    assert float(symmetric_ce(logits, same)) == pytest.approx(slow_ce(logits.tolist(), texts))


def slow_local(words_of, beats_of):
    """The similarity of one text and one signal: each word with what it attends to."""

    def unit(v):
        length = math.sqrt(sum(x * x for x in v))
        return [x / length for x in v]

    def dot(u, v):
        return sum(a * b for a, b in zip(u, v, strict=True))

    beats, total = [unit(b) for b in beats_of], 0.0
    for word in map(unit, words_of):
        weight = [math.exp(5 * dot(word, b)) for b in beats]
        context = [
            sum(w * b[d] for w, b in zip(weight, beats, strict=True)) / sum(weight) for d in range(len(word))
        ]
        total += math.exp(5 * dot(word, unit(context)))
    return math.log(total)


def test_local_similarity_is_the_cards():
    rng = np.random.default_rng(1)
    said, seen = rng.standard_normal((3, 4, 5)), rng.standard_normal((2, 6, 5))
    n_words, n_beats = (4, 1, 2), (6, 3)
    known = torch.tensor([[w < n for w in range(4)] for n in n_words])
    real = torch.tensor([[k < n for k in range(6)] for n in n_beats])
    found = local_similarity(torch.from_numpy(said), known, torch.from_numpy(seen), real)
    expected = [[slow_local(said[t, :w].tolist(), seen[s, :k].tolist()) for t, w in enumerate(n_words)]
                for s, k in enumerate(n_beats)]  # fmt: skip
    assert found.tolist() == [pytest.approx(row) for row in expected]


def test_every_diagnosis_has_signs_that_others_share():
    assert SUPERCLASSES.keys() <= SIGNS.keys()
    tower = TextTower([described({code: 100.0}) for code in SIGNS])
    blocks = tower([described({code: 100.0}) for code in ("CLBBB", "IVCD", "ISCAL")])
    assert blocks[0] @ blocks[1] > blocks[0] @ blocks[2] + 0.2
