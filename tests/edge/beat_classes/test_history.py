"""Both cores see a beat alike, to the last bit, whatever the beats are like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge.arithmetic.core import core
from ecgedge.artefacts.backends.interpreter import Quantizer
from ecgedge.artefacts.manifest import TensorSpec
from ecgedge.beat_classes import likeness
from ecgedge.beat_classes.features import beat_inputs, new_history
from ecgedge.beat_classes.history import BeatHistory
from ecgedge.beat_classes.layout import N_INPUTS, N_RHYTHM, N_WAVE, Floats

compiled = pytest.mark.skipif(core is None, reason="the numpy core runs")
CODES = (1.5, 0.0117647061124444, 0)
# Sizes of waves: usual ones, none, denormal, and as large as can be.
SIZES = (0.3, 0.0, 1e-42, 1e-6, 30.0, 1e12, 1e29)
Beat = tuple[Floats, float | None, float]


def bits(row: Any) -> bytes:
    """The memory of a row, with zeros of both signs apart."""
    return np.asarray(row).tobytes() if isinstance(row, np.ndarray) else bytes(row)


def shape(rng: np.random.Generator, size: float, noise: float) -> Floats:
    """A P wave, a QRS and a T wave, about so large."""
    t = np.arange(N_WAVE) - 36.0
    wave = np.exp(-0.5 * (t / 2.5) ** 2) + 0.15 * np.exp(-0.5 * ((t + 16) / 3) ** 2) + 0.2 * (t > 20)
    return (size * (wave + noise * rng.normal(size=N_WAVE))).astype(np.float32)


@st.composite
def beats(draw: st.DrawFn) -> list[Beat]:
    """Beats of a heart that is steady for a while, then not, with artefacts and pauses."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, noise = draw(st.integers(1, 60)), draw(st.sampled_from([0.0, 0.02, 0.3]))
    odd = draw(st.sampled_from([0.0, 0.05, 0.5]))
    size = draw(st.sampled_from(SIZES))
    signs = rng.choice([1.0, -1.0], n, p=[0.9, 0.1])
    sizes = signs * np.where(rng.random(n) < odd, rng.choice(SIZES, n), size)
    usual, other = rng.normal(0.8, 0.01, n + 1), rng.choice([0.001, 0.3, 1.9, 60.0], n + 1)
    rr = np.where(rng.random(n + 1) < odd, other, usual)
    return [
        (shape(rng, float(sizes[i]), noise), None if i == 0 else float(rr[i]), float(rr[i + 1]))
        for i in range(n)
    ]


@compiled
@given(those=beats(), taught=st.lists(st.booleans(), min_size=1), asked=st.integers(0, 3))
def test_both_cores_see_the_same_beats(those: list[Beat], taught: list[bool], asked: int) -> None:
    assert core is not None
    c, reference = core.History(), BeatHistory()
    for i, beat in enumerate(those):
        for form in ((1.5,), CODES, (2.0, 0.1, -20)):
            assert bits(c.inputs(*beat, *form)) == bits(reference.inputs(*beat, *form))
        # Some beats are learnt without being asked about, as in fibrillation: the template is not plain then.
        plain = i % 4 <= asked and c.take_if_template(*beat)
        if i % 4 <= asked:
            assert reference.take_if_template(*beat) == plain
        if not plain:
            for history in (c, reference):
                history.learn(*beat, taught[i % len(taught)])


@compiled
def test_the_beats_of_that_test_are_plain_at_times() -> None:
    rng, history = np.random.default_rng(1), new_history()
    plain = []
    for i in range(40):
        beat = shape(rng, 0.3, 0.02), 0.8 if i else None, 0.8
        plain.append(history.take_if_template(*beat))
        if not plain[-1]:
            history.learn(*beat)
    assert not any(plain[:8])
    assert all(plain[12:])


