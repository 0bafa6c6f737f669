"""The spectrum is that of the discrete Fourier transform, for lengths of every kind."""

import numpy as np
import pytest

from ecgedge.gate.spectrum import powers

LENGTHS = [1, 2, 4, 6, 10, 12, 97, 200, 486, 500, 960, 997, 998, 999, 1000, 1024, 2999, 3000]


@pytest.mark.parametrize("n", LENGTHS)
def test_powers_are_those_of_the_discrete_fourier_transform(n):
    x = np.random.default_rng(n).standard_normal(n)
    bins = n // 2 + 1
    expected = np.abs(np.fft.rfft(x)) ** 2
    np.testing.assert_allclose(powers(x, bins), expected, rtol=1e-9, atol=1e-12 * expected.max())
    assert powers(x, bins)[: bins // 2].tolist() == powers(x, bins // 2).tolist()
