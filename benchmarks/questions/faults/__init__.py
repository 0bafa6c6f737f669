"""What goes wrong with a wearable, and what the link makes of it: a table of faults, run in simulated time.

The table is ``firmware_bridge/FAULTS.md``; a quick run prints some of its rows. The tests run the same
scenarios and keep the file fresh.
"""

from __future__ import annotations

from benchmarks.harness import command
from benchmarks.harness.machine import ROOT
from benchmarks.questions.faults.devices import HEART_RATE, heart_rate
from benchmarks.questions.faults.scenarios import SCENARIOS, Outcome, Scenario, run

__all__ = ["HEART_RATE", "SCENARIOS", "TABLE", "heart_rate", "main", "row", "run", "table"]

TABLE = ROOT / "firmware_bridge" / "FAULTS.md"

_HEAD = """# Faults, and what the link makes of them

Every row is a test (`tests/bridge/simulation/test_faults.py`): a virtual wearable on a simulated
radio, the link with its default time limits, and simulated time, so that the seconds are those of life.
Written by `python -m benchmarks faults`; a test keeps it fresh.

*Lost* is what the device did not send in a readable frame, in samples; *counted* is what the link reported as
missing. *Silence* is the longest time without data, from the last of it before the fault to the first after.
In every row nothing that the device sent in a readable frame is missing or at another place than it belongs.

| # | device | what happens 20 s into the stream | what the events say | lost | counted | silence, s |
|---|---|---|---|---|---|---|
"""


def row(number: int, scenario: Scenario, outcome: Outcome) -> str:
    """One line of the table."""
    lost = outcome.wearable.ledger.lost_samples
    nothing = "nothing: the jump of the sample index says it" if lost else "nothing"
    said = " · ".join(outcome.said) or nothing
    counted = "none has a number" if scenario.device is HEART_RATE else f"{outcome.counted}"
    cells = (number, scenario.device.name, scenario.injected, said, lost, counted, f"{outcome.silence_s:.0f}")
    return "| " + " | ".join(map(str, cells)) + " |\n"


def table(outcomes: list[Outcome]) -> str:
    """The whole file."""
    return _HEAD + "".join(map(row, range(1, len(outcomes) + 1), SCENARIOS, outcomes))


def main(arguments: command.Arguments = None) -> int:
    """Write the table; a quick run prints every eighth row, to see that all works."""
    asked = command.parser(__doc__, "faults").parse_args(arguments)
    if asked.quick:
        for number, scenario in list(enumerate(SCENARIOS, 1))[::8]:
            print(row(number, scenario, run(scenario)), end="")
    else:
        (asked.out or TABLE).write_text(table([run(scenario) for scenario in SCENARIOS]))
    return 0
