"""The page on integrating the beat-class model, written down from it one value at a time."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.beat_classes.layout import N_INPUTS
from ecgedge_export.beat_classes.gather import UNKNOWN, observe
from ecgedge_export.beat_classes.training import plain_inputs
from ecgedge_export.ship.bundle import bundle

CLIP = 1.5
QRS, P, T, BROAD = range(28, 45), range(10, 28), range(46, 78), range(22, 53)
Wave = list[float]


def limit(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


def height(w: Wave) -> float:
    return max(0.02, max(w[i] for i in QRS) - min(w[i] for i in QRS))


def variance(x: Wave, region: range) -> float:
    mean = sum(x[i] for i in region) / len(region)
    return sum((x[i] - mean) ** 2 for i in region) / len(region) + 0.0001


def covariance(x: Wave, y: Wave, region: range) -> float:
    a, b = (sum(v[i] for i in region) / len(region) for v in (x, y))
    return sum((x[i] - a) * (y[i] - b) for i in region) / len(region)


def speed(x: Wave) -> float:
    slope = sum((x[i] - x[i - 1]) ** 2 for i in BROAD) / len(BROAD)
    power = sum(x[i] ** 2 for i in BROAD) / len(BROAD)
    return math.log(slope / (power + 0.0001) + 0.0001) / 2


class Rhythm:
    """The sums of steps 5 and 6."""

    def __init__(self) -> None:
        self.n = self.r = self.n5 = self.r5 = 0.0
        self.a = self.b = self.c = self.n_shapes = 0.0
        self.shapes = [0.0, 0.0, 0.0]
        self.seen: list[float] = []

    def means(self, b: float) -> tuple[float, float]:
        return (self.r / self.n, self.r5 / self.n5) if self.n else (b, b)

    def figures(self, b: float, a: float) -> list[float]:
        m, m5 = self.means(b)
        e1 = self.seen[-1] if self.seen else b
        n = self.n or 1.0
        shares = [self.a / n, self.b / n] if self.n else [0.5, 0.5]
        return [
            *(2 * math.log(x) for x in (b / m, b / m5, a / m, b / a, b / e1)),
            *(2 * x - 1 for x in shares),
            8 * self.c / n - 1,
            *(2 * (x + 0.5) / (self.n_shapes + 1) - 1 for x in self.shapes),
        ]

    def add(self, b: float, shape: list[float] | None) -> None:
        m, _ = self.means(b)
        e1 = self.seen[-1] if self.seen else b
        e2 = self.seen[-2] if len(self.seen) > 1 else e1
        k, k5 = math.exp(-b / 60), math.exp(-b / 300)
        one, smaller = abs(b - e1) / m, min(abs(b - e1), abs(b - e2)) / m
        self.n, self.r, self.n5, self.r5 = k * self.n + 1, k * self.r + b, k5 * self.n5 + 1, k5 * self.r5 + b
        self.a, self.b = k * self.a + (one < 0.06), k * self.b + (smaller < 0.06)
        self.c = k * self.c + min(smaller, 0.25)
        self.n_shapes = k * self.n_shapes + (shape is not None)
        self.shapes = [k * x + v for x, v in zip(self.shapes, shape or [0.0] * 3, strict=True)]
        self.seen.append(b)


def correlation(x: Wave, y: Wave, region: range) -> float:
    return covariance(x, y, region) / math.sqrt(variance(x, region) * variance(y, region))


def above_base(x: Wave) -> list[float]:
    base = sum(x[i] for i in P[-3:]) / 3
    return [x[i] - base for i in P]


def rms(x: list[float]) -> float:
    return math.sqrt(sum(v * v for v in x) / len(x))


def similarities(x1: Wave, x2: Wave, y: Wave) -> list[float]:
    """Step 7."""
    each = [(x, region) for x in (x1, x2) for region in (QRS, P, T)]
    z = above_base(y)
    r = rms(z) + 0.01
    p_waves = [math.log(10 * r) / 2]
    for other in (above_base(x1), above_base(x2)):
        p_waves.append(rms([v - w for v, w in zip(other, z, strict=True)]) / (2 * r))
        p_waves.append(sum(v * w for v, w in zip(other, z, strict=True)) / len(z) / r**2)
    return [
        *(correlation(x, y, g) for x, g in each),
        *(math.log(variance(x, g) / variance(y, g)) / 2 for x, g in each),
        *(2 * (speed(x) - speed(y)) for x in (x1, x2)),
        *(speed(x) + 1 for x in (x1, x2)),
        *p_waves,
    ]


def by_the_page(z: npt.NDArray[np.floating], peaks: list[int]) -> list[list[float]]:
    """Steps 4 to 8 for every beat."""
    rows: list[list[float]] = []
    rhythm = Rhythm()
    template: Wave = []
    last: Wave = []
    moved = 1
    for k, p in enumerate(peaks):
        a = min((peaks[k + 1] - p) / 100 if k + 1 < len(peaks) else 2.0, 2.0)
        b = min((p - peaks[k - 1]) / 100, 2.0) if k else a
        w = [float(z[int(limit(p - 36 + i, 0, len(z) - 1))]) for i in range(80)]
        u = template or w
        h = height(u)
        x1, x2, y = ([v / h for v in wave] for wave in (w, last or w, u))
        row = [v for triple in zip(x1, x2, y, strict=True) for v in triple]
        row += [*rhythm.figures(b, a), *similarities(x1, x2, y)]
        rows.append([limit(v, -CLIP, CLIP) for v in row])
        shape = None
        if k and b >= 0.9 * rhythm.means(b)[1]:
            shape = [correlation(x1, y, P), correlation(x1, y, QRS), min(similarities(x1, x2, y)[17], 1.5)]
            moved += 1
            follow = max(0.1, 1 / moved)
            template = [v + follow * limit(x - v, -0.25 * h, 0.25 * h) for v, x in zip(u, w, strict=True)]
        elif not k:
            template = w
        rhythm.add(b, shape)
        last = w
    return rows


def test_the_page_says_what_the_runtime_does() -> None:
    rng = np.random.default_rng(4)
    peaks = (
        20 + np.cumsum(rng.choice([45, 70, 78, 80, 83, 240], 160, p=[0.2, 0.1, 0.2, 0.25, 0.2, 0.05]))
    ).tolist()
    z = (np.cumsum(rng.normal(0, 0.05, peaks[-1] + 20)) % 0.7).astype(np.float32)
    z[np.array(peaks)] += 1
    seen = observe(z, peaks, [UNKNOWN] * len(peaks), "x", "x")
    wanted = plain_inputs(seen, CLIP)
    assert wanted.shape == (160, N_INPUTS)
    np.testing.assert_allclose(by_the_page(z, peaks), wanted, atol=1e-3)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    out: Path = tmp_path_factory.mktemp("bundle") / "models.zip"
    bundle(BUNDLED, out)
    with zipfile.ZipFile(out) as archive:
        return archive.read("beat_classes/INTEGRATION.md").decode()


def test_it_is_one_page_with_the_numbers_that_were_written_down_here(page: str) -> None:
    assert "$" not in page
    assert len(page.splitlines()) < 60
    for text in (
        "QRS i = 28 ... 44, P i = 10 ... 27, T i = 46 ... 77",
        "i = 22 ... 52",
        "z[p_k - 36] ... z[p_k + 43]",
        "b_k >= 0.9 m'",
        "max(0.1, 1/c) limit(w_k - u, -0.25 h(u) ... 0.25 h(u))",
        "|b - e1| / m < 0.06",
        "exp(-b_k / 60)",
        "272 values",
    ):
        assert text in " ".join(page.split()), text
