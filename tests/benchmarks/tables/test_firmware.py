"""The table of a stream on a microcontroller, from results of the shape that the question writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_results import environment

from benchmarks.questions import firmware as question
from benchmarks.tables.firmware import firmware

ROW = {
    "seconds": 100, "instructions": 1.5e9, "most_in_a_second": 124_000_000, "flash_bytes": 310_000,
    "ram_bytes": 124_000, "stack_bytes": 4000,
}  # fmt: skip


def test_the_table_has_every_row(tmp_path: Path) -> None:
    found = {"streams": {"130 Hz": ROW, "250 Hz": {"skipped": "no QEMU"}}}
    (tmp_path / "firmware.json").write_text(json.dumps({"environment": environment("firmware"), **found}))
    text = firmware(tmp_path)
    assert "| 130 Hz: flash, RAM, stack | 310 / 124 / 4 kB |" in text
    assert "the second with the most | 15.0 million; 124 |" in text
    assert text.count("not measured: no QEMU") == 2


def test_too_much_memory_misses_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    def costs(name: str, rhythm: bool) -> dict[str, Any]:
        return {**ROW, "ram_bytes": 300 << 10 if rhythm else 100}

    monkeypatch.setattr(question, "cost", costs)
    found = question.measure(quick=True)
    assert list(found["streams"]) == ["130 Hz", "130 Hz, without rhythm"]
    assert [word.split()[0] for word in found["targets"]["missed"]] == ["memory_kb"]


def test_where_nothing_can_be_emulated_the_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    boards = question.emulated_check().boards

    def none(install: bool) -> Any:
        raise boards.CannotRunError("Needed here: QEMU.")

    monkeypatch.setattr(boards, "cortex_m4f", none)
    monkeypatch.setattr(question, "emulated_check", lambda: type("Check", (), {"boards": boards}))
    found = question.measure(quick=True)
    assert found["streams"]["130 Hz"] == {"skipped": "Needed here: QEMU."}
