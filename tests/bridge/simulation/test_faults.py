"""Every row of the table of faults: what the events said, what was lost, when data flowed again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.questions import faults
from ecgedge_bridge import HeartRate, LinkState

OUTCOMES: dict[int, Any] = {}


def outcome_of(number: int) -> Any:
    """Each row is played once for all tests that look at it."""
    if number not in OUTCOMES:
        OUTCOMES[number] = faults.run(faults.SCENARIOS[number])
    return OUTCOMES[number]


def sent(outcome: Any) -> np.ndarray:
    """What the device sent in readable frames, in order."""
    keep = np.ones(len(outcome.mv), bool)
    for gap in outcome.wearable.ledger.lost:
        keep[gap.start : gap.stop] = False
    assert outcome.wearable.ledger.played == len(outcome.mv)
    return outcome.mv[keep]


ROWS = [
    pytest.param(number, id=f"{number + 1}-{one.device.name}-{one.injected}")
    for number, one in enumerate(faults.SCENARIOS)
]
WITH_ECG = [row for row in ROWS if faults.SCENARIOS[row.values[0]].device is not faults.HEART_RATE]
COUNTED = [row for row in WITH_ECG if faults.SCENARIOS[row.values[0]].loss_is_exact]


def test_the_table_is_long_enough() -> None:
    assert len(faults.SCENARIOS) >= 20
    assert len({(one.device.name, one.injected) for one in faults.SCENARIOS}) == len(faults.SCENARIOS)


@pytest.mark.parametrize("number", ROWS)
def test_the_events_say_what_happened_and_data_flows_again(number: int) -> None:
    scenario, outcome = faults.SCENARIOS[number], outcome_of(number)
    said = iter(outcome.said)
    for part in scenario.says:
        assert any(part in text for text in said), (part, outcome.said)
    if not scenario.says:
        assert outcome.said == []
    assert outcome.silence_s <= scenario.within_s
    states = [event.state for event in outcome.events if isinstance(event, LinkState)]
    assert states[-1] == "stopped"
    assert [one for one in states if one in ("streaming", "backing_off")][-1] == "streaming"


@pytest.mark.parametrize("number", WITH_ECG)
def test_nothing_that_the_device_sent_is_missing(number: int) -> None:
    outcome = outcome_of(number)
    got = np.concatenate([block.samples for block in outcome.blocks])
    # Half a step of the coarsest front end; the others are exact.
    np.testing.assert_allclose(got, sent(outcome), rtol=0, atol=2e-4)


@pytest.mark.parametrize("number", COUNTED)
def test_every_lost_sample_is_counted_and_every_other_is_at_its_place(number: int) -> None:
    scenario, outcome = faults.SCENARIOS[number], outcome_of(number)
    assert outcome.counted == outcome.wearable.ledger.lost_samples + scenario.guessed
    places = np.concatenate([np.arange(block.sample, block.end_sample) for block in outcome.blocks])
    keep = np.ones(len(outcome.mv), bool)
    for gap in outcome.wearable.ledger.lost:
        keep[gap.start : gap.stop] = False
    shift = places - np.flatnonzero(keep)
    assert set(shift) == {0, scenario.guessed}


def test_a_device_that_numbers_nothing_has_its_loss_estimated() -> None:
    (number,) = (i for i, one in enumerate(faults.SCENARIOS) if not one.loss_is_exact)
    outcome = outcome_of(number)
    assert outcome.counted == pytest.approx(outcome.wearable.ledger.lost_samples, rel=0.1)


def test_every_heart_rate_that_was_sent_arrives() -> None:
    rows = [i for i, one in enumerate(faults.SCENARIOS) if one.device is faults.HEART_RATE]
    for number in rows:
        outcome = outcome_of(number)
        got = [event.bpm for event in outcome.events if isinstance(event, HeartRate)]
        played = faults.heart_rate(outcome.mv)._tape.take(len(outcome.mv))
        outcome.mv = played
        assert got == sent(outcome).astype(int).tolist()


def test_the_file_says_what_happens_now() -> None:
    outcomes = [outcome_of(number) for number in range(len(faults.SCENARIOS))]
    assert faults.TABLE.read_text() == faults.table(outcomes), "run python -m benchmarks faults"
