"""How like a wearer's template beat a beat is: the reference of ``edge/core/likeness.c``.

Sums go from the first sample to the last, in float64, so that they have the same bits on every processor, for
one beat and for many at once.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.functions import logs
from ecgedge.arithmetic.sums import in_order
from ecgedge.beat_classes.layout import (
    BROAD_QRS,
    LEAST_RATIO,
    MOST_P_DIFFERENCE,
    N_FIGURES,
    N_INPUTS,
    N_P_WAVE,
    N_RHYTHM,
    N_SIMILARITIES,
    N_WAVE,
    N_WAVES,
    P_BASE,
    P_FLOOR,
    P_WAVE,
    POWER_FLOOR,
    QRS,
    T_WAVE,
    Floats,
)
from ecgedge.stream.amplitude import FLOOR_MV

_FLOOR = np.array(FLOOR_MV, np.float32)
_BEFORE_BROAD = slice(BROAD_QRS.start - 1, BROAD_QRS.stop - 1)
Doubles = npt.NDArray[np.float64]


class Shape(NamedTuple):
    """How like the template a beat is: correlations of P wave and QRS, and how far its P wave is."""

    p_wave: float
    qrs: float
    p_difference: float


def shape_of(wave: Floats, template: Floats, height: float) -> Shape:
    """Compare a wave with the template, both of shape (80,), in mV; ``height`` is the template's."""
    p = np.array((wave[P_WAVE], template[P_WAVE]), np.float64)
    n, floor = p.shape[1], POWER_FLOOR * height * height
    from_base = above_base(np.array((p[0] - p[1], p[1])))
    apart, level = (in_order(from_base * from_base) / n).tolist()
    return Shape(
        _correlation(wave[P_WAVE], template[P_WAVE], floor),
        _correlation(wave[QRS], template[QRS], floor),
        min(0.5 * sqrt(apart) / (sqrt(level) + P_FLOOR * height), MOST_P_DIFFERENCE),
    )


def _correlation(a: Floats, b: Floats, floor: float) -> float:
    """Of two waves; ``floor`` is a power that counts as nothing."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    mean_x, mean_y, xx, yy, xy = (in_order(np.array((x, y, x * x, y * y, x * y))) / len(x)).tolist()
    power_x, power_y = xx - mean_x * mean_x, yy - mean_y * mean_y
    product = (power_x + floor) * (power_y + floor)
    return float((xy - mean_x * mean_y) / sqrt(max(product, LEAST_RATIO)))


def above_base(p: Doubles) -> Doubles:
    """P windows (..., 18) from their zero line, the mean of their last three samples."""
    above: Doubles = p - in_order(p[..., -P_BASE:])[..., None] / P_BASE
    return above


def height_mv(waves: Floats) -> Floats:
    """Peak-to-peak height of the QRS of waves of shape (..., 80): (..., 1), at least 0.02 mV."""
    qrs = waves[..., QRS]
    height: Floats = np.maximum.reduce(qrs, axis=-1, keepdims=True)
    height -= np.minimum.reduce(qrs, axis=-1, keepdims=True)
    return np.maximum(height, _FLOOR, out=height)


def compared(waves: Floats) -> Doubles:
    """Similarities and P waves of two waves against a third, the template: (k, 3, 80) to (k, 21).

    In heights of the template's QRS. For each of the two, over QRS, P and T wave: correlations, then
    logarithms of the ratios of amplitude; how much faster the QRS of each is than the template's, and how
    fast it is. Then how large the template's P wave is; for each of the two how far its P wave is from it,
    and its share of it: 1 where both are the same, 0 where there is no such P wave, negative where it is
    upside down.
    """
    x = waves.astype(np.float64)
    squares = x * x
    alike, ratios = _alike(x, squares)
    p = _p_waves(x)
    # At once, since each operation on so small arrays costs as much as the arithmetic of hundreds.
    halves = 0.5 * logs(np.concatenate((ratios, _speeds(x, squares), 10.0 * p.rms), axis=1))
    louder, speed, p_height = halves[:, :6], halves[:, 6:9], halves[:, 9]
    out = np.empty((len(x), N_SIMILARITIES + N_P_WAVE))
    out[:, :6], out[:, 6:12] = alike, louder
    out[:, 12:14], out[:, 14:16] = 2.0 * (speed[:, :2] - speed[:, 2:]), speed[:, :2] + 1.0
    out[:, 16], out[:, 17::2], out[:, 18::2] = p_height, p.apart, p.share
    return out


def _mean(rows: Doubles) -> Doubles:
    mean: Doubles = in_order(rows) / rows.shape[-1]
    return mean


def _alike(x: Doubles, squares: Doubles) -> tuple[Doubles, Doubles]:
    """Correlations, and ratios of power, (k, 6) each: of both waves, over each region in turn."""
    rows = np.concatenate((x, squares, x[:, :2] * x[:, 2:]), axis=1)
    means = np.empty((len(x), 8, 3))
    for i, region in enumerate((QRS, P_WAVE, T_WAVE)):
        means[:, :, i] = _mean(rows[:, :, region])
    mean, square, shared = means[:, :3], means[:, 3:6], means[:, 6:]
    power = np.maximum(square - mean * mean, 0.0) + POWER_FLOOR
    each, template = power[:, :2], power[:, 2:]
    alike = (shared - mean[:, :2] * mean[:, 2:]) / np.sqrt(each * template)
    return alike.reshape(-1, 6), np.maximum(each / template, LEAST_RATIO).reshape(-1, 6)


def _speeds(x: Doubles, squares: Doubles) -> Doubles:
    """Power of the slope of each QRS over its power, (k, 3)."""
    slopes = x[:, :, BROAD_QRS] - x[:, :, _BEFORE_BROAD]
    return _mean(slopes * slopes) / (_mean(squares[:, :, BROAD_QRS]) + POWER_FLOOR) + POWER_FLOOR


class _PWaves(NamedTuple):
    """RMS of the template's P wave (k, 1); how far those of two beats are from it, their share (k, 2)."""

    rms: Doubles
    apart: Doubles
    share: Doubles


def _p_waves(x: Doubles) -> _PWaves:
    p = above_base(x[:, :, P_WAVE])
    means = _mean(np.concatenate((p * p, p[:, :2] * p[:, 2:]), axis=1))
    powers, power, shared = means[:, :2], means[:, 2:3], means[:, 3:]
    rms = np.sqrt(power) + P_FLOOR
    apart = 0.5 * np.sqrt(np.maximum(powers - 2.0 * shared + power, 0.0)) / rms
    return _PWaves(rms, apart, shared / (rms * rms))


def beat_inputs(waves: Floats, rhythm: Floats, clip: float) -> Floats:
    """Model inputs of ``k`` beats; see :func:`ecgedge.beat_classes.features.beat_inputs`."""
    scaled = waves / height_mv(waves[:, 2:])
    out = np.empty((len(waves), N_INPUTS), np.float32)
    in_turn, figures = out[:, :-N_FIGURES], out[:, -N_FIGURES:]
    in_turn.reshape(-1, N_WAVE, N_WAVES)[...] = scaled.transpose(0, 2, 1)
    figures[:, :N_RHYTHM], figures[:, N_RHYTHM:] = rhythm, compared(scaled)
    np.minimum(out, np.float32(clip), out=out)
    np.maximum(out, np.float32(-clip), out=out)
    return out
