"""Codes in place of floats: the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecgedge.artefacts.backends import load_backend
from ecgedge.artefacts.backends.interpreter import Quantizer, quantization
from ecgedge.artefacts.folder import BUNDLED

NETWORKS = ("rhythm", "beat_classes", "waves", "tokens", "leads")


def windows(backend: Any, k: int) -> Any:
    shape = backend.artefact.input.shape
    return np.random.default_rng(k).uniform(-1.6, 1.6, (k, *shape[1:])).astype(np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_codes_give_the_codes_of_the_logits(name: str) -> None:
    pytest.importorskip("ai_edge_litert")
    backend: Any = load_backend(BUNDLED / name, "litert")
    codes, (scale, zero) = Quantizer(backend.artefact.input), quantization(backend.artefact.output)
    for window in windows(backend, 6):
        found = backend.run_codes(codes(window[None]))
        assert found.dtype == np.int8
        logits = backend.run(window[None])
        np.testing.assert_array_equal((found.astype(np.float32) - zero) * scale, logits)
        assert found.argmax() == logits.argmax()


def test_codes_that_are_none_are_refused() -> None:
    pytest.importorskip("ai_edge_litert")
    backend: Any = load_backend(BUNDLED / "beat_classes", "litert")
    for given in (np.zeros((1, 1, 271), np.int8), np.zeros((1, 1, 272), np.float32)):
        with pytest.raises(ValueError, match="Cannot set tensor"):
            backend.run_codes(given)
