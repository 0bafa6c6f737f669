"""What people type as a time."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

import pytest

from ecgedge.cli.spans import parse_span
from ecgedge_bridge.errors import ConfigError

NIGHT = datetime(2026, 11, 28, 22, 30)


@pytest.mark.parametrize(
    ("from_", "to", "start_s", "end_s"),
    [
        (None, None, 0.0, math.inf),
        ("90", None, 90.0, math.inf),
        ("1.5s", "2.25", 1.5, 2.25),
        ("1:30", "1:00:00.5", 90.0, 3600.5),
        ("100:00", None, 6000.0, math.inf),
        ("@23:00", "@01:30", 1800.0, 10_800.0),
        ("@22:30", "@22:30", 0.0, 86_400.0),
        ("@22:29:59", None, 86_399.0, math.inf),
        ("2026-11-29T00:30", "2026-11-29 00:31:00", 7200.0, 7260.0),
        ("10", "@22:31", 10.0, 60.0),
    ],
)
def test_times(from_: str | None, to: str | None, start_s: float, end_s: float) -> None:
    span = parse_span(from_, to, NIGHT)
    assert (span.start_s, span.end_s) == (start_s, end_s)


@pytest.mark.parametrize(
    ("from_", "to", "start", "says"),
    [
        ("soon", None, NIGHT, "is no time: give seconds"),
        ("-5", None, NIGHT, "is no time"),
        ("1:75", None, NIGHT, "60 minutes or seconds"),
        ("@24:00", None, NIGHT, "is no time of day"),
        ("@1:00", None, None, "does not say when it began"),
        ("2026-11-01", None, NIGHT, "is before the recording"),
        ("2026-11-29T00:00Z", None, NIGHT, "no zone"),
        ("9", "9", NIGHT, "--to 9 is not behind --from 9"),
        (None, "0", NIGHT, "not behind"),
        ("nan", None, NIGHT, "is no time"),
    ],
)
def test_what_is_no_time(from_: str | None, to: str | None, start: datetime | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_span(from_, to, start)


def test_the_clock_of_a_recording_with_a_zone_is_that_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        start = datetime(2026, 11, 28, 18, 0, tzinfo=UTC)  # 23:30 there
        assert parse_span("@23:45", None, start).start_s == 900.0
        assert parse_span("2026-11-29T00:30", None, start).start_s == 3600.0
        assert parse_span("2026-11-28T19:00Z", None, start).start_s == 3600.0
    finally:
        monkeypatch.undo()
        time.tzset()
