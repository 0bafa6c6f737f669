"""The page on integrating the beat-class model, written down from it one value at a time."""

from __future__ import annotations

import math
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.beat_classes.features import N_INPUTS
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


def top(x: list[float]) -> float:
    return sorted(x)[math.floor(0.8 * len(x))]


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


def intervals(b: float, a: float, before: list[float]) -> list[float]:
    """Step 6."""
    long, some = before[-128:] or [b], (before or [b])[-32:]
    m = float(np.median(some[-8:]))
    steps = [abs(x - y) for x, y in pairwise(some[-17:])]
    r = sum(steps) / len(steps) / m if steps else 0.0
    e1, e2 = long[-1], long[-2] if len(long) > 1 else long[-1]

    def near(x: float) -> float:
        return sum(0.94 * x <= rr <= 1.06 * x for rr in some) / len(some)

    ratios = [b / m, a / m, b / top(some), b / a, e1 / m, e2 / m]
    return [
        *(2 * math.log(x) for x in ratios),
        1.5 * math.log(b / 0.8),
        4 * r - 1,
        2 * math.log(float(np.median(some)) / top(some)),
        2 * math.log(b / top(long)),
        *(2 * near(x) - 1 for x in (b, a, m)),
    ]


def similarities(x1: Wave, x2: Wave, y: Wave) -> list[float]:
    """Step 7."""
    each = [(x, region) for x in (x1, x2) for region in (QRS, P, T)]
    return [
        *(covariance(x, y, g) / math.sqrt(variance(x, g) * variance(y, g)) for x, g in each),
        *(math.log(variance(x, g) / variance(y, g)) / 2 for x, g in each),
        *(2 * (speed(x) - speed(y)) for x in (x1, x2)),
        *(speed(x) + 1 for x in (x1, x2)),
    ]


def by_the_page(z: npt.NDArray[np.floating], peaks: list[int]) -> list[list[float]]:
    """Steps 4 to 8 for every beat."""
    rows: list[list[float]] = []
    seen: list[float] = []
    usual: Wave = []
    last: Wave = []
    moved = 0
    for k, p in enumerate(peaks):
        a = min((peaks[k + 1] - p) / 100 if k + 1 < len(peaks) else 2.0, 2.0)
        b = min((p - peaks[k - 1]) / 100, 2.0) if k else a
        w = [float(z[int(limit(p - 36 + i, 0, len(z) - 1))]) for i in range(80)]
        u = usual or w
        h = height(u)
        x1, x2, y = ([v / h for v in wave] for wave in (w, last or w, u))
        row = [v for triple in zip(x1, x2, y, strict=True) for v in triple]
        row += [*intervals(b, a, seen), *similarities(x1, x2, y)]
        rows.append([limit(v, -CLIP, CLIP) for v in row])
        m = float(np.median((seen or [b])[-8:]))
        if not usual or b >= max(0.88 * m, 0.65 * top(seen[-128:] or [b])):
            moved += 1
            follow = max(0.1, 1 / moved)
            usual = [v + follow * limit(x - v, -0.25 * h, 0.25 * h) for v, x in zip(u, w, strict=True)]
        seen.append(b)
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
        "max(0.88 m, 0.65 top(B))",
        "max(0.1, 1/c) limit(w_k - u, -0.25 h(u) ... 0.25 h(u))",
        "x (1 - 0.06) ... x (1 + 0.06)",
        "the b of the 128 beats",
        "269 values",
    ):
        assert text in " ".join(page.split()), text
