"""How many wearables does a gateway process hold, what gives first, and what does a wearable's hour cost?

Straps at real rates come over mosquitto to ``ecgedge gateway``, more and more of them until something is lost
or waits for five seconds; then once half-way between. All processes share the machine. Beside it the bytes
of an hour of one strap as it was received, as events, as states, and as words.
"""

from __future__ import annotations

from typing import Any

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.not_measured import or_skipped, skipped
from benchmarks.questions.fleet import thin
from benchmarks.questions.fleet.expected import Key, expected
from benchmarks.questions.fleet.stages import Stage, run

# Gateways, whether they record, messages that mosquitto keeps for each, and straps: until something gives.
# By default mosquitto keeps 1,000.
Series = tuple[tuple[int, bool, int, tuple[int, ...]], ...]
SERIES: Series = (
    (1, False, 1_000, (300,)),
    (1, False, 20_000, (400, 600, 800, 1000)),  # a process takes no more: MOST_WEARABLES
    (1, True, 20_000, (300, 500, 700, 900)),
    (2, False, 20_000, (600, 1000, 1400, 1800)),
)
QUICK_SERIES: Series = ((2, True, 20_000, (20,)),)
# Frames of each strap (28 s, and 19 s), and seconds of ECG of the thin modes
FRAMES, THIN_S = (50, 34), (3600.0, 60.0)


def ramp(
    gateways: int,
    records: bool,
    queue: int,
    numbers: tuple[int, ...],
    frames: int,
    wanted: list[dict[Key, int]],
) -> list[dict[str, Any]]:
    """Try more and more straps until something gives; then once between what held and what did not."""
    rows: list[dict[str, Any]] = []

    def gives(n: int) -> bool:
        rows.append(or_skipped(run, Stage(n, gateways, records, queue, frames), wanted))
        print(_line(rows[-1]), flush=True)
        return skipped(rows[-1]) or bool(rows[-1]["breaks"])

    held = 0
    for n in numbers:
        if gives(n):
            if not skipped(rows[-1]):
                gives((held + n) // 2)
            break
        held = n
    return rows


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    wanted = expected(FRAMES[quick])
    series = QUICK_SERIES if quick else SERIES
    rows = [row for which in series for row in ramp(*which, FRAMES[quick], wanted)]
    return {"stages": rows, "thin": or_skipped(thin.measure, THIN_S[quick])}


def _line(row: dict[str, Any]) -> str:
    """What matters of a number of straps."""
    if skipped(row):
        return f"not measured: {row['skipped']}"
    shares = ", ".join(f"{one['share_of_a_core']:.2f}" for one in row["gateway"])
    delay = row["delay_ms"]
    return (
        f"{row['n']:5} straps, {row['gateways']} gateway(s){', recording' * row['records']}, "
        f"queue of {row['queue']:,}: "
        f"{shares} of a core, {row['gateway'][0]['rss_mb']:.0f} MB; "
        f"broker {row['broker']['share_of_a_core']:.2f}, straps {row['fleet']['share_of_a_core']:.2f}; "
        f"events after {delay.get('p50', 0):.0f} / {delay.get('p99', 0):.0f} ms; "
        f"lost {row['lost_packets']} packets, late {row['late_events']} events; "
        f"gave first: {row['breaks'] or 'nothing'}"
    )


def show(found: dict[str, Any]) -> None:
    """Print the bytes of an hour; stages were printed as they ended."""
    if skipped(found["thin"]):
        print(f"bytes not measured: {found['thin']['skipped']}")
        return
    for mode in thin.MODES:
        row = found["thin"][mode]
        print(f"{mode:7} {row['sent_bytes']:12,.0f} bytes an hour sent, {row['kept_bytes']:12,.0f} kept")


def main(arguments: Arguments = None) -> int:
    """Measure, print and write."""
    return command.answer(__doc__, "fleet", measure, show, arguments)
