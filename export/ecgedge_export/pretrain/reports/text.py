"""Reports as vectors without a language model: character TF-IDF, then its strongest directions."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float32]
DIM = 64
GRAMS = (3, 4, 5)
# Of one text, a gram tells nothing of another one; of 20,000 the rarest tell next to nothing.
_RAREST, _MOST = 2, 20_000
_FURTHER, _ITERATIONS = 16, 12  # of the SVD: 64 directions of PTB-XL's reports are then right to 1e-3
_LONGEST = 4000  # letters of a report that are read: the longest of PTB-XL has some 500
_LETTERS = re.compile(r"[^\W\d_]+")


def words(text: str) -> list[str]:
    """Words of a text in lower case, without digits and signs.

    Examples
    --------
    >>> words("Sinusrhythmus, a-v Block I. 4.46 UNBESTÄTIGT")
    ['sinusrhythmus', 'a', 'v', 'block', 'i', 'unbestätigt']
    """
    return _LETTERS.findall(unicodedata.normalize("NFKC", text[:_LONGEST]).lower())


def grams(text: str) -> Counter[str]:
    """How often each three, four and five letters in a row occur, within words and their borders.

    Examples
    --------
    >>> sorted(grams("AV av"))
    [' av', ' av ', 'av ']
    >>> grams("AV av")["av "]
    2
    """
    padded = [f" {word} " for word in words(text)]
    return Counter(p[i : i + n] for p in padded for n in GRAMS for i in range(len(p) - n + 1))


class TextTower:
    """Vectors of texts, fitted on some of them: TF-IDF of letters in a row, reduced by an SVD (LSA).

    With tf how often a gram occurs in a text, N the number of texts and df how many of them have it:
    ``x = tf (log((1 + N) / (1 + df)) + 1)``, brought to length 1; with V the ``dim`` strongest right singular
    vectors of all x, a text becomes ``x V``, again of length 1 (Salton and Buckley, Inf. Process. Manag.
    24(5), 1988; Deerwester et al., JASIS 41(6), 1990). Letters rather than words, since reports are in three
    languages, with compounds and misspellings: "vorhofflimmern" and "flimmern" share most of theirs.

    Parameters
    ----------
    texts : sequence of str
        What it is fitted on; nothing of any other text enters.
    dim : int
        Length of a vector. Where the texts have fewer directions, the rest of it is 0.

    Raises
    ------
    ValueError
        No gram occurs in two texts.

    Examples
    --------
    >>> tower = TextTower(["sinus rhythm", "sinus rhythm", "atrial flutter", "atrial flutter"], dim=2)
    >>> (tower(["sinus"]) @ tower(["sinus rhythm", "flutter"]).T).round(2).tolist()
    [[1.0, 0.0]]
    """

    def __init__(self, texts: Sequence[str], dim: int = DIM) -> None:
        counted = [grams(text) for text in texts]
        spread = Counter(gram for each in counted for gram in each)
        kept = sorted((gram for gram, df in spread.items() if df >= _RAREST), key=lambda g: (-spread[g], g))
        if not kept:
            raise ValueError("no three letters in a row occur in two of the texts: give more of them")
        self._place = {gram: i for i, gram in enumerate(kept[:_MOST])}
        df = np.array([spread[gram] for gram in self._place], np.float64)
        self._idf = np.log((1 + len(texts)) / (1 + df)) + 1
        self._directions = _strongest(self._weighted(counted), dim)

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Vectors of texts, (n, dim), of length 1; zeros for a text that shares nothing with the fitted."""
        x = np.asarray(self._weighted([grams(text) for text in texts]) @ self._directions)
        return _unit(x).astype(np.float32)

    def _weighted(self, counted: Sequence[Counter[str]]) -> sparse.csr_matrix:
        found = [(i, self._place[g], n) for i, each in enumerate(counted) for g, n in each.items()
                 if g in self._place]  # fmt: skip
        rows, columns, tf = (np.array(part) for part in zip(*found, strict=True)) if found else ([], [], [])
        x = np.asarray(tf, np.float64) * self._idf[np.asarray(columns, np.int64)]
        matrix = sparse.csr_matrix((x, (rows, columns)), shape=(len(counted), len(self._place)))
        length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)))[:, 0]
        scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
        weighted: sparse.csr_matrix = sparse.diags_array(scale) @ matrix
        return weighted


def _strongest(matrix: sparse.csr_matrix, dim: int) -> npt.NDArray[np.float64]:
    """Right singular vectors, (grams, dim): strongest first, each with its largest entry above 0.

    By subspace iteration (Halko, Martinsson and Tropp, SIAM Rev. 53(2), 2011): the same every time, whereas
    ARPACK, behind ``scipy.sparse.linalg.svds``, starts anew at random where texts are alike.
    """
    k = min(dim, min(matrix.shape))
    wide = min(k + _FURTHER, min(matrix.shape))
    basis = np.random.default_rng(0).standard_normal((matrix.shape[1], wide))
    for _ in range(_ITERATIONS):
        left, _ = np.linalg.qr(matrix @ basis)
        basis, _ = np.linalg.qr(matrix.T @ left)
    _, strength, vt = np.linalg.svd(matrix @ basis, full_matrices=False)
    v = basis @ np.where(strength > 1e-9 * strength[0], vt.T, 0)[:, :k]
    signs = np.sign(v[np.abs(v).argmax(0), np.arange(k)])
    return np.pad(v * signs, ((0, 0), (0, dim - k)))


def _unit(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    unit: npt.NDArray[np.float64] = np.divide(x, length, out=np.zeros_like(x), where=length > 1e-9)
    return unit
