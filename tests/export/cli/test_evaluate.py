"""Scores of the rhythm against values worked out by hand, and what the conditions do to a recording."""

from dataclasses import dataclass

import numpy as np
import pytest

from ecgedge_export.rhythm import conditions
from ecgedge_export.rhythm import scores as evaluate
from ecgedge_export.rhythm.scores import Answers


def answers(truth: str, said: str, af: list[bool | None], usable: list[float] | None = None) -> Answers:
    n = len(truth)
    return Answers(
        [f"r{i}" for i in range(n)],
        list(truth),
        list(said),
        np.full((n, 4), 0.25),
        np.array(usable or [1.0] * n),
        af,
    )


# Ten recordings, three of them AF. Of the AF ones two are called AF and one is inconclusive; of the others
# one is called AF, five are not, and one is inconclusive.
TEN = answers(
    "AAANNNOO~N",
    "AANNNNOOAN",
    [True, True, None, False, False, False, False, False, True, None],
    [1.0, 1.0, 0.2, 1.0, 1.0, 1.0, 0.7, 1.0, 0.4, 1.0],
)


def test_af_or_not_is_judged_where_it_was_told() -> None:
    report = evaluate.af_report(TEN)
    assert (report["with_af"], report["coverage"]) == (3, 0.8)
    assert report["coverage_of_af"] == round(2 / 3, 4)
    assert (report["Se"], report["Sp"]) == (1.0, round(5 / 6, 4))
    assert report["Se_95"] == [1.0, 1.0]
    assert report["Sp_95"][0] < 5 / 6 < report["Sp_95"][1] == 1.0


def test_without_af_there_is_no_sensitivity() -> None:
    report = evaluate.af_report(answers("NO", "NO", [False, False]))
    assert (report["with_af"], report["coverage"], report["coverage_of_af"]) == (0, 1.0, None)
    assert (report["Se"], report["Sp"], report["Sp_95"]) == (None, 1.0, [1.0, 1.0])


def test_f1_by_class() -> None:
    # N: 4 true, 5 said, 4 right. A: 3 true, 3 said, 2 right. O: 2 of 2. ~: 1 true, none said.
    f1 = evaluate.f1_by_class(TEN.truth, TEN.predicted, "NAO~")
    assert f1 == pytest.approx({"N": 8 / 9, "A": 2 / 3, "O": 1.0, "~": 0.0})
    assert evaluate.mean_f1(TEN.truth, TEN.predicted) == pytest.approx((8 / 9 + 2 / 3 + 1) / 3)


def test_the_gain_of_a_better_model_is_sure_and_that_of_the_same_one_is_none() -> None:
    truth = list("NAO") * 40
    wrong = [c if i % 4 else "N" for i, c in enumerate(truth)]
    gain, low, high = evaluate.mean_f1_gain(truth, [truth], [wrong])
    assert low < gain < high
    assert low > 0
    assert evaluate.mean_f1_gain(truth, [wrong], [wrong]) == (0.0, 0.0, 0.0)


def test_quality_groups_hold_every_recording_once() -> None:
    groups = conditions.by_quality(TEN)
    assert {name: group["records"] for name, group in groups.items()} == {
        "all of it usable": 7,
        "half of it or more": 1,
        "less": 2,
    }
    assert groups["less"]["af"]["coverage"] == 0.5


@dataclass
class Sine:
    """Two hertz for thirty seconds at 300 Hz."""

    id: str = "sine"
    label: str = "N"
    fs: float = 300.0

    @property
    def mv(self):
        return np.sin(2 * np.pi * 2 * np.arange(9000) / 300).astype(np.float32)


@pytest.mark.parametrize("rate", conditions.RATES)
def test_another_rate_is_the_same_signal(rate: int) -> None:
    changed = conditions.at_rate(rate, Sine())
    t = np.arange(len(changed.mv)) / rate
    assert changed.fs == rate
    assert len(t) == pytest.approx(30 * rate, abs=1)
    inside = slice(rate, -rate)
    np.testing.assert_allclose(changed.mv[inside], np.sin(2 * np.pi * 2 * t)[inside], atol=5e-3)


def test_polarity_length_and_noise() -> None:
    record = Sine()
    np.testing.assert_array_equal(conditions.upside_down(record).mv, -record.mv)
    assert len(conditions.shortened(record).mv) == 3000
    noise = np.random.default_rng(0).normal(0, 3, 500).astype(np.float32)
    added = conditions.with_noise(noise, record).mv - record.mv
    assert 10 * np.log10(record.mv.var() / added.var()) == pytest.approx(conditions.NOISE_SNR_DB, abs=0.05)