@compiled
@given(
    seed=st.integers(0, 2**32),
    k=st.integers(0, 5),
    size=st.sampled_from(SIZES),
    clip=st.sampled_from([1.5, 1e9]),
)
def test_inputs_of_many_are_those_of_each_in_both_cores(seed: int, k: int, size: float, clip: float) -> None:
    rng = np.random.default_rng(seed)
    waves = (size * rng.normal(size=(k, 3, N_WAVE))).astype(np.float32)
    waves[k // 2 :, 1] = waves[k // 2 :, 2]
    rhythm = rng.normal(size=(k, N_RHYTHM)).astype(np.float32)
    together = beat_inputs(waves, rhythm, clip)
    assert together.shape == (k, N_INPUTS)
    assert together.tobytes() == likeness.beat_inputs(waves, rhythm, clip).tobytes()
    for i in range(k):
        alone = likeness.beat_inputs(waves[i : i + 1], rhythm[i : i + 1], clip)
        assert alone.tobytes() == together[i].tobytes()


def test_arrays_of_other_orders_and_types_give_the_same_inputs() -> None:
    rng = np.random.default_rng(2)
    waves = rng.normal(size=(4, 3, N_WAVE)).astype(np.float32)
    rhythm = rng.normal(size=(4, N_RHYTHM)).astype(np.float32)
    expected = beat_inputs(waves, rhythm, 1.5)
    turned = np.asfortranarray(waves).astype(np.float64), rhythm[::-1][::-1]
    np.testing.assert_array_equal(beat_inputs(*turned, 1.5), expected)


@pytest.fixture(params=["reference", pytest.param("c", marks=compiled)])
def history(request: pytest.FixtureRequest) -> Any:
    if request.param == "reference":
        return BeatHistory()
    assert core is not None
    return core.History()


def told(history: Any, n: int) -> list[bytes]:
    """What a history says of some more beats."""
    rng, said = np.random.default_rng(n), []
    for _ in range(n):
        beat = shape(rng, 0.4, 0.05), float(rng.normal(0.7, 0.05)), 0.75
        said.append(bits(history.inputs(*beat, 1.5)))
        if not history.take_if_template(*beat):
            history.learn(*beat)
    return said


def test_a_snapshot_is_not_touched_by_what_follows(history: Any) -> None:
    told(history, 20)
    before = history.snapshot()
    first = told(history, 15)
    assert told(history, 15) != first
    history.restore(before)
    assert told(history, 15) == first
    history.restore(before)
    assert told(history, 15) == first, "what was restored is not the snapshot itself"


def test_after_a_reset_nothing_is_known(history: Any) -> None:
    new = told(type(history)(), 12)
    told(history, 30)
    history.reset()
    assert told(history, 12) == new


def test_a_wave_that_is_overwritten_later_was_remembered(history: Any) -> None:
    other = type(history)()
    lent = shape(np.random.default_rng(0), 0.3, 0.1)
    for each, wave in ((history, lent), (other, lent.copy())):
        each.learn(wave, None, 0.8)
    lent[:] = 7.0
    assert told(history, 12) == told(other, 12)


def test_codes_are_those_of_the_backends(history: Any) -> None:
    told(history, 20)
    beat = shape(np.random.default_rng(0), 0.3, 0.3), 0.5, 0.75
    row = np.frombuffer(history.inputs(*beat, 1.5), np.float32)
    for scale, zero in ((0.0117647061124444, 0), (0.003, -128), (0.1, 127), (1e-6, 5)):
        wanted = Quantizer(TensorSpec("ecg", (N_INPUTS,), "int8", scale, zero))(row)
        got = np.frombuffer(history.inputs(*beat, 1.5, scale, zero), np.int8)
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("beat", "error"),
    [
        ((np.zeros(79, np.float32), None, 0.8), ValueError),
        ((np.zeros(N_WAVE), None, 0.8), TypeError),
        ((np.full(N_WAVE, np.nan, np.float32), None, 0.8), ValueError),
        ((np.full(N_WAVE, -np.inf, np.float32), None, 0.8), ValueError),
        ((np.full(N_WAVE, 2e30, np.float32), None, 0.8), ValueError),
        ((np.zeros(N_WAVE, np.float32), 0.0, 0.8), ValueError),
        ((np.zeros(N_WAVE, np.float32), 0.8, -1.0), ValueError),
        ((np.zeros(N_WAVE, np.float32), 0.8, float("nan")), ValueError),
        ((np.zeros(N_WAVE, np.float32), "soon", 0.8), TypeError),
        ((np.zeros(N_WAVE, np.float32), 0.8, None), TypeError),
    ],
)
def test_what_no_beat_can_be_is_refused(history: Any, beat: Any, error: type[Exception]) -> None:
    expected = told(type(history)(), 12)
    for call in (history.take_if_template, history.learn, lambda *b: history.inputs(*b, 1.5)):
        with pytest.raises(error):
            call(*beat)
    assert told(history, 12) == expected, "and changes nothing"


@compiled
@pytest.mark.parametrize(
    "form",
    [
        *[(), (0.0,), (-1.0,), (np.nan,), (1.5, 0.1), (1.5, 1, 1, 1)],
        *[(1.5, 0.0, 0), (1.5, 0.1, 128), (1.5, 0.1, -129), (1.5, 0.1, 0.5)],
    ],
)
def test_a_form_that_is_none_is_refused(form: tuple[float, ...]) -> None:
    assert core is not None
    with pytest.raises((TypeError, ValueError)):
        core.History().inputs(np.zeros(N_WAVE, np.float32), None, 0.8, *form)


@compiled
def test_memory_of_the_wrong_size_is_refused() -> None:
    assert core is not None
    waves, rhythm = np.zeros((2, 3, N_WAVE), np.float32), np.zeros((2, N_RHYTHM), np.float32)
    out = np.zeros((2, N_INPUTS), np.float32)
    kept = out.copy()
    kept.flags.writeable = False
    for arguments in (
        (waves[:, :, :79].copy(), rhythm, 1.5, out),
        (waves[:1], rhythm, 1.5, out),
        (waves, rhythm[:, :10].copy(), 1.5, out),
        (waves, rhythm, 1.5, out[:1]),
        (waves, rhythm, 0.0, out),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 (each says what is wrong in its own words)
            core.beat_inputs(*arguments)
    with pytest.raises((BufferError, ValueError)):
        core.beat_inputs(waves, rhythm, 1.5, kept)
    with pytest.raises(TypeError):
        core.beat_inputs(waves, rhythm, 1.5)
    with pytest.raises(TypeError):
        core.History(1)
    with pytest.raises(TypeError):
        core.History().restore(BeatHistory())


def at_an_odd_address(x: Floats) -> Floats:
    """The same values, where no float may lie."""
    return np.frombuffer(b"x" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)


def test_floats_at_odd_addresses_are_copied_or_refused() -> None:
    rng = np.random.default_rng(0)
    waves = np.array([[shape(rng, 0.3, 0.1) for _ in range(3)]])
    rhythm = np.zeros((1, N_RHYTHM), np.float32)
    odd = at_an_odd_address(waves)
    assert not odd.flags.aligned
    expected = beat_inputs(waves, rhythm, 1.5)
    np.testing.assert_array_equal(beat_inputs(odd, at_an_odd_address(rhythm), 1.5), expected)
    if core is not None:
        with pytest.raises(ValueError, match="aligned"):
            core.History().inputs(odd[0, 0], None, 0.8, 1.5)


def test_a_flat_wave_has_the_least_height() -> None:
    assert likeness.height_mv(np.zeros((1, N_WAVE), np.float32))[0, 0] == np.float32(0.02)
