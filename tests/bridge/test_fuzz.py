"""A share of ``make fuzz``: rubbish through every decoder, and every valid frame comes out whole."""

from __future__ import annotations

import tracemalloc

import fuzz
import pytest

# Together about 40 s on one slow core; `make fuzz` does a million.
_SHARE = 10_000


NAMES = [subject.name for subject in fuzz.SUBJECTS]


@pytest.mark.parametrize("subject", fuzz.SUBJECTS, ids=NAMES)
def test_rubbish_raises_nothing_and_costs_no_valid_frame(subject: object) -> None:
    seen = fuzz.fuzz(subject, _SHARE, seed=11)
    assert seen.notifications >= _SHARE
    assert seen.valid > _SHARE / 8
    assert seen.lost == 0
    # Both kinds of rubbish were among it: what is refused, and what reads like a frame.
    assert seen.statuses > _SHARE / 10
    # A frame with a checksum reads only if it is one that was sent before, and that is known again.
    assert seen.read > 0 or "ecgedge" in seen.name


@pytest.mark.parametrize("subject", fuzz.SUBJECTS[:-1], ids=NAMES[:-1])
def test_memory_does_not_grow_with_rubbish(subject: object) -> None:
    run = fuzz.Run(subject, seed=3)
    run._take = lambda events: None
    run.go(3000)
    tracemalloc.start()
    try:
        run.go(4000)
        before, _ = tracemalloc.get_traced_memory()
        run.go(8000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A decoder keeps recent frames and what may have come late, and nothing that it has given out.
    assert after - before < 1_000_000


def test_the_engine_sees_a_decoder_that_loses_frames() -> None:
    (healthy,) = (subject for subject in fuzz.SUBJECTS if subject.name == "movesense_int32")

    def forgetful() -> object:
        decoder = healthy.make()
        receive, calls = decoder.receive_data, iter(range(10**9))
        decoder.receive_data = lambda data, at: receive(data, at) if next(calls) % 7 else []
        return decoder

    assert fuzz.fuzz(fuzz.Subject("forgetful", forgetful, healthy.frames), 2000).lost > 10


def test_the_engine_sees_a_decoder_that_spoils_samples() -> None:
    (healthy,) = (subject for subject in fuzz.SUBJECTS if subject.name == "movesense_int32")
    (other,) = (subject for subject in fuzz.SUBJECTS if subject.name == "movesense_mv")
    mixed = fuzz.Subject("mixed", healthy.make, other.frames)
    seen = fuzz.fuzz(mixed, 500)
    assert seen.lost > 0
